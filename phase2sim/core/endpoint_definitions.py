"""What ``[endpoint.NAME]`` and ``[response.NAME]`` of a file define, added to what ships."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from phase2sim.core.endpoint_tables import EndpointTable, ResponseTable
from phase2sim.core.endpoints import (
    DERIVED,
    ENDPOINTS,
    EVENTS,
    MEASURES,
    RESPONSES,
    Derived,
    Endpoint,
    Response,
    read_endpoints,
)
from phase2sim.core.errors import BadInput, BadValue
from phase2sim.core.formulas import Formula
from phase2sim.core.history_priors import PRIORS, EndpointPriors, history_priors_of
from phase2sim.core.io.toml_files import read_toml
from phase2sim.core.io.validation import Table, join_key, nearest, show_value, validate
from phase2sim.core.model_scales import MODEL_SCALES, Logit, ModelScale, Root, SquareRoot
from phase2sim.core.stream_places import stream_place

FILE_OF_ENDPOINTS = "endpoints"  # the key that names a file of both
DEFINITIONS = ("endpoint", "response")
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_RESERVED = ("age", "baseline", "months_since_diagnosis", "stratum", "weight")
# Of the width of the plausible values on the model scale; the usual effect of the largest one.
_LARGEST_SHARE, _USUAL_SHARE, _SD_SHARES = 0.5, 0.4, (0.001, 0.5)
_ENDPOINTS = TypeAdapter(dict[str, EndpointTable])
_RESPONSES = TypeAdapter(dict[str, ResponseTable])


@dataclass(frozen=True, slots=True)
class EndpointDefinitions:
    """What the tables of one file define, by name."""

    histories: Mapping[str, EndpointPriors]
    endpoints: Mapping[str, Endpoint]
    derived: Mapping[str, Derived]
    events: Mapping[str, str]
    responses: Mapping[str, Response]


def own_definitions(tables: Table, path: Path, refusal: type[BadInput]) -> dict[str, Table]:
    """Tables of ``endpoint`` and ``response`` of a file, with those of the file that it names.

    Raises ``refusal`` for a file of ``endpoints`` that cannot be read, holds anything else, or
    defines a name that the file itself defines.
    """
    definitions = {key: dict(tables[key]) for key in DEFINITIONS if _is_table(tables.get(key))}
    match tables.get(FILE_OF_ENDPOINTS):
        case None:
            return definitions
        case str(name) if name.endswith(".toml"):
            return _with_those_of(path.parent / name, definitions, path, refusal)
        case given:
            raise refusal(
                f"{path}: {FILE_OF_ENDPOINTS} is {show_value(given)}; it must be the name of a file"
                " that ends in .toml, counted from this one. Correct it."
            )


def _with_those_of(
    other: Path, definitions: dict[str, Table], path: Path, refusal: type[BadInput]
) -> dict[str, Table]:
    """Add the definitions of a file of endpoints, which ``path`` names."""
    for key, table in read_toml(other, refusal).items():
        if key not in DEFINITIONS or not _is_table(table):
            raise refusal(
                f"{other}: {join_key('', key)} is not a key of a file of endpoints. Write tables"
                f" [endpoint.NAME] and [response.NAME] only; {path} names this file."
            )
        twice = sorted(set(table) & set(definitions.get(key, {})))
        if twice:
            raise refusal(
                f"{path}: {key}.{twice[0]} is defined here and in {other}. Remove one of them."
            )
        definitions[key] = definitions.get(key, {}) | table
    return definitions


def _is_table(value: object) -> bool:
    match value:
        case dict():
            return True
        case _:
            return False


def define(tables: Table, path: Path, refusal: type[BadInput]) -> None:
    """Read ``endpoint`` and ``response`` of a file's tables, and add them to what is known.

    Raises ``refusal`` that names the file, the key, its value and what is allowed.
    """
    try:
        definitions = _definitions(tables, path, refusal)
        for catalogue, table, added in (
            (ENDPOINTS, "endpoint", definitions.endpoints),
            (DERIVED, "endpoint", definitions.derived),
            (MEASURES, "endpoint", {**definitions.endpoints, **definitions.derived}),
            (EVENTS, "endpoint", definitions.events),
            (RESPONSES, "response", definitions.responses),
            (PRIORS, "endpoint", definitions.histories),
        ):
            _add(catalogue, added, table, str(path))
    except BadValue as error:
        raise refusal(f"{path}: {error}") from None


def _add(catalogue: Any, added: Mapping[str, Any], table: str, origin: str) -> None:  # noqa: ANN401
    for name, definition in added.items():
        try:
            catalogue.add(name, definition, origin)
        except BadValue as error:
            raise error.under(table) from None


def _definitions(tables: Table, path: Path, refusal: type[BadInput]) -> EndpointDefinitions:
    given = validate(_ENDPOINTS, tables.get("endpoint", {}), "endpoint", path, refusal)
    rules = validate(_RESPONSES, tables.get("response", {}), "response", path, refusal)
    events = {name: table.label for name, table in given.items() if table.counted}
    complete: dict[str, Table] = {}
    for name, table in given.items():
        _check_name(name, "endpoint")
        _check_kind(name, table)
        _check_streams(name, (*ENDPOINTS, *EVENTS, *given))
        if table.counted:
            _check_counted(name, table)
        else:
            complete[name] = _completed(name, table)
    endpoints, derived = read_endpoints(complete)
    drawn = {**ENDPOINTS, **endpoints}
    for name, outcome in derived.items():
        _check_formula(name, outcome.formula, drawn)
    responses = {}
    for name, rule in rules.items():
        _check_name(name, "response")
        responses[name] = _response(name, rule, {**MEASURES, **endpoints, **derived})
    histories = {name: _history(name, given[name], of) for name, of in endpoints.items()}
    return EndpointDefinitions(histories, endpoints, derived, events, responses)


def _history(name: str, table: EndpointTable, endpoint: Endpoint) -> EndpointPriors:
    """Priors that follow from the plausible values, with those that the table states."""
    stated = {} if table.history is None else table.history.model_dump(exclude_none=True)
    low, high = (endpoint.to_model(value) for value in endpoint.plausible)
    key = f"endpoint.{name}"
    if not math.isfinite(low):
        raise BadValue(f"{key}.plausible", f"begins at {endpoint.plausible[0]:g}. Begin above it.")
    for pair in ("first_mean", "mean_step", "first_log_sd", "log_sd_step", "per_year_of_age"):
        if pair in stated and not stated[pair][1] > 0.0:
            raise BadValue(
                f"{key}.history.{pair}",
                f"is {list(stated[pair])}; it is a mean and an SD, which is above 0.",
            )
    stable = stated.pop("course", "changing") == "stable"
    return replace(history_priors_of(low, high, stable=stable), **stated)


def _check_name(name: str, table: str) -> None:
    key = f"{table}.{name}"
    if not _NAME.fullmatch(name):
        raise BadValue(
            key, "is not a name. Use small letters, digits and _, and begin with a letter."
        )
    if name in _RESERVED:
        raise BadValue(key, "is a word of scenarios already. Give it another name.")


def _check_streams(name: str, others: Iterable[str]) -> None:
    """Refuse a name that would be drawn from the random numbers of another one."""
    for other in others:
        if other != name and stream_place(other, 0.0) == stream_place(name, 0.0):
            raise BadValue(
                f"endpoint.{name}",
                f"would have the random numbers of {other!r}, by a coincidence of their names. Give"
                " it another name.",
            )


def _check_kind(name: str, table: EndpointTable) -> None:
    """Refuse a name that is counted and measured."""
    if name in (MEASURES if table.counted else EVENTS):
        kind = "a measured endpoint" if table.counted else "a counted outcome"
        raise BadValue(f"endpoint.{name}", f"is {kind} already. Give it another name.")


def _check_counted(name: str, table: EndpointTable) -> None:
    for key in sorted(table.model_fields_set - {"counted", "label"}):
        raise BadValue(f"endpoint.{name}.{key}", "does not belong beside counted. Remove it.")


def _completed(name: str, table: EndpointTable) -> Table:
    """Return the table with every key, its defaults derived from the plausible values."""
    key = f"endpoint.{name}"
    for required in ("unit", "benefit", "plausible"):
        if getattr(table, required) is None:
            raise BadValue(f"{key}.{required}", "is missing. Add it.")
    plain = table.model_dump(exclude_none=True)
    if table.formula is not None:
        _check_arithmetic(key, table.formula)
    plain["units"] = {unit: _conversion(key, unit, table) for unit in table.units}
    low, high = plain["plausible"]
    if not low < high:
        raise BadValue(f"{key}.plausible", f"is [{low:g}, {high:g}]; the first must be lower.")
    return _with_sizes(key, plain, _scale_of(key, table, low, high))


def _scale_of(key: str, table: EndpointTable, low: float, high: float) -> ModelScale:
    """Model scale; refuses plausible values, from ``low`` to ``high``, that it does not have."""
    if (table.model_scale == Logit.name) != (table.limits is not None):
        what = "is missing; logit needs it" if table.limits is None else "is of logit only"
        raise BadValue(f"{key}.limits", f"{what}. {'Remove' if table.limits else 'Add'} it.")
    if table.limits and not table.limits[0] < table.limits[1]:
        raise BadValue(f"{key}.limits", f"is {list(table.limits)}; the first must be lower.")
    scale = MODEL_SCALES[table.model_scale](*(table.limits or ()))
    lowest, highest = scale.domain
    of_squares = table.model_scale in {Root.name, SquareRoot.name}
    if not lowest < low or not high < highest or (of_squares and low < 0.0):
        between = (
            f"above {lowest:g}" if math.isinf(highest) else f"between {lowest:g} and {highest:g}"
        )
        words = "0 or more" if of_squares else between
        raise BadValue(
            f"{key}.plausible",
            f"is [{low:g}, {high:g}]; on the {table.model_scale} scale values are {words}. Correct"
            " it, or model_scale.",
        )
    return scale


def _conversion(key: str, unit: str, table: EndpointTable) -> Table:
    terms = table.units[unit].model_dump(exclude_none=True)
    if unit == table.unit:
        raise BadValue(f"{key}.units", f"has {unit!r}, which is unit itself. Remove it there.")
    if not terms:
        raise BadValue(
            f"{key}.units.{unit}",
            "has no conversion. Give multiply_by, divide_by or add, which turn a value into"
            f" {table.unit}.",
        )
    return terms


def _with_sizes(key: str, plain: Table, scale: ModelScale) -> Table:
    """Add sizes of effects and SDs that were left out, and check those that were not."""
    low, high = (float(scale.to_model(np.array(value))) for value in plain["plausible"])
    width = high - low
    largest = plain.setdefault("largest_effect", _LARGEST_SHARE * width)
    usual = plain.setdefault("usual_effect", _USUAL_SHARE * largest)
    smallest_sd, largest_sd = plain.setdefault(
        "usual_sd", tuple(share * width for share in _SD_SHARES)
    )
    if not usual <= largest:
        raise BadValue(
            f"{key}.usual_effect",
            f"is {usual:g}, above largest_effect, {largest:g}. Correct one of them.",
        )
    if not largest <= width * (1.0 + 1e-9):
        raise BadValue(
            f"{key}.largest_effect",
            f"is {largest:g}, but the plausible values are only {width:.4g} apart on the"
            f" {scale.unit.format(plain['unit'])} scale. Correct one of them.",
        )
    if not 0.0 < smallest_sd < largest_sd:
        raise BadValue(
            f"{key}.usual_sd",
            f"is [{smallest_sd:g}, {largest_sd:g}]; give two numbers above 0 that rise.",
        )
    return plain


def _check_arithmetic(key: str, text: str) -> None:
    try:
        Formula(text)
    except BadInput as error:
        raise BadValue(f"{key}.formula", str(error).removeprefix("formula ")) from None


def _check_formula(name: str, formula: Formula, drawn: Mapping[str, Endpoint]) -> None:
    key = f"endpoint.{name}.formula"
    for part in formula.names:
        if part == name or part in DERIVED:
            raise BadValue(
                key, f"names {part!r}, which is derived itself. Write what that one follows from."
            )
        if part not in drawn:
            raise BadValue(key, f"names {part!r}. {nearest(part, drawn)}")
    middle = {part: np.array(sum(drawn[part].plausible) / 2.0) for part in formula.names}
    if not np.isfinite(formula.value(middle)):
        raise BadValue(
            key, f"is {formula.text!r}, which divides by 0 whatever the patient. Correct it."
        )


def _response(name: str, table: ResponseTable, measures: Mapping[str, Endpoint]) -> Response:
    if table.endpoint not in measures:
        raise BadValue(
            f"response.{name}.endpoint",
            f"is {table.endpoint!r}. {nearest(table.endpoint, measures)}",
        )
    rule = table.rule.model_dump(exclude_none=True)
    if not rule:
        raise BadValue(
            f"response.{name}.rule", "is empty. Give a limit, such as { at_most = 9.0 }."
        )
    return Response(table.endpoint, rule, table.label)
