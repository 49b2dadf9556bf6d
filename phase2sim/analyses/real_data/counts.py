"""Patients with a value by arm and visit, and patients that an analysis leaves out."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from phase2sim.analyses.real_data.trial_data import TrialData
from phase2sim.core.analysis import Analysis
from phase2sim.core.arrays import Bools, Floats
from phase2sim.core.contracts import Reading
from phase2sim.core.endpoints import EVENTS, MEASURES


@dataclass(frozen=True, slots=True)
class VisitCount:
    """Patients of one arm with a value at one visit, and the mean of these values."""

    endpoint: str
    arm: str
    month: float  # 0 is the baseline
    patients: int
    mean: float  # in ``unit``; nan without a patient
    unit: str


@dataclass(frozen=True, slots=True)
class Analysed:
    """Patients of one analysis."""

    by_arm: Mapping[str, int]  # analysed patients of control and the compared arm
    left_out: Mapping[str, int]  # by reason; each patient counts once
    unseen: int = 0  # of those analysed, without a value at the analysed month


def visit_counts(data: TrialData, endpoint: str, reading: Reading) -> tuple[VisitCount, ...]:
    """Patients with a value of an endpoint, by arm and visit, with their means."""
    visits: list[tuple[float, Floats]] = list(
        zip(reading.visits_months, reading.value[0], strict=True)
    )
    if endpoint not in EVENTS:
        visits.insert(0, (0.0, reading.baseline[0]))
    counts = []
    for number, arm in enumerate(data.plan.arms):
        for month, value in visits:
            seen = value[(reading.arm[0] == number) & ~np.isnan(value)]
            typed, unit = seen, "events"
            if endpoint not in EVENTS:
                typed = MEASURES[endpoint].scale.from_model(seen)
                unit = MEASURES[endpoint].unit
            mean = float(typed.mean()) if seen.size else np.nan
            counts.append(VisitCount(endpoint, arm, month, seen.size, mean, unit))
    return tuple(counts)


def analysed_patients(data: TrialData, analysis: Analysis, reading: Reading, arm: int) -> Analysed:
    """Count the patients whom an analysis of control and ``arm`` uses and leaves out."""
    compared: Bools = (reading.arm[0] == 0) | (reading.arm[0] == arm)
    used, left_out = compared.copy(), {}
    for reason, lacks in analysis.left_out(reading).items():
        new = used & lacks[0]
        used &= ~lacks[0]
        if new.any():
            left_out[reason] = int(new.sum())
    absent = data.patients_without(analysis.endpoint)
    if absent[0] + absent[arm]:
        left_out[f"no row of {analysis.endpoint}"] = absent[0] + absent[arm]
    names = data.plan.arms
    by_arm = {names[a]: int((used & (reading.arm[0] == a)).sum()) for a in (0, arm)}
    value = reading.value[0, reading.visits_months.index(analysis.month)]
    return Analysed(by_arm, left_out, int((used & np.isnan(value)).sum()))
