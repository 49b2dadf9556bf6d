"""The median and the count beyond a threshold of the same n patients: their exact joint density.

The two middle values of an even n are m - h and m + h with a half gap h > 0, which is integrated
out by fixed Gauss-Legendre quadrature. Everything is in SDs from the mean until the last step.
"""

import numpy as np
from scipy.special import gammaln

from phase2sim.models.likelihoods import LOG_ROOT_TWO_PI, binomial, log_cdf
from phase2sim.models.summaries import half_gap_reach, unit_quadrature
from phase2sim.models.symbols import Tensor, pt

QUADRATURE_NODES = 40


def median_and_count(below: int, n: int, median: Tensor, threshold: Tensor) -> Tensor:
    """Log density of a standard normal sample's median, with ``below`` of n below the threshold.

    ``median`` and ``threshold`` are in SDs from the mean, scalars or of one shape; subtract log(SD)
    for the density of the median itself. The pair must be possible: fewer than half below a
    threshold needs a median above it, and so on; otherwise nan.
    """
    if below > n // 2:  # the mirror image: as many as this lie above, seen from the other side
        return median_and_count(n - below, n, -median, -threshold)
    beyond = (n - 1) // 2
    if n % 2:
        density = log_cdf(-median) * beyond + _log_density(median)
        return density + _lower_half(below, beyond, median, threshold) + _log_ways(n)
    if below == n // 2:
        return _between(beyond, median, threshold) + _log_ways(n)
    return _under(below, beyond, median, threshold) + _log_ways(n)


def _under(below: int, beyond: int, median: Tensor, threshold: Tensor) -> Tensor:
    """Threshold below both middle values: ``below`` of the ``beyond`` lower values are under it."""
    node, weight = unit_quadrature(QUADRATURE_NODES)
    widest = pt.minimum(median - threshold, half_gap_reach(beyond))
    half_gap = widest[..., None] * node
    low, high = median[..., None] - half_gap, median[..., None] + half_gap
    log_joint = (
        _log_density(low)
        + _log_density(high)
        + beyond * log_cdf(-high)
        + _lower_half(below, beyond, low, threshold[..., None])
    )
    return _log_integral(log_joint, weight) + pt.log(widest)


def _between(beyond: int, median: Tensor, threshold: Tensor) -> Tensor:
    """Threshold between the middle values: any half gap that reaches it."""
    node, weight = unit_quadrature(QUADRATURE_NODES)
    reach = half_gap_reach(beyond)
    half_gap = pt.abs(median - threshold)[..., None] + reach * node
    low, high = median[..., None] - half_gap, median[..., None] + half_gap
    log_joint = _log_density(low) + _log_density(high) + beyond * (log_cdf(low) + log_cdf(-high))
    return _log_integral(log_joint, weight) + np.log(reach)


def _lower_half(below: int, beyond: int, middle: Tensor, threshold: Tensor) -> Tensor:
    """``below`` of ``beyond`` values under the threshold, the others between it and the middle."""
    upper, lower = log_cdf(middle), log_cdf(threshold)
    between = upper + pt.log(-pt.expm1(lower - upper)) if beyond > below else upper
    return binomial(below, beyond, lower, between)


def _log_ways(n: int) -> float:
    """Orders of n values around the middle; for even n times 2, from two values to (m, h)."""
    beyond = (n - 1) // 2
    ways = gammaln(n + 1.0) - 2.0 * gammaln(beyond + 1.0)
    return float(ways if n % 2 else ways + np.log(2.0))


def _log_density(z: Tensor) -> Tensor:
    return -(z**2) / 2.0 - LOG_ROOT_TWO_PI


def _log_integral(log_values: Tensor, weight: np.ndarray) -> Tensor:
    return pt.logsumexp(log_values + np.log(weight), axis=-1)
