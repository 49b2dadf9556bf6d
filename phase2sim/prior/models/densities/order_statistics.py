"""Exact densities of counts, medians with a count, and quantiles, of standard normal samples.

The two middle values of an even n are m - h and m + h with a half gap h > 0, which is integrated
out by fixed Gauss-Legendre quadrature. Everything is in SDs from the mean; kernels return log
densities (row,) and their slopes (row, point) by the points.
"""

import math

import numpy as np
from scipy.special import gammaln

from phase2sim.core.arrays import Floats, Ints
from phase2sim.core.kernels import kernel
from phase2sim.prior.models.densities.pytensor_names import Tensor
from phase2sim.prior.models.densities.quadrature import half_gap_reach, unit_quadrature
from phase2sim.prior.models.densities.row_density import RowDensity

QUADRATURE_NODES = 40
LEAST_GAP = 1e-300  # between logs of chances, so that an impossible pair has a slope
LOG_ROOT_TWO_PI = 0.5 * math.log(2.0 * math.pi)
ROOT_TWO = math.sqrt(2.0)
FAR_TAIL = -30.0


def _log_cdf(z: float) -> float:
    """Log of the standard normal CDF; far down by its asymptotic series (7 parts in 10^14)."""
    if z > -1.0:
        return math.log1p(-0.5 * math.erfc(z / ROOT_TWO))
    if z > FAR_TAIL:
        return math.log(0.5 * math.erfc(-z / ROOT_TWO))
    s = 1.0 / (z * z)
    series = s * (1.0 - 3.0 * s * (1.0 - 5.0 * s * (1.0 - 7.0 * s * (1.0 - 9.0 * s))))
    return -z * z / 2.0 - math.log(-z) - LOG_ROOT_TWO_PI + math.log1p(-series)


log_cdf = kernel(_log_cdf)


def _log_density(z: float) -> float:
    return -z * z / 2.0 - LOG_ROOT_TWO_PI


log_density = kernel(_log_density)


def _log_gap(upper: float, lower: float) -> float:
    """Log of the difference of two chances whose logs are given."""
    return upper + math.log(-math.expm1(min(lower - upper, -LEAST_GAP)))


log_gap = kernel(_log_gap)


def _averaged_count(
    z: Floats, below: Floats, n: Floats, log_choose: Floats, weight: Floats
) -> tuple[Floats, Floats]:
    """Log chance (row,) of ``below`` of n, each below with the average of the CDF at the points."""
    found, slopes = np.zeros(len(z)), np.zeros(z.shape)
    for row in range(len(z)):
        under, over = -np.inf, -np.inf
        for j in range(z.shape[1]):
            if weight[row, j] > 0.0:
                under = np.logaddexp(under, math.log(weight[row, j]) + log_cdf(z[row, j]))
                over = np.logaddexp(over, math.log(weight[row, j]) + log_cdf(-z[row, j]))
        rest = n[row] - below[row]
        found[row] = log_choose[row] + below[row] * under + rest * over
        for j in range(z.shape[1]):
            if weight[row, j] > 0.0:
                density = math.log(weight[row, j]) + log_density(z[row, j])
                slopes[row, j] = below[row] * math.exp(density - under)
                slopes[row, j] -= rest * math.exp(density - over)
    return found, slopes


averaged_count_kernel = kernel(_averaged_count)
averaged_count: RowDensity = RowDensity("averaged_count", averaged_count_kernel)


def _lower_half(low: float, c: float, k: float, beyond: float) -> tuple[float, float, float]:
    """Log chance that k of the values below ``low`` are below c, its slopes by ``low`` and c."""
    lower = log_cdf(c)
    value = k * lower
    by_low, by_c = 0.0, k * math.exp(log_density(c) - lower)
    if beyond > k:
        gap = log_gap(log_cdf(low), lower)
        value += (beyond - k) * gap
        by_low = (beyond - k) * math.exp(log_density(low) - gap)
        by_c -= (beyond - k) * math.exp(log_density(c) - gap)
    return value, by_low, by_c


lower_half = kernel(_lower_half)


def _joint_at(
    m: float, h: float, c: float, k: float, beyond: float
) -> tuple[float, float, float, float]:
    """Log density of middle values m - h and m + h with the lower half's count, and its slopes.

    By the lower middle value, the upper one, and c. ``k`` above ``beyond``: c lies between the two.
    """
    low, high = m - h, m + h
    if k > beyond:
        value, by_c = beyond * log_cdf(low), 0.0
        by_low = beyond * math.exp(log_density(low) - log_cdf(low))
    else:
        value, by_low, by_c = lower_half(low, c, k, beyond)
    above = log_cdf(-high)
    value += log_density(high) + beyond * above
    by_high = -high - beyond * math.exp(log_density(high) - above)
    return value, by_low, by_high, by_c


joint_density_at = kernel(_joint_at)


