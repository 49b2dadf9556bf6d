"""From a scenario or a folder of results to all values of a report."""

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
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
from phase2sim.operating.simulation import PreparedScenario, prepare_scenario
from phase2sim.prior.check import PriorCheck, check_prior
from phase2sim.prior.draws import PriorDraws
from phase2sim.scenario.assembly.assemble import AssembledScenario
from phase2sim.scenario.assembly.unread_keys import refuse_unread
from phase2sim.scenario.scenario_file import Scenario, load_scenario
from phase2sim.studies.dossier.example_trials import Example, examples
from phase2sim.studies.dossier.fingerprints import fingerprint
from phase2sim.studies.dossier.report_cells import NO_EFFECT, PLANNED, grids, labels_of
from phase2sim.studies.knob_sensitivity import KnobSensitivity, quick_sensitivity
from phase2sim.studies.store.manifest import Manifest
from phase2sim.studies.store.results_folder import Store, try_results_folder
from phase2sim.studies.sweeps.cells import Cell
from phase2sim.studies.sweeps.measure import Verdicts, difference_of_cells, verdicts_of
from phase2sim.studies.sweeps.results import GO_SHARES, Results
from phase2sim.studies.sweeps.stored_results import read_results
from phase2sim.studies.sweeps.sweep import SweepOptions, prepare_sweep, run_sweep

SURFACE_TRIALS = 1_000  # of a cell of the explorer, at most
MOVED_TRIALS = 2_000  # of a cell with one assumption changed, at most
_IN_SYNOPSIS = ("population.age_years",)  # of a report


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """One share of go with one assumption changed, and its paired difference to the plan."""

    axis: str
    value: object
    row: Row
    change: Measured


@dataclass(frozen=True, slots=True)
class Needed:
    """Smallest estimate that would be significant, averaged over trials."""

    analysis: str
    scale: str
    effect: Measured


@dataclass(frozen=True, slots=True)
class Dossier:
    """All values of a report; every number of ``rows`` has its cell in ``folder``."""

    folder: Path
    command: str
    assembled: AssembledScenario
    evidence: Evidence | None
    prior: PriorDraws | None
    main: Cell
    labels: Mapping[str, Any]  # of the planned trial, by axis
    rows: tuple[Row, ...]
    background: tuple[Background, ...]
    sensitivities: tuple[Sensitivity, ...]
    needed: tuple[Needed, ...]
    examples: tuple[Example, ...]
    check: PriorCheck | None
    fingerprints: Mapping[str, str]  # cell -> hash of its trials
    manifest: Manifest
    answers: Mapping[str, Any] = field(repr=False, default_factory=dict)
    knobs: KnobSensitivity | None = None  # elicited inputs moved; None without a fitted prior

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
        rows = [
            row
            for row in self.rows
            if (row["name"], row["truth"]) == (name, truth)
            and row["analysis"] in self.main.verdicts
            and all(
                row.get(axis) == label for axis, label in self.labels.items() if axis != "patients"
            )
        ]
        best: dict[tuple[str, int], Row] = {}
        for row in rows:
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
    options: ReportOptions,
    backend: Backend,
    command: Sequence[str],
    *,
    say: Report = lambda _line: None,
    progress: Callable[[Status], None] = lambda _status: None,
) -> Dossier:
    """Simulate the missing cells of a scenario, or read a folder as it is, and gather the values.

    Raises ``BadInput`` for a folder with ``options.trials`` or ``store``, which would do nothing.
    """
    if isinstance(source, Path) and source.is_dir():
        if options.trials or store:
            raise BadInput(
                f"{source}: a folder of results; --trials and --store are for a scenario. Leave"
                " them out; `phase2sim sweep` into the folder adds trials."
            )
        return gather(source, shlex.join(command), options, say=say)
    scenario = load_scenario(source) if isinstance(source, Path) else source
    folder = store or Path("results") / f"{scenario.path.stem}-report"
    try_results_folder(folder)
    keys = simulate_report(scenario, folder, options, backend, command, say=say, progress=progress)
    return gather(folder, shlex.join(command), options, keys, say)


