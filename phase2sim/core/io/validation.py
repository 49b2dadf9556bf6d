"""Tables of a file become checked values; the first thing wrong becomes one plain message."""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, time
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from phase2sim.core.errors import BadInput, BadValue, message_at

type Table = dict[str, Any]
type Month = Annotated[float, Field(ge=0, le=1200)]

# Kinds of value where a key takes several: pydantic puts them into locations, and
# join_key_path skips them.
NUMBER, TABLE, LIST, MATRIX = "a number", "a table", "[values]", "[[rows], [of values]]"
_BRANCHES = {NUMBER, TABLE, LIST, MATRIX}
_UNKNOWN = {"extra_forbidden", "unexpected_keyword_argument"}
_LONGEST_VALUE_SHOWN = 60
_DEEPEST = 32  # levels of tables and arrays; no key has as many as ten
_NOWHERE_ELSE: Mapping[str, str] = MappingProxyType({})


def validate[T](
    adapter: TypeAdapter[T],
    table: object,
    key_path: str,
    path: Path,
    refusal: type[BadInput],
    *,
    elsewhere: Mapping[str, str] = _NOWHERE_ELSE,
) -> T:
    """Turn a table into a checked value; the first thing wrong becomes the message of ``refusal``.

    TOML types are taken as they are: text is never read as a number, nor a number or a date as
    text. ``elsewhere`` says of keys that do not stand at ``key_path`` where the file has them.
    """
    for key, value in leaves(table, key_path):
        if isinstance(value, Mapping | list):
            shown = f"{key[:_LONGEST_VALUE_SHOWN]}..."
            raise refusal(f"{path}: {shown} is nested deeper than {_DEEPEST} levels. Correct it.")
        if isinstance(value, date | time):
            raise refusal(f'{path}: {key} is {value}, a date or time. Put text in "quotes".')
    try:
        return adapter.validate_json(json.dumps(table), strict=True)
    except ValidationError as error:
        problems = error.errors(include_url=False)
        message = _explain(problems, key_path, adapter, elsewhere)
        more = len(problems) - 1
        also = f" ({more} more after this one.)" if more else ""
        raise refusal(f"{path}: {message}{also}") from None


def branch(value: object) -> str:
    """Which kind of value stands where several may: the discriminator of such a field."""
    match value:
        case Mapping() | BaseModel():
            return TABLE
        case list() | tuple():
            return MATRIX if any(isinstance(inner, list | tuple) for inner in value) else LIST
        case _:
            return NUMBER


def join_key_path(key_path: str, location: tuple[int | str, ...]) -> str:
    """``analysis[2].covariates[1]``: where a key stands in a file, counted from 1."""
    path = key_path
    for part in location:
        match part:
            case int():
                path += f"[{part + 1}]"
            case str() if part not in _BRANCHES:
                path = join_key(path, part)
    return path


def join_key(table: str, key: str) -> str:
    """The path of a key in a table; a key that would not show, or only in part, is in quotes."""
    shown = key if key.isprintable() and key.strip() == key and key else json.dumps(key)
    return f"{table}.{shown}" if table else shown


def nearest(word: str, known: Iterable[str]) -> str:
    """Say which known word was probably meant, or list them all."""
    listed = sorted(known)
    close = get_close_matches(word, listed, n=1)
    shown = ", ".join(word if word.isprintable() else repr(word) for word in listed)
    return f"Did you mean {close[0]!r}?" if close else f"Use one of: {shown}."


def _explain(
    problems: list[ErrorDetails],
    key_path: str,
    adapter: TypeAdapter[Any],
    elsewhere: Mapping[str, str],
) -> str:
    """One sentence on the first problem: key, value, what is allowed, what to do."""
    problem = problems[0]
    where, kind = join_key_path(key_path, problem["loc"]), problem["type"]
    if kind in _UNKNOWN:
        known = _keys(adapter, problem["loc"])
        return f"{where} is not a known key. {nearest(str(problem['loc'][-1]), known)}"
    if kind in {"missing", "missing_argument"}:
        if isinstance(problem["loc"][-1], int):  # a value of an array, not a key
            where = join_key_path(key_path, problem["loc"][:-1])
            value = show_value(problem["input"])
            return f"{where} is {value}; values are missing in these [brackets]."
        return _explain_missing(problems, key_path)
    if kind == "value_error":
        return f"{_refused(problem['ctx']['error'], key_path, elsewhere).rstrip('.')}."
    return f"{where} is {show_value(problem['input'])}; {_rule(problem)}. Correct this value."


