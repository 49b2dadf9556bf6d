"""Lines of a data file as checked values."""

import math
from dataclasses import dataclass
from functools import cached_property

from phase2sim.analyses.real_data.data_plan import DataPlan
from phase2sim.analyses.real_data.headings import is_replayed
from phase2sim.analyses.real_data.plausibility import Plausibility
from phase2sim.core.endpoints import EVENTS, MEASURES
from phase2sim.core.io.csv_files import (
    MISSING_CODES,
    CsvLine,
    CsvTable,
    number_in,
    number_rule,
)
from phase2sim.core.io.refusals import Refusals, shown
from phase2sim.core.io.validation import nearest

_SAME_MONTH = 1e-9
_AGES = (0.0, 120.0)
_EVENTS_PER_MONTH = 100.0  # as events.per_month of a scenario
_LATEST = 2.0  # months at risk at a visit, over the month of the visit


@dataclass(frozen=True, slots=True)
class Record:
    """One line: a patient's outcome at a visit. None where the cell is refused."""

    line: int
    patient: str | None
    arm: int | None
    endpoint: str | None
    month: float | None  # 0 at baseline
    y: float | None  # in the unit of the file, nan where missing; a count of events
    base: float | None  # likewise
    age: float | None
    stratum: str
    factors: tuple[str, ...]
    months_at_risk: float | None  # nan where nothing is counted


