"""A sweep from start to finish: missing trials are simulated, and all cells are measured."""

import json
import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from phase2sim.core.backends import Backend
from phase2sim.core.errors import BadInput
from phase2sim.core.interrupts import noted_interrupts
from phase2sim.core.io.views import View, Viewed
from phase2sim.core.progress import Status
from phase2sim.operating.characteristics import ClosedFormLookup, closed_forms
from phase2sim.scenario.assembly.unread_keys import refuse_unread_by_all
from phase2sim.scenario.sweep_file import Sweep
from phase2sim.studies.store.manifest import Manifest, read_manifest, write_manifest
from phase2sim.studies.store.results_folder import MANIFEST, DamagedFile, Store, writing
from phase2sim.studies.sweeps.cells import (
    Assemblies,
    Cell,
    Group,
    Priors,
    cells_of,
    entry_of,
    groups_of,
)
from phase2sim.studies.sweeps.forecast import Forecast, forecast
from phase2sim.studies.sweeps.measure import measure
from phase2sim.studies.sweeps.result_rows import Rows, shares_view
from phase2sim.studies.sweeps.results import Results, write_measurements
from phase2sim.studies.sweeps.runner import Campaign
from phase2sim.studies.sweeps.trial_targets import (
    MOST_TRIALS,
    Budget,
    FixedTrials,
    Precision,
    TrialTarget,
)

if TYPE_CHECKING:
    from pandas import DataFrame
    from xarray import Dataset

_SECONDS_A_CELL = 0.025
_ROWS_TO_TIME = 20_000
_MARGIN = 1.3
PRESETS = {"look": 100, "draft": 1_000, "internal": 10_000, "submission": 100_000}


@dataclass(frozen=True, slots=True)
class SweepOptions:
    """How many trials: a number, a precision or a time; by default the scenario's number."""

    trials: int | None = None
    mcse: float | None = None
    quantity: Literal["share", "difference"] = "share"
    seconds: float | None = None
    started: float = 0.0  # time.monotonic() from which the seconds count

    @property
    def in_words(self) -> dict[str, Any]:
        """Options as written to the manifest."""
        values = {"trials": self.trials, "mcse": self.mcse, "seconds": self.seconds}
        return {key: value for key, value in values.items() if value is not None}


@dataclass(frozen=True, slots=True, repr=False)
class SweepResult(Viewed):
    """Outcome of a sweep, as ``sweep`` returns it.

    Parameters
    ----------
    folder : Path
        Folder of the results.
    cells : int
        Number of cells of the sweep.
    trials_done : int
        Number of trials simulated in this call, over all cells.
    failed : int
        Number of analyses that failed in this call.
    seconds : float
        Duration of this call, in seconds.
    finished : bool
        False if the sweep was interrupted or ran out of time before its last trial.
    damaged : tuple of Path
        Damaged files that were made anew: trials set aside and simulated again, the manifest
        rebuilt, tables of an earlier version or with damage measured again.
    imprecise : tuple of mapping
        Axis values of the cells whose Monte Carlo standard error is still above the requested one.
    short_of_draws : tuple of mapping
        Those of ``imprecise`` that no number of trials makes precise enough: the draws of the
        fitted prior are too few.
    refused : tuple of str
        Reasons why some numbers must not be used.
    rows : Rows
        Results of the sweep's cells, one row per number.

    Examples
    --------
    The sweep has 45 cells: 5 sizes times 3 effects times 3 shares of dropout.

    >>> import phase2sim
    >>> result = phase2sim.sweep("scenarios/sweeps/meld-atg-sizes.toml", "out", trials=10)
    >>> result.cells, result.finished
    (45, True)
    >>> result.frame().query("name == 'power'").patients.nunique()
    5
    """

    folder: Path
    cells: int
    trials_done: int  # of this run, over all cells
    failed: int  # analyses, of this run
    seconds: float
    finished: bool
    damaged: tuple[Path, ...]  # files that were made anew, those of trials put aside
    imprecise: tuple[Mapping[str, object], ...]  # cells above the target standard error
    short_of_draws: tuple[Mapping[str, object], ...]  # of these, cells that no trials would help
    refused: tuple[str, ...]  # why some numbers must not be used
    rows: Rows  # of this sweep's cells

    def frame(self) -> "DataFrame":
        """The rows as a pandas data frame."""
        return self.rows.frame()

    def dataset(self) -> "Dataset":
        """The rows as an xarray dataset over name, truth, analysis and the axes."""
        return self.rows.dataset()

    def view(self) -> View:
        """One line per cell, and notes on refused numbers and damaged files."""
        notes = [f"Refused: {why}" for why in self.refused]
        if self.damaged:
            notes.append(damage_in_words(self.damaged))
        if not self.finished:
            notes.append("Stopped before its end. The same call goes on from here.")
        shares = shares_view(self.rows, f"{self.cells:,} cells in {self.folder}")
        return replace(shares, notes=(*shares.notes, *notes))


