"""Exact densities of counts, medians with a count, and quantiles of standard normal samples.

The two middle values of an even n are m - h and m + h; the half gap h > 0 is integrated out by
Gauss-Legendre quadrature. All values are in SDs from the mean. Kernels return log densities (row,)
and their derivatives (row, point) by the points.
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
LEAST_GAP = 1e-300  # between log probabilities, so that impossible pairs have a gradient
LOG_ROOT_TWO_PI = 0.5 * math.log(2.0 * math.pi)
ROOT_TWO = math.sqrt(2.0)
FAR_TAIL = -30.0


def _log_cdf(z: float) -> float:
    """Log of the standard normal CDF; asymptotic series in the tail (relative error 7e-14)."""
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
    """Log of the difference of two probabilities, given their logs."""
    return upper + math.log(-math.expm1(min(lower - upper, -LEAST_GAP)))


log_gap = kernel(_log_gap)


def _averaged_count(
    z: Floats, count: Floats, n: Floats, log_choose: Floats, weight: Floats
) -> tuple[Floats, Floats]:
    """Log probability (row,) that ``count`` of n lie below, at the average CDF over points."""
    log_chance, slopes = np.zeros(len(z)), np.zeros(z.shape)
    for row in range(len(z)):
        log_below, log_above = -np.inf, -np.inf
        for j in range(z.shape[1]):
            if weight[row, j] > 0.0:
                log_below = np.logaddexp(log_below, math.log(weight[row, j]) + log_cdf(z[row, j]))
                log_above = np.logaddexp(log_above, math.log(weight[row, j]) + log_cdf(-z[row, j]))
        count_above = n[row] - count[row]
        log_chance[row] = log_choose[row] + count[row] * log_below + count_above * log_above
        for j in range(z.shape[1]):
            if weight[row, j] > 0.0:
                log_term = math.log(weight[row, j]) + log_density(z[row, j])
                slopes[row, j] = count[row] * math.exp(log_term - log_below)
                slopes[row, j] -= count_above * math.exp(log_term - log_above)
    return log_chance, slopes


averaged_count_kernel = kernel(_averaged_count)
averaged_count: RowDensity = RowDensity("averaged_count", averaged_count_kernel)


def _lower_half(low: float, c: float, k: float, per_side: float) -> tuple[float, float, float]:
    """Log probability that k of the values below ``low`` are below c; derivatives by both."""
    lower = log_cdf(c)
    value = k * lower
    by_low, by_c = 0.0, k * math.exp(log_density(c) - lower)
    if per_side > k:
        gap = log_gap(log_cdf(low), lower)
        value += (per_side - k) * gap
        by_low = (per_side - k) * math.exp(log_density(low) - gap)
        by_c -= (per_side - k) * math.exp(log_density(c) - gap)
    return value, by_low, by_c


lower_half = kernel(_lower_half)


def _joint_density_at(
    m: float, h: float, c: float, k: float, per_side: float
) -> tuple[float, float, float, float]:
    """Log density of middle values m - h and m + h, with k of the lower values below c.

    Also its derivatives by the lower and upper middle value and c. With ``k`` above ``per_side``, c
    lies between the middle values.
    """
    low, high = m - h, m + h
    if k > per_side:
        value, by_c = per_side * log_cdf(low), 0.0
        by_low = per_side * math.exp(log_density(low) - log_cdf(low))
    else:
        value, by_low, by_c = lower_half(low, c, k, per_side)
    tail = log_cdf(-high)
    value += log_density(high) + per_side * tail
    by_high = -high - per_side * math.exp(log_density(high) - tail)
    return value, by_low, by_high, by_c


joint_density_at = kernel(_joint_density_at)


def _even_median(
    m: float, c: float, k: float, per_side: float, quadrature: Floats
) -> tuple[float, float, float]:
    """Log of the integral over the half gap, and its derivatives by m and c.

    Columns of ``quadrature`` (node, 3): nodes on (0, 1), logs of their weights, and the reach.
    """
    nodes, reach = len(quadrature), quadrature[0, 2]
    between = k > per_side
    sign = 1.0 if m > c else -1.0
    start = abs(m - c) if between else 0.0
    narrow = not between and m - c < reach
    width = m - c if narrow else reach
    logs, by_m, by_c = np.zeros(nodes), np.zeros(nodes), np.zeros(nodes)
    for i in range(nodes):
        x = quadrature[i, 0]
        h = start + width * x
        value, by_low, by_high, by_threshold = joint_density_at(m, h, c, k, per_side)
        logs[i] = value + log_density(m - h) + quadrature[i, 1]
        by_low -= m - h
        gap_slope = (
            sign if between else (x if narrow else 0.0)
        )  # derivative of h by m, and minus that by c
        by_m[i] = by_low + by_high + (by_high - by_low) * gap_slope
        by_c[i] = by_threshold - (by_high - by_low) * gap_slope
    peak = np.max(logs)
    share = np.exp(logs - peak)
    total = np.sum(share)
    edge = 1.0 / width if narrow else 0.0
    value = peak + math.log(total) + math.log(width)
    return value, np.sum(share * by_m) / total + edge, np.sum(share * by_c) / total - edge


even_median = kernel(_even_median)


def _median_count(
    z: Floats, count: Floats, n: Floats, ways: Floats, quadrature: Floats
) -> tuple[Floats, Floats]:
    """Log density (row,) of medians z[:, 0] with ``count`` of n below the thresholds z[:, 1]."""
    density, slopes = np.zeros(len(z)), np.zeros(z.shape)
    for row in range(len(z)):
        per_side = (n[row] - 1.0) // 2.0
        mirrored = count[row] > n[row] // 2.0  # count from above
        sign = -1.0 if mirrored else 1.0
        k = n[row] - count[row] if mirrored else count[row]
        m, c = sign * z[row, 0], sign * z[row, 1]
        if n[row] % 2.0 == 0.0:
            value, by_m, by_c = even_median(m, c, k, per_side, quadrature[row])
        else:
            value, by_low, by_high, by_c = joint_density_at(m, 0.0, c, k, per_side)
            by_m = by_low + by_high
        density[row] = ways[row] + value
        slopes[row, 0], slopes[row, 1] = sign * by_m, sign * by_c
    return density, slopes


median_count_kernel = kernel(_median_count)
median_count: RowDensity = RowDensity("median_count", median_count_kernel)


def _between_quantiles(
    z: Floats, weight: Floats, spacing: Floats, constant: Floats
) -> tuple[Floats, Floats]:
    """Log density (row,) of sample quantiles with Dirichlet probabilities between them."""
    density, slopes = np.zeros(len(z)), np.zeros(z.shape)
    quantile_count = z.shape[1]
    for row in range(len(z)):
        density[row] = constant[row]
        for j in range(quantile_count):
            density[row] += weight[row, j] * log_density(z[row, j])
            slopes[row, j] -= weight[row, j] * z[row, j]
        for j in range(quantile_count + 1):
            exponent = spacing[row, j]
            if exponent == 0.0:
                continue
            if j == 0:
                gap = log_cdf(z[row, 0])
            elif j == quantile_count:
                gap = log_cdf(-z[row, quantile_count - 1])
            else:
                gap = log_gap(log_cdf(z[row, j]), log_cdf(z[row, j - 1]))
            density[row] += exponent * gap
            if j < quantile_count:
                slopes[row, j] += exponent * math.exp(log_density(z[row, j]) - gap)
            if j > 0:
                slopes[row, j - 1] -= exponent * math.exp(log_density(z[row, j - 1]) - gap)
    return density, slopes


between_quantiles_kernel = kernel(_between_quantiles)
between_quantiles: RowDensity = RowDensity("between_quantiles", between_quantiles_kernel)


def log_choose(n: Ints, k: Floats) -> Floats:
    """Log of n choose k, (row,)."""
    return np.asarray(gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0))


def log_ways(count: Ints, n: Ints) -> Floats:
    """Log number of orders of n values around the middle, with ``count`` below a threshold."""
    count = np.where(count > n // 2, n - count, count)
    per_side = (n - 1) // 2
    # The factor 2 for even n is the Jacobian from the two middle values to (m, h).
    ways = gammaln(n + 1.0) - 2.0 * gammaln(per_side + 1.0) + np.where(n % 2, 0.0, np.log(2.0))
    is_inside = count <= per_side
    splits = gammaln(per_side + 1.0) - gammaln(count + 1.0)
    splits = splits - gammaln(np.where(is_inside, per_side - count, 0) + 1.0)
    return np.asarray(ways + np.where(is_inside & ((n % 2 == 1) | (count < n // 2)), splits, 0.0))


def median_and_count(z: Tensor, count: Tensor, n: Ints, ways: Tensor) -> Tensor:
    """Log density (row,) of standard normal samples' medians, with ``count`` of n below thresholds.

    ``z`` (row, 2) are medians and thresholds in SDs from the mean; subtract log(SD) for the density
    of the median itself. ``ways`` is ``log_ways(below, n)``. The pair must be possible: fewer than
    half below a threshold needs a median above it, and so on; otherwise -inf or nan.
    """
    return median_count.of(z, count, n, ways, median_quadrature(n))


def median_quadrature(n: Ints) -> Floats:
    """Nodes on (0, 1), logs of their weights, and the reach of the half gap, (row, node, 3)."""
    node, weight = unit_quadrature(QUADRATURE_NODES)
    quadrature = np.zeros((len(n), QUADRATURE_NODES, 3))
    quadrature[:, :, 0], quadrature[:, :, 1] = node, np.log(weight)
    quadrature[:, :, 2] = [[half_gap_reach((int(size) - 1) // 2)] for size in n]
    return quadrature


def quantiles(z: Tensor, weight: Floats, spacing: Floats, constant: Floats) -> Tensor:
    """Log density (row,) of sample quantiles ``z`` (row, quantile), in SDs from the mean.

    The probabilities between neighbours are Dirichlet(``spacing`` + 1), (row, quantile + 1); exact
    if each quantile is one of the values of the sample. ``weight`` is 0 for padding. Subtract
    log(SD) for each other quantile.
    """
    return between_quantiles.of(z, weight, spacing, constant)
