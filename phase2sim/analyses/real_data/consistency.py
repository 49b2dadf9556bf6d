"""Checks of lines against each other: one row a visit, one arm, baseline and age a patient."""

import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence

from phase2sim.analyses.real_data.data_plan import DataPlan
from phase2sim.analyses.real_data.records import Record
from phase2sim.core.endpoints import EVENTS
from phase2sim.core.io.refusals import Refusals, shown

_SAME = 1e-9  # relative difference of one number written twice


def check_consistency(records: Sequence[Record], plan: DataPlan, refusals: Refusals) -> None:
    """Refuse lines that contradict each other, and arms without a patient."""
    _check_single_rows(records, refusals)
    _check_names(records, refusals)
    _check_constant(records, "arm", refusals, lambda r: None if r.arm is None else plan.arms[r.arm])
    _check_constant(records, "age", refusals, lambda r: _known(r.age))
    _check_constant(records, "stratum", refusals, lambda r: r.stratum or None)
    for factor in plan.factors:
        _check_constant(records, factor, refusals, _level_of(plan.factors.index(factor)))
    for endpoint in dict.fromkeys(r.endpoint for r in records):
        mine = [r for r in records if r.endpoint == endpoint]
        _check_constant(mine, "base", refusals, lambda r: _known(r.base))
        _check_baseline_rows(mine, refusals)
        if endpoint in EVENTS:
            _check_running_counts(mine, refusals)
    _check_arms(records, plan, refusals)


def baselines(records: Iterable[Record]) -> dict[str, float]:
    """Baseline of each patient of one endpoint, unit of the file: of ``base``, else of month 0."""
    known: dict[str, float] = {}
    at_month_0: dict[str, float] = {}
    for record in records:
        if record.patient is None:
            continue
        if _known(record.base) is not None:
            known.setdefault(record.patient, record.base or 0.0)
        if record.month == 0.0 and _known(record.y) is not None:
            at_month_0.setdefault(record.patient, record.y or 0.0)
    return at_month_0 | known


def _level_of(number: int) -> Callable[[Record], str | None]:
    return lambda record: record.factors[number] or None


def _known(value: float | None) -> float | None:
    """The value, None where it is missing."""
    return None if value is None or math.isnan(value) else value


def _check_single_rows(records: Sequence[Record], refusals: Refusals) -> None:
    """Refuse a second row of a patient for an endpoint and a visit."""
    first: dict[tuple[str, str, float], int] = {}
    for record in records:
        if record.patient is None or record.endpoint is None or record.month is None:
            continue
        line = first.setdefault((record.patient, record.endpoint, record.month), record.line)
        if line != record.line:
            refusals.of_line(
                record.line,
                "id",
                f"{shown(record.patient)} (line {line})",
                f"a second row of a patient for {record.endpoint} at month {record.month:g}."
                " Keep one.",
            )


def _check_names(records: Sequence[Record], refusals: Refusals) -> None:
    """Refuse patients whose names differ in case, spaces or leading zeros alone."""
    first: dict[str, Record] = {}
    for record in records:
        if record.patient is None:
            continue
        before = first.setdefault(_plain_name(record.patient), record)
        if before.patient != record.patient:
            refusals.of_line(
                record.line,
                "id",
                shown(record.patient),
                f"line {before.line} has {shown(before.patient or '')}. Write one patient's name"
                " in one way.",
            )


def _plain_name(name: str) -> str:
    """A patient's name as a spreadsheet may have left it: 001 and 1.0 are 1."""
    plain = "".join(unicodedata.normalize("NFKC", name).casefold().split())
    plain = re.sub(r"^(\d+)\.0+$", r"\1", plain)
    return re.sub(r"(?<!\d)0+(?=\d)", "", plain)


def _check_constant(
    records: Sequence[Record],
    column: str,
    refusals: Refusals,
    of: Callable[[Record], str | float | None],
) -> None:
    """Refuse a line that differs from a patient's first one, where both are known."""
    first: dict[str, tuple[int, str | float]] = {}
    for record in records:
        value = of(record)
        if record.patient is None or value is None:
            continue
        line, before = first.setdefault(record.patient, (record.line, value))
        if not _is_same(value, before):
            refusals.of_line(
                record.line,
                column,
                f"{_text(value)} (patient {record.patient}; {_text(before)} in line {line})",
                "it must be the same in all rows of a patient. Correct one of them.",
            )


def _is_same(value: str | float, before: str | float) -> bool:
    if isinstance(value, float) and isinstance(before, float):
        return math.isclose(value, before, rel_tol=_SAME)
    return value == before


def _text(value: str | float) -> str:
    return f"{value:g}" if isinstance(value, float) else shown(value)


def _check_baseline_rows(records: Sequence[Record], refusals: Refusals) -> None:
    """Refuse a row at month 0 whose outcome is not the patient's ``base``."""
    base = baselines(records)
    for record in records:
        y = _known(record.y)
        if record.month != 0.0 or record.patient is None or y is None:
            continue
        if not _is_same(y, base[record.patient]):
            refusals.of_line(
                record.line,
                "y",
                f"{y:g} (patient {record.patient}, base {base[record.patient]:g})",
                "at month 0 it is the baseline, which base states otherwise. Correct one of them.",
            )


def _check_running_counts(records: Sequence[Record], refusals: Refusals) -> None:
    """Refuse counts, or months at risk, below those of an earlier visit: they add up."""
    before: dict[str, Record] = {}
    for record in sorted(records, key=lambda r: (r.month or 0.0, r.line)):
        if record.patient is None or record.month is None or _known(record.y) is None:
            continue
        earlier = before.setdefault(record.patient, record)
        before[record.patient] = record
        for column, now, then in (
            ("y", record.y, earlier.y),
            ("time", record.months_at_risk, earlier.months_at_risk),
        ):
            if (now or 0.0) < (then or 0.0) * (1.0 - _SAME):
                refusals.of_line(
                    record.line,
                    column,
                    f"{now:g} (patient {record.patient}; {then:g} in line {earlier.line})",
                    "events and months at risk count from baseline on, and never fall. Correct it.",
                )


def _check_arms(records: Sequence[Record], plan: DataPlan, refusals: Refusals) -> None:
    """Refuse a file in which a planned arm has no patient of an analysed endpoint."""
    for endpoint in plan.endpoints:
        mine = [r for r in records if r.endpoint == endpoint]
        if not mine or any(r.arm is None for r in mine):
            continue  # said already
        arms = {r.arm for r in mine}
        for number, name in enumerate(plan.arms):
            if number not in arms:
                refusals.of_file(
                    f"no row of {endpoint} has arm {name!r}; the scenario compares"
                    f" {' and '.join(plan.arms)}. Add the patients, or correct the arms."
                )
