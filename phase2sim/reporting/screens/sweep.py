"""Sweeps as tables and as plain values: what one will cost, what it came to, what a store holds."""

from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from phase2sim.core.io.data_frames import Row
from phase2sim.reporting.plain_tables import WideTable
from phase2sim.scenario.sweep_file import Sweep
from phase2sim.studies.sweeps.forecast import Forecast
from phase2sim.studies.sweeps.result_rows import shares_view
from phase2sim.studies.sweeps.sweep import SweepOptions, SweepResult


def estimate_json(forecast: Forecast) -> dict[str, Any]:
    """Plain values of what a sweep will cost."""
    return {
        "cells": forecast.cells,
        "trials": forecast.trials or None,
        "trials_left": forecast.trials_left,
        "seconds": forecast.seconds,
        "bytes": forecast.bytes,
    }


def estimate_line(forecast: Forecast, asked: SweepOptions) -> str:
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


def sweep_json(swept: SweepResult) -> dict[str, Any]:
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


def sweep_screen(swept: SweepResult, sweep: Sweep) -> RenderableType:
    """Return the table of the sweep's cells, and what to know about it."""
    parts: list[RenderableType] = [Text(sweep.title, style="bold"), Text()]
    parts += [results_screen(swept.rows), Text(), *_notes(swept)]
    return Group(*parts)


def results_screen(rows: Sequence[Row]) -> RenderableType:
    """Return one line a cell: where it is on the axes, and its shares of go."""
    view = shares_view(rows, "")
    labels = sum("\n" not in title for title in view.columns)  # of a share: name, analysis
    table = WideTable(labels, view.columns, view.rows)
    notes = [Text(note, style="dim") for note in view.notes]
    return Group(table, *notes) if view.rows else Group(*notes)


def _notes(swept: SweepResult) -> Iterator[RenderableType]:
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
