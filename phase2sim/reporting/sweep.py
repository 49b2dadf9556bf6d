"""Sweeps as tables and as plain values: what one will cost, what it came to, what a store holds."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from phase2sim.reporting.plain_tables import plain_table
from phase2sim.sweep_file import RESERVED, Sweep
from phase2sim.sweeping.forecast import Forecast
from phase2sim.sweeping.sweep import Asked, Swept

type Row = Mapping[str, Any]

_DIGITS = 3
_SHARES = {"power": "power", "type_i_error": "type I error", "assurance": "assurance"}
_MOST_LINES = 60
_MOST_SHARES = 4  # side by side; of more, the last verdict under each truth


def estimate_json(forecast: Forecast) -> dict[str, Any]:
    """Plain values of what a sweep will cost."""
    return {
        "cells": forecast.cells,
        "trials": forecast.trials or None,
        "trials_left": forecast.trials_left,
        "seconds": forecast.seconds,
        "bytes": forecast.bytes,
    }


def estimate_line(forecast: Forecast, asked: Asked) -> str:
    """Say what a sweep will cost: cells, trials, time and disk, or what it goes on until."""
    cells = f"{forecast.cells:,} cells"
    if asked.seconds is not None:
        return f"{cells}, as many trials as {_duration(asked.seconds)} allow."
    if asked.mcse is not None:
        what = "share" if asked.of == "share" else "difference"
        return f"{cells}, each until the standard error of every {what} is {asked.mcse:g}."
    line = f"{cells} x {forecast.trials:,} trials: {forecast.trials_left:,} to simulate"
    if not forecast.trials_left:
        return f"{line}; the folder holds them all."
    return (
        f"{line}, about {_duration(forecast.seconds or 0.0)}, about {_size(forecast.bytes or 0.0)}."
    )


def sweep_json(swept: Swept) -> dict[str, Any]:
    """Plain values of a sweep: what `phase2sim sweep --json` prints."""
    return {
        "out": str(swept.folder),
        "cells": swept.cells,
        "finished": swept.finished,
        "trials_simulated": swept.trials_done,
        "failed_analyses": swept.failed,
        "seconds": swept.seconds,
        "damaged": [str(path) for path in swept.damaged],
        "imprecise": [dict(labels) for labels in swept.imprecise],
        "refused": list(swept.refused),
        "rows": [dict(row) for row in swept.rows],
    }


def sweep_screen(swept: Swept, sweep: Sweep) -> RenderableType:
    """Return the table of the sweep's cells, and what to know about it."""
    parts: list[RenderableType] = [Text(sweep.title, style="bold"), Text()]
    parts += [results_screen(swept.rows), Text(), *_notes(swept)]
    return Group(*parts)


def results_screen(rows: Sequence[Row]) -> RenderableType:
    """Return one line a cell: where it is on the axes, and its shares of go."""
    if not rows:
        return Text("No trial is there yet.")
    axes = _axes(rows)
    shares = list(dict.fromkeys(_share_of(row) for row in rows if row["name"] in _SHARES))
    if len(shares) > _MOST_SHARES:
        overall = {(name, truth): analysis for name, truth, analysis in shares}  # the last wins
        shares = [(*share, analysis) for share, analysis in overall.items()]
    compared = any(row["difference"] is not None for row in rows)
    by_cell: dict[str, list[Row]] = {}
    for row in rows:
        by_cell.setdefault(row["cell"], []).append(row)
    table = plain_table((), (*axes, "trials", *(_title(share) for share in shares)))
    for column in table.columns:
        column.no_wrap = True
    for number, of_cell in enumerate(by_cell.values()):
        if number == _MOST_LINES:
            break
        found = {_share_of(row): row for row in of_cell}
        place = [_label(of_cell[0].get(axis)) for axis in axes]
        cells = [_cell(found.get(share), compared=compared) for share in shares]
        table.add_row(*place, f"{of_cell[0]['trials']:,}", *cells)
    parts: list[RenderableType] = [table]
    if len(by_cell) > _MOST_LINES:
        parts.append(Text(f"and {len(by_cell) - _MOST_LINES:,} cells more; see --json or --csv."))
    return Group(*parts, *_legend(rows, compared=compared))


