"""Visits at which one trial has too few patients for a mixed model, in words."""

import numpy as np

from phase2sim.core.arrays import Arms, Bools
from phase2sim.core.contracts import Reading


def sparse_visits(reading: Reading, used: Bools, coefficients: int, covariance: str) -> str:
    """Name the visits with too few patients; empty if each has enough.

    ``used`` (patient,) are the patients who have the covariates. Each visit has ``coefficients`` of
    its own, and with an unstructured covariance a slope on each visit before it; beyond these a
    visit needs one patient more.
    """
    seen = ~np.isnan(reading.value[0]) & used
    attended = 0
    sparse = []
    for month, patients in zip(reading.visits_months, seen, strict=True):
        if not patients.any():
            continue
        empty = _missing_arm(reading.arm[0], patients)
        needed = coefficients + 1 + (attended if covariance == "unstructured" else 0)
        attended += 1
        if empty is not None:
            sparse.append(f"month {month:g} has no patient of the {empty}")
        elif patients.sum() < needed:
            sparse.append(f"month {month:g} has {patients.sum()} patients and needs {needed}")
    return ", ".join(sparse)


def _missing_arm(arm: Arms, patients: Bools) -> str | None:
    treated = arm[patients] > 0
    if treated.all():
        return "control arm"
    return None if treated.any() else "treated arm"
