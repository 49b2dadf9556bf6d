"""An arm whose entry is learned: its moments, counts and replicates against integrals.

The density of the months from diagnosis to entry is that of an exponential distribution cut to the
window.
"""

from collections.abc import Callable

import numpy as np
import pytest
from scipy import integrate, stats
from support.agreement import assert_agrees
from support.known_patients import SD, evaluated, kept, known
from support.reports import arm, entry, evidence, replicas, through, truth

from phase2sim.core.entry_times import EntryTime
from phase2sim.prior.models.densities.quadrature import KNOTS_MONTHS
from phase2sim.prior.models.likelihoods.counts_below_baseline import counts_below_baseline_density

CURVE = through(11.0, 7.2, 7.4, 7.9, 8.3, 8.5)
LOW, HIGH = 0.0, 12.0
ARMS = (arm(months_since_diagnosis=EntryTime(LOW, HIGH, learned=True)),)
TILTS = (-4.0, 0.0, 2.5)
# Error of three Gauss nodes over half the window for exp(4 t): the sixth derivative over 2,016,000
# (Abramowitz and Stegun 1964, 25.4.30).
NODES = 4.0**6 / 2_016_000


def average(value: Callable[[float], float], tilt: float) -> float:
    """Mean of a function of the months since diagnosis at entry."""

    def weighed(months: float) -> float:
        return float(value(months) * np.exp(tilt * (2.0 * months - LOW - HIGH) / (HIGH - LOW)))

    kinks = [1.0, 3.0, 6.0]
    total, _ = integrate.quad(weighed, LOW, HIGH, points=kinks, limit=200)
    everybody, _ = integrate.quad(
        lambda months: np.exp(tilt * (2.0 * months - LOW - HIGH) / (HIGH - LOW)), LOW, HIGH
    )
    return float(total / everybody)


def at(months: float) -> float:
    return float(np.interp(months, KNOTS_MONTHS, CURVE))


@pytest.mark.parametrize("tilt", TILTS)
@pytest.mark.parametrize("month", [0.0, 6.0])
def test_mean_and_sd_are_those_over_the_times_of_entry(tilt: float, month: float) -> None:
    reported = evidence(entry("mean", month, 8.0), entry("mean", 3.0, 8.0), arms=ARMS)

    patients = known(reported, mean=[CURVE], tilt=[tilt])

    (cell,) = (i for c, i in patients.layout.index.items() if c.months == month)
    mean = average(lambda months: at(months + month), tilt)
    square = average(lambda months: at(months + month) ** 2, tilt)
    spread = np.sqrt(SD["hba1c"] ** 2 + square - mean**2)
    assert evaluated(patients.at.mean)[cell] == pytest.approx(mean, rel=NODES)
    assert evaluated(patients.at.sd)[cell] == pytest.approx(spread, rel=NODES)


@pytest.mark.parametrize("tilt", TILTS)
def test_count_below_the_own_baseline_is_averaged_over_the_times_of_entry(tilt: float) -> None:
    fall = entry("count", (0.0, 6.0), 3.0, beyond="below_baseline")
    patients = known(evidence(fall, arms=ARMS), mean=[CURVE], tilt=[tilt])

    density = counts_below_baseline_density(
        patients.tables.falls, patients.layout, patients.at, patients.history, None
    )

    def chance_of(months: float) -> float:
        sd = SD["hba1c"] * np.sqrt(2.0 * (1.0 - kept(months, months + 6.0)))
        return float(stats.norm.cdf((at(months) - at(months + 6.0)) / sd))

    chance = average(chance_of, tilt)
    assert evaluated(density)[0] == pytest.approx(stats.binom.logpmf(3, 10, chance), abs=3 * NODES)


def test_replicated_patients_enter_as_learned() -> None:
    history = truth().history.copy()
    history[0] = CURVE
    reported = evidence(entry("mean", 0.0, 8.0), arms=ARMS)

    numbers = replicas(reported, truth(history=history, entry_tilt=np.array([-4.0])))[:, 0]

    assert_agrees(numbers.mean(), average(at, -4.0), numbers.std() / np.sqrt(numbers.size))