def _axes(rows: Sequence[Row]) -> list[str]:
    """Columns that say where a cell is; the decision, if there are several."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    axes = [name for name in names if name not in RESERVED | {"patients"}]
    if "patients" not in axes and len({row["patients"] for row in rows}) > 1:
        axes.insert(0, "patients")
    if len({row["decision"] for row in rows}) > 1:
        axes.append("decision")
    return axes or ["patients"]


def _share_of(row: Row) -> tuple[str, str, str]:
    return row["name"], row["truth"], row["analysis"]


def _title(share: tuple[str, str, str]) -> str:
    name, truth, analysis = share
    said = f"{_SHARES[name]}, sceptical" if truth == "sceptical" else _SHARES[name]
    return f"{said}\n{analysis}"


def _cell(row: Row | None, *, compared: bool) -> str:
    if row is None:
        return "-"
    if row["refused"]:
        return "refused"
    text = _number(row["estimate"], row["mcse"])
    if compared and row["difference"] is not None:
        sign = "+" if row["difference"] >= 0 else "-"
        text += f" ({sign}{_number(abs(row['difference']), row['difference_mcse'])})"
    return text


def _number(estimate: float | None, mcse: float | None) -> str:
    """``0.802 +- 0.004``: to the digits that the standard error allows."""
    if estimate is None or mcse is None:
        return "none used"
    digits = _DIGITS if not 0 < mcse < 1 else max(_DIGITS, math.ceil(-math.log10(mcse)))
    return f"{estimate:.{digits}f} +- {mcse:.{digits}f}"


def _label(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else "-" if value is None else str(value)


def _legend(rows: Sequence[Row], *, compared: bool) -> Iterator[RenderableType]:
    words = "+- is Monte Carlo error, not uncertainty about the treatment."
    if compared:
        words += " In brackets: the difference to the reference cell, on the same patients."
    gaps = [abs(row["gap_in_se"]) for row in rows if row["gap_in_se"] is not None]
    if gaps:
        words += f" Largest gap to an exact closed form: {max(gaps):.1f} standard errors."
    yield Text(words, style="dim")


def _notes(swept: Swept) -> Iterator[RenderableType]:
    speed = swept.trials_done / swept.seconds if swept.seconds else 0.0
    yield Text(
        f"{swept.trials_done:,} trials simulated in {_duration(swept.seconds)}"
        f" ({speed:,.0f} a second), {swept.failed:,} analyses failed; results in {swept.folder}."
    )
    if swept.damaged:
        yield Text(
            f"{len(swept.damaged)} damaged files were put aside in {swept.damaged[0].parent}, their"
            " trials simulated anew.",
            style="yellow",
        )
    for labels in swept.imprecise:
        where = ", ".join(f"{name} = {label}" for name, label in labels.items())
        yield Text(f"Not as precise as asked for at the most trials: {where}.", style="yellow")
    for why in swept.refused:
        yield Text(f"Refused: {why}", style="bold red")
    if not swept.finished:
        yield Text("Stopped before its end. The same command goes on from here.", style="bold")


def _duration(seconds: float) -> str:
    for unit, length in (("h", 3600.0), ("min", 60.0)):
        if seconds >= 1.5 * length:
            return f"{seconds / length:.3g} {unit}"
    return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"  # noqa: PLR2004 - two digits


def _size(size: float) -> str:
    for unit, length in (("GB", 1e9), ("MB", 1e6)):
        if size >= length:
            return f"{size / length:.3g} {unit}"
    return f"{size / 1e3:.0f} kB"
