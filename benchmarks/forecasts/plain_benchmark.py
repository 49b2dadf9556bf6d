"""What a plain MAP prior of the same studies would have said of a control arm."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from forecast_tables import ScoredRow
from meta_analysis import (
    MapPriors,
    NormalPredictive,
    kernel_density,
    predict_mean,
    with_sampling_error,
)

from phase2sim.core.arrays import Floats
from phase2sim.evidence.reported import LOCATIONS, Evidence, ReportedNumber

TYPICAL_BASELINE = 0.65  # nmol/L, to put changes of C-peptide on one scale
MEDIAN_FACTOR = 1.25  # standard error of a median over that of a mean, normal values
# Known SD between patients, as a MAP prior of means takes it: of a level, and of a change or of a
# value given its baseline.
PATIENT_SD = {
    "c_peptide": {"levels": 0.25, "adjusted": 0.15},
    "hba1c": {"levels": 1.3, "adjusted": 1.2},
}
TYPICAL_LEVEL = {"c_peptide": 0.35, "hba1c": 8.0}  # centre of a wide prior, model scale
CHANGES = ("change", "percent_change")


@dataclass(frozen=True, slots=True)
class Forecast:
    """Predictive of one reported number, and how many studies are behind it."""

    predictive: NormalPredictive
    studies: int

    @classmethod
    def of_values(cls, values: Floats, studies: int) -> "Forecast":
        """Kernel density of simulated reports."""
        return cls(kernel_density(values), studies)


def on_common_scale(values: Floats, row: ScoredRow, *, on_model: bool) -> Floats:
    """Bring reported numbers to the scale of the scores: ln(nmol/L + 1), or % HbA1c.

    Changes of C-peptide are taken from a typical baseline.
    """
    if on_model or row.endpoint != "c_peptide":
        return values
    if row.control not in CHANGES:
        return np.log1p(np.maximum(values, -0.9))
    absolute = values if row.control == "change" else TYPICAL_BASELINE * values / 100.0
    left = np.maximum(1.0 + TYPICAL_BASELINE + absolute, 0.1)
    return np.log(left / (1.0 + TYPICAL_BASELINE))


def priors_of(endpoint: str, kind: str, centre: float) -> MapPriors:
    """Unit information on the mean; half-normal heterogeneity of half a patient's SD."""
    sd = PATIENT_SD[endpoint][kind]
    return MapPriors(mean=centre, sd=sd, heterogeneity=sd / 2.0)


def plain_forecast(row: ScoredRow, evidence: Evidence) -> Forecast | None:
    """MAP predictive of a row's control number; None without a study at a near visit."""
    is_change = row.control in CHANGES
    kind = "adjusted" if is_change else "levels"
    centre = 0.0 if is_change else TYPICAL_LEVEL[row.endpoint]
    sd = PATIENT_SD[row.endpoint][kind]
    found = list(_changes(row, evidence) if is_change else _levels(row, evidence))
    if not found:
        return None
    y = np.array([mean for mean, _ in found])
    se = sd / np.sqrt([patients for _, patients in found])
    own = sd / np.sqrt(row.n_control) * (MEDIAN_FACTOR if row.control == "median" else 1.0)
    new_study = predict_mean(y, se, priors_of(row.endpoint, kind, centre))
    return Forecast(with_sampling_error(new_study, float(own)), len(found))


def _levels(row: ScoredRow, evidence: Evidence) -> Iterator[tuple[float, int]]:
    """Mean and patients of each study, at its visit nearest to the row's."""
    for arms in _visits_by_study(row.endpoint, evidence).values():
        near = [_nearest(visits, _middle(row.months)) for visits in arms.values()]
        chosen = [visit for visit in near if visit is not None]
        if chosen:
            patients = [visit.n for visit in chosen]
            mean = np.average([visit.mean for visit in chosen], weights=patients)
            yield float(mean), sum(patients)


def _changes(row: ScoredRow, evidence: Evidence) -> Iterator[tuple[float, int]]:
    """Change from baseline and patients of each study, reported or as a difference of levels."""
    reported = {}
    for entry in _read(row.endpoint, evidence):
        if entry.statistic == "change" and entry.n and _is_near(entry.months[-1], row.month):
            values = np.array([entry.value])
            change = _as_change(row, values, on_model=entry.on_model_scale)
            reported[entry.study] = (float(change[0]), entry.n)
    yield from reported.values()
    for study, arms in _visits_by_study(row.endpoint, evidence).items():
        for visits in arms.values():
            first = next((v for v in visits if v.month == 0 and v.clock == "entry"), None)
            last = _nearest([v for v in visits if v.month > 0], row.month)
            if study not in reported and first and last:
                yield last.mean - first.mean, min(first.n, last.n)


def _as_change(row: ScoredRow, values: Floats, *, on_model: bool) -> Floats:
    if on_model or row.endpoint != "c_peptide":
        return values
    return np.log((1.0 + TYPICAL_BASELINE + values) / (1.0 + TYPICAL_BASELINE))


@dataclass(frozen=True, slots=True)
class _Visit:
    month: float
    clock: str
    mean: float  # common scale
    n: int


def _visits_by_study(endpoint: str, evidence: Evidence) -> dict[str, dict[str, list[_Visit]]]:
    visits: dict[str, dict[str, list[_Visit]]] = defaultdict(lambda: defaultdict(list))
    for entry in _read(endpoint, evidence):
        if entry.statistic in LOCATIONS and entry.n:
            is_raw = endpoint == "c_peptide" and not entry.on_model_scale
            mean = float(np.log1p(entry.value)) if is_raw else entry.value
            visit = _Visit(_middle(entry.months), entry.clock, mean, entry.n)
            visits[entry.study][entry.arm].append(visit)
    return visits


def _read(endpoint: str, evidence: Evidence) -> Iterator[ReportedNumber]:
    for entry in evidence.reported:
        if entry.endpoint == endpoint and not entry.unused and entry.elicited is None:
            yield entry


def _nearest(visits: list[_Visit], month: float) -> _Visit | None:
    near = [visit for visit in visits if _is_near(visit.month, month)]
    return min(near, key=lambda visit: abs(visit.month - month)) if near else None


def _is_near(month: float, wanted: float) -> bool:
    """Within a quarter of the time, at least 2 months; whatever the clock."""
    return abs(month - wanted) <= max(2.0, wanted / 4.0)


def _middle(months: tuple[float, ...]) -> float:
    return 0.5 * (months[0] + months[-1])
