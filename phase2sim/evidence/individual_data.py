"""Individual patient data of one arm: a CSV file to values on the model scale."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.core.errors import BadEvidence, BadValue
from phase2sim.core.io.csv_files import MISSING_CODES, CsvRow, read_rows
from phase2sim.core.io.validation import nearest
from phase2sim.core.units import Unit, unit_of
from phase2sim.evidence.reported import IndividualData, StudyArm
from phase2sim.evidence.tables import LAST_MONTH, EvidenceFile, IndividualTable, refuse

_COLUMNS = ("id", "endpoint", "month", "value")


@dataclass(frozen=True, slots=True)
class _Line:
    """One row of the CSV file, with its position for error messages."""

    path: Path
    number: int  # from 1, the heading being line 1
    row: CsvRow

    def refuse(self, column: str, allowed: str) -> BadEvidence:
        cell = self.row.get(column)
        return BadEvidence(f"{self.path}, line {self.number}: {column} is {cell!r}; {allowed}")

    def text(self, column: str) -> str:
        text = (self.row.get(column) or "").strip()
        if not text:
            raise self.refuse(column, "it must not be empty. Fill it in, or remove the line.")
        return text

    def number_in(self, column: str, low: float, high: float) -> float:
        text = self.text(column)
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            raise self.refuse(
                column, f"it must be a number between {low:g} and {high:g}. Correct it."
            )
        return value


def read_individuals(file: EvidenceFile, number: int, arm: StudyArm, label: str) -> IndividualData:
    """Read the CSV file that the ``number``-th [[individual]] table of a file names.

    Patients are ordered by id, columns by endpoint and month. Raises ``BadEvidence`` that names the
    CSV file, the line, the column and its value.
    """
    table = file.individuals[number - 1]
    key_path = f"individual[{number}]"
    units = _units(file, key_path, table)
    values = _values(file.path.parent / table.file, units)
    patients = sorted(values)
    order = list(ENDPOINTS)
    columns = sorted(
        {column for columns_of_patient in values.values() for column in columns_of_patient},
        key=lambda column: (order.index(column[0]), column[1]),
    )
    for name in units:
        if all(name != endpoint for endpoint, _ in columns):
            raise refuse(
                file.path,
                f"{key_path}.units.{name} is for values that {table.file} does not hold."
                " Remove it.",
            )
    if arm.patients and len(patients) > arm.patients:
        raise refuse(
            file.path,
            f"{key_path}.file is {table.file!r}, which holds {len(patients)} patients; the study"
            f" has {arm.patients}. Correct one of them.",
        )
    return IndividualData(
        file=label,
        number=number,
        study=arm.study,
        arm=arm.arm,
        columns=tuple(columns),
        value=np.array(
            [[values[patient].get(column, math.nan) for column in columns] for patient in patients]
        ),
        source=table.source or arm.source,
    )


def _units(file: EvidenceFile, key_path: str, table: IndividualTable) -> Mapping[str, Unit]:
    units = {}
    for name, unit in table.units.items():
        key = f"{key_path}.units.{name}"
        if name not in ENDPOINTS:
            raise refuse(file.path, f"{key} is not an endpoint. {nearest(name, ENDPOINTS)}")
        try:
            units[name] = unit_of(ENDPOINTS[name], unit, key)
        except BadValue as error:
            raise refuse(file.path, str(error)) from None
    return units


def _values(path: Path, units: Mapping[str, Unit]) -> dict[str, dict[tuple[str, float], float]]:
    """Values on the model scale, by patient and column."""
    values: dict[str, dict[tuple[str, float], float]] = {}
    first_lines: dict[tuple[str, str, float], int] = {}
    for line in _lines(path):
        patient, name = line.text("id"), line.text("endpoint")
        if name not in units:
            raise line.refuse("endpoint", f"units names {', '.join(units)}. Add its unit there.")
        month = line.number_in("month", 0.0, LAST_MONTH)
        first_line = first_lines.setdefault((patient, name, month), line.number)
        if first_line != line.number:
            raise line.refuse(
                "id", f"line {first_line} has {name} of this patient at month {month:g}. Keep one."
            )
        patient_values = values.setdefault(patient, {})
        if (line.row.get("value") or "").strip() not in MISSING_CODES:
            unit = units[name]
            patient_values[name, month] = unit.to_model(
                line.number_in("value", unit.low, unit.high)
            )
    return values


def _lines(path: Path) -> Iterator[_Line]:
    for number, row in enumerate(read_rows(path, _COLUMNS, BadEvidence), start=2):
        yield _Line(path, number, row)
