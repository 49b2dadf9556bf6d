"""Ledger of the evidence: every number and assumption, and whether the fit uses it."""

from collections.abc import Iterator
from itertools import groupby
from math import isnan

import numpy as np
from rich.table import Table
from rich.text import Text

from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.evidence.ages import age_words
from phase2sim.evidence.reported import (
    ClassEffect,
    EffectAssumption,
    Evidence,
    IndividualData,
    ReportedNumber,
    StudyArm,
    UnknownShare,
)

ELICITED_MARK = "◆ ELICITED"
SAYS_ITSELF = frozenset({"count", "events", "statement"})  # no need to name the statistic


def ledger_rows(evidence: Evidence) -> list[dict[str, object]]:
    """Return one row per reported number, individual data set and assumed effect.

    ``value`` is in ``unit``, the endpoint's own; it is None where the file gives words or two
    numbers. ``months`` has one month for a visit and two for a span. An assumed effect has no
    ``file``, ``number``, ``study`` and ``arm``.
    """
    reported = [_row(entry) for entry in evidence.reported]
    data_sets = [_row_of_data(data) for data in evidence.individuals]
    effects = [_row_of_effect(assumption) for assumption in _assumptions(evidence)]
    return reported + data_sets + effects


def ledger_table(evidence: Evidence) -> Table:
    """Return the ledger by study; elicited numbers are marked and unused ones are dim."""
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
        evidence.reported, key=lambda entry: (entry.file, entry.study, entry.arm)
    ):
        ledger.add_row(_heading(file, arms[study, arm]))
        rows = _columns(show_header=False)
        for reported in group:
            rows.add_row(*_cells(reported), style="dim" if reported.unused else "")
        ledger.add_row(rows)
    for data in evidence.individuals:
        ledger.add_row(_heading(data.file, arms[data.study, data.arm]))
        ledger.add_row(f"   own data, individual {data.number}: {_describe_data(data)}")
    if any(True for _ in _assumptions(evidence)):
        heading = ("\nAssumed of the effects", "bold"), ": before the evidence, model scale"
        ledger.add_row(Text.assemble(*heading))
    for assumption in _assumptions(evidence):
        ledger.add_row(Text.assemble("   ", _mark_elicited(_effect_words(assumption))))
        for line in _reasons(assumption):
            ledger.add_row(Text(f"      {line}"))
    return ledger


def _assumptions(evidence: Evidence) -> Iterator[EffectAssumption | ClassEffect]:
    yield from evidence.effects.values()
    yield from evidence.classes.values()


def _reasons(assumption: EffectAssumption | ClassEffect) -> Iterator[str]:
    """Yield a line for each reason; one where a single reason stands for all numbers."""
    reasons = assumption.reasons
    if len(set(reasons.values())) <= 1:
        yield assumption.why.removeprefix("elicited: ")
    else:
        yield from (f"{key}: {reason}" for key, reason in reasons.items())


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


def _row(reported: ReportedNumber) -> dict[str, object]:
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
        "place": reported.place_in_source,
        "used": not reported.unused,
        "unused_because": reported.unused,
        "elicited": reported.elicited is not None or _uses_elicited_weight(reported),
        "why": reported.why,
        "note": reported.note,
    }


def _row_of_data(data: IndividualData) -> dict[str, object]:
    return _empty_row() | {
        "number": data.number,
        "file": data.file,
        "study": data.study,
        "arm": data.arm,
        "endpoint": ", ".join(dict.fromkeys(endpoint for endpoint, _ in data.columns)),
        "months": sorted({month for _, month in data.columns}),
        "statistic": "individual",
        "as_reported": _describe_data(data),
        "n": data.value.shape[0],
        "source": data.source,
    }


def _row_of_effect(assumption: EffectAssumption | ClassEffect) -> dict[str, object]:
    return _empty_row() | {
        "endpoint": assumption.endpoint,
        "months": [assumption.month],
        "statistic": assumption.kind,
        "as_reported": _effect_words(assumption),
        "unit": ENDPOINTS[assumption.endpoint].model_unit,
        "status": "elicited",
        "source": "ours",
        "elicited": True,
        "why": assumption.why,
    }