def damage_in_words(damaged: Sequence[Path]) -> str:
    """``2 damaged files were made anew, such as out/damaged/...``."""
    return (
        f"Damaged files, or files of an earlier version without a digest: {len(damaged)}, all made"
        f" anew, such as {damaged[0]}."
    )


@dataclass(frozen=True, slots=True)
class PreparedSweep:
    """A sweep ready to run, with its forecast cost."""

    sweep: Sweep
    options: SweepOptions
    cells: tuple[Cell, ...]
    groups: tuple[Group, ...]
    assemblies: Assemblies
    references: Mapping[str, Cell]
    forecast: Forecast


def prepare_sweep(
    sweep: Sweep, out: Path, options: SweepOptions, workers: int, report: Callable[[str], None]
) -> PreparedSweep:
    """Build and check every cell, fit missing priors, and forecast the cost."""
    priors = Priors(report)
    cells = cells_of(sweep, priors)
    if sweep.text:  # a file: the cells of a report are moves of a scenario that was checked
        refuse_unread_by_all((cell.built for cell in cells), str(sweep.path))
    groups, assemblies = groups_of(cells), Assemblies(priors)
    references = _references(sweep, cells)
    if options.quantity == "difference" and not references:
        raise BadInput(
            f"{sweep.path}: reference is missing; a standard error of the difference needs it. Add"
            ' one such as reference = { method = "ancova" }.'
        )
    open_ended = options.mcse is not None or options.seconds is not None
    trials = None if open_ended else options.trials or cells[0].scenario.trials
    for group in groups:
        assemblies.assemble(group)  # refuses what does not fit, before anything is simulated
    cost = forecast(Store(out), groups, assemblies, trials, workers)
    if cost.seconds:
        cost = replace(cost, seconds=cost.seconds + _MeasuringTime(cells)(cost.trials))
    return PreparedSweep(sweep, options, cells, groups, assemblies, references, cost)


def run_sweep(
    prepared: PreparedSweep,
    out: Path,
    backend: Backend,
    command: Sequence[str],
    progress: Callable[[Status], None],
) -> SweepResult:
    """Simulate the trials that the store lacks, and measure all cells.

    An interrupt ends it at the next file; stored trials are still measured. Raises ``BadInput``
    for a folder that cannot be used, ``NotWritten`` for a full disk.
    """
    start = time.monotonic()
    with writing(out) as store, noted_interrupts() as interrupts:
        damaged = [p for cell in prepared.cells for p in store.put_aside_damaged(cell.study)]
        manifest = _write_request(store, prepared, command)
        damaged += [out / MANIFEST] if manifest.damage else []
        trial_target = _trial_target(prepared)
        campaign = Campaign(
            store=store,
            groups=prepared.groups,
            assemblies=prepared.assemblies,
            backend=backend,
            progress=progress,
            interrupts=interrupts,
            trial_target=trial_target,
        )
        finished = campaign.run()
        results = Results(store, manifest, prepared.cells)
        damaged += results.damaged
        rows = _measure_cells(store, results, prepared)
    judged = trial_target if isinstance(trial_target, Precision) else Precision((), 0.0)
    return SweepResult(
        folder=out,
        cells=len(prepared.cells),
        trials_done=campaign.trials_done,
        failed=campaign.failed,
        seconds=time.monotonic() - start,
        finished=finished,
        damaged=tuple(damaged),
        imprecise=tuple(cell.labels for cell in judged.unfulfilled),
        short_of_draws=tuple(cell.labels for cell in judged.short_of_draws),
        refused=tuple(results.refused),
        rows=_rows_of(prepared.cells, rows),
    )


