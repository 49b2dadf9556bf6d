"""A safety boundary and how often it stops a trial, as tables and as plain values."""

import math
from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from phase2sim.operating.exact_safety import StoppingChances, stopping
from phase2sim.reporting.plain_tables import number, plain_table
from phase2sim.trial.safety.monitoring import SafetyRule

_OF_THE_LIMIT = (0.5, 1.0, 1.25, 1.5, 2.0)
_MOST = 0.95  # a share of patients that is still worth a line


def safety_json(rule: SafetyRule, rates: Sequence[float]) -> dict[str, Any]:
    """Plain values: what `phase2sim safety --json` prints."""
    boundary = rule.boundary()
    return {
        "event": rule.event,
        "by_month": rule.by_month,
        "limit": rule.limit,
        "boundary": [
            {
                "treated": treated,
                "events_that_stop": int(events) if events <= treated else None,
                "evidence": None if math.isnan(evidence) else float(evidence),
            }
            for treated, events, evidence in zip(
                rule.looks, boundary, rule.evidence(boundary), strict=True
            )
        ],
        "stopping": [
            {
                "rate": chances.rate,
                "stops": float(chances.at_look.sum()),
                "at_look": [float(chance) for chance in chances.at_look],
                "expected_treated": chances.expected_treated,
            }
            for chances in _under(rule, rates)
        ],
    }


def safety_screen(title: str, rule: SafetyRule, rates: Sequence[float]) -> RenderableType:
    """Return the boundary by look, and the chances of stopping by true rate."""
    boundary = rule.boundary()
    table = plain_table((), ("treated", "events that stop", "share", rule.evidence_is))
    for treated, events, evidence in zip(
        rule.looks, boundary, rule.evidence(boundary), strict=True
    ):
        never = events > treated
        cells = ("none", "-", "-") if never else (
            str(events), number(events / treated), f"{evidence:.4f}"
        )  # fmt: skip
        table.add_row(str(treated), *cells)
    chances = plain_table((), ("true rate", "stops", "at the first look", "expected treated"))
    for found in _under(rule, rates):
        stops, first = float(found.at_look.sum()), float(found.at_look[0])
        chances.add_row(
            number(found.rate), f"{stops:.4f}", f"{first:.4f}", f"{found.expected_treated:.1f}"
        )
    what = rule.event.replace("_", " ")
    return Group(
        Text(title, style="bold"),
        Text(f"Treated patients with {what} by month {rule.by_month:g}; limit {rule.limit:g}"),
        Text(),
        table,
        Text(),
        chances,
        Text("Exact. Expected treated: the last look ends the watch.", style="dim"),
    )


def _under(rule: SafetyRule, rates: Sequence[float]) -> list[StoppingChances]:
    usual = [rule.limit * times for times in _OF_THE_LIMIT if rule.limit * times <= _MOST]
    return [stopping(rule, rate) for rate in rates or usual]
