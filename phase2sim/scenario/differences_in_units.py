"""Single numbers of a scenario that stand with their unit, ``{ value, unit }`` -> plain numbers."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path

from phase2sim.core.endpoints import ENDPOINTS, EVENTS, MEASURES, RESPONSES, Endpoint
from phase2sim.core.errors import BadScenario, BadValue
from phase2sim.core.io.validation import Table, join_key, leaves, show_value
from phase2sim.core.units import unit_of
from phase2sim.scenario.given_units import is_number, list_of

# Tables of numbers by endpoint, all of them differences or SDs on the model scale.
BY_ENDPOINT = (
    ("missing", "delta"),
    ("population", "site_sd"),
    ("population", "per_year_of_age"),
    ("intercurrent", "other_therapy", "effect"),
    ("intercurrent", "rescue", "effect"),
)
# Tables of numbers by analysis, on the scale of its effect.
BY_ANALYSIS = (("decision", "beyond"), ("decision", "lower_reference"), ("decision", "target"))
# Numbers, or lists of them, on the scale of the effects of all analyses.
_OF_ALL_ANALYSES = (
    (("design", "reestimation"), "effect"),
    (("stopping", "futility"), "benefit"),
    (("stopping", "futility"), "at_least"),
)
_LISTED = ".at_least"  # one limit for all looks, or one each
_KEYS = {"value", "unit"}
# Methods of measured values whose effect is on no scale of values.
WITHOUT_UNITS = ("rank_ancova",)


def with_plain_differences(table: Table, path: Path) -> tuple[Table, tuple[str, ...]]:
    """Tables of a scenario with every ``{ value, unit }`` on the model scale, and what to say.

    Raises ``BadScenario`` for an unknown unit, and where the model scale is not linear in it.
    """
    if any(isinstance(value, Mapping | list) for _, value in leaves(table, "")):
        return table, ()  # so deep a key is refused by its name later
    plain, sentences = deepcopy(table), []
    for numbers, key, endpoint, key_path in _places(plain):
        match numbers[key]:
            case {"value": _, "unit": _} as given:
                numbers[key] = _converted(given, endpoint, f"{path}: {key_path}")
                unit = "" if endpoint is None else endpoint.model_unit
                if given["unit"] != unit:
                    sentences.append(
                        f"{key_path}: {_shown(given['value'])} {given['unit']} is"
                        f" {_shown(numbers[key])} {unit}."
                    )
            case dict() as given:
                raise BadScenario(
                    f"{path}: {key_path} is {show_value(given)}; it must be a number, or a table"
                    " { value, unit }. Correct it."
                )
    return plain, tuple(sentences)


def _places(table: Table) -> Iterator[tuple[Table, str, Endpoint | None, str]]:
    """Where a number may stand with its unit: its table, its key, its endpoint, its path."""
    for keys in BY_ENDPOINT:
        for name in list(numbers := _table_at(table, keys)):
            if name in ENDPOINTS:  # another one is refused later
                yield numbers, name, ENDPOINTS[name], join_key(".".join(keys), name)
    for keys in BY_ANALYSIS:
        for name in list(numbers := _table_at(table, keys)):
            yield numbers, name, _measure_of(table, name), join_key(".".join(keys), name)
    for keys, key in _OF_ALL_ANALYSES:
        if key in (numbers := _table_at(table, keys)):
            is_effect = key != "at_least" or numbers.get("kind") == "effect"
            measure = _common_measure(table) if is_effect else None
            yield numbers, key, measure, ".".join([*keys, key])


def _table_at(table: Table, keys: tuple[str, ...]) -> Table:
    for key in keys:
        match table.get(key):
            case dict() as inner:
                table = inner
            case _:
                return {}
    return table


def _measures(table: Table) -> Iterator[tuple[str, Endpoint | None]]:
    """What each analysis is called, and the endpoint in whose units its effect is."""
    analyses = table.get("analysis")
    for analysis in analyses if isinstance(analyses, list) else []:
        if isinstance(analysis, dict):
            response = RESPONSES.get(str(analysis.get("responder")))
            endpoint = str(analysis.get("endpoint", "" if response is None else response.endpoint))
            no_units = "responder" in analysis or analysis.get("method") in WITHOUT_UNITS
            measure = None if no_units or endpoint in EVENTS else MEASURES.get(endpoint)
            yield str(analysis.get("name") or endpoint), measure


def _measure_of(table: Table, name: str) -> Endpoint | None:
    """Endpoint of the analysis called ``name``.

    Without a name of its own it is called by its endpoint, with month and arm where needed.
    """
    for called, measure in _measures(table):
        if name == called or name.startswith(f"{called}_"):
            return measure
    return None


def _common_measure(table: Table) -> Endpoint | None:
    """Endpoint in whose units the effects of all analyses are."""
    measures = {measure.name: measure for _, measure in _measures(table) if measure is not None}
    if len(measures) != 1 or any(measure is None for _, measure in _measures(table)):
        return None
    return measures.popitem()[1]


def _shown(numbers: float | list[float]) -> str:
    return ", ".join(f"{number:.4g}" for number in list_of(numbers))


def _converted(given: Table, endpoint: Endpoint | None, where: str) -> float | list[float]:
    """Convert a difference, or a list of them, to the model scale."""
    value, name = given["value"], given["unit"]
    listed = isinstance(value, list) and where.endswith(_LISTED) and value
    numbers = value if listed else [value]
    if set(given) != _KEYS or not all(is_number(number) for number in numbers):
        raise BadScenario(
            f"{where} is {show_value(given)}; with a unit it is a table {{ value, unit }} of a"
            " number and a text. Correct it."
        )
    if endpoint is None:
        by_name = any(f": {'.'.join(keys)}." in where for keys in BY_ANALYSIS)
        not_one = "no analysis of that name has an effect" if by_name else "this is not an effect"
        raise BadScenario(
            f"{where}.unit is {name!r}, but {not_one} in units of an endpoint. Give the number"
            " alone."
        )
    try:
        unit = unit_of(endpoint, str(name), f"{where}.unit")
    except BadValue as error:
        raise BadScenario(str(error)) from None
    if unit.name == endpoint.model_unit:
        return value if listed else float(value)
    if not endpoint.scale.is_linear:
        raise BadScenario(
            f"{where}.unit is {name!r}, but a difference in it is none on the"
            f" {endpoint.model_unit} scale, on which this number is: what it is there depends on"
            " the patient's value. Give the number on that scale, alone."
        )
    converted = [unit.difference(number) for number in numbers]
    return converted if listed else converted[0]
