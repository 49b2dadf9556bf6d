"""A real data set in long format -> what an analysis reads (one trial)."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from phase2sim.core.arrays import Bools, Floats, Ints
from phase2sim.core.contracts import Reading
from phase2sim.core.endpoints import EVENTS, MEASURES
from phase2sim.core.errors import BadData
from phase2sim.core.io.csv_files import MISSING_CODES, CsvRow, read_rows

_REQUIRED = ("id", "arm", "y")


@dataclass(frozen=True, slots=True)
class DataFile:
    """Rows of a CSV file as text, one per patient and visit."""

    path: Path
    rows: tuple[CsvRow, ...]

    def has(self, column: str) -> bool:
        """Whether the file has a column."""
        return column in self.rows[0]


def read_data(path: Path) -> DataFile:
    """Read a CSV file: id, arm, y and any of stratum, base, age, visit, months, endpoint.

    Other columns are ignored. Raises ``BadData`` naming the file, the line and the column.
    """
    return DataFile(path, read_rows(path, _REQUIRED, BadData))


def data_reading(
    data: DataFile,
    endpoint: str,
    visits_months: Sequence[float],
    arms: Sequence[str],
    factors: Sequence[str] = (),
) -> Reading:
    """Data for an analysis of one endpoint, with a trial axis of length 1.

    ``y`` and ``base`` are in the endpoint's unit and are brought to its model scale. Arms are the
    scenario's names, or 0 (control) and 1. ``visit`` counts the visits after baseline from 1;
    ``months``, if present, is the month itself; with neither, every row is of the last visit.
    ``factors`` are further columns, of any text. For counted events ``y`` is the count, and
    ``time`` the months at risk.
    """
    lines = _lines_of(data, endpoint)
    months = sorted({_month(data, line, visits_months) for line in lines})
    firsts: dict[str, tuple[int, CsvRow]] = {}
    for line in lines:
        firsts.setdefault(line[1]["id"], line)
    first = list(firsts.values())
    patients = {name: i for i, name in enumerate(firsts)}
    value, at_risk = _outcomes(data, lines, endpoint, (visits_months, months, patients))
    _check_constant(data, lines, factors)
    return Reading(
        arm=np.array([[_arm(data, line, arms) for line in first]], dtype=np.int8),
        baseline=np.array([[_on_scale(data, line, "base", _to_model(endpoint)) for line in first]]),
        value=value,
        visits_months=tuple(months),
        age_years=np.array([[_number(data, line, "age") for line in first]]),
        stratum=np.array([_codes(row.get("stratum") or "" for _, row in first)], dtype=np.int64),
        factors={factor: _factor(data, first, factor) for factor in factors},
        months_at_risk=at_risk,
        first=_trial(data),
    )


def due(data: DataFile, endpoint: str, visits_months: Sequence[float]) -> Bools:
    """Whether each patient has a row for each visit, (visit, patient), as ``data_reading`` has."""
    lines = _lines_of(data, endpoint)
    months = sorted({_month(data, line, visits_months) for line in lines})
    patients: dict[str, int] = {}
    for _, row in lines:
        patients.setdefault(row["id"], len(patients))
    has_row = np.zeros((len(months), len(patients)), dtype=np.bool_)
    for line in lines:
        visit = months.index(_month(data, line, visits_months))
        has_row[visit, patients[line[1]["id"]]] = True
    return has_row


def _outcomes(
    data: DataFile,
    lines: Sequence[tuple[int, CsvRow]],
    endpoint: str,
    axes: tuple[Sequence[float], Sequence[float], Mapping[str, int]],
) -> tuple[Floats, Floats | None]:
    """Values, and for counted events months at risk, (1, visit, patient).

    ``axes`` are the planned months, those of the file, and the index of each patient.
    """
    visits_months, months, patients = axes
    value = np.full((1, len(months), len(patients)), np.nan)
    filled = np.zeros(value.shape[1:], dtype=np.bool_)
    at_risk = np.full(value.shape, np.nan) if endpoint in EVENTS else None
    for line in lines:
        number, row = line
        v, p = months.index(_month(data, line, visits_months)), patients[row["id"]]
        if filled[v, p]:
            raise BadData(
                f"{data.path}, line {number}: patient {row['id']} has a second row for month"
                f" {months[v]:g}. Keep one."
            )
        filled[v, p] = True
        value[0, v, p] = _on_scale(data, line, "y", _to_model(endpoint))
        if at_risk is not None:
            at_risk[0, v, p] = _months_at_risk(data, line)
    return value, at_risk


def _trial(data: DataFile) -> int:
    """Number of the simulated trial that a file was replayed from, 0 for any other file."""
    text = data.rows[0].get("trial") or ""
    return int(text) if text.isascii() and text.isdigit() else 0


def _to_model(endpoint: str) -> Callable[[float], float]:
    """Return the transformation to the model scale; counts stay as they are."""
    return float if endpoint in EVENTS else MEASURES[endpoint].to_model


def _months_at_risk(data: DataFile, line: tuple[int, CsvRow]) -> float:
    """Months in which a patient's events were counted, checked with the count."""
    number, row = line
    if not data.has("time"):
        raise BadData(
            f"{data.path}: column 'time' is missing, the months in which events were counted. Add"
            " it."
        )
    count, time = _number(data, line, "y"), _number(data, line, "time")
    if count < 0.0 or count % 1.0 > 0.0:
        raise BadData(f"{data.path}, line {number}: y is {row['y']!r}; it must be a whole number.")
    if time < 0.0:
        raise BadData(f"{data.path}, line {number}: time is {row['time']!r}; it must be 0 or more.")
    return time


