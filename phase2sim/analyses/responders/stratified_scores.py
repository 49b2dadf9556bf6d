"""Score test and interval of a difference in two rates that is common to all strata.

Strata weigh n1 n0 / n, Mantel and Haenszel's weights, so that the test of no difference is that of
Cochran, Mantel and Haenszel. A stratum that lacks an arm weighs nothing.
"""

import numpy as np

from phase2sim.analyses.responders.rate_scores import restricted_variance, standardise
from phase2sim.core.arrays import Floats
from phase2sim.core.kernels import kernel

_HALVINGS = 60  # of an interval of length 2: down to rounding


def weights(table: Floats) -> Floats:
    """Weight of each stratum of ``table`` (trial, stratum, 4), (trial, stratum)."""
    treated, control = table[..., 1], table[..., 3]
    weight: Floats = treated * control / np.maximum(treated + control, 1.0)
    return weight


@kernel
def stratified_score(table: Floats, weight: Floats, difference: float) -> Floats:
    """Standardised distance of the common difference from ``difference``, (trial,).

    ``table`` is (trial, stratum, 4): responders and patients of treatment, then of control; a trial
    whose weights (trial, stratum) are nan is left out. Variances are restricted ones, with the
    factor n / (n - 1) of each stratum.
    """
    z = np.full(table.shape[0], np.nan)
    for i in range(table.shape[0]):
        if not np.isnan(weight[i, 0]):
            z[i] = _score(table[i], weight[i], difference)
    return z


@kernel
def stratified_interval(table: Floats, weight: Floats, reach: float) -> tuple[Floats, Floats]:
    """Common differences whose score is within ``reach``: lower and upper limit, (trial,) each."""
    lower, upper = np.full(table.shape[0], np.nan), np.full(table.shape[0], np.nan)
    for i in range(table.shape[0]):
        if not np.isnan(weight[i, 0]):
            lower[i] = _limit(table[i], weight[i], -1.0, reach)
            upper[i] = _limit(table[i], weight[i], 1.0, reach)
    return lower, upper


@kernel
def _score(counts: Floats, weight: Floats, difference: float) -> float:
    off = variance = 0.0
    for h in range(weight.size):
        if weight[h] > 0.0:
            rates = counts[h, 0] / counts[h, 1] - counts[h, 2] / counts[h, 3]
            off += weight[h] * (rates - difference)
            of_stratum = restricted_variance(counts[h], difference, True)  # noqa: FBT003  numba
            variance += weight[h] ** 2 * of_stratum
    return standardise(off, variance)


@kernel
def _limit(counts: Floats, weight: Floats, end: float, reach: float) -> float:
    """Common difference furthest towards ``end`` that the score does not reject."""
    if abs(_score(counts, weight, end)) <= reach:
        return end
    inside, outside = 0.0, end  # the estimate
    for h in range(weight.size):
        if weight[h] > 0.0:
            rates = counts[h, 0] / counts[h, 1] - counts[h, 2] / counts[h, 3]
            inside += weight[h] * rates / weight.sum()
    for _ in range(_HALVINGS):
        middle = 0.5 * (inside + outside)
        if abs(_score(counts, weight, middle)) <= reach:
            inside = middle
        else:
            outside = middle
    limit: float = 0.5 * (inside + outside)
    return limit
