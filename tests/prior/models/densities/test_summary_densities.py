"""Densities of reported summaries, evaluated without sampling anything."""

from collections.abc import Callable

import numpy as np
import pytensor
import pytest
from numpy.typing import NDArray
from scipy import integrate, stats
from scipy.special import gamma, hyp2f1

from phase2sim.prior.models.densities.order_statistics import (
    averaged_count,
    between_quantiles,
    log_cdf,
    log_ways,
    median_and_count,
)
from phase2sim.prior.models.densities.pytensor_names import Tensor, pt
from phase2sim.prior.models.densities.summary_densities import (
    correlated_normal,
    correlation_density,
    sample_sd,
    scattered_normal,
)

type Floats = NDArray[np.float64]

UNCOMPILED = pytensor.compile.Mode(linker="py", optimizer=None)
THRESHOLD = -0.2


def evaluated(expression: Tensor) -> Floats:
    return np.asarray(pytensor.function([], expression, mode=UNCOMPILED)())


def joint_log_density(below: int, n: int, medians: Floats, threshold: float) -> Floats:
    every, size = np.full(len(medians), below), np.full(len(medians), n)
    z = np.column_stack([medians, np.full(len(medians), threshold)])
    return evaluated(median_and_count(z, every.astype(float), size, log_ways(every, size)))


def joint_density(below: int, n: int) -> Callable[[Floats], Floats]:
    """Density at medians (point,) of a standard normal sample with ``below`` below -0.2."""
    return lambda medians: np.exp(joint_log_density(below, n, medians, THRESHOLD))


def chance_of(below: int, n: int) -> float:
    """Integrate over the medians that leave ``below`` of n below the threshold."""
    node, weight = np.polynomial.legendre.leggauss(300)
    lower, upper = (-6.0, THRESHOLD), (THRESHOLD, 6.0)
    pieces = [upper] if below <= n // 2 else [lower]
    if n % 2 == 0 and below == n // 2:  # any median, with a bend at the threshold
        pieces = [lower, upper]
    density = joint_density(below, n)
    return sum(
        float(weight @ density((high + low + (high - low) * node) / 2)) * (high - low) / 2
        for low, high in pieces
    )


@pytest.mark.parametrize("n", [4, 7, 10])
def test_integrating_the_median_out_leaves_the_binomial(n: int) -> None:
    chances = [chance_of(below, n) for below in range(n + 1)]

    expected = stats.binom.pmf(range(n + 1), n, stats.norm.cdf(THRESHOLD))
    np.testing.assert_allclose(chances, expected, atol=1e-6)
    assert sum(chances) == pytest.approx(1.0, abs=1e-6)


def count_given_median_of_ten(median: float) -> float:
    """Mean count below the threshold by adaptive integration over the half gap of ten values."""
    cdf, below = stats.norm.cdf, stats.norm.cdf(THRESHOLD)

    def joint(h: float) -> float:
        middle = stats.norm.pdf(median - h) * stats.norm.pdf(median + h)
        return float(middle * (cdf(median - h) * cdf(-median - h)) ** 4)

    reach = median - THRESHOLD
    counted = integrate.quad(lambda h: joint(h) * 4 * below / cdf(median - h), 0, reach)[0]
    beyond, total = integrate.quad(joint, reach, 9)[0], integrate.quad(joint, 0, reach)[0]
    return (counted + 5 * beyond) / (total + beyond)


def test_count_given_the_median_has_its_true_mean_not_the_naive_one() -> None:
    at_half = np.array([0.5])
    density = np.array([joint_density(below, 10)(at_half)[0] for below in range(6)])

    mean = float(np.arange(6) @ density / density.sum())

    # 3.04 = 5 F(c) / F(m) would be the naive answer
    assert mean == pytest.approx(count_given_median_of_ten(0.5), rel=1e-6)
    assert mean == pytest.approx(2.61, abs=0.01)


def test_count_given_an_odd_median_is_binomial_of_the_lower_half() -> None:
    at_half = np.array([0.5])
    density = np.array([joint_density(below, 7)(at_half)[0] for below in range(4)])

    ratio = stats.norm.cdf(THRESHOLD) / stats.norm.cdf(0.5)
    expected = stats.binom.pmf(range(4), 3, ratio)
    np.testing.assert_allclose(density / density.sum(), expected, rtol=1e-9)


