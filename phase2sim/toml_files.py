"""TOML files and the tables in them: read, checked, or refused with one plain message."""

import json
import math
import tomllib
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from phase2sim.errors import BadInput

type Table = dict[str, Any]

_LONGEST_VALUE_SHOWN = 60
_LARGEST_NUMBER = 1e15


def read_toml(path: Path, refusal: type[BadInput]) -> Table:
    """Return the tables of a TOML file; raises ``refusal`` naming the file and what is wrong."""
    if path.is_dir():
        raise refusal(f"{path}: is a folder, not a file. Name the .toml file inside it.")
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise refusal(
            f"{path}: byte {error.start} is not UTF-8 text. Save the file as UTF-8."
        ) from None
    except OSError as error:
        reason = (error.strerror or "it cannot be read").lower()
        raise refusal(f"{path}: cannot be read: {reason}. Check its name and rights.") from None
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise refusal(
            f"{path}: is not TOML: {str(error).rstrip('.')}. Correct that place."
        ) from None
    except ValueError as error:  # a number of thousands of digits
        raise refusal(f"{path}: holds a number that cannot be read: {error}.") from None


def check_numbers(value: object, place: str, path: Path, refusal: type[BadInput]) -> None:
    """Refuse numbers that are not finite, or too large to mean anything, anywhere in a table."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            check_numbers(inner, f"{place}.{key}" if place else str(key), path, refusal)
    elif isinstance(value, list):
        for number, inner in enumerate(value, start=1):
            check_numbers(inner, f"{place}[{number}]", path, refusal)
    elif isinstance(value, float) and not math.isfinite(value):
        raise refusal(f"{path}: {place} is {value}; it must be a finite number. Correct it.")
    elif isinstance(value, int | float) and abs(value) > _LARGEST_NUMBER:
        raise refusal(
            f"{path}: {place} is {_shown(value)}; no key takes numbers beyond 1e15. Correct it."
        )


def checked[T](
    adapter: TypeAdapter[T], table: object, place: str, path: Path, refusal: type[BadInput]
) -> T:
    """Turn a table into a checked value; the first thing wrong becomes the message of ``refusal``.

    TOML types are taken as they are: text is never read as a number, nor a number as text.
    """
    try:
        return adapter.validate_json(json.dumps(table, default=str), strict=True)
    except ValidationError as error:
        problems = error.errors(include_url=False)
        message = explain(problems[0], place, _keys(adapter, problems[0]["loc"]))
        more = len(problems) - 1
        also = f" ({more} more after this one.)" if more else ""
        raise refusal(f"{path}: {message}{also}") from None


def explain(problem: ErrorDetails, place: str, known: Iterable[str]) -> str:
    """One sentence on a validation problem: key, value, what is allowed, what to do."""
    where = key_path(place, problem["loc"])
    kind = problem["type"]
    if kind in {"extra_forbidden", "unexpected_keyword_argument"}:
        return f"{where} is not a known key. {nearest(str(problem['loc'][-1]), known)}"
    if kind in {"missing", "missing_argument"} and not isinstance(problem["loc"][-1], int):
        return f"{where} is missing. Add it; `phase2sim schema` lists every key."
    if kind == "value_error":
        refused = str(problem["ctx"]["error"]).rstrip(".")
        return f"{place}: {refused}." if place else f"{refused}."
    return f"{where} is {_shown(problem['input'])}; {_rule(problem)}. Correct this value."


def key_path(place: str, location: tuple[int | str, ...]) -> str:
    """``analysis[2].covariates[1]``: a place in a file, entries counted from 1."""
    path = place
    for part in location:
        if isinstance(part, int):
            path += f"[{part + 1}]"
        elif part not in {"float", "int", "Percent"}:  # branches of a union, not keys
            path += f".{part}" if path else part
    return path


def nearest(word: str, known: Iterable[str]) -> str:
    """Say which known word was probably meant, or list them all."""
    listed = sorted(known)
    close = get_close_matches(word, listed, n=1)
    return f"Did you mean {close[0]!r}?" if close else f"Use one of: {', '.join(listed)}."


def _keys(adapter: TypeAdapter[Any], location: tuple[int | str, ...]) -> Iterable[str]:
    """Keys of the table that a location points into, found in the type's JSON schema."""
    schema = adapter.json_schema()
    node: Table = schema
    for part in location[:-1]:
        node = _resolved(node, schema)
        inner = node.get("items") if isinstance(part, int) else node.get("properties", {}).get(part)
        node = inner or node.get("additionalProperties") or {}
    properties: Table = _resolved(node, schema).get("properties", {})
    return properties


def _resolved(node: Table, schema: Table) -> Table:
    for option in node.get("anyOf", []):
        if "$ref" in option or "properties" in option:
            return _resolved(option, schema)
    if "$ref" in node:
        return _resolved(schema["$defs"][node["$ref"].rsplit("/", 1)[-1]], schema)
    return node


def _shown(value: object) -> str:
    shown = repr(value)
    if len(shown) <= _LONGEST_VALUE_SHOWN:
        return shown
    return shown[: _LONGEST_VALUE_SHOWN - 3] + "..."


def _rule(problem: ErrorDetails) -> str:
    limits: Table = problem.get("ctx", {})
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
        "missing": "values are missing in these [brackets]",
        "too_short": f"it must have at least {limits.get('min_length')} values",
        "too_long": f"it must have at most {limits.get('max_length')} values",
        "greater_than": f"it must be above {limits.get('gt')}",
        "greater_than_equal": f"it cannot be below {limits.get('ge')}",
        "less_than": f"it must be below {limits.get('lt')}",
        "less_than_equal": f"it cannot be above {limits.get('le')}",
        "literal_error": f"it must be {limits.get('expected')}",
    }
    return rules.get(problem["type"], problem["msg"][:1].lower() + problem["msg"][1:])
