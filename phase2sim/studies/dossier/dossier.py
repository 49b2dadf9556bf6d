"""From a scenario or a folder of results to all that a report says."""

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import stdtrit

from phase2sim.core.backends import Backend
from phase2sim.core.contracts import MODEL_SCALE
from phase2sim.core.endpoints import MEASURES
from phase2sim.core.errors import BadInput
from phase2sim.core.io.data_frames import Row
from phase2sim.core.measured import Measured, mean_of
from phase2sim.core.progress import Report, Status
from phase2sim.evidence.reported import Evidence
from phase2sim.operating.background import Background, background
from phase2sim.operating.simulation import prepare_scenario
from phase2sim.prior.check import PriorCheck, check_prior
from phase2sim.prior.draws import PriorDraws
from phase2sim.scenario.assembly.assemble import Assembled
from phase2sim.scenario.scenario_file import Scenario, load_scenario
from phase2sim.studies.dossier.example_trials import Example, examples
from phase2sim.studies.dossier.fingerprints import fingerprint
from phase2sim.studies.dossier.report_cells import NO_EFFECT, PLANNED, grids, labels_of
from phase2sim.studies.store.folder import Store, open_store
from phase2sim.studies.store.manifest import Manifest, read_manifest
from phase2sim.studies.sweeps.cells import Cell
from phase2sim.studies.sweeps.measure import Verdicts, difference, verdicts_of
from phase2sim.studies.sweeps.results import DECIDED, Results
from phase2sim.studies.sweeps.sweep import SweepOptions, prepare_sweep, run_sweep

SURFACE_TRIALS = 1_000  # of a cell of the explorer, at most
MOVED_TRIALS = 2_000  # of a cell with one assumption moved, at most


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """One share of go with one thing moved, beside the planned one on the same patients."""

    axis: str
    value: object
    row: Row
    change: Measured


@dataclass(frozen=True, slots=True)
class Needed:
    """The smallest estimate that an analysis would call significant, on average over trials."""

    analysis: str
    scale: str
    effect: Measured


@dataclass(frozen=True, slots=True)
class Dossier:
    """All that a report says of a scenario; every number of ``rows`` has its cell in ``folder``."""

    folder: Path
    command: str
    assembled: Assembled
    evidence: Evidence | None
    prior: PriorDraws | None
    main: Cell
    place: Mapping[str, Any]  # where the main cell is on the axes
    rows: tuple[Row, ...]
    background: tuple[Background, ...]
    moved: tuple[Sensitivity, ...]
    needed: tuple[Needed, ...]
    examples: tuple[Example, ...]
    check: PriorCheck | None
    fingerprints: Mapping[str, str]  # cell -> hash of its trials
    manifest: Manifest
    answers: Mapping[str, Any] = field(repr=False, default_factory=dict)

    @property
    def scenario(self) -> Scenario:
        """The planned trial."""
        return self.main.scenario

    @property
    def of_main(self) -> tuple[Row, ...]:
        """Rows of the planned trial."""
        return tuple(row for row in self.rows if row["cell"] == self.main.key)

    @property
    def main_verdict(self) -> str:
        """Name of the verdict that decides: that on all analyses together, if there is one."""
        return self.main.verdicts[-1]

    def sized(self, name: str, truth: str) -> tuple[Row, ...]:
        """Rows of one characteristic over the number of patients, all else as planned."""
        found = [
            row
            for row in self.rows
            if (row["name"], row["truth"]) == (name, truth)
            and row["analysis"] in self.main.verdicts
            and all(row.get(axis) == at for axis, at in self.place.items() if axis != "patients")
        ]
        best: dict[tuple[str, int], Row] = {}
        for row in found:
            key = row["analysis"], row["patients"]
            if key not in best or row["trials"] > best[key]["trials"]:
                best[key] = row
        order = self.main.verdicts
        return tuple(
            sorted(best.values(), key=lambda r: (order.index(r["analysis"]), r["patients"]))
        )


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """How much is simulated and shown."""

    trials: int | None = None  # the scenario's own if not said
    explorer: bool = True
    moves: bool = True
    examples: bool = True
    replicas: bool = True  # of the reported table


