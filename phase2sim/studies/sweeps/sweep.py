"""A sweep, start to finish: what the store lacks is simulated, and everything is measured."""

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
from phase2sim.operating.characteristics import ClosedFormOf, closed_forms
from phase2sim.scenario.sweep_file import Sweep
from phase2sim.studies.store.folder import Store, writing
from phase2sim.studies.store.manifest import Manifest, read_manifest, write_manifest
from phase2sim.studies.sweeps.cells import Assemblies, Cell, Group, Priors, cells_of, groups_of
from phase2sim.studies.sweeps.forecast import Forecast, forecast
from phase2sim.studies.sweeps.measure import measure
from phase2sim.studies.sweeps.result_rows import Rows, shares_view
from phase2sim.studies.sweeps.results import Results, entry_of, keep_measured
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
    """How many trials: a number, a precision, or a time; the scenario's number if none is said."""

    trials: int | None = None
    mcse: float | None = None
    of: Literal["share", "difference"] = "share"
    seconds: float | None = None
    started: float = 0.0  # time.monotonic() from which the seconds count

    @property
    def in_words(self) -> dict[str, Any]:
        """For the manifest."""
        said = {"trials": self.trials, "mcse": self.mcse, "seconds": self.seconds}
        return {key: value for key, value in said.items() if value is not None}


@dataclass(frozen=True, slots=True, repr=False)
class SweepResult(Viewed):
    """Outcome of a sweep, as ``sweep`` returns it.

    Attributes
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
        Damaged files that were set aside; their trials were simulated again.
    imprecise : tuple of mapping
        Axis values of the cells whose Monte Carlo standard error is still above the requested one.
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
    damaged: tuple[Path, ...]  # files that were put aside, their trials simulated anew
    imprecise: tuple[Mapping[str, object], ...]  # cells still above the standard error wished for
    refused: tuple[str, ...]  # why some numbers are not to be used
    rows: Rows  # of this sweep's cells

    def frame(self) -> "DataFrame":
        """The rows as a pandas data frame."""
        return self.rows.frame()

    def dataset(self) -> "Dataset":
        """The rows as an xarray dataset over name, truth, analysis and the axes."""
        return self.rows.dataset()

    def view(self) -> View:
        """One line a cell, and what went wrong."""
        notes = [f"Refused: {why}" for why in self.refused]
        if self.damaged:
            notes.append(f"{len(self.damaged)} damaged files were put aside and made anew.")
        if not self.finished:
            notes.append("Stopped before its end. The same call goes on from here.")
        found = shares_view(self.rows, f"{self.cells:,} cells in {self.folder}")
        return replace(found, notes=(*found.notes, *notes))


@dataclass(frozen=True, slots=True)
class Prepared:
    """A sweep ready to run, with what it would cost."""

    sweep: Sweep
    asked: SweepOptions
    cells: tuple[Cell, ...]
    groups: tuple[Group, ...]
    assemblies: Assemblies
    references: Mapping[str, Cell]
    forecast: Forecast


def prepare_sweep(
    sweep: Sweep, out: Path, asked: SweepOptions, workers: int, report: Callable[[str], None]
) -> Prepared:
    """Build and check every cell, fit what was never fitted, and reckon what it will cost."""
    priors = Priors(report)
    cells = cells_of(sweep, priors)
    groups, assemblies = groups_of(cells), Assemblies(priors)
    references = _references(sweep, cells)
    if asked.of == "difference" and not references:
        raise BadInput(
            f"{sweep.path}: reference is missing; a standard error of the difference needs it. Add"
            ' one such as reference = { method = "ancova" }.'
        )
    open_ended = asked.mcse is not None or asked.seconds is not None
    trials = None if open_ended else asked.trials or cells[0].scenario.trials
    for group in groups:
        assemblies.of(group)  # refuses what does not fit, before anything is simulated
    cost = forecast(Store(out), groups, assemblies, trials, workers)
    if cost.seconds:
        cost = replace(cost, seconds=cost.seconds + _Measuring(cells)(cost.trials))
    return Prepared(sweep, asked, cells, groups, assemblies, references, cost)


def run_sweep(
    prepared: Prepared,
    out: Path,
    backend: Backend,
    command: Sequence[str],
    progress: Callable[[Status], None],
) -> SweepResult:
    """Simulate what the store lacks and measure all of it.

    An interrupt ends it at the next file, with what is there measured. Raises ``BadInput`` for a
    folder that cannot be used, ``NotWritten`` for a full disk.
    """
    start = time.monotonic()
    with writing(out) as store, noted_interrupts() as interrupts:
        damaged = [p for cell in prepared.cells for p in store.put_aside_damaged(cell.study)]
        manifest = _noted(store, prepared, command)
        wish = _wish(prepared)
        campaign = Campaign(
            store=store,
            groups=prepared.groups,
            assemblies=prepared.assemblies,
            backend=backend,
            progress=progress,
            interrupts=interrupts,
            wish=wish,
        )
        finished = campaign.run()
        results = Results(store, manifest, prepared.cells)
        rows = _measured(store, results, prepared)
    keys = {cell.key for cell in prepared.cells}
    imprecise = wish.unfulfilled if isinstance(wish, Precision) else []
    return SweepResult(
        folder=out,
        cells=len(prepared.cells),
        trials_done=campaign.trials_done,
        failed=campaign.failed,
        seconds=time.monotonic() - start,
        finished=finished,
        damaged=tuple(damaged),
        imprecise=tuple(cell.labels for cell in imprecise),
        refused=tuple(results.refused),
        rows=Rows(tuple(row for row in rows if row["cell"] in keys)),
    )


def _references(sweep: Sweep, cells: Sequence[Cell]) -> dict[str, Cell]:
    """Cell -> the one it is compared with: the same but for the reference's places on the axes."""
    if not sweep.reference:
        return {}
    by_labels = {_place(cell.labels): cell for cell in cells}
    found = {cell.key: by_labels.get(_place({**cell.labels, **sweep.reference})) for cell in cells}
    return {key: other for key, other in found.items() if other and other.key != key}


