"""Cost of a sweep, forecast by timing a few trials of a few groups."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from phase2sim.studies.store.results_folder import Store
from phase2sim.studies.sweeps.cells import Assemblies, Group
from phase2sim.studies.sweeps.work_units import (
    TRIALS_A_FILE,
    Work,
    WorkResult,
    WorkUnit,
    missing_pieces,
    simulate_piece,
)

_GROUPS_TIMED = 6
_TRIALS = (20, 200)  # the second only if the first were quick
_QUICK_SECONDS = 0.05
_BYTES_A_ROW = 21  # three numbers of a truth, an analysis and a trial; more if others vary too
_BYTES_A_FILE = 5_000  # before the first trial: what describes the columns and the study


@dataclass(frozen=True, slots=True)
class Forecast:
    """Remaining work of a sweep, and its cost."""

    cells: int
    trials: int  # of a study, as requested
    trials_left: int  # over all cells, that the store does not hold
    seconds: float | None  # None where the number of trials is set during the sweep
    bytes: float | None
    trials_a_second: float  # of one worker, over cells and truths


def forecast(
    store: Store, groups: Sequence[Group], assemblies: Assemblies, trials: int | None, workers: int
) -> Forecast:
    """Time a few groups and extrapolate; ``trials`` is None if the number is not fixed."""
    timed = sorted({round(k * (len(groups) - 1) / _GROUPS_TIMED) for k in range(_GROUPS_TIMED + 1)})
    costs = {number: _cost(groups[number], assemblies) for number in timed}
    seconds = size = 0.0
    trials_left = cells = 0
    for number, group in enumerate(groups):
        cells += len(group.sizes)
        nearest = min(timed, key=lambda timed_group: abs(timed_group - number))
        a_trial, bytes_a_trial = costs[nearest]
        a_trial *= group.sizes[-1] / groups[nearest].sizes[-1]
        for piece in _missing_units(store, group, trials or TRIALS_A_FILE):
            trials_left += piece.trials * len(piece.sizes)
            seconds += a_trial * piece.trials
            size += len(piece.sizes) * (_BYTES_A_FILE + bytes_a_trial * piece.trials)
    is_fixed = trials is not None
    return Forecast(
        cells=cells,
        trials=trials or 0,
        trials_left=trials_left if is_fixed else 0,
        seconds=seconds / workers if is_fixed else None,
        bytes=size if is_fixed else None,
        trials_a_second=trials_left / seconds if seconds else math.nan,
    )


def _missing_units(store: Store, group: Group, trials: int) -> list[WorkUnit]:
    stretches = {n: store.stretches(study) for n, study in group.studies.items()}
    return missing_pieces(0, stretches, dict.fromkeys(group.sizes, trials), TRIALS_A_FILE)


def _cost(group: Group, assemblies: Assemblies) -> tuple[float, float]:
    """Seconds per trial, all sizes and truths together, and bytes per trial of one size."""
    assembled = assemblies.assemble(group)
    work = Work(assembled.study, assembled.sources, group.headers)
    largest = group.sizes[-1:]
    simulate_piece(work, WorkUnit(0, 0, 1, largest))  # compiles the kernels
    few, many = _TRIALS
    quick = simulate_piece(work, WorkUnit(0, 0, few, largest)).seconds < _QUICK_SECONDS
    trials = many if quick else few
    result = simulate_piece(work, WorkUnit(0, 0, trials, group.sizes))
    rows = len(work.sources) * len(work.study.analyses)
    return result.seconds / trials, max(_bytes(result, trials), rows * _BYTES_A_ROW)


def _bytes(result: WorkResult, trials: int) -> float:
    size = sum(map(len, result.files)) / len(result.files)
    return max(size - _BYTES_A_FILE, 0.0) / trials
