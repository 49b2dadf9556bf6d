"""What each reported number does to effect and assurance: as tables, and as plain JSON values."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from phase2sim.endpoints import ENDPOINTS
from phase2sim.influence import LARGEST_K, Influence, LeftOut
from phase2sim.moved import Moved
from phase2sim.report.check import label_of, months_of
from phase2sim.report.plain_tables import plain_table

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
    """Return one table an endpoint, the largest moves of its effect first."""
    parts: list[RenderableType] = [
        Text(f"Influence of each number of {', '.join(found.evidence.names)}", style="bold"),
        Text(),
    ]
    for endpoint in found.effect_mean:
        parts += [*_endpoint(found, endpoint), Text()]
    return Group(*parts, *_notes(found))


def named(one: LeftOut) -> str:
    """``GXIPC1 phase 1, month 6: HbA1c, median 8.27 %``: study, visit and number as typed."""
    entry = one.entry
    said = entry.as_reported if one.entry.statistic in {"count", "statement", "events"} else (
        f"{entry.statistic.replace('_', ' ')} {entry.as_reported}"
    )  # fmt: skip
    return f"{entry.study}, month {months_of(entry)}: {label_of(entry.endpoint)}, {said}"


def ranked(found: Influence, endpoint: str) -> list[LeftOut]:
    """Numbers that moved the effect, the largest move first."""
    known = [one for one in found.left_out if endpoint in one.effect_mean]
    return sorted(known, key=lambda one: -abs(one.effect_mean[endpoint].by))


def _endpoint(found: Influence, endpoint: str) -> Iterator[RenderableType]:
    of, assumed = ENDPOINTS[endpoint], found.prior.effects[endpoint]
    mean, sd = found.effect_mean[endpoint], found.effect_sd[endpoint]
    yield Text(
        f"Effect on {of.label} at month {assumed.month:g}, {of.model_unit}: with every number"
        f" {mean.value:+.3f} +- {mean.mcse:.3f}, SD {sd.value:.3f} +- {sd.mcse:.3f}"
        + "".join(
            f"; assurance of {name} {share.value:.3f} +- {share.mcse:.3f}"
            for name, share in found.assurance.items()
        ),
        style="bold",
    )
    yield _table(found, endpoint)


def _table(found: Influence, endpoint: str) -> Table:
    table = plain_table(
        ("without",),
        ("effect moves by", "SD moves by",
         *(f"assurance of {name} moves by" for name in found.assurance), "Pareto k"),
    )  # fmt: skip
    for one in ranked(found, endpoint)[:_SHOWN]:
        shares = [_move(one.assurance.get(name)) for name in found.assurance]
        mean = one.effect_mean[endpoint]
        elicited = " ◆" if one.entry.elicited is not None else ""
        table.add_row(
            escape(f"{one.entry.number}  {named(one)}{elicited}"),
            _move(mean),
            _move(one.effect_sd.get(endpoint)),
            *shares,
            f"{one.pareto_k:.2f}{' refit' if one.refitted else ''}",
            style="" if abs(mean.by) > _ERRORS_TO_TELL * mean.by_mcse else "dim",
        )
    return table


def _move(moved: Moved | None) -> str:
    return "-" if moved is None else f"{moved.by:+.3f} +- {moved.by_mcse:.3f}"


def _notes(found: Influence) -> Iterator[Text]:
    yield Text(
        f"The {_SHOWN} largest moves of each effect; --json has every number. Dim: not told from no"
        " move. +- is Monte Carlo error.",
        style="dim",
    )
    yield Text(
        f"Pareto k up to {LARGEST_K:g}: the draws were reweighted. Above: fitted again without it.",
        style="dim",
    )
    if any(one.entry.elicited is not None for one in found.left_out):
        yield Text("◆ elicited: our judgement, not published.", style="yellow")
    for one in found.left_out:
        if one.refused:
            yield Text(f"Not known without {named(one)}: {one.refused}", style="bold red")


def _left_out_json(one: LeftOut) -> dict[str, Any]:
    entry = one.entry
    return {
        "file": entry.file,
        "number": entry.number,
        "study": entry.study,
        "arm": entry.arm,
        "endpoint": entry.endpoint,
        "months": list(entry.months),
        "statistic": entry.statistic,
        "as_reported": entry.as_reported,
        "elicited": entry.elicited is not None,
        "pareto_k": one.pareto_k if math.isfinite(one.pareto_k) else None,
        "refitted": one.refitted,
        "refused": one.refused,
        **_numbers_json(one.effect_mean, one.effect_sd, one.assurance),
    }


def _numbers_json(
    mean: Mapping[str, Moved], sd: Mapping[str, Moved], assurance: Mapping[str, Moved]
) -> dict[str, Any]:
    return {
        "effect_mean": {name: _moved_json(moved) for name, moved in mean.items()},
        "effect_sd": {name: _moved_json(moved) for name, moved in sd.items()},
        "assurance": {name: _moved_json(moved) for name, moved in assurance.items()},
    }


def _moved_json(moved: Moved) -> dict[str, float]:
    return {
        "value": moved.value,
        "mcse": moved.mcse,
        "moved": moved.by,
        "moved_mcse": moved.by_mcse,
    }