def _empty_row() -> dict[str, object]:
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


def _describe_data(data: IndividualData) -> str:
    values = int(np.isfinite(data.value).sum())
    visits = {
        endpoint: [f"{month:g}" for name, month in data.columns if name == endpoint]
        for endpoint in dict.fromkeys(name for name, _ in data.columns)
    }
    endpoints = "; ".join(
        f"{ENDPOINTS[name].label} at months {', '.join(months)}" for name, months in visits.items()
    )
    return f"{data.value.shape[0]} patients, {values} values: {endpoints}"


def _effect_words(assumption: EffectAssumption | ClassEffect) -> str:
    """Describe an assumption in the terms of its file."""
    options = "".join(f", {key} {value:g}" for key, value in assumption.shape_options.items())
    time = f"at month {assumption.month:g}, {assumption.shape}{options}"
    name = f"{assumption.kind.replace('_', ' ')} on {ENDPOINTS[assumption.endpoint].label}"
    match assumption:
        case ClassEffect():
            return (
                f"{name}: mean ~ N(0, {assumption.sceptical_sd:g}), half-normal between trials"
                f" {assumption.between_trials_sd:g}, {time}"
            )
    before = assumption.before
    robust = f"; sceptical SD {assumption.sceptical_sd:g}" if assumption.prior else ""
    share = ""
    if assumption.shared:
        share = f"; {assumption.shared:g} of its variance shared by all endpoints"
    return (
        f"{name} ~ N({before.mean:g}, {before.sd:g}) {time}{robust};"
        f" bias ~ N(0, {assumption.bias_sd:g}){share}"
    )


def _uses_elicited_weight(reported: ReportedNumber) -> bool:
    return reported.by_weight and not reported.unused


def _heading(file: str, arm: StudyArm) -> Text:
    window = arm.months_since_diagnosis.words
    by_entry = arm.clock == "entry"
    entry = "months from entry" if by_entry else f"entry {window} months from diagnosis"
    size = f"n = {arm.patients}" if arm.patients else "n not reported"
    design = f"{arm.design}, {'' if arm.treated else 'un'}treated"
    care = "".join(f", {name.replace('_', ' ')} {_value(given)}" for name, given in arm.care)
    return Text.assemble(
        (f"\n{arm.study}, {arm.arm}", "bold"),
        f": {design}, {size}, {age_words(arm)}{care}, {entry}",
        f"\n{arm.source} ({file})",
        (f"\n{arm.note}" if arm.note else "", "italic"),
    )


def _value(given: float | UnknownShare) -> str:
    match given:
        case UnknownShare(mean=mean, sd=sd):
            return f"about {mean:g} (SD {sd:g}, elicited)"
        case share:
            return f"{share:g}"


def _cells(reported: ReportedNumber) -> tuple[str | Text, ...]:
    month = " to ".join(f"{month:g}" for month in reported.months)
    time = f"{month}{' d' if reported.clock == 'diagnosis' else ''}"
    speaks_for_itself = reported.elicited is not None or reported.statistic in SAYS_ITSELF
    statistic = "" if speaks_for_itself else f"{reported.statistic.replace('_', ' ')} "
    status = "" if reported.status == "published" else f"{reported.status}, "
    return (
        f"{reported.number}",
        _endpoint(reported.endpoint),
        time,
        f"{statistic}{reported.as_reported}",
        f"{reported.n}" if reported.n else "?",
        f"{status}{reported.place_in_source}".removesuffix(", "),
        _use_in_fit(reported),
    )


def _endpoint(name: str) -> str:
    return ENDPOINTS[name].label if name in ENDPOINTS else name.replace("_", " ")


def _use_in_fit(reported: ReportedNumber) -> str | Text:
    if reported.unused:
        return f"no: {reported.unused}"
    if reported.elicited is not None:
        return _mark_elicited(reported.why)
    if _uses_elicited_weight(reported):
        return _mark_elicited("; ".join(filter(None, ["by our weight, above", reported.note])))
    return f"yes; {reported.note}" if reported.note else "yes"


def _mark_elicited(why: str) -> Text:
    return Text.assemble((ELICITED_MARK, "bold yellow"), f": {why}")
