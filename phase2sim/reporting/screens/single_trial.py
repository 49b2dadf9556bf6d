"""Findings of one trial: table, and values for JSON."""

import math
from dataclasses import asdict
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from phase2sim.studies.single_trial import Finding, Harm, LookResult, TrialResult


def trial_result_json(result: TrialResult) -> dict[str, Any]:
    """Return ``findings``, one per analysis, and ``decision``, one verdict per label.

    Also ``looks`` if the trial has interim looks, and ``harm`` if it was stopped for harm.
    """
    harm = {} if result.harm is None else {"harm": asdict(result.harm)}
    looks = [_plain(asdict(look)) for look in result.looks]
    return (
        {
            "findings": [_plain(asdict(finding)) for finding in result.findings],
            "decision": dict(result.verdicts),
        }
        | ({"looks": looks} if looks else {})
        | harm
    )


def _plain(value: Any) -> Any:  # noqa: ANN401 - what JSON can hold
    """Return the value with None for nan and infinity, which JSON cannot hold."""
    match value:
        case dict():
            return {key: _plain(inner) for key, inner in value.items()}
        case float() if not math.isfinite(value):
            return None
        case _:
            return value


def trial_result_screen(result: TrialResult, title: str) -> RenderableType:
    """Return the table of findings and the decision."""
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    known_truth = any(finding.true_effect is not None for finding in result.findings)
    for column in ("analysis", "month", "method", "effect (95 % CI)", "SE", "df", "p, one-sided"):
        table.add_column(column)
    if known_truth:
        table.add_column("true effect")
    for finding in result.findings:
        cells = _cells(finding)
        table.add_row(*cells, *([_truth(finding)] if known_truth else []))
    decision = ", ".join(f"{label}: {verdict}" for label, verdict in result.verdicts.items())
    details = [Text(_details(finding)) for finding in result.findings if _details(finding)]
    details += [
        Text(f"{finding.analysis}: answered with {finding.fallback}; its own did not converge.")
        for finding in result.findings
        if finding.fallback
    ]
    looks = [Text(_look(look)) for look in result.looks]
    looks += [] if result.harm is None else [Text(_harm(result.harm))]
    end = Text(f"Decision: {decision}")
    return Group(Text(title, style="bold"), Text(), table, Text(), *details, *looks, end)


def _look(look: LookResult) -> str:
    """Return one line on a look: time, enrolment, p-values, dropped arms and stop."""
    p = ", ".join(
        f"{name} failed" if math.isnan(value) else f"{name} p {value:.4g}"
        for name, value in look.p_one_sided.items()
    )
    endings = f"; dropped {', '.join(look.dropped)}" if look.dropped else ""
    endings += f"; stopped for {look.stopped_for}" if look.stopped_for else ""
    return (
        f"Look {look.look}, month {look.months:.1f}, {look.enrolled} patients enrolled:"
        f" {p}{endings}"
    )


def _harm(harm: Harm) -> str:
    """Return when a trial was stopped for harm; its findings are those without the stop."""
    return (
        f"Stopped for harm after {harm.treated} treated patients, month {harm.months:.1f},"
        f" {harm.enrolled} patients enrolled; the findings are those if it had gone on"
    )


def _details(finding: Finding) -> str:
    """Return the details that are known, or an empty text."""
    details = ", ".join(
        f"{name.replace('_', ' ')} {value:.4g}"
        for name, value in finding.details.items()
        if not math.isnan(value)
    )
    return f"{finding.analysis}: {details}" if details else ""


def _truth(finding: Finding) -> str:
    return "unknown" if finding.true_effect is None else f"{finding.true_effect:.3f}"


def _cells(finding: Finding) -> tuple[str, ...]:
    if finding.failed:
        return (finding.analysis, f"{finding.month:g}", finding.method, f"failed: {finding.failed}")
    interval = f"{finding.effect:.4g} ({finding.lower:.4g} to {finding.upper:.4g}) {finding.scale}"
    return (
        finding.analysis,
        f"{finding.month:g}",
        finding.method,
        interval,
        f"{finding.se:.4g}",
        f"{finding.df:.4g}",
        f"{finding.p_one_sided:.4g}",
    )
