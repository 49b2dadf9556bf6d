"""Individual patient data of one arm: a CSV file to values on the model scale."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.core.errors import BadEvidence, BadValue
from phase2sim.core.io.csv_files import (
    MISSING_CODES,
    CsvLine,
    number_in,
    read_csv,
    require_columns,
)
from phase2sim.core.io.refusals import Refusals, shown
from phase2sim.core.io.validation import join_key, nearest
from phase2sim.core.units import Unit, unit_of
from phase2sim.evidence.effect_tables import LAST_MONTH
from phase2sim.evidence.reported import IndividualData, StudyArm
from phase2sim.evidence.tables import EvidenceFile, IndividualTable, refuse

_COLUMNS = ("id", "endpoint", "month", "value")


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
        key = join_key(f"{key_path}.units", name)
        if name not in ENDPOINTS:
            raise refuse(file.path, f"{key} is not an endpoint. {nearest(name, ENDPOINTS)}")
        try:
            units[name] = unit_of(ENDPOINTS[name], unit, key)
        except BadValue as error:
            raise refuse(file.path, str(error)) from None
    return units


def _values(path: Path, units: Mapping[str, Unit]) -> dict[str, dict[tuple[str, float], float]]:
    """Values on the model scale, by patient and column."""
    refusals = Refusals(path, BadEvidence)
    table = read_csv(path, BadEvidence, refusals)
    require_columns(table, dict.fromkeys(_COLUMNS, ""), refusals)
    refusals.raise_all()
    values: dict[str, dict[tuple[str, float], float]] = {}
    first_lines: dict[tuple[str, str, float], int] = {}
    for line in table.lines:
        cells = _Cells(line, refusals)
        patient, name = cells.patient(), cells.endpoint(units)
        month = cells.number("month", 0.0, LAST_MONTH, "months")
        value = math.nan
        if name and line.text("value") not in MISSING_CODES:
            unit = units[name]
            typed = cells.number("value", unit.low, unit.high, unit.name)
            value = math.nan if typed is None else unit.to_model(typed)
        if patient is None or name is None or month is None:
            continue
        first_line = first_lines.setdefault((patient, name, month), line.number)
        if first_line != line.number:
            cells.refuse(
                "id", f"line {first_line} has {name} of this patient at month {month:g}. Keep one."
            )
        patient_values = values.setdefault(patient, {})
        if not math.isnan(value):
            patient_values[name, month] = value
    refusals.raise_all()
    return values


@dataclass(frozen=True, slots=True)
class _Cells:
    """Cells of one line; what is wrong with them is collected."""

    line: CsvLine
    refusals: Refusals

    def refuse(self, column: str, allowed: str) -> None:
        self.refusals.of_line(self.line.number, column, shown(self.line.text(column)), allowed)

    def patient(self) -> str | None:
        text = self.line.text("id")
        if text not in MISSING_CODES:
            return text
        self.refuse("id", "it must not be empty. Fill it in, or remove the line.")
        return None

    def endpoint(self, units: Mapping[str, Unit]) -> str | None:
        text = self.line.text("endpoint")
        if text in units:
            return text
        self.refuse("endpoint", f"units names {', '.join(units)}. Add its unit there.")
        return None

    def number(self, column: str, low: float, high: float, unit: str) -> float | None:
        value = number_in(self.line.text(column))
        if value is not None and low <= value <= high:
            return value
        self.refuse(column, f"it must be a number between {low:g} and {high:g} {unit}. Correct it.")
        return None