def test_large_counts_mirror_small_ones() -> None:
    def density(below: int, median: float, threshold: float) -> Floats:
        return joint_log_density(below, 10, np.array([median]), threshold)

    assert density(8, -0.4, 0.3) == pytest.approx(density(2, 0.4, -0.3))


def test_log_cdf_is_accurate_in_both_tails() -> None:
    z = np.array([-1e4, -300.0, -30.001, -30.0, -29.999, -5.0, -1.0, 0.0, 3.0, 9.0])

    np.testing.assert_allclose([log_cdf(value) for value in z], stats.norm.logcdf(z), rtol=1e-12)


def assert_slopes(density: Callable[..., tuple[Floats, Floats]], z: Floats) -> None:
    """Fail unless the slopes are those of the density, by central differences."""
    step = 1e-5
    for j in range(z.shape[1]):
        aside = step * np.eye(z.shape[1])[j]
        expected = (density(z + aside)[0] - density(z - aside)[0]) / (2 * step)
        np.testing.assert_allclose(density(z)[1][:, j], expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("n", [2, 3, 7, 10, 24])
def test_slopes_of_a_median_with_a_count_are_those_of_its_density(n: int) -> None:
    rng = np.random.default_rng(n)
    below = np.arange(n + 1)
    size = np.full(n + 1, n)
    apart = np.where(below > n // 2, 1.0, -1.0) * np.array([[0.05], [0.4], [2.0]])
    threshold = rng.normal(size=(3, n + 1))
    z = np.stack([threshold - apart, threshold], axis=-1).reshape(-1, 2)
    every = np.tile(below, 3), np.tile(size, 3)

    def density(points: Floats) -> tuple[Floats, Floats]:
        node = median_and_count(points, every[0].astype(float), every[1], log_ways(*every)).owner
        return tuple(pytensor.function([], node.outputs, mode=UNCOMPILED)())

    assert_slopes(density, z)


def test_slopes_of_an_averaged_count_are_those_of_its_density() -> None:
    z = np.random.default_rng(3).normal(size=(3, 4)) * [[1.0], [3.0], [8.0]]
    weight = np.array([[0.1, 0.2, 0.7, 0.0], [0.25] * 4, [0.9, 0.1, 0.0, 0.0]])
    below, n = np.array([3.0, 0.0, 9.0]), np.array([10.0, 10.0, 10.0])

    assert_slopes(lambda points: averaged_count.kernel(points, below, n, 0.0 * n, weight), z)


def test_slopes_of_quantiles_are_those_of_their_density() -> None:
    z = np.sort(np.random.default_rng(4).normal(size=(2, 5)), axis=1)
    z[1, 4] = 900.0  # a filler
    weight = np.array([[1.0] * 5, [1.0, 1.0, 1.0, 1.0, 0.0]])
    spacing = np.array([[0.0, 2.0, 1.5, 0.5, 3.0, 1.0], [2.0, 1.0, 1.0, 1.0, 4.0, 0.0]])
    spacing[1, 4] = 0.0

    assert_slopes(lambda points: between_quantiles.kernel(points, weight, spacing, z[:, 0]), z)


def test_correlated_summaries_have_the_multivariate_normal_density() -> None:
    covariance = np.array([[2.0, 0.7], [0.7, 1.0]])
    residual = np.array([0.3, -1.1])

    result = evaluated(correlated_normal(pt.as_tensor(residual), pt.as_tensor(covariance))[0])

    expected = stats.multivariate_normal.logpdf(residual, np.zeros(2), covariance)
    assert result == pytest.approx(expected)


def test_a_sample_sd_follows_chi_square() -> None:
    s, df, sd = np.array([1.3]), np.array([7.0]), 1.1
    u = 7 * s**2 / sd**2

    result = evaluated(sample_sd(s, df, pt.as_tensor(sd)))

    assert result == pytest.approx(stats.chi2.logpdf(u, 7) + np.log(2 * 7 * s / sd**2))


@pytest.mark.parametrize("mode", [UNCOMPILED, pytensor.compile.mode.get_mode("NUMBA")])
def test_the_correlated_normal_is_scipys_and_its_gradient_is_the_difference_quotient(
    mode: pytensor.compile.Mode,
) -> None:
    rng = np.random.default_rng(8)
    root = rng.normal(size=(6, 6))
    residual, covariance = rng.normal(size=6), root @ root.T + np.eye(6)
    x, v = pt.dvector(), pt.dmatrix()
    value = correlated_normal(x, v)[0]
    gradients = pytensor.grad(value, [x, v])

    density, by_residual, by_covariance = pytensor.function([x, v], [value, *gradients], mode=mode)(
        residual, covariance
    )

    exact = stats.multivariate_normal(cov=covariance).logpdf
    assert density == pytest.approx(exact(residual), rel=1e-12)
    for i in range(6):
        step = 1e-6 * np.eye(6)[i]
        quotient = (exact(residual + step) - exact(residual - step)) / 2e-6
        assert by_residual[i] == pytest.approx(quotient, rel=1e-6, abs=1e-8)
        for j in range(6):
            shift = np.zeros((6, 6))  # a covariance stays symmetric
            shift[i, j] += 5e-7
            shift[j, i] += 5e-7
            above = stats.multivariate_normal(cov=covariance + shift).logpdf(residual)
            below = stats.multivariate_normal(cov=covariance - shift).logpdf(residual)
            assert by_covariance[i, j] == pytest.approx((above - below) / 2e-6, rel=1e-5, abs=1e-8)


def test_a_covariance_that_is_not_positive_definite_has_no_density() -> None:
    indefinite = pt.as_tensor(np.array([[1.0, 2.0], [2.0, 1.0]]))

    assert np.isnan(evaluated(correlated_normal(pt.as_tensor(np.ones(2)), indefinite)[0]))


def test_sums_of_squares_carry_the_density_of_every_patient() -> None:
    rng = np.random.default_rng(4)
    covariance = np.array([[2.0, 0.7], [0.7, 1.0]])
    patients = rng.multivariate_normal([0.4, -0.2], covariance, size=12)
    average = patients.mean(axis=0)
    rows = np.vstack([np.sqrt(12) * average, np.linalg.qr(patients - average, mode="r")])

    result = evaluated(scattered_normal(pt.as_tensor(rows), pt.as_tensor(covariance), 12.0))

    expected = stats.multivariate_normal(cov=covariance).logpdf(patients).sum()
    assert result == pytest.approx(expected, rel=1e-12)


def correlation_chance(r: Floats, n: int, rho: float) -> Floats:
    return np.exp(evaluated(correlation_density(r, float(n), pt.as_tensor(rho))))


@pytest.mark.parametrize("n", [4, 5, 10, 53])
@pytest.mark.parametrize("rho", [-0.6, 0.0, 0.3, 0.9])
def test_a_sample_correlation_has_its_exact_mean(n: int, rho: float) -> None:
    # Stuart and Ord, Kendall's Advanced Theory of Statistics, section 16.32; r = sin(angle).
    node, weight = np.polynomial.legendre.leggauss(400)
    angle = node * np.pi / 2.0
    r, share = np.sin(angle), weight * np.pi / 2.0 * np.cos(angle)
    share = share * correlation_chance(r, n, rho)
    factor = 2.0 / (n - 1.0) * (gamma(n / 2.0) / gamma((n - 1.0) / 2.0)) ** 2

    assert share.sum() == pytest.approx(1.0, abs=2e-4)
    assert share @ r == pytest.approx(
        factor * rho * hyp2f1(0.5, 0.5, (n + 1.0) / 2.0, rho**2), abs=2e-4
    )


def test_a_sample_correlation_of_independent_values() -> None:
    r = np.linspace(-0.95, 0.95, 9)
    n = 12

    beta = stats.beta((n - 2) / 2, (n - 2) / 2, loc=-1.0, scale=2.0)

    np.testing.assert_allclose(correlation_chance(r, n, 0.0), beta.pdf(r), rtol=1e-9)
