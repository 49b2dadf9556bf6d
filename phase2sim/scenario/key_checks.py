"""What a scenario's keys are refused for, or asked about, before any part is built."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from phase2sim.core.contracts import AGE
from phase2sim.core.endpoints import ENDPOINTS, EVENTS, MEASURES, Endpoint
from phase2sim.core.entry_times import SINCE_DIAGNOSIS
from phase2sim.core.errors import BadScenario, BadValue
from phase2sim.core.io.validation import Table, join_key, nearest
from phase2sim.core.units import unit_of
from phase2sim.scenario.given_units import is_number
from phase2sim.scenario.tables import Population, TargetEffect

if TYPE_CHECKING:
    from phase2sim.scenario.scenario_file import Scenario

# Of the width of the plausible range: what a difference between arms is hardly ever beyond.
_SMALLEST_SHARE, _LARGEST_SHARE = 0.001, 0.3
_MOST_PERCENT = 100.0


def check_endpoints(scenario: "Scenario", path: Path) -> None:
    """Refuse tables of endpoints and events that there are not."""
    population, measured = scenario.population, ENDPOINTS
    named: dict[str, tuple[Iterable[str], Iterable[str]]] = {
        "outcome": (scenario.outcome, measured),
        "truth.target": (scenario.truth.target, measured),
        "population.per_year_of_age": (population.per_year_of_age, measured),
        "population.eligible": (population.eligible, (*measured, SINCE_DIAGNOSIS)),
        "population.baseline_strata": (population.baseline_strata, measured),
        "population.site_sd": (population.site_sd, measured),
        "missing.delta": (scenario.missing.delta, measured),
        "shared.endpoints": (scenario.shared.endpoints, measured),
        "events": (scenario.events, EVENTS),
        "data.unit": (scenario.data.unit, MEASURES),
    }
    for endpoint, target in scenario.truth.target.items():
        named[f"truth.target.{endpoint}.modified_by"] = (target.modified_by, (AGE, *measured))
    for key_path, (table, known) in named.items():
        for endpoint in table:
            if endpoint not in known:
                raise BadScenario(
                    f"{path}: {join_key(key_path, endpoint)} is not an endpoint."
                    f" {nearest(endpoint, known)}"
                )
    for endpoint, unit in scenario.data.unit.items():
        try:
            unit_of(MEASURES[endpoint], unit, f"data.unit.{endpoint}")
        except BadValue as error:
            raise BadScenario(f"{path}: {error}") from None


def check_effects(scenario: "Scenario", path: Path) -> None:
    """Refuse target effects that no treatment has."""
    for name, target in scenario.truth.target.items():
        endpoint = ENDPOINTS[name]
        limit = endpoint.largest_effect
        if not _is_on_model_scale(target, endpoint) or abs(_number(target)) <= limit:
            continue
        effect = _number(target)
        raise BadScenario(
            f"{path}: truth.target.{name}.effect is {effect:g}: on the {endpoint.model_unit} scale"
            f" an effect lies between -{limit:g} and {limit:g}."
            f"{_probably_meant(target, endpoint)}"
        )


def ask_units(scenario: "Scenario") -> None:
    """Ask about numbers without a unit that are more often in another one than so large.

    Raises ``BadScenario`` with the question; a ``unit`` in the file is the answer.
    """
    for name, target in scenario.truth.target.items():
        endpoint = ENDPOINTS[name]
        if target.unit is not None or not abs(_number(target)) > endpoint.usual_effect:
            continue
        raise BadScenario(
            f"{scenario.path}: truth.target.{name}.effect is {_number(target):g}, in which unit?"
            f" On the {endpoint.model_unit} scale that is more than treatments do."
            f"{_probably_meant(target, endpoint)} If it is meant so, write"
            f" unit = {endpoint.model_unit!r} beside it."
        )
    for number, table in enumerate(scenario.analysis, start=1):
        _ask_null_effect(table, f"{scenario.path}: analysis[{number}].null_effect")


def _ask_null_effect(table: Table, key_path: str) -> None:
    null_effect, measure = table.get("null_effect"), MEASURES.get(str(table.get("endpoint")))
    if measure is None or "unit" in table or "responder" in table:
        return
    if is_number(null_effect) and abs(float(null_effect or 0.0)) > measure.usual_effect:
        others = [unit for unit in measure.units if unit != measure.model_unit]
        other = f" For {null_effect:g} {others[0]} write unit = {others[0]!r}." if others else ""
        raise BadScenario(
            f"{key_path} is {null_effect:g}, in which unit? On the {measure.model_unit} scale that"
            f" is more than treatments do."
            f"{other if measure.scale.is_linear else ''}"
            f" If it is meant so, write unit = {measure.model_unit!r} beside it."
        )


def _is_on_model_scale(target: TargetEffect, endpoint: Endpoint) -> bool:
    return target.unit is None or target.unit == endpoint.model_unit


def _number(target: TargetEffect) -> float:
    """The effect where it is a number; a percentage is checked once the typical value is known."""
    match target.effect:
        case float(number):
            return number
        case _:
            return 0.0


def _probably_meant(target: TargetEffect, endpoint: Endpoint) -> str:
    """Say how a number that is too large is written in other units; nothing that is harm."""
    effect = _number(target)
    if effect * endpoint.benefit_sign < 0:
        return f" {direction_of_benefit(endpoint, effect)}"
    remedies = ""
    for unit in (unit_of(endpoint, name) for name in endpoint.units if name != endpoint.model_unit):
        size = abs(unit.difference(effect))
        if _SMALLEST_SHARE * width_of(endpoint) < size < _LARGEST_SHARE * width_of(endpoint):
            value = f", which is {unit.difference(effect):.3g} {endpoint.unit},"
            remedies += (
                f" For {effect:g} {unit.name}{'' if unit.name == endpoint.unit else value} write"
                f" unit = {unit.name!r}."
            )
    more = "higher" if effect > 0 else "lower"
    return (
        f"{remedies} For {abs(effect):g} % {more} than untreated write"
        f" effect = {{ percent = {effect:g} }}."
        if abs(effect) < _MOST_PERCENT
        else remedies
    )


def width_of(endpoint: Endpoint) -> float:
    """Largest minus smallest plausible value, in the endpoint's unit."""
    low, high = endpoint.plausible
    return high - low


