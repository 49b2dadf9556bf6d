"""Findings of one trial: table, and values for JSON."""

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from phase2sim.analyses.real_data.counts import VisitCount
from phase2sim.studies.single_trial import Finding, Harm, LookResult, TrialResult


def trial_result_json(result: TrialResult) -> dict[str, Any]:
    """Return ``findings``, one per analysis, and ``decision``, one verdict per label.

    Also ``patients`` of a data file: how many have a value, by endpoint, arm and visit; ``looks``
    if the trial has interim looks; ``harm`` if it was stopped for harm.
    """
    harm = {} if result.harm is None else {"harm": asdict(result.harm)}
    looks = [_plain(asdict(look)) for look in result.looks]
    return (
        {
            "findings": [_finding_json(finding) for finding in result.findings],
            "decision": dict(result.verdicts),
        }
        | ({"patients": [_count_json(count) for count in result.counts]} if result.counts else {})
        | ({"looks": looks} if looks else {})
        | harm
    )


def _finding_json(finding: Finding) -> dict[str, Any]:
    """Return the values of one finding; of a data file also who was analysed, and left out."""
    values: dict[str, Any] = _plain(asdict(finding))
    patients = values.pop("patients")
    if patients is not None:
        values |= {
            "analysed": patients["by_arm"],
            "analysed_without_value": patients["unseen"],
            "left_out": patients["left_out"],
        }
    return values


def _count_json(count: VisitCount) -> dict[str, Any]:
    values: dict[str, Any] = _plain(asdict(count))
    return {"n" if key == "patients" else key: value for key, value in values.items()}


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
    details: list[RenderableType] = []
    if result.counts:
        details += [_patients_table(result.counts), Text()]
    details += [Text(_patients(finding)) for finding in result.findings if finding.patients]
    details += [Text(_details(finding)) for finding in result.findings if _details(finding)]
    details += [Text(_fallback(finding)) for finding in result.findings if finding.fallback]
    looks = [Text(_look(look)) for look in result.looks]
    looks += [] if result.harm is None else [Text(_harm(result.harm))]
    end = Text(f"Decision: {decision}")
    return Group(Text(title, style="bold"), Text(), table, Text(), *details, *looks, end)


def _patients_table(counts: Sequence[VisitCount]) -> Table:
    """Return patients with a value, and its mean, by endpoint and arm (rows) and month."""
    months = sorted({count.month for count in counts})
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    table.add_column("n (mean) at month")
    table.add_column("")
    for month in months:
        table.add_column(f"{month:g}")
    cells = {(c.endpoint, c.arm, c.month): c for c in counts}
    for (endpoint, arm), first in {(c.endpoint, c.arm): c for c in counts}.items():
        row = [cells.get((endpoint, arm, month)) for month in months]
        table.add_row(f"{endpoint}, {first.unit}", arm, *map(_count_cell, row))
    return table


def _count_cell(count: VisitCount | None) -> str:
    if count is None:
        return ""
    return f"{count.patients} ({count.mean:.4g})" if count.patients else "0"


def _patients(finding: Finding) -> str:
    """Return how many patients an analysis used by arm, and how many it left out, and why."""
    if finding.patients is None:
        return ""
    used = ", ".join(f"{n} {arm}" for arm, n in finding.patients.by_arm.items())
    reasons = ", ".join(f"{n} {reason}" for reason, n in finding.patients.left_out.items())
    unseen = finding.patients.unseen
    of_them = f" ({unseen} of them without a value at month {finding.month:g})" if unseen else ""
    return f"{finding.analysis}: {used} analysed{of_them}; left out: {reasons or 'nobody'}."


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


def _fallback(finding: Finding) -> str:
    why = f": {finding.shortage}" if finding.shortage else ""
    return f"{finding.analysis}: its own method had no answer{why}. {finding.fallback} answered."


def _truth(finding: Finding) -> str:
    return "unknown" if finding.true_effect is None else f"{finding.true_effect:.3f}"


def _cells(finding: Finding) -> tuple[str, ...]:
    if finding.failed:
        failure = f"failed: {finding.failed}"
        return (finding.analysis, f"{finding.month:g}", finding.method, failure, "", "", "")
    effect = "unknown" if math.isnan(finding.effect) else f"{finding.effect:.4g}"
    interval = f"{effect} ({finding.lower:.4g} to {finding.upper:.4g}) {finding.scale}"
    return (
        finding.analysis,
        f"{finding.month:g}",
        finding.method,
        interval,
        f"{finding.se:.4g}",
        f"{finding.df:.4g}",
        f"{finding.p_one_sided:.4g}",
    )
