"""Tables as the text of a TOML file: one line a key, whatever it holds."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date, time
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def toml(table: Mapping[str, Any]) -> str:
    """The file: keys first, then a heading for each table and each entry of an array of tables."""
    return "\n".join(_lines(table)) + "\n"


def _lines(table: Mapping[str, Any]) -> Iterator[str]:
    yield from _keys({key: value for key, value in table.items() if not _has_heading(value)})
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield f"\n[{_key(key)}]"
            yield from _keys(value)
        elif _has_heading(value):
            for entry in value:
                yield f"\n[[{_key(key)}]]"
                yield from _keys(entry)


def _has_heading(value: object) -> bool:
    several = isinstance(value, list) and value and all(isinstance(x, Mapping) for x in value)
    return isinstance(value, Mapping) or bool(several)


def _keys(table: Mapping[str, Any]) -> Iterator[str]:
    return (f"{_key(key)} = {inline(value)}" for key, value in table.items())


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else inline(name)


def inline(value: object) -> str:
    """A value on one line, as ``--set`` takes it too."""
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return repr(value)
        case date() | time():
            return value.isoformat()
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case Mapping():
            return "{ " + ", ".join(_keys(value)) + " }" if value else "{}"
        case list() | tuple():
            return f"[{', '.join(map(inline, value))}]"
    raise TypeError(value)
