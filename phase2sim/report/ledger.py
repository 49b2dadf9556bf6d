"""Ledger of the evidence: every reported number, whether the fit reads it, and if not, why."""

from itertools import groupby
from math import isnan

from rich.markup import escape
from rich.table import Table

from phase2sim.endpoints import ENDPOINTS
from phase2sim.knowledge import Evidence, Reported, StudyArm

ELICITED_MARK = "◆ ELICITED"
SAYS_ITSELF = frozenset({"count", "events", "statement"})  # no need to name the statistic


def ledger_rows(evidence: Evidence) -> list[dict[str, object]]:
    """Return one plain row for each reported number, in the order of the files.

    ``value`` is in ``unit``, the endpoint's own; it is None where the file gives words or two
    numbers. ``months`` has one month for a visit and two for a span.
    """
    return [_row(reported) for reported in evidence.reported]


def ledger_table(evidence: Evidence) -> Table:
    """Lay the ledger out by study; elicited numbers carry a mark, unused ones are dim."""
    used = sum(not reported.unused for reported in evidence.reported)
    ledger = Table.grid(expand=True)
    ledger.title = f"Evidence: {len(evidence.reported)} reported numbers, {used} read by the fit"
    ledger.caption = (
        f"{ELICITED_MARK}: ours, not theirs. Months count from entry; d: from diagnosis."
        " Dim: listed, not read."
    )
    arms = {(arm.study, arm.arm): arm for arm in evidence.arms}
    ledger.add_row(_columns(show_header=True))
    for (file, study, arm), group in groupby(
        evidence.reported, key=lambda one: (one.file, one.study, one.arm)
    ):
        ledger.add_row(_heading(file, arms[study, arm]))
        rows = _columns(show_header=False)
        for reported in group:
            rows.add_row(*_cells(reported), style="dim" if reported.unused else "")
        ledger.add_row(rows)
    return ledger


def _columns(*, show_header: bool) -> Table:
    # Fixed and proportional widths only, so that the tables of all studies line up.
    rows = Table(box=None, expand=True, show_header=show_header, padding=(0, 1))
    rows.add_column("#", justify="right", width=3)
    rows.add_column("endpoint", width=14)
    rows.add_column("month", justify="right", width=8)
    rows.add_column("as reported", ratio=5)
    rows.add_column("n", justify="right", width=5)
    rows.add_column("read in", ratio=3)
    rows.add_column("in the fit", ratio=5)
    return rows


def _row(reported: Reported) -> dict[str, object]:
    return {
        "number": reported.number,
        "file": reported.file,
        "study": reported.study,
        "arm": reported.arm,
        "endpoint": reported.endpoint,
        "months": list(reported.months),
        "clock": reported.clock,
        "statistic": reported.statistic,
        "as_reported": reported.as_reported,
        "value": None if isnan(reported.value) else reported.value,
        "unit": reported.unit,
        "n": reported.n,
        "status": reported.status,
        "source": reported.source,
        "place": reported.place,
        "used": not reported.unused,
        "unused_because": reported.unused,
        "elicited": reported.elicited is not None,
        "why": reported.why,
        "note": reported.note,
    }


def _heading(file: str, arm: StudyArm) -> str:
    low, high = arm.months_since_diagnosis
    window = f"{low:g}" if low == high else f"{low:g} to {high:g}"
    size = f"n = {arm.patients}" if arm.patients else "n not reported"
    note = f"\n[italic]{escape(arm.note)}[/italic]" if arm.note else ""
    return (
        f"\n[bold]{escape(f'{arm.study}, {arm.arm}')}[/bold]: {arm.design}, {size}, entry {window}"
        f" months from diagnosis\n{escape(f'{arm.source} ({file})')}{note}"
    )


def _cells(reported: Reported) -> tuple[str, ...]:
    month = " to ".join(f"{month:g}" for month in reported.months)
    at = f"{month}{' d' if reported.clock == 'diagnosis' else ''}"
    said = reported.elicited is not None or reported.statistic in SAYS_ITSELF
    statistic = "" if said else f"{reported.statistic.replace('_', ' ')} "
    status = "" if reported.status == "published" else f"{reported.status}, "
    return (
        f"{reported.number}",
        escape(_endpoint(reported.endpoint)),
        at,
        escape(f"{statistic}{reported.as_reported}"),
        f"{reported.n}" if reported.n else "?",
        escape(f"{status}{reported.place}".removesuffix(", ")),
        _in_the_fit(reported),
    )


def _endpoint(name: str) -> str:
    return ENDPOINTS[name].label if name in ENDPOINTS else name.replace("_", " ")


def _in_the_fit(reported: Reported) -> str:
    if reported.unused:
        return f"no: {escape(reported.unused)}"
    if reported.elicited is None:
        return f"yes; {escape(reported.note)}" if reported.note else "yes"
    return f"[bold yellow]{ELICITED_MARK}[/bold yellow]: {escape(reported.why)}"
