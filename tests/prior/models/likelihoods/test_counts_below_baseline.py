"""Patients below their own baseline, beside means and medians of the same patients.

Expected are simulated patients. Reading a count and a median of the same patients as
independent would count them twice, and fail the first test by five to twenty standard errors.
"""

from functools import cache

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray
from support.known_patients import MEAN, SD, evaluated, kept, known
from support.reports import KNOTS, arm, entry, evidence, through

from phase2sim.evidence.reported import ReportedNumber
from phase2sim.prior.models.likelihoods.counts_below_baseline import counts_below_baseline_density
from phase2sim.prior.models.likelihoods.means_and_medians import joint_locations

type Floats = NDArray[np.float64]

N, SAMPLES, VISITS = 10, 200_000, (0.0, 6.0)
LAG = 6.0
BAND = 0.05  # about the reported locations, in which simulated ones count as these
APPROXIMATION = 0.02  # patients: that the chance is one of moments
OF_ENTRY = 0.15  # patients: that a mean moves the changes of all alike, whenever they entered


def expected_falls(*beside: ReportedNumber, latest: float = 0.0, **true: ArrayLike) -> float:
    """Mean number of N below the own baseline that the likelihood expects beside locations.

    ``true`` is what is known of the patients, who entered up to the ``latest`` month.
    """
    counts = np.arange(N + 1)
    chance = []
    for count in counts:
        fall = entry("count", VISITS, float(count), beyond="below_baseline")
        entered = arm(months_since_diagnosis=(0.0, latest))
        patients = known(evidence(*beside, fall, arms=(entered, arm(study="B"))), **true)
        joint = joint_locations(
            patients.tables.locations, patients.layout, patients.at, patients.history
        )
        read = patients.tables.locations, joint
        density = counts_below_baseline_density(
            patients.tables.falls, patients.layout, patients.at, patients.history, read
        )
        chance.append(float(np.exp(evaluated(density)[0])))
    assert sum(chance) == pytest.approx(1.0)
    return float(counts @ chance)


@cache
def samples() -> tuple[Floats, Floats]:
    """Values (sample, patient) of many samples at both visits."""
    rho = kept(*VISITS)
    first, second = np.random.default_rng(5).standard_normal((2, SAMPLES, N))
    last = rho * first + np.sqrt(1 - rho**2) * second
    return MEAN["hba1c"] + SD["hba1c"] * first, MEAN["hba1c"] + SD["hba1c"] * last


def simulated_falls(statistic: str, at: dict[float, float]) -> tuple[float, float]:
    """Mean number in simulated samples whose locations are near these, and its standard error."""
    location = np.median if statistic == "median" else np.mean
    values = dict(zip(VISITS, samples(), strict=True))
    near = np.all([abs(location(values[m], axis=1) - v) < BAND for m, v in at.items()], axis=0)
    below = (values[LAG] < values[0.0]).sum(axis=1)[near]
    assert below.size > 500
    return float(below.mean()), float(below.std() / np.sqrt(below.size))


@pytest.mark.parametrize("statistic", ["median", "mean"])
@pytest.mark.parametrize(
    "at", [{LAG: 8.6}, {0.0: 8.4}, {0.0: 7.9, LAG: 8.2}, {0.0: 8.3, LAG: 8.4}], ids=str
)
def test_locations_of_the_same_patients_move_the_chance(
    statistic: str, at: dict[float, float]
) -> None:
    beside = [entry(statistic, month, value) for month, value in at.items()]

    mean, se = simulated_falls(statistic, at)

    assert abs(expected_falls(*beside) - mean) < 4.0 * se + APPROXIMATION


def test_a_location_of_other_patients_moves_nothing() -> None:
    other = entry("median", LAG, 8.6, study="B")

    fall = expected_falls(other)

    assert fall == pytest.approx(N / 2)


@pytest.mark.parametrize(
    ("start", "share", "change"),
    [(9.5, 0.6, -0.2), (9.5, 0.6, 0.0), (9.5, 0.6, 0.2), (11.0, 0.999, 0.0)],
)
def test_patients_who_enter_at_different_times_change_differently(
    start: float, share: float, change: float
) -> None:
    # In the last, who enter together change alike; the mean tells more of how all differ.
    latest, curve = 6.0, through(start, *5 * [8.0])
    rng = np.random.default_rng(6)
    entry_time = latest * rng.uniform(size=(SAMPLES, N))
    first, second = rng.standard_normal((2, SAMPLES, N))
    rho = kept(entry_time, entry_time + LAG, share)
    baseline = np.interp(entry_time, KNOTS, curve) + SD["hba1c"] * first
    value = 8.0 + SD["hba1c"] * (rho * first + np.sqrt(1 - rho**2) * second)
    centre = baseline.mean() + change
    falls = (value < baseline).sum(axis=1)[abs(baseline.mean(axis=1) - centre) < BAND]

    found = expected_falls(
        entry("mean", 0.0, float(centre)), latest=latest, mean=[curve], share=[share]
    )

    approximation = OF_ENTRY if change else APPROXIMATION
    assert abs(found - falls.mean()) < 4.0 * falls.std() / np.sqrt(falls.size) + approximation
