"""Ledger of the evidence: every number and assumption, what the fit reads, and if not, why."""

from collections.abc import Iterator
from itertools import groupby
from math import isnan

import numpy as np
from rich.markup import escape
from rich.table import Table

from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.evidence.reported import (
    ClassEffect,
    EffectAssumption,
    Evidence,
    IndividualData,
    Reported,
    StudyArm,
)

ELICITED_MARK = "◆ ELICITED"
SAYS_ITSELF = frozenset({"count", "events", "statement"})  # no need to name the statistic


def ledger_rows(evidence: Evidence) -> list[dict[str, object]]:
    """Return one plain row for each reported number, own data set and assumed effect.

    ``value`` is in ``unit``, the endpoint's own; it is None where the file gives words or two
    numbers. ``months`` has one month for a visit and two for a span. An assumed effect has no
    ``file``, ``number``, ``study`` and ``arm``.
    """
    reported = [_row(one) for one in evidence.reported]
    own = [_row_of_own(data) for data in evidence.individuals]
    return reported + own + [_row_of_effect(assumed) for assumed in _assumptions(evidence)]


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
    for own in evidence.individuals:
        ledger.add_row(_heading(own.file, arms[own.study, own.arm]))
        ledger.add_row(f"   own data, individual {own.number}: {escape(_said_of_own(own))}")
    if any(True for _ in _assumptions(evidence)):
        ledger.add_row("\n[bold]Assumed of the effects[/bold]: before the evidence, model scale")
    for assumed in _assumptions(evidence):
        why = assumed.why.removeprefix("elicited: ")
        ledger.add_row(f"   {escape(_effect_words(assumed))}. {_marked(why)}")
    return ledger


def _assumptions(evidence: Evidence) -> Iterator[EffectAssumption | ClassEffect]:
    yield from evidence.effects.values()
    yield from evidence.classes.values()


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
        "elicited": reported.elicited is not None or _rests_on_weight(reported),
        "why": reported.why,
        "note": reported.note,
    }


def _row_of_own(own: IndividualData) -> dict[str, object]:
    return _blank() | {
        "number": own.number,
        "file": own.file,
        "study": own.study,
        "arm": own.arm,
        "endpoint": ", ".join(dict.fromkeys(endpoint for endpoint, _ in own.columns)),
        "months": sorted({month for _, month in own.columns}),
        "statistic": "individual",
        "as_reported": _said_of_own(own),
        "n": own.value.shape[0],
        "source": own.source,
    }


def _row_of_effect(assumed: EffectAssumption | ClassEffect) -> dict[str, object]:
    return _blank() | {
        "endpoint": assumed.endpoint,
        "months": [assumed.month],
        "statistic": assumed.kind,
        "as_reported": _effect_words(assumed),
        "unit": ENDPOINTS[assumed.endpoint].model_unit,
        "status": "elicited",
        "source": "ours",
        "elicited": True,
        "why": assumed.why,
    }


def _blank() -> dict[str, object]:
    text = ("file", "study", "arm", "unit", "place", "unused_because", "why", "note")
    of_text = dict.fromkeys(text, "")
    return of_text | {
        "number": None,
        "clock": "entry",
        "value": None,
        "n": 0,
        "status": "computed",
        "used": True,
        "elicited": False,
    }


def _said_of_own(own: IndividualData) -> str:
    seen = int(np.isfinite(own.value).sum())
    visits = {
        endpoint: [f"{month:g}" for name, month in own.columns if name == endpoint]
        for endpoint in dict.fromkeys(name for name, _ in own.columns)
    }
    said = "; ".join(
        f"{ENDPOINTS[name].label} at months {', '.join(months)}" for name, months in visits.items()
    )
    return f"{own.value.shape[0]} patients, {seen} values: {said}"


def _effect_words(assumed: EffectAssumption | ClassEffect) -> str:
    """One assumption as the file has it."""
    options = "".join(f", {key} {value:g}" for key, value in assumed.shape_options.items())
    where = f"at month {assumed.month:g}, {assumed.shape}{options}"
    name = f"{assumed.kind.replace('_', ' ')} on {ENDPOINTS[assumed.endpoint].label}"
    match assumed:
        case ClassEffect():
            return (
                f"{name}: mean ~ N(0, {assumed.sceptical_sd:g}), half-normal between trials"
                f" {assumed.between_trials_sd:g}, {where}"
            )
    before = assumed.before
    robust = f"; sceptical SD {assumed.sceptical_sd:g}" if assumed.prior else ""
    share = (
        f"; {assumed.shared:g} of its variance shared by all endpoints" if assumed.shared else ""
    )
    return (
        f"{name} ~ N({before.mean:g}, {before.sd:g}) {where}{robust};"
        f" bias ~ N(0, {assumed.bias_sd:g}){share}"
    )


def _rests_on_weight(reported: Reported) -> bool:
    return reported.by_weight and not reported.unused


def _heading(file: str, arm: StudyArm) -> str:
    low, high = arm.months_since_diagnosis
    window = f"{low:g}" if low == high else f"{low:g} to {high:g}"
    size = f"n = {arm.patients}" if arm.patients else "n not reported"
    age = "" if arm.age_years is None else f", mean age {arm.age_years:g} years"
    design = f"{arm.design}, {'' if arm.treated else 'un'}treated"
    note = f"\n[italic]{escape(arm.note)}[/italic]" if arm.note else ""
    return (
        f"\n[bold]{escape(f'{arm.study}, {arm.arm}')}[/bold]: {design}, {size}{age}, entry {window}"
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
    if reported.elicited is not None:
        return _marked(reported.why)
    if _rests_on_weight(reported):
        return _marked("; ".join(filter(None, ["by our weight, above", reported.note])))
    return f"yes; {escape(reported.note)}" if reported.note else "yes"


def _marked(why: str) -> str:
    return f"[bold yellow]{ELICITED_MARK}[/bold yellow]: {escape(why)}"
