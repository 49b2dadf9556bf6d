"""A real data set, checked -> what an analysis reads of it: one trial."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from phase2sim.analyses.real_data.consistency import baselines, check_consistency
from phase2sim.analyses.real_data.data_plan import DataPlan
from phase2sim.analyses.real_data.headings import known_columns
from phase2sim.analyses.real_data.needs import check_needs
from phase2sim.analyses.real_data.records import Record, RecordReader
from phase2sim.core.arrays import Bools, Ints
from phase2sim.core.contracts import Reading
from phase2sim.core.endpoints import EVENTS
from phase2sim.core.errors import BadData
from phase2sim.core.io.csv_files import CsvTable, read_csv
from phase2sim.core.io.refusals import Refusals


@dataclass(frozen=True, slots=True)
class TrialData:
    """The checked rows of a data file, and the number of the simulated trial they come from."""

    plan: DataPlan
    records: tuple[Record, ...]
    trial: int = 0  # 0 for any file but those of ``replay``

    def reading(self, endpoint: str, seed: int) -> Reading:
        """Data for an analysis of one endpoint, model scale, with a trial axis of length 1.

        Patients are in the order of their first rows, visits those after baseline that the file
        has.
        """
        mine, patients, months = self._axes(endpoint)
        first_rows = {r.patient: r for r in reversed(mine)}
        first = [first_rows[name] for name in patients]
        value = np.full((1, len(months), len(patients)), np.nan)
        at_risk = np.full(value.shape, np.nan) if endpoint in EVENTS else None
        for record, (visit, patient) in self._places(mine, patients, months):
            value[0, visit, patient] = self._on_model_scale(endpoint, record.y)
            if at_risk is not None:
                at_risk[0, visit, patient] = record.months_at_risk
        base, ages = baselines(mine), self._ages()
        baseline = [self._on_model_scale(endpoint, base.get(name)) for name in patients]
        return Reading(
            arm=np.array([[r.arm for r in first]], dtype=np.int8),
            baseline=np.array([baseline]),
            value=value,
            visits_months=tuple(months),
            age_years=np.array([[ages.get(name, math.nan) for name in patients]]),
            stratum=_codes(r.stratum for r in first),
            factors={
                factor: _codes(r.factors[number] for r in first)
                for number, factor in enumerate(self.plan.factors)
            },
            months_at_risk=at_risk,
            seed=seed,
            first=self.trial,
        )

    def due(self, endpoint: str) -> Bools:
        """Whether each patient has a row for each visit, (visit, patient), as ``reading`` has."""
        mine, patients, months = self._axes(endpoint)
        has_row = np.zeros((len(months), len(patients)), dtype=np.bool_)
        for _, cell in self._places(mine, patients, months):
            has_row[cell] = True
        return has_row

    def patients_without(self, endpoint: str) -> list[int]:
        """Patients of other endpoints alone, by arm."""
        mine = {r.patient for r in self.records if r.endpoint == endpoint}
        others = {r.patient: r.arm for r in self.records if r.patient not in mine}
        arms = list(others.values())
        return [arms.count(number) for number in range(len(self.plan.arms))]

    def _axes(self, endpoint: str) -> tuple[list[Record], list[str], list[float]]:
        """Records, patients and months after baseline of an endpoint."""
        mine = [r for r in self.records if r.endpoint == endpoint]
        patients = list(dict.fromkeys(r.patient for r in mine if r.patient is not None))
        months = sorted({r.month for r in mine if r.month})
        return mine, patients, months

    @staticmethod
    def _places(
        mine: Sequence[Record], patients: Sequence[str], months: Sequence[float]
    ) -> list[tuple[Record, tuple[int, int]]]:
        """Records after baseline, each with its visit and its patient."""
        numbers = {name: number for number, name in enumerate(patients)}
        return [
            (r, (months.index(r.month), numbers[r.patient]))
            for r in mine
            if r.month and r.patient is not None
        ]

    def _ages(self) -> dict[str | None, float]:
        return {
            r.patient: r.age
            for r in reversed(self.records)
            if r.age is not None and not math.isnan(r.age)
        }

    def _on_model_scale(self, endpoint: str, value: float | None) -> float:
        if value is None or math.isnan(value):
            return math.nan
        return value if endpoint in EVENTS else self.plan.unit(endpoint).to_model(value)


def read_trial(path: Path, plan: DataPlan) -> TrialData:
    """Read a CSV file: id, arm, y and any of base, visit, months, endpoint, age, stratum, time.

    Other columns are ignored unless an analysis names them. Raises ``BadData`` that names the file
    and, all at once, every line and column that is wrong.
    """
    refusals = Refusals(path, BadData)
    table = known_columns(read_csv(path, BadData, refusals), plan, refusals)
    records = RecordReader(table, plan, refusals).records()
    check_consistency(records, plan, refusals)
    check_needs(table, records, plan, refusals)
    trial = _trial(table, refusals)
    refusals.raise_all()
    return TrialData(plan, records, trial)


def _trial(table: CsvTable, refusals: Refusals) -> int:
    """Number of the simulated trial that a file was replayed from, 0 for any other file."""
    texts = dict.fromkeys(line.text("trial") for line in table.lines)
    is_number = [text.isascii() and text.isdigit() for text in texts]
    if not any(is_number):
        return 0
    if len(texts) > 1:
        refusals.of_file(
            f"column 'trial' has {len(texts)} different cells. Keep the patients of one trial."
        )
        return 0
    return int(next(iter(texts)))


def _codes(levels: Iterable[str]) -> Ints:
    """Levels numbered in order of appearance, (1, patient)."""
    order: dict[str, int] = {}
    return np.array([[order.setdefault(level, len(order)) for level in levels]], dtype=np.int64)
