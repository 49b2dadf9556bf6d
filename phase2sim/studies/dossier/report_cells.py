"""Which trials a report simulates: sizes, effects and losses around a scenario, and moves."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np

from phase2sim.core.endpoints import ENDPOINTS, drawn_for
from phase2sim.core.errors import BadScenario
from phase2sim.core.io.toml_files import Table
from phase2sim.scenario.assembly.assemble import Assembled, build_scenario
from phase2sim.scenario.scenario_file import Scenario, put, scenario_from
from phase2sim.scenario.sweep_file import Label, Sweep, TruthName, Variation
from phase2sim.scenario.tables import Percent

PLANNED = "as planned"
SIZES = (0.5, 0.75, 1.0, 1.25, 1.5, 2.0)  # multiples of the planned number of patients
EFFECTS = (0.5, 0.75, 1.0, 1.25, 1.5)  # multiples of the hoped-for effects
LOSSES = (0.0, 1.0, 2.0)  # multiples of the share that is lost
_SD_MOVES = {"SD 15 % lower": 0.85, "SD 15 % higher": 1.15}  # the shifts of --assume
_CORRELATION_MOVES = {"visits correlate less": 1.5, "visits correlate more": 0.5}  # times 1 - rho
_UNSEEN = 2.0  # odds of being lost for every SD by which the value that nobody sees is worse
NOT_AT_RANDOM = "lost for a value that nobody sees (not at random)"
NO_EFFECT, ELSE_AS_HOPED = "no effect on ", ", else as hoped"
_MOST_LOST = 0.6

type Labels = dict[str, Label]


@dataclass(frozen=True, slots=True)
class Grids:
    """The sweeps behind a report; a cell's labels say where it is in any of them."""

    sizes: Sweep  # every truth, all trials
    surface: Sweep  # sizes x effects x dropout, for the explorer
    moved: Sweep  # one assumption moved, the planned number of patients
    nulls: Sweep  # no effect on one endpoint, the others as hoped: what else a false go is


def grids(scenario: Scenario, assembled: Assembled) -> Grids:
    """Lay out what is simulated for a report of ``scenario``."""
    base = _table_of(scenario)
    here = labels_of(scenario)
    return Grids(
        sizes=_sweep(scenario, (), _sizes(scenario, base, here)),
        surface=_sweep(scenario, ("target",), _surface(scenario, base, here)),
        moved=_sweep(scenario, _truths(scenario), _moved(scenario, assembled, base, here)),
        nulls=_sweep(scenario, ("target",), _nulls(scenario, assembled, base, here)),
    )


def labels_of(scenario: Scenario) -> Labels:
    """Where the planned trial is on the axes of a report."""
    found: Labels = {"patients": int(scenario.design["patients"])}
    if scenario.truth.target:
        found["effect"] = 1.0
    share = lost_share(scenario)
    if share is not None:
        found["dropout"] = share
    return found | {"assumption": PLANNED}


def lost_share(scenario: Scenario) -> float | None:
    """Share of patients that the scenario expects to lose, where it is one number."""
    share = scenario.missing.dropout.get("share")
    return float(share) if isinstance(share, int | float) else None


def _truths(scenario: Scenario) -> tuple[TruthName, ...]:
    found: list[TruthName] = ["target"] if scenario.truth.target else []
    return (*found, "prior") if scenario.truth.prior else tuple(found) or ("null",)


def _table_of(scenario: Scenario) -> Table:
    table: Table = scenario.model_dump(mode="json", exclude_defaults=True)
    return table


