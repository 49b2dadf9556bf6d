"""What each reported number does to effect and assurance: as tables, and as plain JSON values."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.prior.reweighting import Change
from phase2sim.reporting.ledger import SAYS_ITSELF
from phase2sim.reporting.plain_tables import plain_table
from phase2sim.reporting.screens.prior_check import entry_json, months_text, outcome_label
from phase2sim.studies.influence import LARGEST_K, Influence, LeftOut

_SHOWN = 15  # the others move less
_ERRORS_TO_TELL = 2.0  # Monte Carlo standard errors below which a move is not told from none


def influence_json(found: Influence) -> dict[str, Any]:
    """Plain values: what `phase2sim prior influence --json` prints."""
    return {
        "evidence": list(found.evidence.names),
        "digest": found.evidence.digest,
        "scenario": found.scenario or None,
        "trials": found.trials or None,
        "with_all": _numbers_json(found.effect_mean, found.effect_sd, found.assurance),
        "left_out": [_left_out_json(one) for one in found.left_out],
    }


def influence_screen(found: Influence) -> RenderableType:
    """Return one table an effect and one of the assurance, the largest moves first."""
    parts: list[RenderableType] = [
        Text(f"Influence of each number of {', '.join(found.evidence.names)}", style="bold"),
        Text(),
    ]
    for endpoint in (name for name in ENDPOINTS if name in found.effect_mean):
        parts += [*_effect(found, endpoint), Text()]
    if found.assurance:
        parts += [*_assurance(found), Text()]
    return Group(*parts, *_notes(found))


def entry_title(one: LeftOut) -> str:
    """``GXIPC1 phase 1, month 6: HbA1c, median 8.27 %``: study, visit and number as typed."""
    entry = one.entry
    said = entry.as_reported
    if entry.elicited is None and entry.statistic not in SAYS_ITSELF:
        said = f"{entry.statistic.replace('_', ' ')} {said}"
    return f"{entry.study}, month {months_text(entry)}: {outcome_label(entry.endpoint)}, {said}"


def _effect(found: Influence, endpoint: str) -> Iterator[RenderableType]:
    of, assumed = ENDPOINTS[endpoint], found.prior.effects[endpoint]
    mean, sd = found.effect_mean[endpoint], found.effect_sd[endpoint]
    yield Text(
        f"Effect on {of.label} at month {assumed.month:g}, {of.model_unit}: with every number"
        f" {mean.value:+.3f} +- {mean.mcse:.3f}, SD {sd.value:.3f} +- {sd.mcse:.3f}",
        style="bold",
    )
    table = _table("effect moves by", "SD moves by")
    known = [one for one in measured(found) if endpoint in one.effect_mean]
    for one in sorted(known, key=lambda one: -abs(one.effect_mean[endpoint].by))[:_SHOWN]:
        _add(table, one, one.effect_mean[endpoint], one.effect_sd[endpoint])
    yield table


def _assurance(found: Influence) -> Iterator[RenderableType]:
    names = list(found.assurance)
    shares = (f"{n} {share.value:.3f} +- {share.mcse:.3f}" for n, share in found.assurance.items())
    yield Text(
        f"Assurance, {found.trials:,} trials of {found.scenario}: with every number"
        f" {', '.join(shares)}",
        style="bold",
    )
    table = _table(*(f"{name} moves by" for name in reversed(names)))
    last = names[-1]
    known = [one for one in measured(found) if last in one.assurance]
    for one in sorted(known, key=lambda one: -abs(one.assurance[last].by))[:_SHOWN]:
        _add(table, one, *(one.assurance[name] for name in reversed(names)))
    yield table


def measured(found: Influence) -> list[LeftOut]:
    """Numbers that can move something: counted events have unknowns of their own."""
    return [one for one in found.left_out if one.entry.endpoint in ENDPOINTS]


def _table(*moves: str) -> Table:
    table = plain_table((), ())
    table.expand = True  # the words give way to the numbers
    table.add_column("without", no_wrap=True, overflow="ellipsis", ratio=1)
    for name in (*moves, "Pareto k"):
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _add(table: Table, one: LeftOut, *moves: Change) -> None:
    """Add a line; it is dim where the first move cannot be told from none."""
    elicited = " ◆" if one.entry.elicited is not None else ""
    told = abs(moves[0].by) > _ERRORS_TO_TELL * moves[0].by_mcse
    table.add_row(
        escape(f"{entry_title(one)}{elicited}"),
        *map(_move, moves),
        f"{one.pareto_k:.2f}{' refit' if one.refitted else ''}",
        style="" if told else "dim",
    )


def _move(moved: Change) -> str:
    by = round(moved.by, 3) + 0.0  # no "-0.000"
    return f"{by:+.3f} +- {moved.by_mcse:.3f}"


def _notes(found: Influence) -> Iterator[Text]:
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
    if any(one.entry.elicited is not None for one in found.left_out):
        yield Text("◆ elicited: our judgement, not published.", style="yellow")
    for one in found.left_out:
        if one.refused:
            yield Text(f"Not known without {entry_title(one)}: {one.refused}", style="bold red")


def _left_out_json(one: LeftOut) -> dict[str, Any]:
    entry = one.entry
    return {
        **entry_json(entry),
        "statistic": entry.statistic,
        "as_reported": entry.as_reported,
        "elicited": entry.elicited is not None,
        "pareto_k": one.pareto_k if math.isfinite(one.pareto_k) else None,
        "refitted": one.refitted,
        "refused": one.refused,
        **_numbers_json(one.effect_mean, one.effect_sd, one.assurance),
    }


def _numbers_json(
    mean: Mapping[str, Change], sd: Mapping[str, Change], assurance: Mapping[str, Change]
) -> dict[str, Any]:
    return {
        "effect_mean": {name: _moved_json(moved) for name, moved in mean.items()},
        "effect_sd": {name: _moved_json(moved) for name, moved in sd.items()},
        "assurance": {name: _moved_json(moved) for name, moved in assurance.items()},
    }


def _moved_json(moved: Change) -> dict[str, float]:
    return {
        "value": moved.value,
        "mcse": moved.mcse,
        "moved": moved.by,
        "moved_mcse": moved.by_mcse,
    }