def _rows_of(cells: Sequence[Cell], rows: Sequence[Mapping[str, Any]]) -> Rows:
    """Rows of some cells, of those of a whole folder."""
    keys = {cell.key for cell in cells}
    return Rows(tuple(row for row in rows if row["cell"] in keys))


def _references(sweep: Sweep, cells: Sequence[Cell]) -> dict[str, Cell]:
    """Reference cell of each cell: the same labels but for those of the sweep's reference."""
    if not sweep.reference:
        return {}
    by_labels = {_labels_key(cell.labels): cell for cell in cells}
    references = {
        cell.key: by_labels.get(_labels_key({**cell.labels, **sweep.reference})) for cell in cells
    }
    return {
        key: reference
        for key, reference in references.items()
        if reference and reference.key != key
    }


def _labels_key(labels: Mapping[str, object]) -> str:
    return json.dumps(dict(labels), sort_keys=True)


def _write_request(store: Store, prepared: PreparedSweep, command: Sequence[str]) -> Manifest:
    """Write the requested cells and the run to the manifest, before anything is simulated."""
    manifest = read_manifest(store)
    for cell in prepared.cells:
        entry = manifest.cells.get(cell.key, {"requested": 0})
        reference = prepared.references.get(cell.key)
        manifest.cells[cell.key] = entry_of(
            cell,
            requested=max(entry["requested"], prepared.forecast.trials),
            compared_with=reference.key if reference else None,
        )
    manifest.add_run(
        shlex.join(command),
        {"asked": prepared.options.in_words, "sweep": prepared.sweep.text},
    )
    write_manifest(store, manifest)
    return manifest


def _trial_target(prepared: PreparedSweep) -> TrialTarget:
    options, cells = prepared.options, prepared.cells
    if options.seconds is not None:
        measuring = _MeasuringTime(cells)
        return Budget(cells, options.seconds, options.started, measuring, measuring.timed)
    if options.mcse is not None:
        references = prepared.references if options.quantity == "difference" else {}
        return Precision(cells, options.mcse, options.trials or MOST_TRIALS, references)
    return FixedTrials(cells, prepared.forecast.trials)


@dataclass(slots=True)
class _MeasuringTime:
    """Seconds that measuring all cells takes, a linear function of the trials of each."""

    cells: Sequence[Cell]
    a_row: float = 4e-7  # truth, verdict and trial

    def __call__(self, trials: int) -> float:
        rows = sum(len(cell.truths) * len(cell.verdicts) for cell in self.cells)
        return len(self.cells) * _SECONDS_A_CELL + rows * trials * self.a_row

    def timed(self, store: Store) -> None:
        """Time the measuring of one cell on this machine, once it has enough trials."""
        cell = self.cells[0]
        rows = len(cell.truths) * len(cell.verdicts) * store.trials(cell.study)
        if rows >= _ROWS_TO_TIME:
            start = time.monotonic()
            measure(store, cell, 0, lambda _number, _truth: None)
            # Its decisions are written too, and others are compared with it.
            self.a_row = _MARGIN * (time.monotonic() - start) / rows


def _measure_cells(store: Store, results: Results, prepared: PreparedSweep) -> list[dict[str, Any]]:
    """Measure every cell whose trials changed, and write the tables of numbers and verdicts."""
    group_of_study = {study: group for group in prepared.groups for study in group.studies.values()}
    cells = {cell.key: cell for cell in prepared.cells}

    def cell_closed_forms(key: str) -> ClosedFormLookup | None:
        if key not in cells:
            return None
        cell = cells[key]
        return closed_forms(prepared.assemblies.assemble_cell(cell, group_of_study[cell.study]))

    try:
        return write_measurements(store, results, cell_closed_forms)
    except DamagedFile:  # of another sweep in this folder, which has to be run again
        for study in store.studies():
            store.put_aside_damaged(study)
        return write_measurements(store, results, cell_closed_forms)
