"""Every key that a file may have, from the published schemas, and those that a file has."""

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from phase2sim.scenario.assembly.registry import KEYS, TABLES
from phase2sim.scenario.schema import SCHEMAS


@cache
def known_keys() -> frozenset[str]:
    """Keys of scenario, sweep and evidence files and of their tables, and names of parts."""
    keys = {key for schema in SCHEMAS.values() for key in _properties(schema())}
    return frozenset(keys.union(KEYS.values(), *TABLES.values()))


def _properties(node: Any) -> Iterator[str]:  # noqa: ANN401 - JSON
    match node:
        case Mapping():
            if isinstance(node.get("properties"), Mapping):
                yield from node["properties"]
            for inner in node.values():
                yield from _properties(inner)
        case list():
            for inner in node:
                yield from _properties(inner)


def keys_of_file(content: bytes) -> set[str]:
    """Keys at any depth of a TOML file, also those of dotted paths; none if it is no TOML."""
    try:
        return set(_keys(tomllib.loads(content.decode())))
    except (ValueError, RecursionError):
        return set()


def _keys(node: Any) -> Iterator[str]:  # noqa: ANN401 - TOML
    match node:
        case Mapping():
            for key, inner in node.items():
                yield from (key, *key.split("."))
                yield from _keys(inner)
        case list():
            for inner in node:
                yield from _keys(inner)
        case str() if "." in node:  # such as the key of an axis
            yield from node.split(".")
