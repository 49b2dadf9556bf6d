"""From the cells of a sweep to studies, identified by content, and groups sharing patients."""

import hashlib
import json
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from phase2sim.core.contracts import RESULTS_VERSION
from phase2sim.core.draws_error import Picks
from phase2sim.core.errors import BadInput, BadScenario
from phase2sim.core.progress import Report
from phase2sim.prior import storage as prior_files
from phase2sim.prior.draws import PriorDraws
from phase2sim.prior.fitting import load_or_fit, read_evidence
from phase2sim.prior.truth_sources import DRAWN_TRUTHS, picks_of_trials
from phase2sim.scenario.assembly.assemble import AssembledScenario, assemble, build_scenario
from phase2sim.scenario.assembly.parts import BuiltScenario
from phase2sim.scenario.scenario_file import Scenario, scenario_from
from phase2sim.scenario.sweep_file import Label, Sweep
from phase2sim.studies.store.headers import pack
from phase2sim.studies.store.manifest import ManifestEntry

_HASH_DIGITS = 16
# Keys that do not change the simulated data. Of the evidence, only the fitted prior counts.
_KEYS_WITHOUT_EFFECT: dict[str, Any] = {
    **dict.fromkeys(("title", "evidence", "trials", "failures_allowed", "data", "decision"), True),
    "stopping": True,
    "population": {"care_why": True, "background": {"name": True, "why": True}},
    "truth": {"prior": {"why": True}},
}
_MOST_ASSEMBLED = 32


@dataclass(frozen=True, slots=True)
class Cell:
    """One scenario of a sweep.

    ``study`` is a hash of all that determines the simulated data; ``key`` adds the decision.
    """

    key: str
    study: str
    labels: Mapping[str, Label]
    built: BuiltScenario
    truths: tuple[str, ...]
    prior: str  # hash of the fitted prior's draws; empty without evidence
    draws: int = 0  # number of them

    def picks(self, truth: str, first: int, last: int) -> Picks | None:
        """Prior draws behind trials ``first`` up to ``last``; None under a fixed truth."""
        if not self.draws or truth not in DRAWN_TRUTHS:
            return None
        return picks_of_trials(self.built.study.plan.seed, self.draws, first, last - first)

    @property
    def scenario(self) -> Scenario:
        """The scenario of the cell."""
        return self.built.scenario

    @property
    def verdicts(self) -> tuple[str, ...]:
        """Names of the verdicts."""
        return self.built.study.decision.labels(self.built.study.names)

    @property
    def decision(self) -> str:
        """Decision in words: ``significance, one_sided_alpha = 0.025``; with the stopping rule."""
        options = {key: value for key, value in self.scenario.decision.items() if key != "kind"}
        settings = [f"{key} = {value}" for key, value in options.items()]
        if self.scenario.stopping is not None:
            rule = self.scenario.stopping.model_dump(mode="json", exclude_defaults=True)
            settings += [f"{key} = {value}" for key, value in rule.items()]
        return ", ".join([str(self.scenario.decision["kind"]), *settings])


@dataclass(frozen=True, slots=True)
class Group:
    """Studies that differ only in the number of patients: simulated in one pass."""

    studies: Mapping[int, str]  # patients -> study, in rising order
    headers: Mapping[int, str]  # patients -> header of the files of its trials
    largest: BuiltScenario
    truths: tuple[str, ...]

    @property
    def sizes(self) -> tuple[int, ...]:
        """Numbers of patients, rising."""
        return tuple(self.studies)


class Priors:
    """Fitted priors of scenarios, each read or fitted once."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._priors: dict[tuple[tuple[str, ...], Path], PriorDraws] = {}

    def get_prior(self, scenario: Scenario) -> PriorDraws | None:
        """Return the fitted prior; None for a scenario without evidence."""
        if not scenario.evidence:
            return None
        key = scenario.evidence, scenario.path.parent
        if key not in self._priors:
            evidence = read_evidence(scenario.evidence, beside=scenario.path)
            self._priors[key] = load_or_fit(evidence, report=self._report)
        return self._priors[key]


def kept_prior(cell: Cell) -> PriorDraws | None:
    """Fitted prior that a cell was simulated with; None if it is not kept here."""
    try:
        evidence = read_evidence(cell.scenario.evidence, beside=cell.scenario.path)
        draws = prior_files.load(prior_files.cached_path(evidence.digest))
    except (BadInput, FileNotFoundError):
        return None
    return draws if _hash_of_draws(draws) == cell.prior else None


class Assemblies:
    """Assembled groups; only the last few stay in memory, as their priors can be large."""

    def __init__(self, priors: Priors) -> None:
        self._priors = priors
        self._assembled: OrderedDict[str, AssembledScenario] = OrderedDict()

    def assemble(self, group: Group) -> AssembledScenario:
        """Assemble the largest trial of a group, with the truths to simulate."""
        key = group.studies[group.sizes[-1]]
        if key not in self._assembled:
            assembled = assemble(group.largest, self._priors.get_prior(group.largest.scenario))
            sources = tuple(source for source in assembled.sources if source.label in group.truths)
            self._assembled[key] = replace(assembled, sources=sources)
            if len(self._assembled) > _MOST_ASSEMBLED:
                self._assembled.popitem(last=False)
        self._assembled.move_to_end(key)
        return self._assembled[key]

    def assemble_cell(self, cell: Cell, group: Group) -> AssembledScenario:
        """As ``assemble``, with the cell's own number of patients and decision."""
        assembled = self.assemble(group)
        study = replace(
            assembled.study,
            plan=cell.built.study.plan,
            decision=cell.built.study.decision,
            interim=cell.built.study.interim,
        )
        return replace(assembled, built=cell.built, study=study)