def simulate_report(
    scenario: Scenario,
    folder: Path,
    options: ReportOptions,
    backend: Backend,
    command: Sequence[str],
    *,
    say: Report = lambda _line: None,
    progress: Callable[[Status], None] = lambda _status: None,
) -> tuple[str, ...]:
    """Simulate the cells of a report that ``folder`` lacks; return their keys, the plan's first."""
    prepared_scenario = prepare_scenario(scenario, say, every_key_read=False)
    refuse_unread(prepared_scenario.assembled.built, printed=_IN_SYNOPSIS)
    report_grids = grids(scenario, prepared_scenario.assembled, prepared_scenario.prior)
    trials = options.trials or scenario.trials
    sweeps = [(report_grids.sizes, trials)]
    if report_grids.nulls.cells:
        sweeps.append((report_grids.nulls, trials))
    if options.moves:
        sweeps.append((report_grids.assumptions, min(trials, MOVED_TRIALS)))
    # The explorer decides in the page on the final analysis alone, whatever stops a trial before.
    goes_on = scenario.stopping is None and scenario.safety is None
    if options.explorer and report_grids.surface.cells and goes_on:
        sweeps.append((report_grids.surface, min(trials, SURFACE_TRIALS)))
    planned, labels = "", labels_of(scenario)
    keys: dict[str, None] = {}
    for sweep, enough in sweeps:
        prepared = prepare_sweep(sweep, folder, SweepOptions(trials=enough), backend.workers, say)
        say(f"{len(prepared.cells)} cells x {enough:,} trials ...")
        result = run_sweep(prepared, folder, backend, command, progress)
        if not result.finished:
            raise KeyboardInterrupt
        keys |= dict.fromkeys(cell.key for cell in prepared.cells)
        planned = planned or next(c.key for c in prepared.cells if dict(c.labels) == labels)
    return (planned, *(key for key in keys if key != planned))


def gather(
    folder: Path,
    command: str,
    options: ReportOptions,
    keys: Sequence[str] = (),
    say: Report = lambda _line: None,
) -> Dossier:
    """Read a folder of results and collect the values of a report on its planned trial.

    ``keys`` are the cells of the report, the planned trial first: others of the folder may be of
    the scenario before it was edited. Without them, all cells are read; the planned one is the
    cell that others are compared with, else the first. Raises ``BadInput`` for a folder without
    results.
    """
    stored = read_results(folder, say)
    store, results, manifest = stored.store, stored.results, stored.manifest
    if keys:
        mine = {key: entry for key, entry in manifest.cells.items() if key in keys}
        manifest = replace(manifest, cells=mine)
    rows = tuple(row for row in stored.rows if row["cell"] in manifest.cells)
    if not any(row["trials"] for row in rows):
        raise BadInput(f"{folder}: holds no trial yet. Run the sweep, then ask again.")
    cell = results.cell(keys[0] if keys else _planned_key(manifest))
    prepared = prepare_scenario(cell.scenario, say, every_key_read=False)
    batch_results = store.batch_results(cell.study)
    verdicts = verdicts_of(store, cell)
    shown = examples(prepared.assembled, batch_results, verdicts) if options.examples else ()
    return Dossier(
        folder=folder,
        command=command,
        assembled=prepared.assembled,
        evidence=prepared.evidence,
        prior=prepared.prior,
        main=cell,
        labels=dict(cell.labels),
        rows=rows,
        background=background(prepared.assembled, prepared.evidence, prepared.prior),
        sensitivities=tuple(_sensitivities(store, results, cell, rows, verdicts)),
        needed=tuple(needed(prepared.assembled, batch_results)),
        examples=tuple(shown),
        check=_check(prepared, say) if options.replicas else None,
        fingerprints=_fingerprints(store, results, manifest),
        manifest=manifest,
        answers=batch_results,
        knobs=_knobs(prepared, say) if options.moves else None,
    )


def _knobs(prepared: PreparedScenario, say: Report) -> KnobSensitivity | None:
    """Move the elicited inputs of the prior; None for a scenario without assurance."""
    scenario = prepared.assembled.built.scenario
    if prepared.evidence is None or prepared.prior is None or scenario.truth.prior is None:
        return None
    say("Moving the elicited inputs ...")
    trials = min(scenario.trials, MOVED_TRIALS)
    return quick_sensitivity(prepared.assembled, prepared.evidence, prepared.prior, trials)