def dossier_of(
    source: Scenario | Path,
    store: Path | None,
    wish: ReportOptions,
    backend: Backend,
    command: Sequence[str],
    *,
    say: Report = lambda _line: None,
    progress: Callable[[Status], None] = lambda _status: None,
) -> Dossier:
    """Simulate what is lacking for a scenario, or take a folder as it is, and read what it says.

    Raises ``BadInput`` for a folder with ``wish.trials`` or ``store``, which would do nothing.
    """
    if isinstance(source, Path) and source.is_dir():
        if wish.trials or store:
            raise BadInput(
                f"{source}: a folder of results; --trials and --store are for a scenario. Leave"
                " them out; `phase2sim sweep` into the folder adds trials."
            )
        return gather(source, shlex.join(command), wish, say=say)
    scenario = load_scenario(source) if isinstance(source, Path) else source
    folder = store or Path("results") / f"{scenario.path.stem}-report"
    folder.parent.mkdir(parents=True, exist_ok=True)
    main = simulate_for(scenario, folder, wish, backend, command, say=say, progress=progress)
    return gather(folder, shlex.join(command), wish, main, say)


def simulate_for(
    scenario: Scenario,
    folder: Path,
    wish: ReportOptions,
    backend: Backend,
    command: Sequence[str],
    *,
    say: Report = lambda _line: None,
    progress: Callable[[Status], None] = lambda _status: None,
) -> str:
    """Simulate what ``folder`` lacks of a report's cells; return the planned trial's key."""
    ready = prepare_scenario(scenario, say)
    laid_out = grids(scenario, ready.assembled)
    trials = wish.trials or scenario.trials
    parts = [(laid_out.sizes, trials)]
    if laid_out.nulls.cells:
        parts.append((laid_out.nulls, trials))
    if wish.moves:
        parts.append((laid_out.moved, min(trials, MOVED_TRIALS)))
    # The explorer decides in the page on the final analysis alone, whatever stops a trial before.
    goes_on = scenario.stopping is None and scenario.safety is None
    if wish.explorer and laid_out.surface.cells and goes_on:
        parts.append((laid_out.surface, min(trials, SURFACE_TRIALS)))
    main = ""
    for sweep, enough in parts:
        prepared = prepare_sweep(sweep, folder, SweepOptions(trials=enough), backend.workers, say)
        say(f"{len(prepared.cells)} cells x {enough:,} trials ...")
        done = run_sweep(prepared, folder, backend, command, progress)
        if not done.finished:
            raise KeyboardInterrupt
        here = labels_of(scenario)
        main = main or next(c.key for c in prepared.cells if dict(c.labels) == here)
    return main


def gather(
    folder: Path,
    command: str,
    wish: ReportOptions,
    main: str = "",
    say: Report = lambda _line: None,
) -> Dossier:
    """Read a folder of results and collect what a report of its planned trial says.

    ``main`` is the planned trial's key; without it, the cell that others are compared with, else
    the first. Raises ``BadInput`` for a folder without results.
    """
    store = open_store(folder)
    manifest = read_manifest(store)
    results = Results(store, manifest)
    rows = tuple(results.rows())
    if not any(row["trials"] for row in rows):
        raise BadInput(f"{folder}: holds no trial yet. Run the sweep, then ask again.")
    key = main or _planned(manifest)
    cell = results.cell(key)
    ready = prepare_scenario(cell.scenario, say)
    answers = store.answers(cell.study)
    verdicts = verdicts_of(store, cell)
    place = dict(cell.labels)
    shown = examples(ready.assembled, answers, verdicts) if wish.examples else ()
    check = None
    if wish.replicas and ready.evidence is not None and ready.prior is not None:
        say("Replicating the reported table ...")
        check = check_prior(ready.evidence, ready.prior)
    return Dossier(
        folder=folder,
        command=command,
        assembled=ready.assembled,
        evidence=ready.evidence,
        prior=ready.prior,
        main=cell,
        place=place,
        rows=rows,
        background=background(ready.assembled, ready.evidence, ready.prior),
        moved=tuple(_moved(store, results, cell, rows, verdicts)),
        needed=tuple(needed(ready.assembled, answers)),
        examples=tuple(shown),
        check=check,
        fingerprints=_fingerprints(store, results, manifest),
        manifest=manifest,
        answers=answers,
    )


