"""Exact constants of reported summaries: enrolment windows, sample medians, quadrature."""

from functools import lru_cache

import numpy as np
from scipy import special
from scipy.optimize import nnls

from phase2sim.core.arrays import Floats

KNOTS_MONTHS: Floats = np.array([0.0, 3.0, 6.0, 12.0, 24.0, 36.0])
KNOTS_MONTHS.flags.writeable = False
LARGE_SAMPLE = 60  # above it the asymptotic covariance of two medians is used
DEGREES: Floats = np.arange(1.0, 16.0, 2.0)  # odd powers of the correlation
DEGREES.flags.writeable = False
# arcsin(rho) to 6 parts in 10,000 up to rho = 0.95, by the least largest relative error. Its own
# series, cut at the same degree with the rest put last, is 5 % too large there.
ARCSINE: Floats = np.array([0.99982, 0.15832, 0.1239, 0.0, 0.0, 0.0, 0.0, 0.15344])
ARCSINE.flags.writeable = False
SIMULATED = 200_000


def basis(months: Floats) -> Floats:
    """Weights (..., knot) that interpolate a curve at months since diagnosis.

    Linear between knots; constant before the first and after the last.
    """
    columns = [np.interp(months, KNOTS_MONTHS, unit) for unit in np.eye(KNOTS_MONTHS.size)]
    return np.stack(columns, axis=-1)


def window_nodes(
    window: tuple[float, float], after: tuple[float, ...], per_piece: int = 2
) -> tuple[Floats, Floats]:
    """Enrolment times and weights (node,) that average over an even enrolment window.

    Split wherever one of the visits ``after`` (months later) meets a knot, so that ``per_piece``
    Gauss-Legendre nodes are exact for a piecewise polynomial of degree ``2 per_piece - 1``.
    """
    low, high = window
    if high <= low:
        return np.array([low]), np.array([1.0])
    kinks = np.concatenate([KNOTS_MONTHS - months for months in after])
    inside = kinks[(kinks > low) & (kinks < high)]
    edges = np.unique(np.concatenate([[low, high], inside]))
    node, weight = unit_quadrature(per_piece)
    width = np.diff(edges)[:, None]
    nodes = (edges[:-1, None] + width * node).ravel()
    return nodes, (width * weight).ravel() / (high - low)


def window_weights(window: tuple[float, float], months: float) -> Floats:
    """Weights (knot,) of the mean curve averaged over who was enrolled, ``months`` after entry."""
    nodes, weights = window_nodes(window, (months,))
    average: Floats = weights @ basis(nodes + months)
    return average


def window_products(window: tuple[float, float], months: float, later: float) -> Floats:
    """Matrix (knot, knot) whose form ``f P g`` is the average of f(d + months) g(d + later)."""
    nodes, weights = window_nodes(window, (months, later))
    products: Floats = (basis(nodes + months) * weights[:, None]).T @ basis(nodes + later)
    return products


def unit_quadrature(nodes: int) -> tuple[Floats, Floats]:
    """Gauss-Legendre nodes and weights on (0, 1)."""
    node, weight = np.polynomial.legendre.leggauss(nodes)
    return (node + 1.0) / 2.0, weight / 2.0


def half_gap_reach(beyond: int) -> float:
    """Half the gap between the middle values, in SDs, that is practically never exceeded.

    ``beyond`` values lie on each side of the two. The density falls at least as fast as
    exp(-1.596 beyond h) and as exp(-h^2); the reach is where 30 e-folds are gone.
    """
    return float(min(6.0, 30.0 / (2.0 * np.sqrt(2.0 / np.pi) * beyond))) if beyond else 6.0


@lru_cache
def median_variance(n: int) -> float:
    """Variance v_n of the sample median of n standard normal values, by integrating its density."""
    deviations = np.linspace(-9.0, 9.0, 2001) / np.sqrt(max(n / 2.0, 1.0))
    log_density = median_log_density(deviations, n)
    density = np.exp(log_density - log_density.max())  # else it underflows above n = 1,000
    return float(np.sum(deviations**2 * density) / np.sum(density))  # trapezoid: exact to rounding


def median_log_density(median: Floats, n: int) -> Floats:
    """Log density, up to a constant, of the median of n standard normal values."""
    beyond = (n - 1) // 2
    if n % 2:
        tails = special.log_ndtr(median) + special.log_ndtr(-median)
        odd: Floats = beyond * tails - median**2 / 2.0
        return odd
    node, weight = unit_quadrature(80)
    half_gap = half_gap_reach(beyond) * node
    tails = special.log_ndtr(median[:, None] - half_gap) + special.log_ndtr(
        -median[:, None] - half_gap
    )
    log_joint = beyond * tails - median[:, None] ** 2 - half_gap**2
    even: Floats = special.logsumexp(log_joint, b=weight, axis=1)
    return even


@lru_cache
def median_covariance(n: int) -> tuple[float, ...]:
    """Coefficients of c_n(rho), the covariance of the medians of n standard normal pairs.

    One for each odd power in ``DEGREES``. The median minus the mean is independent of the mean, so
    the first is 1/n; what is left is a series in odd powers with nonnegative coefficients (Mehler)
    which sum to v_n - 1/n. Up to ``LARGE_SAMPLE`` patients they are fitted to one simulation with
    a fixed seed (standard error below 1 % of the remainder); above, c_n = arcsin(rho) / n, which
    is well met up to correlations of 0.95.
    """
    if n > LARGE_SAMPLE:
        return tuple(ARCSINE / n)
    remainder = median_variance(n) - 1.0 / n
    if n <= 2 or remainder <= 0:  # noqa: PLR2004  # the median of two values is their mean
        return (1.0 / n, *np.zeros(DEGREES.size - 1))
    rho = np.array([0.3, 0.5, 0.7, 0.85, 0.95])
    powers = rho[:, None] ** DEGREES[1:]
    certain = 1e3  # weight of the exact sum against the simulated values
    rows = np.vstack([powers, certain * np.ones(DEGREES.size - 1)])
    simulated = _simulated_remainder(n, rho) / remainder
    share, _ = nnls(rows, np.append(simulated, certain))
    return (1.0 / n, *(remainder * share / share.sum()))


def _simulated_remainder(n: int, rho: Floats) -> Floats:
    rng = np.random.Generator(np.random.Philox(key=n))
    total = np.zeros(rho.size)
    batch = 20_000
    for _ in range(SIMULATED // batch):
        first, fresh = rng.standard_normal((2, batch, n))
        excess = np.median(first, axis=1) - first.mean(axis=1)
        for position, correlation in enumerate(rho):
            second = correlation * first + np.sqrt(1.0 - correlation**2) * fresh
            other = np.median(second, axis=1) - second.mean(axis=1)
            total[position] += np.mean(excess * other)
    return total / (SIMULATED // batch)