def _sweep(scenario: Scenario, truths: tuple[TruthName, ...], cells: Iterator[Variation]) -> Sweep:
    return Sweep(
        path=scenario.path,
        title=scenario.title,
        text="",  # nobody wrote one: the cells say it all
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
    found = {planned, *(unit * round(planned * times / unit) for times in SIZES)}
    return sorted(n for n in found if n == planned or n >= least)


def _sizes(scenario: Scenario, base: Table, here: Labels) -> Iterator[Variation]:
    planned = int(scenario.design["patients"])
    for patients in sizes_around(scenario):
        size = {"design.patients": patients}
        sized = _variation(scenario, base, here | {"patients": patients}, size)
        if patients == planned or _fits(sized):  # looks at a number of patients need that many
            yield sized


def _surface(scenario: Scenario, base: Table, here: Labels) -> Iterator[Variation]:
    if not scenario.truth.target:
        return
    share = lost_share(scenario)
    lost = sorted({min(share * times, _MOST_LOST) for times in LOSSES}) if share else [None]
    for loss in lost:
        for times in EFFECTS:
            for patients in sizes_around(scenario):
                labels = here | {"patients": patients, "effect": times}
                changes = {"design.patients": patients, **_effects(scenario, times)}
                if loss is not None:
                    labels["dropout"] = round(loss, 4)
                    changes["missing.dropout.share"] = labels["dropout"]
                yield _variation(scenario, base, labels, changes)


def _effects(scenario: Scenario, times: float) -> dict[str, Any]:
    """All target effects times one number."""
    found: dict[str, Any] = {}
    for endpoint, target in scenario.truth.target.items():
        key = f"truth.target.{endpoint}.effect"
        match target.effect:
            case Percent(percent=percent):
                found[f"{key}.percent"] = round(percent * times, 10)
            case size:
                found[key] = round(size * times, 10)
    return found


def _moved(
    scenario: Scenario, assembled: Assembled, base: Table, here: Labels
) -> Iterator[Variation]:
    yield _variation(scenario, base, here, {})
    for name, changes in (
        *_sd_moves(assembled).items(),
        *_correlation_moves(assembled).items(),
        *_not_at_random(scenario).items(),
        ("goes well (--assume optimistic)", {"assume": "optimistic"}),
        ("goes badly (--assume pessimistic)", {"assume": "pessimistic"}),
        *_weights(scenario).items(),
    ):
        try:
            moved = _variation(scenario, base, here | {"assumption": name}, changes)
        except BadScenario:  # a move to where no scenario can be is no move
            continue
        if _fits(moved):
            yield moved


def _fits(cell: Variation) -> bool:
    """Whether a scenario's parts fit one another."""
    try:
        build_scenario(cell.scenario)
    except BadScenario:
        return False
    return True


def partial_nulls(assembled: Assembled) -> dict[str, tuple[str, ...]]:
    """Truths in which one analysis has no effect to find and others have: name -> its endpoints.

    A rule for several analyses may be wrong more often there than where nothing works.
    """
    hoped = list(assembled.built.scenario.truth.target)
    found: dict[str, tuple[str, ...]] = {}
    for analysis in assembled.built.study.analyses:
        own = tuple(e for e in hoped if e in drawn_for(analysis.endpoint))
        if own and len(own) < len(hoped):
            labels = " and ".join(ENDPOINTS[endpoint].label for endpoint in own)
            found[f"{NO_EFFECT}{labels}{ELSE_AS_HOPED}"] = own
    return found


def _nulls(
    scenario: Scenario, assembled: Assembled, base: Table, here: Labels
) -> Iterator[Variation]:
    for name, endpoints in partial_nulls(assembled).items():
        changes = {f"truth.target.{endpoint}.effect": 0.0 for endpoint in endpoints}
        yield _variation(scenario, base, here | {"assumption": name}, changes)


def _sd_moves(assembled: Assembled) -> dict[str, dict[str, Any]]:
    """SDs of every endpoint, at each planned visit, times one number."""
    return {
        name: {
            f"outcome.{endpoint}.sd": [float(f"{value * times:.4g}") for value in sd]
            for endpoint, sd in _sds(assembled).items()
        }
        for name, times in _SD_MOVES.items()
    }


def _sds(assembled: Assembled) -> dict[str, list[float]]:
    """Typical SD of each endpoint at the planned visits."""
    drawn, planned = assembled.study.drawn, assembled.study.plan.visits_months
    visits = [drawn.visits_months.index(month) for month in planned]
    mean = assembled.control.sd.mean(axis=0)
    return {
        name: [float(value) for value in mean[e, visits]] for e, name in enumerate(drawn.endpoints)
    }


def _correlation_moves(assembled: Assembled) -> dict[str, dict[str, Any]]:
    """Correlations between visits brought closer to, or further from, 1."""
    drawn = assembled.study.drawn
    if drawn.visits_months != assembled.study.plan.visits_months:
        return {}  # a scenario can say those of the planned visits only
    mean = assembled.control.correlation.mean(axis=0)
    found: dict[str, dict[str, Any]] = {}
    for name, times in _CORRELATION_MOVES.items():
        changes: dict[str, Any] = {}
        for e, endpoint in enumerate(drawn.endpoints):
            moved = np.round(np.clip(1.0 - times * (1.0 - mean[e]), 0.0, 1.0), 4)
            if np.linalg.eigvalsh(moved).min() > 0:
                changes[f"outcome.{endpoint}.correlation"] = moved.tolist()
        if changes:
            found[name] = changes
    return found


def _not_at_random(scenario: Scenario) -> dict[str, dict[str, Any]]:
    """As many lost at each visit, but for the value of that visit, which nobody sees."""
    dropout = scenario.missing.dropout
    share, by = lost_share(scenario), dropout.get("by_month")
    endpoints = [one["endpoint"] for one in scenario.analysis if one.get("endpoint") in ENDPOINTS]
    if not share or not by or not endpoints:
        return {}
    months = scenario.design["visits_months"][1:]
    changes = {
        "mechanism": "mnar",
        "lost": [round(1.0 - (1.0 - share) ** (month / by), 5) for month in months],
        "endpoint": endpoints[0],
        "odds_ratio_per_sd": _UNSEEN,
    }
    return {NOT_AT_RANDOM: {"missing.dropout": changes}}


def _weights(scenario: Scenario) -> dict[str, dict[str, Any]]:
    """How far the fitted effect is believed, for assurance."""
    if scenario.truth.prior is None:
        return {}
    planned = scenario.truth.prior.robust_weight
    return {
        f"weight of the fitted effect {weight:g}": {"truth.prior.robust_weight": weight}
        for weight in (0.5, 1.0)
        if weight != planned
    }
