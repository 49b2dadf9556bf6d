"""Small reports with known truths, for tests of their simulation."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray
from support.agreement import assert_agrees

from phase2sim.core.entry_times import EntryTime
from phase2sim.core.randomness import generator
from phase2sim.evidence.reported import Evidence, ReportedNumber, StudyArm
from phase2sim.prior.replicates.parameters import Parameters
from phase2sim.prior.replicates.replicate import replicate

type Floats = NDArray[np.float64]

ENDPOINTS = ("hba1c", "c_peptide", "insulin", "glucose")
KNOTS = np.array([0.0, 1.0, 3.0, 6.0, 12.0, 24.0, 36.0])
MEAN: Mapping[str, float] = {"hba1c": 8.0, "c_peptide": 0.5, "insulin": 0.7, "glucose": 2.0}
SD: Mapping[str, float] = {"hba1c": 1.2, "c_peptide": 0.3, "insulin": 0.4, "glucose": 0.35}


def through(*values: float) -> Floats:
    """Curve at all knots, linear between its values at months 0, 3, 6, 12, 24 and 36."""
    return np.interp(KNOTS, [0.0, 3.0, 6.0, 12.0, 24.0, 36.0], values)


def truth(**changes: object) -> Parameters:
    """Patients whose mean and SD do not change, who keep 0.6 of their deviation; equal studies."""
    none = np.zeros(4)
    flat = {
        "endpoints": ENDPOINTS,
        "knots_months": KNOTS,
        "history": np.tile([[MEAN[name]] for name in ENDPOINTS], KNOTS.size),
        "sd": np.tile([[SD[name]] for name in ENDPOINTS], KNOTS.size),
        "level_sd": none,
        "slope_sd": none,
        "diagnosis_sd": none,
        "spread_sd": none,
        "share_sd": none,
        "patient_share": np.full(4, 0.6),
        "decay": np.full(4, 1e-90),
        "endpoint_correlation": np.eye(4),
        "effect": none,
        "bias": none,
        "class_mean": none,
        "class_sd": none,
        "age_slope": none,
        "event_outcomes": ("adverse_events", "serious_adverse_events"),
        "event_rate": np.array([[0.1, 0.3], [0.01, 0.01]]),
        "event_dispersion": np.array([0.8, 0.0]),
        "event_study_sd": 0.0,
        "entry_tilt": np.zeros(0),
    }
    return Parameters(**(flat | changes))  # type: ignore[arg-type]  # named fields


def arm(name: str = "control", study: str = "A", **changes: object) -> StudyArm:
    """Ten patients who entered at diagnosis."""
    of = {"design": "control-arm", "patients": 10, "months_since_diagnosis": EntryTime()} | changes
    of["months_since_diagnosis"] = EntryTime(*of["months_since_diagnosis"])  # type: ignore[misc]  # a window
    return StudyArm(study=study, arm=name, source="made up", **of)  # type: ignore[arg-type]  # named fields


def entry(
    statistic: str, months: float | tuple[float, float] = 6.0, value: float = 1.0, **changes: object
) -> ReportedNumber:
    """One number of HbA1c in ten patients of arm ``control`` of study ``A``."""
    of: dict[str, object] = {
        "file": "priors/made-up.toml",
        "number": 1,
        "study": "A",
        "arm": "control",
        "endpoint": "hba1c",
        "n": 10,
        "clock": "entry",
        "status": "published",
        "source": "made up",
        "as_reported": "made up",
    }
    visits = months if isinstance(months, tuple) else (months,)
    return ReportedNumber(statistic=statistic, value=value, months=visits, **(of | changes))  # type: ignore[arg-type]  # named fields


def evidence(
    *reported: ReportedNumber, arms: tuple[StudyArm, ...] = (), **more: object
) -> Evidence:
    """Evidence of these entries, by default of the one control arm."""
    of = {"effects": {}, "digest": "5" * 64, "names": ("made-up",)} | more
    return Evidence(arms=arms or (arm(),), reported=reported, **of)  # type: ignore[arg-type]  # named fields


def replicas(of: Evidence, true: Parameters, times: int = 2000) -> Floats:
    """Replicas (time, quantity) of a report."""
    return np.array(
        [replicate(of, true, generator(20261124, "outcome", trial)) for trial in range(times)]
    )


def assert_mean(values: Floats, exact: ArrayLike) -> None:
    """Fail if the mean over the first axis is not ``exact``, beyond 4 standard errors."""
    se = values.std(axis=0, ddof=1) / np.sqrt(len(values))
    assert_agrees(values.mean(axis=0), exact, se)
