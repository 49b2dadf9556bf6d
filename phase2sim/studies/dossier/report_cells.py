"""Cells that a report simulates: sizes, effects and dropout around a scenario, sensitivity."""

import itertools
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np

from phase2sim.core.endpoints import ENDPOINTS, drawn_for
from phase2sim.core.errors import BadScenario
from phase2sim.core.io.validation import Table
from phase2sim.prior.draws import PriorDraws
from phase2sim.scenario.assembly.assemble import AssembledScenario, assemble, build_scenario
from phase2sim.scenario.scenario_file import Scenario, put, scenario_from
from phase2sim.scenario.sweep_file import Label, Sweep, TruthName, Variation
from phase2sim.scenario.tables import Percent

PLANNED = "as planned"
SIZES = (0.5, 0.75, 1.0, 1.25, 1.5, 2.0)  # multiples of the planned number of patients
EFFECTS = (0.5, 0.75, 1.0, 1.25, 1.5)  # multiples of the hoped-for effects
LOSSES = (0.0, 1.0, 2.0)  # multiples of the share that is lost
_SD_MOVES = {"SD 15 % lower": 0.85, "SD 15 % higher": 1.15}  # the shifts of --assume
_CORRELATION_MOVES = {"visits correlate less": 1.5, "visits correlate more": 0.5}  # times 1 - rho
_ODDS_RATIO_PER_SD = (
    2.0  # odds of being lost for every SD by which the value that nobody sees is worse
)
NOT_AT_RANDOM = "lost for a value that nobody sees (not at random)"
NO_EFFECT, ELSE_AS_HOPED = "no effect on ", ", else as hoped"
_MOST_LOST = 0.6

type Labels = dict[str, Label]


@dataclass(frozen=True, slots=True)
class Grids:
    """The sweeps behind a report; labels identify a cell in any of them."""

    sizes: Sweep  # every truth, all trials
    surface: Sweep  # sizes x effects x dropout, for the explorer
    assumptions: Sweep  # one assumption changed, the planned number of patients
    nulls: Sweep  # no effect on one endpoint, the others as hoped: what else a false go is


def grids(scenario: Scenario, assembled: AssembledScenario, prior: PriorDraws | None) -> Grids:
    """Sweeps to simulate for a report on ``scenario``.

    A move to where no scenario can be, such as an effect that no treatment has, is left out.
    """
    base = _table_of(scenario)
    labels = labels_of(scenario)
    return Grids(
        sizes=_sweep(scenario, (), _sizes(scenario, base, labels)),
        surface=_sweep(scenario, ("target",), _surface(scenario, base, labels, prior)),
        assumptions=_sweep(
            scenario,
            _truths(scenario),
            _assumption_cells(scenario, (assembled, prior), base, labels),
        ),
        nulls=_sweep(scenario, ("target",), _nulls(scenario, assembled, base, labels)),
    )


def labels_of(scenario: Scenario) -> Labels:
    """Where the planned trial is on the axes of a report."""
    labels: Labels = {"patients": int(scenario.design["patients"])}
    if scenario.truth.target:
        labels["effect"] = 1.0
    share = lost_share(scenario)
    if share is not None:
        labels["dropout"] = share
    return labels | {"assumption": PLANNED}


def lost_share(scenario: Scenario) -> float | None:
    """Share of patients that the scenario expects to lose, where it is one number."""
    share = scenario.missing.dropout.get("share")
    return float(share) if isinstance(share, int | float) else None


def _truths(scenario: Scenario) -> tuple[TruthName, ...]:
    truths: list[TruthName] = ["target"] if scenario.truth.target else []
    return (*truths, "prior") if scenario.truth.prior else tuple(truths) or ("null",)


def _table_of(scenario: Scenario) -> Table:
    table: Table = scenario.model_dump(mode="json", exclude_defaults=True)
    return table


def _sweep(scenario: Scenario, truths: tuple[TruthName, ...], cells: Iterator[Variation]) -> Sweep:
    return Sweep(
        path=scenario.path,
        title=scenario.title,
        text="",  # no sweep file
        truths=truths,
        cells=tuple(cells),
        reference={},
    )


