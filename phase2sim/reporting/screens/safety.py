"""A safety boundary and its stopping probabilities: tables, and values for JSON."""

import math
from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from phase2sim.operating.exact_safety import StoppingChances, stopping_chances
from phase2sim.reporting.plain_tables import number, plain_table
from phase2sim.trial.safety.monitoring import SafetyRule

_OF_THE_LIMIT = (0.5, 1.0, 1.25, 1.5, 2.0)
_MOST = 0.95  # a share of patients that is still worth a line


def safety_json(rule: SafetyRule, rates: Sequence[float]) -> dict[str, Any]:
    """Return the values of `phase2sim safety --json`."""
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
            for chances in _stopping_by_rate(rule, rates)
        ],
    }


def safety_screen(title: str, rule: SafetyRule, rates: Sequence[float]) -> RenderableType:
    """Return the boundary by look, and the stopping probabilities by true event rate."""
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
    for chances_at_rate in _stopping_by_rate(rule, rates):
        stops, first = float(chances_at_rate.at_look.sum()), float(chances_at_rate.at_look[0])
        chances.add_row(
            number(chances_at_rate.rate),
            f"{stops:.4f}",
            f"{first:.4f}",
            f"{chances_at_rate.expected_treated:.1f}",
        )
    event = rule.event.replace("_", " ")
    return Group(
        Text(title, style="bold"),
        Text(f"Treated patients with {event} by month {rule.by_month:g}; limit {rule.limit:g}"),
        Text(),
        table,
        Text(),
        chances,
        Text("Exact. Expected treated: the last look ends the watch.", style="dim"),
    )


def _stopping_by_rate(rule: SafetyRule, rates: Sequence[float]) -> list[StoppingChances]:
    usual = [rule.limit * times for times in _OF_THE_LIMIT if rule.limit * times <= _MOST]
    return [stopping_chances(rule, rate) for rate in rates or usual]
