"""From the cells of a sweep to studies, found by content, and groups that share their patients."""

import hashlib
import json
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from phase2sim.core.contracts import RESULTS_VERSION
from phase2sim.core.errors import BadInput, BadScenario
from phase2sim.core.progress import Report
from phase2sim.prior import storage as prior_files
from phase2sim.prior.draws import PriorDraws
from phase2sim.prior.fitting import load_or_fit, read_evidence
from phase2sim.scenario.assembly.assemble import Assembled, assemble, build_scenario
from phase2sim.scenario.assembly.parts import BuiltScenario
from phase2sim.scenario.scenario_file import Scenario
from phase2sim.scenario.sweep_file import Label, Sweep

_HASH_DIGITS = 16
# Keys of a scenario that move no simulated trial. Of the evidence, the fitted prior counts.
_UNMOVING = {"title", "evidence", "trials", "failures_allowed", "decision", "stopping"}
_KEPT_ASSEMBLED = 32


@dataclass(frozen=True, slots=True)
class Cell:
    """One scenario of a sweep.

    ``study`` is a hash of all that moves its simulated trials; ``key`` of that and its decision.
    """

    key: str
    study: str
    labels: Mapping[str, Label]
    built: BuiltScenario
    truths: tuple[str, ...]
    prior: str  # hash of the fitted prior's draws; empty without evidence

    @property
    def scenario(self) -> Scenario:
        """The scenario as its file would say it."""
        return self.built.scenario

    @property
    def verdicts(self) -> tuple[str, ...]:
        """Names of the verdicts."""
        return self.built.study.decision.labels(self.built.study.names)

    @property
    def decision(self) -> str:
        """The decision in words: ``significance, one_sided_alpha = 0.025``; and what stops it."""
        options = {key: value for key, value in self.scenario.decision.items() if key != "kind"}
        settings = [f"{key} = {value}" for key, value in options.items()]
        if self.scenario.stopping is not None:
            rule = self.scenario.stopping.model_dump(mode="json", exclude_defaults=True)
            settings += [f"{key} = {value}" for key, value in rule.items()]
        return ", ".join([str(self.scenario.decision["kind"]), *settings])


@dataclass(frozen=True, slots=True)
class Group:
    """Studies that differ in nothing but the number of patients: drawn once, in one pass."""

    studies: Mapping[int, str]  # patients -> study, in rising order
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
        self._known: dict[tuple[tuple[str, ...], Path], PriorDraws] = {}

    def of(self, scenario: Scenario) -> PriorDraws | None:
        """Return the fitted prior; None for a scenario without evidence."""
        if not scenario.evidence:
            return None
        asked = scenario.evidence, scenario.path.parent
        if asked not in self._known:
            evidence = read_evidence(scenario.evidence, beside=scenario.path)
            self._known[asked] = load_or_fit(evidence, report=self._report)
        return self._known[asked]


class Assemblies:
    """Assembled groups; the last few are kept, as their priors can be large."""

    def __init__(self, priors: Priors) -> None:
        self._priors = priors
        self._kept: OrderedDict[str, Assembled] = OrderedDict()

    def of(self, group: Group) -> Assembled:
        """Assemble the largest trial of a group, under the truths it is to be run with."""
        key = group.studies[group.sizes[-1]]
        if key not in self._kept:
            whole = assemble(group.largest, self._priors.of(group.largest.scenario))
            sources = tuple(one for one in whole.sources if one.label in group.truths)
            self._kept[key] = replace(whole, sources=sources)
            if len(self._kept) > _KEPT_ASSEMBLED:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]

    def of_cell(self, cell: Cell, group: Group) -> Assembled:
        """As ``of``, with the cell's own number of patients and decision."""
        whole = self.of(group)
        study = replace(
            whole.study,
            plan=cell.built.study.plan,
            decision=cell.built.study.decision,
            interim=cell.built.study.interim,
        )
        return replace(whole, built=cell.built, study=study)


def cells_of(sweep: Sweep, priors: Priors) -> tuple[Cell, ...]:
    """Build and check every cell of a sweep; raises ``BadInput`` that names the cell."""
    found: dict[str, Cell] = {}
    for variation in sweep.cells:
        try:
            built = build_scenario(variation.scenario)
            cell = _cell(variation.labels, built, sweep.truths, priors)
        except BadInput as error:
            raise BadScenario(
                f"{sweep.path}: cell with {settings_text(variation.labels)}: {error}"
            ) from None
        if cell.key in found:
            raise BadScenario(
                f"{sweep.path}: the cells with {settings_text(found[cell.key].labels)} and with"
                f" {settings_text(cell.labels)} are the same scenario. Leave one out."
            )
        found[cell.key] = cell
    return tuple(found.values())


def groups_of(cells: Iterable[Cell]) -> tuple[Group, ...]:
    """Put together the studies that one pass over the patients serves."""
    found: dict[str, dict[int, Cell]] = {}
    for cell in cells:
        table = _moving(cell.scenario)
        patients = cell.built.study.plan.patients
        if cell.built.design.nested:
            table["design"] = {k: v for k, v in table["design"].items() if k != "patients"}
        found.setdefault(_hash([table, cell.truths, cell.prior]), {})[patients] = cell
    return tuple(
        Group(
            studies={patients: by_size[patients].study for patients in sorted(by_size)},
            largest=by_size[max(by_size)].built,
            truths=by_size[max(by_size)].truths,
        )
        for by_size in found.values()
    )


def settings_text(labels: Mapping[str, Label]) -> str:
    """``patients = 40, dropout = 0.1``."""
    return ", ".join(f"{name} = {label}" for name, label in labels.items())


def study_key(scenario: Scenario, truths: Sequence[str], prior: str) -> str:
    """Hash of all that moves a scenario's simulated trials, in any order of its keys."""
    return _hash([_moving(scenario), list(truths), prior, RESULTS_VERSION])


def _cell(
    labels: Mapping[str, Label], built: BuiltScenario, asked: Sequence[str], priors: Priors
) -> Cell:
    scenario = built.scenario
    has = ["null"]
    has += ["target"] if scenario.truth.target else []
    has += ["prior", "sceptical"] if scenario.truth.prior else []
    for truth in asked:
        if truth not in has:
            raise BadScenario(
                f"truths names {truth!r}, but the scenario has {', '.join(sorted(has))}. Add it to"
                " the base, or leave it out."
            )
    truths = tuple(one for one in ("target", "null", "prior", "sceptical") if one in (asked or has))
    draws = priors.of(scenario)
    prior = "" if draws is None else prior_files.digest(draws)[:_HASH_DIGITS]
    study = study_key(scenario, truths, prior)
    return Cell(cell_key(study, scenario), study, labels, built, truths, prior)


def _moving(scenario: Scenario) -> dict[str, Any]:
    table: dict[str, Any] = scenario.model_dump(
        mode="json", exclude_defaults=True, exclude=_UNMOVING
    )
    return table


def cell_key(study: str, scenario: Scenario) -> str:
    """Hash of a study, the decision on its trials and what stops them."""
    stopping = scenario.stopping
    more = [] if stopping is None else [stopping.model_dump(mode="json", exclude_defaults=True)]
    return _hash([study, scenario.decision, *more])


def _hash(value: object) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:_HASH_DIGITS]
