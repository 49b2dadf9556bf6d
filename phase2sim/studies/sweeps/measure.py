"""From stored trials to the operating characteristics of a cell: the same sums as in a run."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from operator import add

import numpy as np
from numpy.typing import NDArray

from phase2sim.core.contracts import GO, UNDECIDED
from phase2sim.core.decision import side_by_side
from phase2sim.core.draws_error import Picks, paired_with_draws
from phase2sim.core.measured import Measured, mean_of
from phase2sim.operating.analysis_failures import failed_too_often
from phase2sim.operating.characteristics import (
    Characteristic,
    ClosedFormLookup,
    operating_characteristics,
)
from phase2sim.operating.draw_sums import sum_by_draw
from phase2sim.operating.judgements import with_fitted
from phase2sim.operating.measures import TrialSums, by_class, tally
from phase2sim.scenario.assembly.parts import BuiltScenario
from phase2sim.studies.store.results_folder import Store
from phase2sim.studies.sweeps.cells import Cell
from phase2sim.trial.batch_results import BatchResults
from phase2sim.trial.interim.harm_stops import sums_of_harm, with_harm
from phase2sim.trial.interim.trial_ends import TrialEnds
from phase2sim.trial.safety.monitoring import stop_for_harm

_TRIALS_AT_ONCE = 100_000  # added up together: memory stays bounded, and sums never differ

type Verdicts = Mapping[str, NDArray[np.int8]]  # truth -> (trial, verdict)


@dataclass(frozen=True, slots=True)
class Measurements:
    """Operating characteristics and verdicts of the stored trials of a cell."""

    cell: Cell
    trials: int
    rows: tuple[Characteristic, ...]
    verdicts: Verdicts
    refused: Mapping[str, str]  # truth -> why its numbers must not be used


def measure(
    store: Store, cell: Cell, requested: int, closed_form: ClosedFormLookup
) -> Measurements:
    """Decide on every stored trial of a cell and add up; raises ``DamagedFile``."""
    sums: dict[str, TrialSums] = {}
    verdicts: dict[str, list[NDArray[np.int8]]] = {truth: [] for truth in cell.truths}
    trials = store.trials(cell.study)
    for part, verdicts_by_truth in _parts(store, cell, trials):
        for truth, (part_sums, verdict) in zip(cell.truths, verdicts_by_truth, strict=True):
            sums[truth] = part_sums if part == 0 else add(sums[truth], part_sums)
            verdicts[truth].append(verdict)
    rows = operating_characteristics(cell.built, sums, max(requested, trials), closed_form)
    return Measurements(
        cell=cell,
        trials=trials,
        rows=tuple(rows),
        verdicts={truth: np.concatenate(batches) for truth, batches in verdicts.items() if batches},
        refused=dict(failed_too_often(cell.built, sums)),
    )


def verdicts_of(store: Store, cell: Cell, trials: int | None = None) -> Verdicts:
    """Verdicts on the first ``trials`` trials of a cell, by default all, by truth."""
    results_by_truth = store.batch_results(cell.study, 0, trials)
    return {truth: stored_verdicts(cell, results) for truth, results in results_by_truth.items()}


def difference(
    verdicts: NDArray[np.int8],
    reference: NDArray[np.int8],
    picks: tuple[Picks | None, Picks | None] = (None, None),
) -> Measured:
    """Share of go minus that of a reference whose trials have the same patients.

    The standard error is that of the paired difference; a failed trial is no go. ``picks`` are the
    prior draws behind the trials of both.
    """
    trials = min(len(verdicts), len(reference))
    go, reference_go = verdicts[:trials], reference[:trials]
    failed = int(((go == UNDECIDED) | (reference_go == UNDECIDED)).sum())
    differences = (go == GO).astype(np.int64) - (reference_go == GO)
    # A sum of whole numbers is exact, so the pairs can be added in any order.
    mean = mean_of(int(differences.sum()), int((differences**2).sum()), trials, trials, trials)
    mean = replace(mean, failed=failed)
    mine, theirs = (of_cell and of_cell.first(trials) for of_cell in picks)
    return paired_with_draws(mean, go == GO, reference_go == GO, (mine, theirs))


def difference_of_cells(
    truth: str, number: int, cell: tuple[Cell, Verdicts], reference: tuple[Cell, Verdicts]
) -> Measured:
    """Difference in the share of go of two cells, under one truth, for one verdict."""
    verdicts, others = cell[1][truth][:, number], reference[1][truth][:, number]
    picks = cell[0].picks(truth, 0, len(verdicts)), reference[0].picks(truth, 0, len(others))
    return difference(verdicts, others, picks)


def _parts(
    store: Store, cell: Cell, trials: int
) -> Iterator[tuple[int, list[tuple[TrialSums, NDArray[np.int8]]]]]:
    for part, first in enumerate(range(0, trials, _TRIALS_AT_ONCE)):
        last = min(first + _TRIALS_AT_ONCE, trials)
        results = store.batch_results(cell.study, first, last)
        picks = {truth: cell.picks(truth, first, last) for truth in cell.truths}
        yield (
            part,
            [_sum_trials(cell, truth, results[truth], picks[truth]) for truth in cell.truths],
        )


def _sum_trials(
    cell: Cell, truth: str, results: BatchResults, picks: Picks | None
) -> tuple[TrialSums, NDArray[np.int8]]:
    """Sums and verdicts (trial, verdict) of stored trials under one truth."""
    built, true_effect = cell.built, results.true_effect
    ends = end_stored_trials(cell.built, results)
    harm = sums_of_harm(built.study.safety, results.watched, ends, built.study.plan.patients)
    look, months = (results, None) if ends is None else (ends.look, ends.look.months)
    verdict = stored_verdicts(cell, results) if ends is None else ends.course.verdict
    of_trials = look.estimates, true_effect, look.missing, verdict
    sums = tally(*of_trials, months=months, trial_ends=ends, harm=harm)
    truth_classes = built.study.decision.classes(true_effect.T, built.study.hypotheses)
    draw_sums = sum_by_draw(
        picks, *of_trials, classes=truth_classes, months=months, trial_ends=ends
    )
    sums = replace(sums, by_class=by_class(verdict, truth_classes), by_draw=draw_sums)
    return with_fitted(sums, built, truth, verdict, first=results.first, picks=picks), verdict


def stored_verdicts(cell: Cell, results: BatchResults) -> NDArray[np.int8]:
    """Verdicts (trial, verdict) on stored estimates."""
    ends = end_stored_trials(cell.built, results)
    if ends is not None:
        return ends.course.verdict
    built = cell.built
    verdict = built.study.decision.decide(side_by_side(results.estimates, built.study.hypotheses))
    return stop_for_harm(verdict, results.watched)


def end_stored_trials(built: BuiltScenario, results: BatchResults) -> TrialEnds | None:
    """Where stored trials stop, by a scenario's rule or for harm; None without looks."""
    study = built.study
    if study.interim is None:
        return None
    ends = study.interim.rule.end_trials(study.decision, study.hypotheses, results.looks)
    return with_harm(ends, results.looks, results.watched)