def _even_median(
    m: float, c: float, k: float, beyond: float, quadrature: Floats
) -> tuple[float, float, float]:
    """Integral over the half gap, and its slopes by m and c; ``quadrature`` (node, 3) to the reach.

    Its columns are nodes on (0, 1), logs of their weights, and the reach itself.
    """
    nodes, reach = len(quadrature), quadrature[0, 2]
    between = k > beyond
    sign = 1.0 if m > c else -1.0
    start = abs(m - c) if between else 0.0
    narrow = not between and m - c < reach
    width = m - c if narrow else reach
    logs, by_m, by_c = np.zeros(nodes), np.zeros(nodes), np.zeros(nodes)
    for i in range(nodes):
        x = quadrature[i, 0]
        h = start + width * x
        value, by_low, by_high, own = joint_density_at(m, h, c, k, beyond)
        logs[i] = value + log_density(m - h) + quadrature[i, 1]
        by_low -= m - h
        moves = sign if between else (x if narrow else 0.0)  # of h with m, and against c
        by_m[i] = by_low + by_high + (by_high - by_low) * moves
        by_c[i] = own - (by_high - by_low) * moves
    peak = np.max(logs)
    share = np.exp(logs - peak)
    total = np.sum(share)
    edge = 1.0 / width if narrow else 0.0
    value = peak + math.log(total) + math.log(width)
    return value, np.sum(share * by_m) / total + edge, np.sum(share * by_c) / total - edge


even_median = kernel(_even_median)


def _median_count(
    z: Floats, below: Floats, n: Floats, ways: Floats, quadrature: Floats
) -> tuple[Floats, Floats]:
    """Log density (row,) of medians z[:, 0] with ``below`` of n below the thresholds z[:, 1]."""
    found, slopes = np.zeros(len(z)), np.zeros(z.shape)
    for row in range(len(z)):
        beyond = (n[row] - 1.0) // 2.0
        mirrored = below[row] > n[row] // 2.0  # as many as this lie above, from the other side
        sign = -1.0 if mirrored else 1.0
        k = n[row] - below[row] if mirrored else below[row]
        m, c = sign * z[row, 0], sign * z[row, 1]
        if n[row] % 2.0 == 0.0:
            value, by_m, by_c = even_median(m, c, k, beyond, quadrature[row])
        else:
            value, by_low, by_high, by_c = joint_density_at(m, 0.0, c, k, beyond)
            by_m = by_low + by_high
        found[row] = ways[row] + value
        slopes[row, 0], slopes[row, 1] = sign * by_m, sign * by_c
    return found, slopes


median_count_kernel = kernel(_median_count)
median_count: RowDensity = RowDensity("median_count", median_count_kernel)


def _between_quantiles(
    z: Floats, weight: Floats, spacing: Floats, constant: Floats
) -> tuple[Floats, Floats]:
    """Log density (row,) of sample quantiles whose neighbours' chances are Dirichlet."""
    found, slopes = np.zeros(len(z)), np.zeros(z.shape)
    last = z.shape[1]
    for row in range(len(z)):
        found[row] = constant[row]
        for j in range(last):
            found[row] += weight[row, j] * log_density(z[row, j])
            slopes[row, j] -= weight[row, j] * z[row, j]
        for j in range(last + 1):
            times = spacing[row, j]
            if times == 0.0:
                continue
            if j == 0:
                gap = log_cdf(z[row, 0])
            elif j == last:
                gap = log_cdf(-z[row, last - 1])
            else:
                gap = log_gap(log_cdf(z[row, j]), log_cdf(z[row, j - 1]))
            found[row] += times * gap
            if j < last:
                slopes[row, j] += times * math.exp(log_density(z[row, j]) - gap)
            if j > 0:
                slopes[row, j - 1] -= times * math.exp(log_density(z[row, j - 1]) - gap)
    return found, slopes


between_quantiles_kernel = kernel(_between_quantiles)
between_quantiles: RowDensity = RowDensity("between_quantiles", between_quantiles_kernel)


def log_choose(n: Ints, k: Floats) -> Floats:
    """Log of how many ways there are to choose k of n (row,)."""
    return np.asarray(gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0))


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


def median_and_count(z: Tensor, below: Tensor, n: Ints, ways: Tensor) -> Tensor:
    """Log density (row,) of standard normal samples' medians, with ``below`` of n below thresholds.

    ``z`` (row, 2) are medians and thresholds in SDs from the mean; subtract log(SD) for the density
    of the median itself. ``ways`` is ``log_ways(below, n)``. The pair must be possible: fewer than
    half below a threshold needs a median above it, and so on; otherwise -inf or nan.
    """
    return median_count.of(z, below, n, ways, median_quadrature(n))


def median_quadrature(n: Ints) -> Floats:
    """Nodes on (0, 1), logs of their weights, and the reach of the half gap, (row, node, 3)."""
    node, weight = unit_quadrature(QUADRATURE_NODES)
    quadrature = np.zeros((len(n), QUADRATURE_NODES, 3))
    quadrature[:, :, 0], quadrature[:, :, 1] = node, np.log(weight)
    quadrature[:, :, 2] = [[half_gap_reach((int(size) - 1) // 2)] for size in n]
    return quadrature


def quantiles(z: Tensor, weight: Floats, spacing: Floats, constant: Floats) -> Tensor:
    """Log density (row,) of sample quantiles ``z`` (row, quantile), in SDs from the mean.

    The chances between neighbours are Dirichlet with ``spacing`` + 1 (row, quantile + 1), exact
    where a quantile is one of the sample's values; ``weight`` is 0 for quantiles that only fill up
    the row. Subtract log(SD) for each one that counts.
    """
    return between_quantiles.of(z, weight, spacing, constant)


def count_below(
    z: Tensor, below: Tensor, n: Ints, log_choose: Tensor, weight: Floats | None = None
) -> Tensor:
    """Log chance (row,) that ``below`` of n lie below thresholds ``z`` SDs from the mean.

    ``z`` is (row, node) where patients differ in their mean; ``weight`` (row, node) are the shares
    of the nodes.
    """
    shares = np.ones((len(n), 1)) if weight is None else weight
    return averaged_count.of(z, below, n, log_choose, shares)
