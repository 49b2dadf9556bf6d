"""Constants of reported summaries: sample medians and enrolment windows."""

import numpy as np
import pytest

from phase2sim.core.arrays import Floats
from phase2sim.core.entry_times import EntryTime
from phase2sim.prior.models.densities.quadrature import (
    DEGREES,
    KNOTS_MONTHS,
    basis,
    entry_nodes,
    median_covariance,
    median_variance,
)


def covariance_of_medians(n: int, rho: float) -> float:
    return float(np.sum(median_covariance(n) * rho**DEGREES))


@pytest.mark.parametrize(
    ("n", "variance"),
    [
        (1, 1.0),
        (2, 0.5),
        (3, 1.0 - np.sqrt(3.0) / np.pi),  # Jones 1948, Ann Math Stat 19:270
        (10, 0.1383),
        (1001, np.pi / 2002),
    ],
)
def test_variance_of_a_sample_median_is_the_exact_one(n: int, variance: float) -> None:
    # the asymptotic pi / (2 n) is off by about 1 / n of itself
    assert median_variance(n) == pytest.approx(variance, rel=2e-3 if n > 3 else 1e-9)


@pytest.mark.parametrize(("rho", "covariance"), [(0.3, 0.0307), (0.6, 0.0642), (0.9, 0.1101)])
def test_medians_of_ten_pairs_covary_as_simulated(rho: float, covariance: float) -> None:
    # the published table is itself simulated: its SE is about 0.0001 in the fourth digit
    assert covariance_of_medians(10, rho) == pytest.approx(covariance, abs=4e-4)


@pytest.mark.parametrize("n", [10, 11, 60])
def test_a_median_covaries_fully_with_itself(n: int) -> None:
    assert covariance_of_medians(n, 1.0) == pytest.approx(median_variance(n), rel=1e-6)


@pytest.mark.parametrize("rho", [-0.8, 0.05, 0.5, 0.8, 0.9, 0.95])
def test_medians_of_many_pairs_covary_as_the_arcsine(rho: float) -> None:
    assert covariance_of_medians(61, rho) == pytest.approx(np.arcsin(rho) / 61, rel=1e-3)


@pytest.mark.parametrize("n", [2000, 10_001, 1_000_000])
def test_the_median_of_very_many_has_a_variance(n: int) -> None:
    assert median_variance(n) == pytest.approx(np.pi / 2 / n, rel=2 / n)  # the error is 1.4 / n


def test_the_small_sample_rule_meets_the_asymptotic_one() -> None:
    asymptotic = np.arcsin(0.7) / 60

    assert covariance_of_medians(60, 0.7) == pytest.approx(asymptotic, rel=0.03)


def weights_of(entry: EntryTime, months: float) -> Floats:
    nodes, weights = entry_nodes(entry, (months,))
    return weights @ basis(nodes + months)


def products_of(entry: EntryTime, months: float, later: float) -> Floats:
    nodes, weights = entry_nodes(entry, (months, later))
    return (basis(nodes + months) * weights[:, None]).T @ basis(nodes + later)


def test_a_straight_line_averages_to_its_middle() -> None:
    weights = weights_of(EntryTime(1.0, 9.0), 4.0)

    assert weights @ KNOTS_MONTHS == pytest.approx(9.0, abs=1e-12)
    assert weights.sum() == pytest.approx(1.0, abs=1e-12)


def test_a_bend_inside_the_window_is_averaged_exactly() -> None:
    curve = np.maximum(KNOTS_MONTHS - 6.0, 0.0)

    weights = weights_of(EntryTime(0.0, 12.0), 0.0)

    assert weights @ curve == pytest.approx((6.0**2 / 2) / 12, abs=1e-12)


def test_products_of_two_curves_are_averaged_exactly() -> None:
    products = products_of(EntryTime(0.0, 12.0), 0.0, 6.0)

    average = KNOTS_MONTHS @ products @ KNOTS_MONTHS

    assert average == pytest.approx(12.0**2 / 3 + 6.0 * 6.0, abs=1e-9)  # E[d (d + 6)]


def test_a_window_of_one_day_reads_the_curve() -> None:
    curve = KNOTS_MONTHS**2

    weights = weights_of(EntryTime(3.0, 3.0), 1.5)

    assert weights @ curve == pytest.approx((9.0 + 36.0) / 2)


def test_a_curve_is_constant_after_its_last_knot() -> None:
    assert weights_of(EntryTime(30.0, 30.0), 12.0) == pytest.approx([0, 0, 0, 0, 0, 0, 1])