def direction_of_benefit(endpoint: Endpoint, effect: float) -> str:
    """Say which way is benefit, and that an effect is not."""
    better = "lower" if endpoint.lower_is_better else "higher"
    return f"{endpoint.label}: {better} is better; effect = {effect:g} is harm."


def check_windows(population: Population, path: Path) -> None:
    """Refuse windows and strata whose limits are in the wrong order, or outside each other."""
    ages = population.age_years
    if ages is not None and ages[0] > ages[1]:
        raise BadScenario(
            f"{path}: population.age_years is {list(ages)}; the lower limit comes first. Swap them."
        )
    if population.age_years is None and (population.age_strata or population.per_year_of_age):
        raise BadScenario(
            f"{path}: population.age_years is missing; age_strata and per_year_of_age need it."
        )
    strata = list(population.age_strata)
    if strata != sorted(set(strata)):
        raise BadScenario(f"{path}: population.age_strata is {strata}; let the ages rise.")
    low, high = population.age_years or (0.0, 0.0)
    _check_normal_age(population, path)
    if strata and not low < strata[0] <= strata[-1] <= high:
        raise BadScenario(
            f"{path}: population.age_strata is {strata}; a new stratum must begin within"
            f" population.age_years, above {low:g} and at most {high:g}. Correct one of them."
        )


def _check_normal_age(population: Population, path: Path) -> None:
    mean, sd = population.age_mean, population.age_sd
    if mean is None and sd is None:
        return
    if mean is None or sd is None or population.age_years is None:
        raise BadScenario(
            f"{path}: population.age_mean, age_sd and age_years belong together: a normal age, cut"
            " to the range. Add what is missing."
        )
    low, high = population.age_years
    if not (low < high and low - 3 * sd <= mean <= high + 3 * sd):
        raise BadScenario(
            f"{path}: population.age_mean is {mean:g}; with age_sd {sd:g} hardly anybody is within"
            f" age_years {low:g} to {high:g}. Correct one of them."
        )