class RecordReader:
    """Reads lines, and collects what is wrong with them."""

    def __init__(self, table: CsvTable, plan: DataPlan, refusals: Refusals) -> None:
        self._table = table
        self._plan = plan
        self._refusals = refusals
        self._plausibility = Plausibility(plan)
        self._is_replayed = is_replayed(table)

    def records(self) -> tuple[Record, ...]:
        """All lines as records; what is implausible is refused at the end."""
        records = tuple(self._record(line) for line in self._table.lines)
        self._plausibility.refuse(self._refusals)
        return records

    def _record(self, line: CsvLine) -> Record:
        endpoint, month = self._endpoint(line), self._month(line)
        y = base = None
        months_at_risk: float | None = math.nan
        if endpoint in EVENTS:
            y, months_at_risk = self._count(line, month)
            base = math.nan
        elif endpoint is not None:
            y = self._measured(line, "y", endpoint)
            base = self._measured(line, "base", endpoint)
        return Record(
            line=line.number,
            patient=self._patient(line),
            arm=self._arm(line),
            endpoint=endpoint,
            month=month,
            y=y,
            base=base,
            age=self._age(line),
            stratum=self._level(line, "stratum"),
            factors=tuple(self._level(line, factor) for factor in self._plan.factors),
            months_at_risk=months_at_risk,
        )

    def _patient(self, line: CsvLine) -> str | None:
        text = line.text("id")
        if text not in MISSING_CODES:
            return text
        if self._table.has("id"):
            self._refuse(line, "id", "it must name the patient. Fill it in, or remove the line.")
        return None

    def _arm(self, line: CsvLine) -> int | None:
        if not self._table.has("arm"):
            return None
        arm = self._arm_numbers.get(line.text("arm"))
        if arm is None:
            names = " or ".join(self._plan.arms)
            by_number = "" if self._has_numbers_as_arms else ", or 0 (control) or 1"
            self._refuse(line, "arm", f"it must be {names}{by_number}. Correct it.")
        return arm

    @property
    def _has_numbers_as_arms(self) -> bool:
        return any(name.isdecimal() for name in self._plan.arms)

    @cached_property
    def _arm_numbers(self) -> dict[str, int]:
        names = {name: number for number, name in enumerate(self._plan.arms)}
        if self._has_numbers_as_arms:  # "1" might be a name or a number
            return names
        return names | {str(number): number for number in range(len(self._plan.arms))}

    def _endpoint(self, line: CsvLine) -> str | None:
        if not self._table.has("endpoint"):
            endpoints = self._plan.endpoints
            return endpoints[0] if len(endpoints) == 1 else None
        text = line.text("endpoint")
        known = (*MEASURES, *EVENTS)
        if text in known:
            return text
        self._refuse(
            line, "endpoint", f"it is not an endpoint. {nearest(text, known)} Or remove the line."
        )
        return None

    def _month(self, line: CsvLine) -> float | None:
        by_visit = self._visit_month(line) if self._table.has("visit") else None
        by_month = self._planned_month(line) if self._table.has("months") else None
        if by_visit is not None and by_month is not None and by_visit != by_month:
            self._refuse(
                line,
                "months",
                f"visit {line.text('visit')} is at month {by_visit:g}. Correct one of them.",
            )
            return None
        if self._table.has("months"):
            return by_month
        return by_visit if self._table.has("visit") else self._plan.visits_months[-1]

    def _visit_month(self, line: CsvLine) -> float | None:
        months = self._plan.visits_months
        visit = number_in(line.text("visit"))
        if visit is not None and visit in range(len(months)):
            return months[int(visit)]
        after = ", ".join(f"{month:g}" for month in months[1:])
        self._refuse(
            line,
            "visit",
            f"it must be 0 (baseline) or one of the planned visits 1 to {len(months) - 1} after"
            f" baseline (months {after}). Correct it.",
        )
        return None

    def _planned_month(self, line: CsvLine) -> float | None:
        months = self._plan.visits_months
        typed = number_in(line.text("months"))
        for month in months:
            if typed is not None and math.isclose(typed, month, abs_tol=_SAME_MONTH):
                return month
        planned = ", ".join(f"{month:g}" for month in months)
        self._refuse(
            line,
            "months",
            f"it must be a planned month: {planned}, where 0 is the baseline. Write the month that"
            " was planned for the visit, or remove the line.",
        )
        return None

    def _measured(self, line: CsvLine, column: str, endpoint: str) -> float | None:
        value = self._number(line, column)
        if value is None or math.isnan(value):
            return value
        unit = self._plan.unit(endpoint)
        self._plausibility.note(endpoint, value)
        if unit.holds(value) or self._is_simulated(line, column, endpoint, value):
            return value
        self._plausibility.doubt(line.number, column, endpoint, value, shown(line.text(column)))
        return None

    def _is_simulated(self, line: CsvLine, column: str, endpoint: str, value: float) -> bool:
        """Whether `replay` wrote a value that no patient has, but the model scale."""
        is_as_drawn = column == "base" or line.text("y") == line.text("complete")
        low, high = MEASURES[endpoint].scale.domain
        return self._is_replayed and is_as_drawn and low < value < high

    def _count(self, line: CsvLine, month: float | None) -> tuple[float | None, float | None]:
        """Events so far, and the months in which they were counted."""
        count, time = self._number(line, "y"), self._number(line, "time")
        if month == 0.0:
            self._refuse(line, "y", "events are counted from baseline on. Remove the line.")
            return None, None
        if count is None or time is None or month is None or not self._table.has("time"):
            return None, None
        if math.isnan(count):
            return math.nan, math.nan
        if not 0.0 < time <= _LATEST * month:
            self._refuse(
                line,
                "time",
                f"months at risk at month {month:g} lie above 0 and up to"
                f" {_LATEST * month:g}; leave y empty if nothing was counted. Correct it.",
            )
            return None, None
        if count < 0.0 or count % 1.0 > 0.0 or count > _EVENTS_PER_MONTH * time:
            self._refuse(
                line,
                "y",
                "it must be a whole number of events, 0 or more, at most"
                f" {_EVENTS_PER_MONTH:g} a month. Correct it, or leave it empty if it is missing.",
            )
            return None, None
        return count, time

    def _age(self, line: CsvLine) -> float | None:
        age = self._number(line, "age")
        low, high = _AGES
        if age is None or math.isnan(age) or low <= age <= high:
            return age
        self._refuse(
            line,
            "age",
            f"an age lies between {low:g} and {high:g} years. Correct it, or leave it empty.",
        )
        return None

    def _level(self, line: CsvLine, column: str) -> str:
        """Stratum or level of a factor; a missing one would be a level of its own."""
        text = line.text(column.casefold())
        is_missing = text in MISSING_CODES or text in self._plan.missing
        if is_missing and self._plan.needs_column(column) and self._table.has(column.casefold()):
            self._refuse(
                line,
                column,
                "an analysis needs it. Fill it in; write 'unknown' to make it a level of its own.",
            )
        return text

    def _number(self, line: CsvLine, column: str) -> float | None:
        """Number in a cell, nan where it is missing, None where it is refused."""
        text = line.text(column)
        if text in MISSING_CODES:
            return math.nan
        value = number_in(text)
        if self._is_missing_code(text, value):
            return self._coded(line, column, value)
        if value is None:
            code = " A code of missing values is named with --missing." if text.isalpha() else ""
            self._refuse(line, column, number_rule(text) + code)
        return value

    def _is_missing_code(self, text: str, value: float | None) -> bool:
        return text in self._plan.missing or (
            value is not None and any(number_in(code) == value for code in self._plan.missing)
        )

    def _coded(self, line: CsvLine, column: str, value: float | None) -> float | None:
        """Nan for a code of missing values, None where it is refused as it may be a value."""
        if value is None or not self._may_be_measured(line, column, value):
            return math.nan
        self._refuse(
            line,
            column,
            "it is named as a code of missing values, but may be a value. Leave missing cells"
            " empty, and take the code from data.missing and --missing.",
        )
        return None

    def _may_be_measured(self, line: CsvLine, column: str, value: float) -> bool:
        if column == "age":
            return _AGES[0] <= value <= _AGES[1]
        endpoint = line.text("endpoint") if self._table.has("endpoint") else self._plan.endpoints[0]
        if column in {"y", "base"} and endpoint in MEASURES:
            return self._plan.unit(endpoint).holds(value)
        return value >= 0.0

    def _refuse(self, line: CsvLine, column: str, allowed: str) -> None:
        self._refusals.of_line(line.number, column, shown(line.text(column)), allowed)