def _variation(
    scenario: Scenario, base: Table, labels: Labels, changes: Mapping[str, Any]
) -> Variation:
    table = deepcopy(base)
    for key, value in changes.items():
        put(table, key, value, f"{scenario.path}: a move of the report")
    return Variation(labels, scenario_from(table, scenario.path))


def sizes_around(scenario: Scenario) -> list[int]:
    """Numbers of patients around the planned one that fit its allocation and blocks."""
    planned = int(scenario.design["patients"])
    unit = sum(scenario.design.get("allocation", (1, 1)))
    least = max(2 * unit, int(scenario.design.get("block_size") or 0), 8)
    sizes = {planned, *(unit * round(planned * times / unit) for times in SIZES)}
    return sorted(n for n in sizes if n == planned or n >= least)


def _sizes(scenario: Scenario, base: Table, planned_labels: Labels) -> Iterator[Variation]:
    planned = int(scenario.design["patients"])
    for patients in sizes_around(scenario):
        size = {"design.patients": patients}
        variation = _variation(scenario, base, planned_labels | {"patients": patients}, size)
        if patients == planned or _fits(variation):  # looks at a number of patients need that many
            yield variation


def _surface(
    scenario: Scenario, base: Table, planned_labels: Labels, prior: PriorDraws | None
) -> Iterator[Variation]:
    if not scenario.truth.target:
        return
    share = lost_share(scenario)
    losses = sorted({min(share * times, _MOST_LOST) for times in LOSSES}) if share else [None]
    for loss in losses:
        lost: dict[str, Any] = {} if loss is None else {"missing.dropout.share": round(loss, 4)}
        labels = planned_labels if loss is None else planned_labels | {"dropout": round(loss, 4)}
        if not _assembles(_variation(scenario, base, labels, lost), prior):
            continue
        for times, patients in itertools.product(EFFECTS, sizes_around(scenario)):
            at = labels | {"patients": patients, "effect": times}
            changes = lost | {"design.patients": patients} | _effects(scenario, times)
            if variation := _possible(scenario, base, at, changes):
                yield variation


def _effects(scenario: Scenario, times: float) -> dict[str, Any]:
    """All target effects times one number."""
    changes: dict[str, Any] = {}
    for endpoint, target in scenario.truth.target.items():
        key = f"truth.target.{endpoint}.effect"
        match target.effect:
            case Percent(percent=percent):
                changes[f"{key}.percent"] = round(percent * times, 10)
            case size:
                changes[key] = round(size * times, 10)
    return changes


def _assumption_cells(
    scenario: Scenario,
    planned: tuple[AssembledScenario, PriorDraws | None],
    base: Table,
    labels: Labels,
) -> Iterator[Variation]:
    assembled, prior = planned
    yield _variation(scenario, base, labels, {})
    for name, changes in (
        *_sd_moves(assembled).items(),
        *_correlation_moves(assembled).items(),
        *_not_at_random(scenario).items(),
        ("goes well (--assume optimistic)", {"assume": "optimistic"}),
        ("goes badly (--assume pessimistic)", {"assume": "pessimistic"}),
        *_weights(scenario).items(),
    ):
        variation = _possible(scenario, base, labels | {"assumption": name}, changes)
        if variation is not None and _assembles(variation, prior):
            yield variation


def _possible(
    scenario: Scenario, base: Table, labels: Labels, changes: Mapping[str, Any]
) -> Variation | None:
    """The variation; None for a move to where no scenario can be."""
    try:
        return _variation(scenario, base, labels, changes)
    except BadScenario:
        return None


def _fits(cell: Variation) -> bool:
    """Whether the parts of the scenario fit each other."""
    try:
        build_scenario(cell.scenario)
    except BadScenario:
        return False
    return True


def _assembles(cell: Variation, prior: PriorDraws | None) -> bool:
    """Whether the scenario, with the prior, is one that could be simulated."""
    try:
        assemble(build_scenario(cell.scenario), prior)
    except BadScenario:
        return False
    return True


