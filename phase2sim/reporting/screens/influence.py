"""Influence of each reported number on effect and assurance: tables, and values for JSON."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.prior.reweighting import Change
from phase2sim.reporting.ledger import SAYS_ITSELF
from phase2sim.reporting.plain_tables import table_of_moves
from phase2sim.reporting.screens.prior_check import entry_json, months_text, outcome_label
from phase2sim.studies.influence import LARGEST_K, Influence, LeaveOneOut

_SHOWN = 15  # the others move less
_ERRORS_TO_TELL = 2.0  # Monte Carlo standard errors below which a move is not told from none


def influence_json(influence: Influence) -> dict[str, Any]:
    """Return the values of `phase2sim prior influence --json`."""
    return {
        "evidence": list(influence.evidence.names),
        "digest": influence.evidence.digest,
        "scenario": influence.scenario or None,
        "trials": influence.trials or None,
        "with_all": _numbers_json(influence.effect_mean, influence.effect_sd, influence.assurance),
        "left_out": [_left_out_json(left_out) for left_out in influence.left_out],
    }


def influence_screen(influence: Influence) -> RenderableType:
    """Return one table per effect and one for the assurance, with the largest changes first."""
    parts: list[RenderableType] = [
        Text(f"Influence of each number of {', '.join(influence.evidence.names)}", style="bold"),
        Text(),
    ]
    for endpoint in (name for name in ENDPOINTS if name in influence.effect_mean):
        parts += [*_effect(influence, endpoint), Text()]
    if influence.assurance:
        parts += [*_assurance(influence), Text()]
    return Group(*parts, *_notes(influence))


def entry_title(left_out: LeaveOneOut) -> str:
    """Return study, visit and number: ``GXIPC1 phase 1, month 6: HbA1c, median 8.27 %``."""
    entry = left_out.entry
    text = entry.as_reported
    if entry.elicited is None and entry.statistic not in SAYS_ITSELF:
        text = f"{entry.statistic.replace('_', ' ')} {text}"
    return f"{entry.study}, month {months_text(entry)}: {outcome_label(entry.endpoint)}, {text}"


def _effect(influence: Influence, endpoint: str) -> Iterator[RenderableType]:
    measure, assumption = ENDPOINTS[endpoint], influence.prior.effects[endpoint]
    mean, sd = influence.effect_mean[endpoint], influence.effect_sd[endpoint]
    yield Text(
        f"Effect on {measure.label} at month {assumption.month:g}, {measure.model_unit}: with every"
        f" number {mean.value:+.3f} +- {mean.mcse:.3f}, SD {sd.value:.3f} +- {sd.mcse:.3f}",
        style="bold",
    )
    table = table_of_moves("without", "effect moves by", "SD moves by", "Pareto k")
    entries = [
        left_out for left_out in endpoint_entries(influence) if endpoint in left_out.effect_mean
    ]
    for left_out in sorted(
        entries, key=lambda left_out: -abs(left_out.effect_mean[endpoint].difference)
    )[:_SHOWN]:
        _add(table, left_out, left_out.effect_mean[endpoint], left_out.effect_sd[endpoint])
    yield table


def _assurance(influence: Influence) -> Iterator[RenderableType]:
    names = list(influence.assurance)
    shares = (
        f"{n} {share.value:.3f} +- {share.mcse:.3f}" for n, share in influence.assurance.items()
    )
    yield Text(
        f"Assurance, {influence.trials:,} trials of {influence.scenario}: with every number"
        f" {', '.join(shares)}",
        style="bold",
    )
    table = table_of_moves("without", *(f"{name} moves by" for name in reversed(names)), "Pareto k")
    last = names[-1]
    entries = [left_out for left_out in endpoint_entries(influence) if last in left_out.assurance]
    for left_out in sorted(entries, key=lambda left_out: -abs(left_out.assurance[last].difference))[
        :_SHOWN
    ]:
        _add(table, left_out, *(left_out.assurance[name] for name in reversed(names)))
    yield table


def endpoint_entries(influence: Influence) -> list[LeaveOneOut]:
    """Return the entries on endpoints; counted events have separate parameters."""
    return [left_out for left_out in influence.left_out if left_out.entry.measured]


def _add(table: Table, left_out: LeaveOneOut, *moves: Change) -> None:
    """Add a line; it is dim if the first change is within Monte Carlo error."""
    elicited = " ◆" if left_out.entry.elicited is not None else ""
    distinguishable = abs(moves[0].difference) > _ERRORS_TO_TELL * moves[0].difference_mcse
    table.add_row(
        f"{entry_title(left_out)}{elicited}",
        *map(_move, moves),
        f"{left_out.pareto_k:.2f}{' refit' if left_out.refitted else ''}",
        style="" if distinguishable else "dim",
    )


def _move(change: Change) -> str:
    difference = round(change.difference, 3) + 0.0  # no "-0.000"
    return f"{difference:+.3f} +- {change.difference_mcse:.3f}"


def _notes(influence: Influence) -> Iterator[Text]:
    yield Text(
        f"The {_SHOWN} largest moves of each; --json has every number. Dim: not told from no move."
        " +- is Monte Carlo error.",
        style="dim",
    )
    yield Text(
        f"Pareto k up to {LARGEST_K:g}: the draws were reweighted. Refit: k above it, or a number"
        " read jointly with others; the model was fitted again without it.",
        style="dim",
    )
    if any(left_out.entry.elicited is not None for left_out in influence.left_out):
        yield Text("◆ elicited: our judgement, not published.", style="yellow")
    for left_out in influence.left_out:
        if left_out.refused:
            yield Text(
                f"Not known without {entry_title(left_out)}: {left_out.refused}", style="bold red"
            )


def _left_out_json(left_out: LeaveOneOut) -> dict[str, Any]:
    entry = left_out.entry
    return {
        **entry_json(entry),
        "statistic": entry.statistic,
        "as_reported": entry.as_reported,
        "elicited": entry.elicited is not None,
        "pareto_k": left_out.pareto_k if math.isfinite(left_out.pareto_k) else None,
        "refitted": left_out.refitted,
        "refused": left_out.refused,
        **_numbers_json(left_out.effect_mean, left_out.effect_sd, left_out.assurance),
    }


def _numbers_json(
    mean: Mapping[str, Change], sd: Mapping[str, Change], assurance: Mapping[str, Change]
) -> dict[str, Any]:
    return {
        "effect_mean": {name: _change_json(change) for name, change in mean.items()},
        "effect_sd": {name: _change_json(change) for name, change in sd.items()},
        "assurance": {name: _change_json(change) for name, change in assurance.items()},
    }


def _change_json(change: Change) -> dict[str, float]:
    return {
        "value": change.value,
        "mcse": change.mcse,
        "moved": change.difference,
        "moved_mcse": change.difference_mcse,
    }