def _check(prepared: PreparedScenario, say: Report) -> PriorCheck | None:
    """Replicate the reported table; None for a scenario without evidence."""
    if prepared.evidence is None or prepared.prior is None:
        return None
    say("Replicating the reported table ...")
    return check_prior(prepared.evidence, prepared.prior)


def _planned_key(manifest: Manifest) -> str:
    """The cell that most others are compared with; the first if none is."""
    compared = [entry["compared_with"] for entry in manifest.cells.values()]
    keys = [key for key in manifest.cells if key in compared]
    return max(keys, key=compared.count) if keys else next(iter(manifest.cells))


def _fingerprints(store: Store, results: Results, manifest: Manifest) -> dict[str, str]:
    by_study: dict[str, str] = {}
    fingerprints = {}
    for key in manifest.cells:
        study = results.cell(key).study
        if study not in by_study:
            by_study[study] = fingerprint(store.batch_results(study))
        fingerprints[key] = by_study[study]
    return fingerprints


def _sensitivities(
    store: Store, results: Results, main: Cell, rows: Sequence[Row], verdicts: Verdicts
) -> Iterator[Sensitivity]:
    """Shares of go in cells that differ from the planned one in one label other than size."""
    main_labels = dict(main.labels)
    for key, cell_rows in _by_cell(rows).items():
        if key == main.key:
            continue
        labels = dict(results.cell(key).labels)
        differing = [
            axis for axis in main_labels | labels if main_labels.get(axis) != labels.get(axis)
        ]
        if len(differing) != 1 or differing == ["patients"] or labels.get(differing[0]) == PLANNED:
            continue
        if str(labels.get(differing[0])).startswith(NO_EFFECT):
            continue  # another truth, not another assumption
        cell = results.cell(key)
        if cell.verdicts != main.verdicts or cell.scenario.seed != main.scenario.seed:
            continue  # other trials: nothing to pair
        cell_verdicts = verdicts_of(store, cell)
        for row in cell_rows:
            if row["name"] in GO_SHARES and row["truth"] in verdicts and not row["refused"]:
                number = cell.verdicts.index(row["analysis"])
                change = difference_of_cells(
                    row["truth"], number, (cell, cell_verdicts), (main, verdicts)
                )
                yield Sensitivity(differing[0], labels[differing[0]], row, change)


def _by_cell(rows: Sequence[Row]) -> dict[str, list[Row]]:
    by_cell: dict[str, list[Row]] = {}
    for row in rows:
        by_cell.setdefault(row["cell"], []).append(row)
    return by_cell


def needed(assembled: AssembledScenario, batch_results: Mapping[str, Any]) -> Iterator[Needed]:
    """Smallest significant estimate, from each trial's own standard error.

    Only where an analysis is tested by itself: not where a rule for several analyses leaves it a
    part of alpha, or none, nor with interim looks.
    """
    if assembled.built.study.interim is not None:
        return
    built = assembled.built
    truth = "target" if "target" in batch_results else next(iter(batch_results))
    for number, analysis in enumerate(built.study.analyses):
        estimates = batch_results[truth].estimates[number]
        single_test = built.study.decision.alone(number, built.study.hypotheses[number])
        is_t_test = analysis.scale == MODEL_SCALE and not (
            analysis.by_ranks or analysis.is_bayesian
        )
        if not is_t_test or single_test is None:
            continue  # its test is not effect over standard error, or not its own
        null_effect, alpha = single_test
        reach = stdtrit(estimates.df, 1 - alpha) * estimates.se
        reaches = reach[np.isfinite(reach)]
        if not reaches.size:
            continue
        least = null_effect + MEASURES[analysis.endpoint].benefit_sign * reaches
        sums = float(least.sum()), float((least**2).sum())
        yield Needed(
            analysis=built.study.names[number],
            scale=MEASURES[analysis.endpoint].model_unit,
            effect=mean_of(*sums, reaches.size, reach.size, reach.size),
        )
