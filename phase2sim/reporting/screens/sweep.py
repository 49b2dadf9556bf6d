"""Sweeps: forecast, outcome and stored results as tables, and values for JSON."""

from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from phase2sim.core.io.data_frames import Row
from phase2sim.reporting.plain_tables import WideTable
from phase2sim.scenario.sweep_file import Sweep
from phase2sim.studies.sweeps.forecast import Forecast
from phase2sim.studies.sweeps.result_rows import shares_view
from phase2sim.studies.sweeps.sweep import SweepOptions, SweepResult, damage_in_words


def estimate_json(forecast: Forecast) -> dict[str, Any]:
    """Return the values of `phase2sim sweep --estimate --json`."""
    return {
        "cells": forecast.cells,
        "trials": forecast.trials or None,
        "trials_left": forecast.trials_left,
        "seconds": forecast.seconds,
        "bytes": forecast.bytes,
    }


def estimate_line(forecast: Forecast, options: SweepOptions) -> str:
    """Return one line on cells, trials, time and disk space, or the precision to reach."""
    cells = f"{forecast.cells:,} cells"
    if options.seconds is not None:
        return f"{cells}, as many trials as {_duration(options.seconds)} allow."
    if options.mcse is not None:
        quantity = "share" if options.quantity == "share" else "difference"
        return f"{cells}, each until the standard error of every {quantity} is {options.mcse:g}."
    line = f"{cells} x {forecast.trials:,} trials: {forecast.trials_left:,} to simulate"
    if not forecast.trials_left:
        return f"{line}; the folder holds them all."
    return (
        f"{line}, about {_duration(forecast.seconds or 0.0)}, about {_size(forecast.bytes or 0.0)}."
    )


def sweep_json(result: SweepResult) -> dict[str, Any]:
    """Return the values of `phase2sim sweep --json`."""
    return {
        "out": str(result.folder),
        "cells": result.cells,
        "finished": result.finished,
        "trials_simulated": result.trials_done,
        "failed_analyses": result.failed,
        "seconds": result.seconds,
        "damaged": [str(path) for path in result.damaged],
        "imprecise": [dict(labels) for labels in result.imprecise],
        "short_of_draws": [dict(labels) for labels in result.short_of_draws],
        "refused": list(result.refused),
        "rows": [dict(row) for row in result.rows],
    }


def sweep_screen(result: SweepResult, sweep: Sweep) -> RenderableType:
    """Return the table of the sweep's cells, and notes."""
    parts: list[RenderableType] = [Text(sweep.title, style="bold"), Text()]
    parts += [results_screen(result.rows), Text(), *_notes(result)]
    return Group(*parts)


def results_screen(rows: Sequence[Row]) -> RenderableType:
    """Return one line per cell: its axis values and its shares of go."""
    view = shares_view(rows, "")
    labels = sum("\n" not in title for title in view.columns)  # of a share: name, analysis
    table = WideTable(labels, view.columns, view.rows)
    notes = [Text(note, style="dim") for note in view.notes]
    return Group(table, *notes) if view.rows else Group(*notes)


def _notes(result: SweepResult) -> Iterator[RenderableType]:
    speed = result.trials_done / result.seconds if result.seconds else 0.0
    yield Text(
        f"{result.trials_done:,} trials simulated in {_duration(result.seconds)}"
        f" ({speed:,.0f} a second), {result.failed:,} analyses failed; results in {result.folder}."
    )
    if result.damaged:
        yield Text(damage_in_words(result.damaged), style="yellow")
    for labels in result.imprecise:
        values = ", ".join(f"{name} = {label}" for name, label in labels.items())
        why = "at the most trials"
        if labels in result.short_of_draws:
            why = "at any number of trials, as the prior has too few draws"
        yield Text(f"Not as precise as asked for {why}: {values}.", style="yellow")
    for reason in result.refused:
        yield Text(f"Refused: {reason}", style="bold red")
    if not result.finished:
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