def _lines_of(data: DataFile, endpoint: str) -> list[tuple[int, CsvRow]]:
    """Rows of one endpoint, each with its line in the file."""
    lines = [
        (number, row)
        for number, row in enumerate(data.rows, start=2)
        if not data.has("endpoint") or row["endpoint"] == endpoint
    ]
    if not lines:
        raise BadData(f"{data.path}: no row has endpoint {endpoint!r}.")
    return lines


def _month(data: DataFile, line: tuple[int, CsvRow], visits_months: Sequence[float]) -> float:
    number, row = line
    after = visits_months[1:]
    if data.has("months"):
        return _number(data, line, "months", required=True)
    if not data.has("visit"):
        return after[-1]
    visit = _number(data, line, "visit", required=True)
    if visit not in range(1, len(after) + 1):
        raise BadData(
            f"{data.path}, line {number}: visit is {row['visit']}; the scenario has visits 1 to"
            f" {len(after)} after baseline (months {', '.join(f'{m:g}' for m in after)})."
        )
    return after[int(visit) - 1]


def _arm(data: DataFile, line: tuple[int, CsvRow], arms: Sequence[str]) -> int:
    number, row = line
    numbers = {name: i for i, name in enumerate(arms)} | {str(i): i for i in range(len(arms))}
    if row["arm"] not in numbers:
        raise BadData(
            f"{data.path}, line {number}: arm is {row['arm']!r}; it must be"
            f" {' or '.join(arms)}, or 0 (control) or 1."
        )
    return numbers[row["arm"]]


def _codes(strata: Iterable[str]) -> list[int]:
    order: dict[str, int] = {}
    return [order.setdefault(stratum, len(order)) for stratum in strata]


def _factor(data: DataFile, first: Iterable[tuple[int, CsvRow]], factor: str) -> Ints:
    if not data.has(factor):
        raise BadData(
            f"{data.path}: column {factor!r} is missing, but an analysis names it in factors."
            " Add it."
        )
    return np.array([_codes(row[factor] for _, row in first)], dtype=np.int64)


def _on_scale(
    data: DataFile, line: tuple[int, CsvRow], column: str, to_model: Callable[[float], float]
) -> float:
    number = _number(data, line, column)
    return number if math.isnan(number) else to_model(number)


def _number(
    data: DataFile, line: tuple[int, CsvRow], column: str, *, required: bool = False
) -> float:
    number, row = line
    text = (row.get(column) or "").strip()
    if text in MISSING_CODES and not required:
        return math.nan
    try:
        value = float(text)
    except ValueError:
        value = math.inf
    if not math.isfinite(value):
        raise BadData(
            f"{data.path}, line {number}: {column} is {text!r}; it must be a number"
            f"{'' if required else ', or empty where it is missing'}."
        )
    return value


def _check_constant(
    data: DataFile, lines: Sequence[tuple[int, CsvRow]], factors: Sequence[str]
) -> None:
    """Raise ``BadData`` unless a patient has one arm, baseline, age, stratum and factor level."""
    first_rows: dict[str, CsvRow] = {}
    for number, row in lines:
        first = first_rows.setdefault(row["id"], row)
        for column in ("arm", "base", "age", "stratum", *factors):
            if row.get(column) != first.get(column):
                raise BadData(
                    f"{data.path}, line {number}: {column} of patient {row['id']} is"
                    f" {row.get(column)!r}, but {first.get(column)!r} before. Correct one of them."
                )
