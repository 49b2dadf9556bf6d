"""The chance of partial remission agrees with simulated patients and with adaptive integration."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import integrate, stats
from support.agreement import assert_agrees
from support.known_patients import MEAN, SD, evaluated, known
from support.reports import arm, entry, evidence

from phase2sim.evidence.reported import Evidence
from phase2sim.prior.models.likelihoods.remission_counts import (
    remission_density,
    remission_quadrature,
    remission_row,
    remission_rule,
)

type Floats = NDArray[np.float64]

PATIENTS = 1_000_000
# Means and SDs of HbA1c and of the root of the dose, and their correlation.
CASES = {
    "honeymoon": ((7.2, 0.57), (1.12, 0.19), 0.0),
    "month 12": ((7.8, 0.66), (1.53, 0.25), 0.3),
    "month 36": ((8.4, 0.95), (1.9, 0.29), 0.6),
    "opposite": ((8.0, 0.7), (1.2, 0.2), -0.6),
    "some without insulin": ((7.5, 0.2), (1.3, 0.3), 0.3),
    "little HbA1c to gain": ((6.5, 0.6), (0.6, 0.15), -0.3),
    "closely together": ((8.0, 0.7), (1.2, 0.2), 0.8),
}
each_case = pytest.mark.parametrize("name", CASES)


def chance_and_slopes(
    mean: tuple[float, float], sd: tuple[float, float], correlation: float
) -> tuple[float, Floats]:
    """Chance of remission of one patient, and its gradient (5,)."""
    points = np.array([[*mean, *sd, correlation]])
    one, none = np.ones(1), np.zeros(1)
    log_chance, slopes = remission_row.kernel(
        points, one, one, none, remission_quadrature(1), remission_rule(1)
    )
    share = float(np.exp(log_chance[0]))
    return share, share * slopes[0]


def chance(mean: tuple[float, float], sd: tuple[float, float], correlation: float) -> float:
    return chance_and_slopes(mean, sd, correlation)[0]


def integrated(mean: tuple[float, float], sd: tuple[float, float], correlation: float) -> float:
    """Integrate over HbA1c instead: the root of the dose must stay below that of the rest."""
    (h, s), (sd_h, sd_s) = mean, sd
    kept = sd_s * np.sqrt(1 - correlation**2)

    def below(hba1c: float) -> float:
        z = (hba1c - h) / sd_h
        most = np.sqrt((9.0 - hba1c) / 4.0)
        at_most = stats.norm.cdf((most - s - correlation * sd_s * z) / kept)
        return float(stats.norm.pdf(z) / sd_h * at_most)

    low, high = h - 10 * sd_h, min(9.0, h + 10 * sd_h)
    return float(integrate.quad(below, low, high, epsabs=1e-11, limit=500)[0])


def remissions(*counts: int, n: int = 28, month: float = 6.0) -> Evidence:
    read = [
        entry("count", month, count, endpoint="partial_remission", n=n, study=study)
        for study, count in zip("ABC", counts, strict=False)
    ]
    return evidence(*read, arms=tuple(arm(study=study, patients=n) for study in "ABC"))


@each_case
def test_the_chance_agrees_with_integration_over_hba1c(name: str) -> None:
    assert chance(*CASES[name]) == pytest.approx(integrated(*CASES[name]), abs=2e-5)


@each_case
def test_the_chance_agrees_with_simulated_patients(name: str) -> None:
    mean, sd, correlation = CASES[name]
    first, second = np.random.default_rng(1384).standard_normal((2, PATIENTS))
    root = mean[1] + sd[1] * (correlation * first + np.sqrt(1 - correlation**2) * second)
    dose = np.where(root > 0.0, root, 0.0) ** 2

    share = float(np.mean(mean[0] + sd[0] * first + 4.0 * dose <= 9.0))

    se = np.sqrt(share * (1 - share) / PATIENTS)
    assert_agrees(np.array([share]), np.array([chance(*CASES[name])]), np.array([se]))


def test_the_density_is_binomial() -> None:
    counts = (2, 11, 28)
    patients = known(remissions(*counts))

    density = evaluated(remission_density(patients.tables.remissions, patients.at))

    share = integrated((MEAN["hba1c"], MEAN["insulin"]), (SD["hba1c"], SD["insulin"]), 0.0)
    assert density == pytest.approx(stats.binom.logpmf(counts, 28, share), rel=1e-4)


def test_cells_of_both_endpoints_are_read_with_their_correlation() -> None:
    driver = np.array([[1.0, -0.5], [-0.5, 1.0]])
    patients = known(remissions(9), driver=driver)

    density = evaluated(remission_density(patients.tables.remissions, patients.at))

    assert patients.layout.endpoints == ("hba1c", "insulin")
    assert patients.layout.counted.all()  # study effects given the means, of which there are none
    share = integrated((MEAN["hba1c"], MEAN["insulin"]), (SD["hba1c"], SD["insulin"]), -0.5)
    assert density[0] == pytest.approx(float(stats.binom.logpmf(9, 28, share)), rel=1e-4)


@each_case
def test_the_gradient_agrees_with_differences_of_the_integral(name: str) -> None:
    (h, s), (sd_h, sd_s), correlation = CASES[name]
    _, slopes = chance_and_slopes(*CASES[name])
    point, step = np.array([h, s, sd_h, sd_s, correlation]), 1e-4

    def exact(p: Floats) -> float:
        return integrated((p[0], p[1]), (p[2], p[3]), p[4])

    differences = [
        (exact(point + step * unit) - exact(point - step * unit)) / (2 * step) for unit in np.eye(5)
    ]
    assert slopes == pytest.approx(differences, abs=2e-3)
