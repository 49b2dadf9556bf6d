"""The registered parts: name, summary, and keys in a scenario."""

from collections.abc import Sequence
from dataclasses import MISSING, fields
from typing import Any

from rich.table import Table

from phase2sim.core.endpoints import Endpoint, Response
from phase2sim.scenario.assembly.registry import TABLES


def parts_rows(kind: str) -> list[dict[str, Any]]:
    """Return every part of one kind: ``name``, ``summary`` and ``keys`` with defaults."""
    return [_row(name, part) for name, part in TABLES[kind].items()]


def parts_table(kinds: Sequence[str]) -> Table:
    """Return the table of parts, one section per kind."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 1, 0))
    for column in ("kind", "name", "what it is", "keys"):
        table.add_column(column)
    for kind in kinds:
        for number, row in enumerate(parts_rows(kind)):
            keys = ", ".join(
                key if default is None else f"{key} = {default}"
                for key, default in row["keys"].items()
            )
            table.add_row("" if number else kind, row["name"], row["summary"], keys)
    return table


def _row(name: str, part: type | Endpoint | Response) -> dict[str, Any]:
    match part:
        case Response():
            return {"name": name, "summary": part.label, "keys": {}}
        case Endpoint():
            better = "lower" if part.lower_is_better else "higher"
            scale = f"{part.unit}; {better} is better; model scale {part.model_unit}"
            return {"name": name, "summary": f"{part.label}, {scale}", "keys": {}}
        case _:
            summary = (part.__doc__ or name).strip().splitlines()[0]
            return {"name": name, "summary": summary, "keys": _keys(part)}


def _keys(part: type) -> dict[str, str | None]:
    return {
        field.name: None if field.default is MISSING else repr(field.default)
        for field in fields(part)
        if field.init and field.name != "ratio"
    }
