"""A scenario as TOML text, as its file would say it."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from phase2sim.scenario.scenario_file import Scenario

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def toml_text(scenario: Scenario) -> str:
    """Return TOML that reads as the same scenario; comments and layout are not its own."""
    table = scenario.model_dump(mode="json", exclude_defaults=True)
    return "\n".join(_lines(table, "")).strip() + "\n"


def _lines(table: Mapping[str, Any], name: str) -> Iterator[str]:
    plain = {key: value for key, value in table.items() if not _stands_apart(value, name)}
    if name and (plain or not table):
        yield f"\n[{name}]"
    yield from (f"{_key(key)} = {_value(value)}" for key, value in plain.items())
    for key, value in table.items():
        if key in plain:
            continue
        heading = f"{name}.{_key(key)}" if name else _key(key)
        if isinstance(value, list):
            for entry in value:
                yield f"\n[[{heading}]]"
                yield from (f"{_key(k)} = {_value(v)}" for k, v in entry.items())
        else:
            yield from _lines(value, heading)


def _stands_apart(value: object, name: str) -> bool:
    """Whether a value has a heading of its own: tables near the top, and lists of tables."""
    match value:
        case dict():
            return name.count(".") == 0 and (not name or any(map(_is_table, value.values())))
        case [_, *_]:
            return all(map(_is_table, value))
        case _:
            return False


def _is_table(value: object) -> bool:
    return isinstance(value, dict)


def _value(value: object) -> str:
    match value:
        case dict():
            keys = ", ".join(f"{_key(key)} = {_value(inner)}" for key, inner in value.items())
            return f"{{ {keys} }}"
        case list():
            return "[" + ", ".join(map(_value, value)) + "]"
        case _:
            return json.dumps(value, ensure_ascii=False)


def _key(name: str) -> str:
    """A key as TOML takes it: bare if it can be."""
    return name if _BARE.fullmatch(name) else json.dumps(name, ensure_ascii=False)