def cells_of(sweep: Sweep, priors: Priors) -> tuple[Cell, ...]:
    """Build and check every cell of a sweep; raises ``BadInput`` that names the cell."""
    cells: dict[str, Cell] = {}
    for variation in sweep.cells:
        try:
            built = build_scenario(variation.scenario)
            cell = _cell(variation.labels, built, sweep.truths, priors)
        except BadInput as error:
            raise BadScenario(
                f"{sweep.path}: cell with {settings_text(variation.labels)}: {error}"
            ) from None
        if cell.key in cells:
            raise BadScenario(
                f"{sweep.path}: axes: the cells with {settings_text(cells[cell.key].labels)} and"
                f" with {settings_text(cell.labels)} are the same scenario. Leave one out."
            )
        cells[cell.key] = cell
    return tuple(cells.values())


def groups_of(cells: Iterable[Cell]) -> tuple[Group, ...]:
    """Group the studies that one pass over the patients simulates."""
    cells_by_content: dict[str, dict[int, Cell]] = {}
    for cell in cells:
        table = _study_table(cell.scenario)
        patients = cell.built.study.plan.patients
        if cell.built.design.nested:
            table["design"] = {k: v for k, v in table["design"].items() if k != "patients"}
        cells_by_content.setdefault(_hash([table, cell.truths, cell.prior]), {})[patients] = cell
    return tuple(
        Group(
            studies={patients: by_size[patients].study for patients in sorted(by_size)},
            headers={patients: _header_of_trials(cell) for patients, cell in by_size.items()},
            largest=by_size[max(by_size)].built,
            truths=by_size[max(by_size)].truths,
        )
        for by_size in cells_by_content.values()
    )


def entry_of(cell: Cell, requested: int, compared_with: str | None) -> ManifestEntry:
    """Entry of a cell in the manifest: enough to measure it without the sweep file."""
    return {
        "study": cell.study,
        "labels": dict(cell.labels),
        "truths": list(cell.truths),
        "prior": cell.prior,
        "draws": cell.draws,
        "requested": requested,
        "compared_with": compared_with,
        "file": str(cell.scenario.path),
        "scenario": cell.scenario.model_dump(mode="json", exclude_defaults=True),
    }


def cell_of(key: str, entry: ManifestEntry) -> Cell:
    """Undo ``entry_of``."""
    return Cell(
        key=key,
        study=entry["study"],
        labels=entry["labels"],
        built=build_scenario(scenario_from(entry["scenario"], Path(entry["file"]))),
        truths=tuple(entry["truths"]),
        prior=entry["prior"],
        draws=entry.get("draws", 0),  # missing from an earlier version
    )


def _header_of_trials(cell: Cell) -> str:
    """What a file of trials says of itself, the same wherever the sweep's file is."""
    entry = entry_of(cell, 0, None) | {"file": cell.scenario.path.name}
    return pack({"study": cell.study, "cell": cell.key, "entry": entry})


def settings_text(labels: Mapping[str, Label]) -> str:
    """``patients = 40, dropout = 0.1``, in one line."""
    texts = {name: str(label) for name, label in labels.items()}
    return ", ".join(
        f"{name} = {text if text.isprintable() else repr(text)}" for name, text in texts.items()
    )


def study_key(scenario: Scenario, truths: Sequence[str], prior: str) -> str:
    """Hash of all that determines the simulated data, whatever the order of the keys."""
    return _hash([_study_table(scenario), list(truths), prior, RESULTS_VERSION])


def _cell(
    labels: Mapping[str, Label], built: BuiltScenario, requested: Sequence[str], priors: Priors
) -> Cell:
    scenario = built.scenario
    available = ["null"]
    available += ["target"] if scenario.truth.target else []
    available += ["prior", "sceptical"] if scenario.truth.prior else []
    draws = priors.get_prior(scenario)
    on_request = ["expected"] if scenario.truth.target and draws is not None else []
    for truth in requested:
        if truth not in available + on_request:
            listed = ", ".join(sorted(available + on_request))
            raise BadScenario(
                f"truths names {truth!r}, but the scenario has {listed}. Add it to the base, or"
                " leave it out."
            )
    truths = tuple(
        truth
        for truth in ("target", "null", "prior", "sceptical", "expected")
        if truth in (requested or available)
    )
    prior = "" if draws is None else _hash_of_draws(draws)
    study = study_key(scenario, truths, prior)
    number = 0 if draws is None else len(draws.effect)
    return Cell(cell_key(study, scenario), study, labels, built, truths, prior, number)


def _hash_of_draws(draws: PriorDraws) -> str:
    return prior_files.digest(draws)[:_HASH_DIGITS]


def _study_table(scenario: Scenario) -> dict[str, Any]:
    table: dict[str, Any] = scenario.model_dump(
        mode="json", exclude_defaults=True, exclude=_KEYS_WITHOUT_EFFECT
    )
    return table


def cell_key(study: str, scenario: Scenario) -> str:
    """Hash of a study, its decision rule and its stopping rule."""
    stopping = scenario.stopping
    more = [] if stopping is None else [stopping.model_dump(mode="json", exclude_defaults=True)]
    return _hash([study, scenario.decision, *more])


def _hash(value: object) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:_HASH_DIGITS]