def _explain_missing(problems: list[ErrorDetails], key_path: str) -> str:
    """A key is missing, or another one in its table is it, misspelt."""
    *table, key = problems[0]["loc"]
    where = join_key_path(key_path, problems[0]["loc"])
    for other in problems:
        *beside, typed = other["loc"]
        if (
            other["type"] in _UNKNOWN
            and beside == table
            and get_close_matches(str(typed), [str(key)])
        ):
            wrong = join_key_path(key_path, other["loc"])
            return f"{where} is missing, and {wrong} is not a known key. Did you mean {key!r}?"
    return f"{where} is missing. Add it; docs/guide lists every key."


def _refused(error: ValueError, key_path: str, elsewhere: Mapping[str, str]) -> str:
    """A part's own message, where the file has its key."""
    match error:
        case BadValue(key=key) if key in elsewhere:
            return f"{elsewhere[key]}{error.joint}{error.reason}"
        case _:
            return message_at(key_path, error)


def _keys(adapter: TypeAdapter[Any], location: tuple[int | str, ...]) -> Iterable[str]:
    """Keys of the table that a location points into, found in the type's JSON schema."""
    schema = adapter.json_schema()
    node: Table = schema
    for part in location[:-1]:
        if part in _BRANCHES:
            continue
        node = _resolved(node, schema)
        inner = node.get("items") if isinstance(part, int) else node.get("properties", {}).get(part)
        node = inner or node.get("additionalProperties") or {}
    properties: Table = _resolved(node, schema).get("properties", {})
    return properties


def _resolved(node: Table, schema: Table) -> Table:
    """Follow references, and of several kinds of value take the table."""
    for option in [*node.get("anyOf", []), *node.get("oneOf", [])]:
        inner = _resolved(option, schema)
        if "properties" in inner:
            return inner
    if "$ref" in node:
        return _resolved(schema["$defs"][node["$ref"].rsplit("/", 1)[-1]], schema)
    return node


def show_value(value: object) -> str:
    """As the file says it, cut where it is long."""
    shown = str(value).lower() if isinstance(value, bool) else repr(value)
    if len(shown) <= _LONGEST_VALUE_SHOWN:
        return shown
    return shown[: _LONGEST_VALUE_SHOWN - 3] + "..."


def _as_toml(expected: object) -> str:
    """Write what pydantic expects as TOML has it."""
    return {"True": "true", "False": "false"}.get(str(expected), str(expected))


def _rule(problem: ErrorDetails) -> str:
    limits: Table = problem.get("ctx", {})
    limit = {key: f"{value:,g}" for key, value in limits.items() if isinstance(value, int | float)}
    rules = {
        "float_type": "it must be a number",
        "int_type": "it must be a whole number",
        "int_from_float": "it must be a whole number",
        "bool_type": "it must be true or false",
        "string_type": 'it must be text in "quotes"',
        "finite_number": "it must be a finite number",
        "string_too_short": "it must not be empty",
        "tuple_type": "it must be values in [brackets]",
        "list_type": "it must be values in [brackets]",
        "dict_type": "it must be a table of keys",
        "model_type": "it must be a table of keys",
        "dataclass_type": "it must be a table of keys",
        "too_short": f"it must have at least {limits.get('min_length')} values",
        "too_long": f"it must have at most {limits.get('max_length')} values",
        "greater_than": f"it must be above {limit.get('gt')}",
        "greater_than_equal": f"it cannot be below {limit.get('ge')}",
        "less_than": f"it must be below {limit.get('lt')}",
        "less_than_equal": f"it cannot be above {limit.get('le')}",
        "literal_error": f"it must be {_as_toml(limits.get('expected'))}",
        "union_tag_invalid": f"it must be {_either(limits.get('expected_tags', ''))}",
    }
    return rules.get(problem["type"], problem["msg"][:1].lower() + problem["msg"][1:])


def _either(tags: str) -> str:
    return " or ".join(tag.strip(" '") for tag in tags.split(","))


def leaves(value: object, key_path: str, level: int = 0) -> Iterator[tuple[str, object]]:
    """Every value that is no table or array, with its key path; what is too deep stays whole."""
    match value:
        case Mapping() if level <= _DEEPEST:
            for key, inner in value.items():
                yield from leaves(inner, join_key(key_path, str(key)), level + 1)
        case list() if level <= _DEEPEST:
            for number, inner in enumerate(value, start=1):
                yield from leaves(inner, f"{key_path}[{number}]", level + 1)
        case _:
            yield key_path, value
