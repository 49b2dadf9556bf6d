"""Single numbers of a scenario that stand with their unit, ``{ value, unit }`` -> plain numbers."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path

from phase2sim.core.endpoints import ENDPOINTS, EVENTS, MEASURES, RESPONSES, Endpoint
from phase2sim.core.errors import BadScenario, BadValue
from phase2sim.core.io.validation import Table, join_key, leaves, show_value
from phase2sim.core.units import unit_of
from phase2sim.scenario.given_units import is_number

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
_OF_THE_ANALYSIS = (("design", "reestimation"), "effect")  # there is only one analysis
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
                        f"{key_path}: {given['value']:g} {given['unit']} is"
                        f" {numbers[key]:.4g} {unit}."
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
    keys, key = _OF_THE_ANALYSIS
    if key in (numbers := _table_at(table, keys)):
        yield numbers, key, _measure_of(table, None), ".".join([*keys, key])


def _table_at(table: Table, keys: tuple[str, ...]) -> Table:
    for key in keys:
        match table.get(key):
            case dict() as inner:
                table = inner
            case _:
                return {}
    return table


def _measure_of(table: Table, name: str | None) -> Endpoint | None:
    """Endpoint of the analysis called ``name``, or the first, if its effect has its units."""
    analyses = table.get("analysis")
    for analysis in analyses if isinstance(analyses, list) else []:
        if not isinstance(analysis, dict):
            continue
        response = RESPONSES.get(str(analysis.get("responder")))
        endpoint = str(analysis.get("endpoint", "" if response is None else response.endpoint))
        called = analysis.get("name") or endpoint
        # Without a name of its own it is called by its endpoint, with month and arm where needed.
        if name in {None, called} or str(name).startswith(f"{called}_"):
            no_units = "responder" in analysis or analysis.get("method") in WITHOUT_UNITS
            return None if no_units or endpoint in EVENTS else MEASURES.get(endpoint)
    return None


def _converted(given: Table, endpoint: Endpoint | None, where: str) -> float:
    """Convert a difference to the model scale."""
    value, name = given["value"], given["unit"]
    if set(given) != _KEYS or not is_number(value):
        raise BadScenario(
            f"{where} is {show_value(given)}; with a unit it is a table {{ value, unit }} of a"
            " number and a text. Correct it."
        )
    if endpoint is None:
        raise BadScenario(
            f"{where}.unit is {name!r}, but no analysis of that name has an effect in units of an"
            " endpoint. Give the number alone."
        )
    try:
        unit = unit_of(endpoint, str(name), f"{where}.unit")
    except BadValue as error:
        raise BadScenario(str(error)) from None
    if unit.name == endpoint.model_unit:
        return float(value)
    if endpoint.transformation != "identity":
        raise BadScenario(
            f"{where}.unit is {name!r}, but a difference in it is none on the"
            f" {endpoint.model_unit} scale, on which this number is: what it is there depends on"
            " the patient's value. Give the number on that scale, alone."
        )
    return unit.difference(value)