def _planned(manifest: Manifest) -> str:
    """The cell that most others are compared with; the first if none is."""
    compared = [entry["compared_with"] for entry in manifest.cells.values()]
    named = [key for key in manifest.cells if key in compared]
    return max(named, key=compared.count) if named else next(iter(manifest.cells))


def _fingerprints(store: Store, results: Results, manifest: Manifest) -> dict[str, str]:
    by_study: dict[str, str] = {}
    found = {}
    for key in manifest.cells:
        study = results.cell(key).study
        if study not in by_study:
            by_study[study] = fingerprint(store.answers(study))
        found[key] = by_study[study]
    return found


def _moved(
    store: Store, results: Results, main: Cell, rows: Sequence[Row], verdicts: Verdicts
) -> Iterator[Sensitivity]:
    """Shares of go in cells that differ from the main one in one thing, its size apart."""
    place = dict(main.labels)
    for key, of_cell in _by_cell(rows).items():
        if key == main.key:
            continue
        labels = dict(results.cell(key).labels)
        apart = [axis for axis in place | labels if place.get(axis) != labels.get(axis)]
        if len(apart) != 1 or apart == ["patients"] or labels.get(apart[0]) == PLANNED:
            continue
        if str(labels.get(apart[0])).startswith(NO_EFFECT):
            continue  # another truth, not another assumption
        cell = results.cell(key)
        if cell.verdicts != main.verdicts or cell.scenario.seed != main.scenario.seed:
            continue  # other trials: nothing to pair
        there = verdicts_of(store, cell)
        for row in of_cell:
            if row["name"] in DECIDED and row["truth"] in verdicts and not row["refused"]:
                number = cell.verdicts.index(row["analysis"])
                change = difference(
                    there[row["truth"]][:, number], verdicts[row["truth"]][:, number]
                )
                yield Sensitivity(apart[0], labels[apart[0]], row, change)


def _by_cell(rows: Sequence[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["cell"], []).append(row)
    return found


def needed(assembled: Assembled, answers: Mapping[str, Any]) -> Iterator[Needed]:
    """Estimate that is just enough, from each trial's own standard error.

    Only where an analysis is tested by itself: not where a rule for several analyses leaves it a
    part of alpha, or none, nor with interim looks.
    """
    if assembled.built.study.interim is not None:
        return
    built = assembled.built
    truth = "target" if "target" in answers else next(iter(answers))
    for number, analysis in enumerate(built.study.analyses):
        estimates = answers[truth].estimates[number]
        tested = built.study.decision.alone(number, built.study.hypotheses[number])
        if estimates.test is not None or analysis.scale != MODEL_SCALE or tested is None:
            continue  # its test is not effect over standard error, or not its own
        null_effect, alpha = tested
        reach = stdtrit(estimates.df, 1 - alpha) * estimates.se
        known = reach[np.isfinite(reach)]
        if not known.size:
            continue
        least = null_effect + MEASURES[analysis.endpoint].benefit_sign * known
        sums = float(least.sum()), float((least**2).sum())
        yield Needed(
            analysis=built.study.names[number],
            scale=MEASURES[analysis.endpoint].model_unit,
            effect=mean_of(*sums, known.size, reach.size, reach.size),
        )