def _place(labels: Mapping[str, object]) -> str:
    return json.dumps(dict(labels), sort_keys=True)


def _noted(store: Store, prepared: Prepared, command: Sequence[str]) -> Manifest:
    """Write down what is asked for before it is simulated."""
    manifest = read_manifest(store)
    for cell in prepared.cells:
        before = manifest.cells.get(cell.key, {"requested": 0})
        reference = prepared.references.get(cell.key)
        manifest.cells[cell.key] = entry_of(
            cell,
            requested=max(before["requested"], prepared.forecast.trials),
            compared_with=reference.key if reference else None,
        )
    manifest.add_run(
        shlex.join(command),
        {"asked": prepared.asked.in_words, "sweep": prepared.sweep.text},
    )
    write_manifest(store, manifest)
    return manifest


def _wish(prepared: Prepared) -> TrialTarget:
    asked, cells = prepared.asked, prepared.cells
    if asked.seconds is not None:
        measuring = _Measuring(cells)
        return Budget(cells, asked.seconds, asked.started, measuring, measuring.timed)
    if asked.mcse is not None:
        references = prepared.references if asked.of == "difference" else {}
        return Precision(cells, asked.mcse, asked.trials or MOST_TRIALS, references)
    return FixedTrials(cells, prepared.forecast.trials)


@dataclass(slots=True)
class _Measuring:
    """Seconds that measuring all cells takes, after so many trials of each: a rough line."""

    cells: Sequence[Cell]
    a_row: float = 4e-7  # truth, verdict and trial

    def __call__(self, trials: int) -> float:
        rows = sum(len(cell.truths) * len(cell.verdicts) for cell in self.cells)
        return len(self.cells) * _SECONDS_A_CELL + rows * trials * self.a_row

    def timed(self, store: Store) -> None:
        """Learn how fast this machine is by measuring one cell, once enough trials are there."""
        cell = self.cells[0]
        rows = len(cell.truths) * len(cell.verdicts) * store.trials(cell.study)
        if rows >= _ROWS_TO_TIME:
            start = time.monotonic()
            measure(store, cell, 0, lambda _number, _truth: None)
            # Its decisions are written too, and others are compared with it.
            self.a_row = _MARGIN * (time.monotonic() - start) / rows


def _measured(store: Store, results: Results, prepared: Prepared) -> list[dict[str, Any]]:
    """Measure every cell whose trials changed, and write tables of numbers and of decisions."""
    places = {study: group for group in prepared.groups for study in group.studies.values()}
    cells = {cell.key: cell for cell in prepared.cells}

    def closed_form_of(key: str) -> ClosedFormOf | None:
        if key not in cells:
            return None
        cell = cells[key]
        return closed_forms(prepared.assemblies.of_cell(cell, places[cell.study]))

    return keep_measured(store, results, closed_form_of)
