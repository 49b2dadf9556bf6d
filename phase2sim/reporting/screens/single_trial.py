"""One trial's findings as a table and as plain values for JSON."""

import math
from dataclasses import asdict
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from phase2sim.studies.single_trial import Finding, Harm, LookResult, TrialResult


def examined_json(examined: TrialResult) -> dict[str, Any]:
    """Plain values: ``findings``, one an analysis, and ``decision``, one verdict a label.

    And ``looks``, where a trial has them, and ``harm``, where it was stopped for that.
    """
    harm = {} if examined.harm is None else {"harm": asdict(examined.harm)}
    looks = [_plain(asdict(look)) for look in examined.looks]
    return (
        {
            "findings": [_plain(asdict(finding)) for finding in examined.findings],
            "decision": dict(examined.verdicts),
        }
        | ({"looks": looks} if looks else {})
        | harm
    )


def _plain(value: Any) -> Any:  # noqa: ANN401 - what JSON can hold
    """Return the value with None, which JSON can hold, for nan and infinity."""
    match value:
        case dict():
            return {key: _plain(inner) for key, inner in value.items()}
        case float() if not math.isfinite(value):
            return None
        case _:
            return value


def examined_screen(examined: TrialResult, title: str) -> RenderableType:
    """Return the table of findings and the decision."""
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    known_truth = any(finding.true_effect is not None for finding in examined.findings)
    for column in ("analysis", "month", "method", "effect (95 % CI)", "SE", "df", "p, one-sided"):
        table.add_column(column)
    if known_truth:
        table.add_column("true effect")
    for finding in examined.findings:
        cells = _cells(finding)
        table.add_row(*cells, *([f"{finding.true_effect:.3f}"] if known_truth else []))
    decision = ", ".join(f"{label}: {verdict}" for label, verdict in examined.verdicts.items())
    details = [Text(_details(finding)) for finding in examined.findings if finding.details]
    details += [
        Text(f"{finding.analysis}: answered with {finding.fallback}; its own did not converge.")
        for finding in examined.findings
        if finding.fallback
    ]
    looks = [Text(_look(seen)) for seen in examined.looks]
    looks += [] if examined.harm is None else [Text(_harm(examined.harm))]
    end = Text(f"Decision: {decision}")
    return Group(Text(title, style="bold"), Text(), table, Text(), *details, *looks, end)


def _look(seen: LookResult) -> str:
    """One look in a line: when, with whom, how it was, and whether it ended the trial."""
    p = ", ".join(f"{name} p {value:.4g}" for name, value in seen.p_one_sided.items())
    stopped = f"; dropped {', '.join(seen.dropped)}" if seen.dropped else ""
    stopped += f"; stopped for {seen.stopped_for}" if seen.stopped_for else ""
    return (
        f"Look {seen.look}, month {seen.months:.1f}, {seen.enrolled} patients enrolled:"
        f" {p}{stopped}"
    )


def _harm(harm: Harm) -> str:
    """What stopped a trial for harm; what stands above it is of a trial that had gone on."""
    return (
        f"Stopped for harm after {harm.treated} treated patients, month {harm.months:.1f},"
        f" {harm.enrolled} patients enrolled; the findings are those if it had gone on"
    )


def _details(finding: Finding) -> str:
    found = ", ".join(
        f"{name.replace('_', ' ')} {value:.4g}" for name, value in finding.details.items()
    )
    return f"{finding.analysis}: {found}"


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
