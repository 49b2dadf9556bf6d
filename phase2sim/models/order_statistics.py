"""Exact joint densities of order statistics: a median with a count, and quantiles.

The two middle values of an even n are m - h and m + h with a half gap h > 0, which is integrated
out by fixed Gauss-Legendre quadrature. Everything is in SDs from the mean.
"""

import numpy as np
from scipy.special import gammaln

from phase2sim.contracts import Floats, Ints
from phase2sim.models.likelihoods import LOG_ROOT_TWO_PI, log_cdf
from phase2sim.models.summaries import half_gap_reach, unit_quadrature
from phase2sim.models.symbols import Tensor, pt

QUADRATURE_NODES = 40
LEAST_GAP = 1e-300  # between logs of chances, so that an impossible pair gives -inf and not nan


def log_ways(below: Ints, n: Ints) -> Floats:
    """Log of the orders of n values around the middle, with so many below a threshold (row,)."""
    below = np.where(below > n // 2, n - below, below)
    beyond = (n - 1) // 2
    # For even n twice, from the two middle values to (m, h).
    ways = gammaln(n + 1.0) - 2.0 * gammaln(beyond + 1.0) + np.where(n % 2, 0.0, np.log(2.0))
    inside = below <= beyond
    chosen = gammaln(beyond + 1.0) - gammaln(below + 1.0)
    chosen = chosen - gammaln(np.where(inside, beyond - below, 0) + 1.0)
    return np.asarray(ways + np.where(inside & ((n % 2 == 1) | (below < n // 2)), chosen, 0.0))


def median_and_count(
    below: Tensor, n: Ints, ways: Tensor, median: Tensor, threshold: Tensor
) -> Tensor:
    """Log density of standard normal samples' medians, with ``below`` of n below a threshold.

    All (row,); ``ways`` is ``log_ways(below, n)``. ``median`` and ``threshold`` are in SDs from the
    mean; subtract log(SD) for the density of the median itself. The pair must be possible: fewer
    than half below a threshold needs a median above it, and so on; otherwise -inf or nan.
    """
    mirrored = below > n // 2  # the mirror image: as many as this lie above, from the other side
    sign = pt.switch(mirrored, -1.0, 1.0)
    k = pt.switch(mirrored, n - below, below)
    m, c = sign * median, sign * threshold
    beyond = (n - 1) // 2
    reach = np.array([half_gap_reach(int(j)) for j in beyond])
    even = n % 2 == 0
    between = even & pt.eq(k, n // 2)  # the threshold lies between the middle values
    start = pt.switch(between, pt.abs(m - c), 0.0)
    width = pt.switch(between, reach, even * pt.minimum(m - c, reach))
    node, weight = unit_quadrature(QUADRATURE_NODES)
    half_gap = start[:, None] + width[:, None] * node
    low, high = m[:, None] - half_gap, m[:, None] + half_gap
    upper, lower = log_cdf(low), log_cdf(c)[:, None]
    apart = pt.log(-pt.expm1(pt.minimum(lower - upper, -LEAST_GAP)))
    left = (beyond - k)[:, None]
    under = k[:, None] * lower + pt.switch(left > 0, left * (upper + apart), 0.0)
    lower_half = pt.switch(between[:, None], beyond[:, None] * upper, under)
    log_joint = _log_density(high) + beyond[:, None] * log_cdf(-high) + lower_half
    integral = pt.logsumexp(log_joint + _log_density(low) + np.log(weight), axis=1) + pt.log(width)
    if not even.all():
        integral = pt.switch(even, integral, log_joint[:, 0])  # one middle value, no gap
    return ways + integral


def quantiles(z: Tensor, weight: Floats, spacing: Floats, constant: Floats) -> Tensor:
    """Log density (row,) of sample quantiles ``z`` (row, quantile), in SDs from the mean.

    The chances between neighbours are Dirichlet with ``spacing`` + 1 (row, quantile + 1), exact
    where a quantile is one of the sample's values; ``weight`` is 0 for quantiles that only fill up
    the row. Subtract log(SD) for each one that counts.
    """
    upper, lower = log_cdf(z), log_cdf(-z)
    apart = pt.log(-pt.expm1(pt.minimum(upper[:, :-1] - upper[:, 1:], -LEAST_GAP)))
    logs = pt.concatenate([upper[:, :1], upper[:, 1:] + apart, lower[:, -1:]], axis=1)
    between = pt.sum(pt.switch(spacing != 0.0, spacing * logs, 0.0), axis=1)
    return constant + between + pt.sum(weight * _log_density(z), axis=1)


def _log_density(z: Tensor) -> Tensor:
    return -(z**2) / 2.0 - LOG_ROOT_TWO_PI