def partial_nulls(assembled: AssembledScenario) -> dict[str, tuple[str, ...]]:
    """Truths in which one analysis has no effect to find and others have: name -> its endpoints.

    A rule for several analyses may be wrong more often there than where nothing works.
    """
    hoped = list(assembled.built.scenario.truth.target)
    nulls: dict[str, tuple[str, ...]] = {}
    for analysis in assembled.built.study.analyses:
        ineffective = tuple(e for e in hoped if e in drawn_for(analysis.endpoint))
        if ineffective and len(ineffective) < len(hoped):
            labels = " and ".join(ENDPOINTS[endpoint].label for endpoint in ineffective)
            nulls[f"{NO_EFFECT}{labels}{ELSE_AS_HOPED}"] = ineffective
    return nulls


def _nulls(
    scenario: Scenario, assembled: AssembledScenario, base: Table, labels: Labels
) -> Iterator[Variation]:
    for name, endpoints in partial_nulls(assembled).items():
        changes = {f"truth.target.{endpoint}.effect": 0.0 for endpoint in endpoints}
        yield _variation(scenario, base, labels | {"assumption": name}, changes)


def _sd_moves(assembled: AssembledScenario) -> dict[str, dict[str, Any]]:
    """SDs of every endpoint, at each planned visit, times one number."""
    return {
        name: {
            f"outcome.{endpoint}.sd": [float(f"{value * times:.4g}") for value in sd]
            for endpoint, sd in _sds(assembled).items()
        }
        for name, times in _SD_MOVES.items()
    }


def _sds(assembled: AssembledScenario) -> dict[str, list[float]]:
    """Typical SD of each endpoint at the planned visits."""
    drawn_plan, planned = assembled.study.drawn, assembled.study.plan.visits_months
    visits = [drawn_plan.visits_months.index(month) for month in planned]
    mean = assembled.control.sd.mean(axis=0)
    return {
        name: [float(value) for value in mean[e, visits]]
        for e, name in enumerate(drawn_plan.endpoints)
    }


def _correlation_moves(assembled: AssembledScenario) -> dict[str, dict[str, Any]]:
    """Correlations between visits brought closer to, or further from, 1."""
    plan = assembled.study.drawn
    if plan.visits_months != assembled.study.plan.visits_months:
        return {}  # a scenario can say those of the planned visits only
    mean = assembled.control.correlation.mean(axis=0)
    moves: dict[str, dict[str, Any]] = {}
    for name, times in _CORRELATION_MOVES.items():
        changes: dict[str, Any] = {}
        for e, endpoint in enumerate(plan.endpoints):
            correlation = np.round(np.clip(1.0 - times * (1.0 - mean[e]), 0.0, 1.0), 4)
            if np.linalg.eigvalsh(correlation).min() > 0:
                changes[f"outcome.{endpoint}.correlation"] = correlation.tolist()
        if changes:
            moves[name] = changes
    return moves


def _not_at_random(scenario: Scenario) -> dict[str, dict[str, Any]]:
    """Same dropout at each visit, but depending on the unobserved value of that visit."""
    dropout = scenario.missing.dropout
    share, by_month = lost_share(scenario), dropout.get("by_month")
    endpoints = [
        analysis["endpoint"]
        for analysis in scenario.analysis
        if analysis.get("endpoint") in ENDPOINTS
    ]
    if not share or not by_month or not endpoints:
        return {}
    months = scenario.design["visits_months"][1:]
    changes = {
        "mechanism": "mnar",
        "lost": [round(1.0 - (1.0 - share) ** (month / by_month), 5) for month in months],
        "endpoint": endpoints[0],
        "odds_ratio_per_sd": _ODDS_RATIO_PER_SD,
    }
    return {NOT_AT_RANDOM: {"missing.dropout": changes}}


def _weights(scenario: Scenario) -> dict[str, dict[str, Any]]:
    """Other weights of the fitted effect in the robust prior."""
    if scenario.truth.prior is None:
        return {}
    planned = scenario.truth.prior.robust_weight
    return {
        f"weight of the fitted effect {weight:g}": {"truth.prior.robust_weight": weight}
        for weight in (0.5, 1.0)
        if weight != planned
    }
