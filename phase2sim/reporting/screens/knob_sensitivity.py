"""Effect and assurance with each elicited input moved: tables, and values for JSON."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from phase2sim.prior.reweighting import Change
from phase2sim.reporting.plain_tables import table_of_moves
from phase2sim.studies.influence import LARGEST_K
from phase2sim.studies.knob_runs import REFITTED, AnalysedEffect, KnobEffect, MovedKnob
from phase2sim.studies.knob_sensitivity import KnobSensitivity

SHOWN = 7  # elicited inputs; the others move less
_ERRORS_TO_TELL = 2.0  # Monte Carlo standard errors below which a move is not told from none


def knob_json(result: KnobSensitivity) -> dict[str, Any]:
    """Return the values of `phase2sim prior sensitivity --json`."""
    return {
        "scenario": str(result.scenario.path),
        "evidence": list(result.evidence.names),
        "digest": result.evidence.digest,
        "trials": result.trials,
        "elicited": [asdict(given) for given in result.elicited],
        "as_stated": _row_json(result, result.stated),
        "moved": [_row_json(result, row) for row in result.moved],
    }


def knob_screen(result: KnobSensitivity) -> RenderableType:
    """Return one table per assurance and one per effect, with the largest changes first."""
    parts: list[RenderableType] = [
        Text(f"Elicited inputs of {result.scenario.path}, moved one at a time", style="bold"),
        Text(),
    ]
    for verdict in reversed(list(result.stated.assurance)):
        parts += [*_assurance(result, verdict), Text()]
    for name in result.analyses:
        parts += [*_effect(result, name), Text()]
    return Group(*parts, *_notes(result))


def largest_first(rows: Iterable[tuple[MovedKnob, Change]]) -> list[tuple[MovedKnob, Change]]:
    """Order moves by the largest change that any move of the same input makes."""
    by_knob: dict[str, list[tuple[MovedKnob, Change]]] = {}
    for row, change in rows:
        by_knob.setdefault("" if row.move is None else row.move.knob, []).append((row, change))
    groups = sorted(by_knob.values(), key=lambda rows: -max(abs(c.difference) for _, c in rows))
    return [row for rows in groups[:SHOWN] for row in rows]


def assurance_rows(result: KnobSensitivity, verdict: str) -> list[tuple[MovedKnob, Change]]:
    """Moves with their assurance of one verdict, the largest changes first."""
    return largest_first(
        (row, row.assurance[verdict]) for row in result.moved if verdict in row.assurance
    )


def effect_rows(result: KnobSensitivity, name: str) -> list[tuple[MovedKnob, Change]]:
    """Moves with the mean of one effect, the largest changes first."""
    return largest_first((row, row.effect[name].mean) for row in result.moved if name in row.effect)


def effect_text(analysed: AnalysedEffect, effect: KnobEffect) -> str:
    """``+0.28 (-0.48 to +1.03)`` in the clinical unit."""
    mean, low, high = map(analysed.difference, (effect.mean.value, effect.low, effect.high))
    digits = 2 if max(abs(low), abs(high)) >= 0.5 else 3  # noqa: PLR2004 - two digits of the limits
    return f"{mean:+.{digits}f} ({low:+.{digits}f} to {high:+.{digits}f})"


def _assurance(result: KnobSensitivity, verdict: str) -> Iterator[RenderableType]:
    stated = result.stated
    yield Text(
        f"Assurance of {verdict}, {result.trials:,} trials: as stated"
        f" {_share(stated.assurance[verdict])}; fitted part alone"
        f" {_share(stated.fitted[verdict])}, sceptical part alone"
        f" {_share(stated.sceptical[verdict])}",
        style="bold",
    )
    table = table_of_moves("with", "assurance", "moves by", "by (Pareto k)")
    for row, change in assurance_rows(result, verdict):
        _add(table, row, change, _share(change), _move(change))
    yield table


def _effect(result: KnobSensitivity, name: str) -> Iterator[RenderableType]:
    analysed, stated = result.analyses[name], result.stated.effect[name]
    yield Text(
        f"Effect on {analysed.title}, {analysed.unit} (95 %): as stated"
        f" {effect_text(analysed, stated)}",
        style="bold",
    )
    table = table_of_moves("with", "effect", "mean moves by", "by (Pareto k)")
    for row, change in effect_rows(result, name):
        moved = _in_clinical_unit(analysed, stated, change)
        _add(table, row, change, effect_text(analysed, row.effect[name]), _move(moved))
    yield table


def _in_clinical_unit(analysed: AnalysedEffect, stated: KnobEffect, change: Change) -> Change:
    """Change of a mean effect of a typical patient, with its error by the delta method."""
    start, moved = stated.mean.value, change.value
    by = analysed.difference(moved) - analysed.difference(start)
    slope = by / (moved - start) if moved != start else 1.0
    return Change(
        analysed.difference(moved), slope * change.mcse, by, slope * change.difference_mcse
    )


def _add(table: Table, row: MovedKnob, change: Change, *cells: str) -> None:
    """Add a line; it is dim if the change is within Monte Carlo error."""
    is_told = abs(change.difference) > _ERRORS_TO_TELL * change.difference_mcse
    title = "" if row.move is None else row.move.title
    table.add_row(escape(title), *cells, method_text(row), style="" if is_told else "dim")


def method_text(row: MovedKnob) -> str:
    """``reweighted (0.41)``."""
    if row.pareto_k is None or not math.isfinite(row.pareto_k):
        return row.method
    return f"{row.method} ({max(row.pareto_k, 0.0):.2f})"


def _share(change: Change) -> str:
    return f"{change.value:.3f} +- {change.mcse:.3f}"


def _move(change: Change) -> str:
    difference = round(change.difference, 3) + 0.0  # no "-0.000"
    return f"{difference:+.3f} +- {change.difference_mcse:.3f}"


def _notes(result: KnobSensitivity) -> Iterator[Text]:
    yield Text("Read: ", style="bold").append(
        Text(
            "each line changes one number that is our judgement and nothing else. If a result that"
            " the decision hangs on moves with it, that judgement decides the trial.",
            style="not bold",
        )
    )
    yield Text(
        f"The {SHOWN} inputs with the largest moves of each; --json has all. Dim: not told from no"
        " move. +- is Monte Carlo error; moves are on the same patients.",
        style="dim",
    )
    yield Text(
        f"Reweighted: the draws were, with Pareto k up to {LARGEST_K:g}; refitted: k above it, or a"
        " prior without a density; mixed anew: the draws are the same.",
        style="dim",
    )
    for row in result.moved:
        if row.refused and row.move is not None:
            yield Text(f"Not known with {row.move.title}: {row.refused}", style="bold red")


def _row_json(result: KnobSensitivity, row: MovedKnob) -> dict[str, Any]:
    move = row.move
    return {
        "knob": None if move is None else move.knob,
        "change": None if move is None else move.change,
        "value": None if move is None else move.value,
        "method": row.method,
        "pareto_k": row.pareto_k if row.pareto_k and math.isfinite(row.pareto_k) else None,
        "refitted": row.method == REFITTED and not row.refused,
        "refused": row.refused,
        "effect": {
            name: _effect_json(result.analyses[name], effect) for name, effect in row.effect.items()
        },
        "assurance": _changes_json(row.assurance),
        "assurance_fitted": _changes_json(row.fitted),
        "assurance_sceptical": _changes_json(row.sceptical),
    }


def _effect_json(analysed: AnalysedEffect, effect: KnobEffect) -> dict[str, Any]:
    values = (effect.mean.value, effect.low, effect.high)
    clinical = dict(zip(("mean", "low", "high"), map(analysed.difference, values), strict=True))
    return {
        **_change_json(effect.mean),
        "low": effect.low,
        "high": effect.high,
        "clinical": {**clinical, "unit": analysed.unit},
    }


def _changes_json(changes: Mapping[str, Change]) -> dict[str, dict[str, float]]:
    return {name: _change_json(change) for name, change in changes.items()}


def _change_json(change: Change) -> dict[str, float]:
    return {
        "value": change.value,
        "mcse": change.mcse,
        "moved": change.difference,
        "moved_mcse": change.difference_mcse,
    }
