"""Rank sums of two arms within strata, and the shifts between the arms that agree with them.

A treated and a control patient of one stratum are a pair. The statistic counts, with the stratum's
weight, the pairs in which the treated patient has the higher outcome, a tie for half. The shift
that would bring it to its expectation is the weighted median of the pairs' differences: Hodges and
Lehmann's estimate for one stratum. Differences are never listed: a search over sorted outcomes
counts those below a value, in time proportional to the patients.
"""

import numpy as np

from phase2sim.core.arrays import Arms, Floats, Ints
from phase2sim.core.contracts import COLLINEAR, EMPTY_ARM, TOO_FEW
from phase2sim.core.kernels import inline_kernel, kernel

_HAIR = 1e-10  # of all weight: sums of weights that differ by less are equal


@kernel
def rank_sums(
    outcome: Floats, arm: Arms, level: Ints, levels: int, null_effect: float
) -> tuple[Floats, Floats, Floats, Floats, Ints, Ints]:
    """Rank sum of arm 1 against arm 0 in every trial, on the patients without a nan.

    ``outcome`` is (trial, patient), ``level`` (trial, patient) in ``range(levels)``, read only if
    ``levels`` exceeds 1; then strata weigh 1 / (patients + 1) (van Elteren), else 1.
    ``null_effect`` is taken off arm 1. Returns the statistic, its expectation, its variance (0
    where each stratum is tied), that without ties, each (trial,), the patients of control and
    treatment, (trial, 2), and the index in ``FAILURES``, (trial,).
    """
    trials, patients = arm.shape
    values, starts = np.empty((2, patients)), np.empty((2, levels + 1), np.int64)
    weights = np.empty(levels)
    sums = np.full((4, trials), np.nan)
    sizes = np.zeros((trials, 2), np.int64)
    reason = np.zeros(trials, np.int64)
    for trial in range(trials):
        _sort(values, starts, outcome[trial], arm[trial], level[trial % level.shape[0]])
        sizes[trial] = starts[:, levels]
        _weigh(weights, starts)
        moments = _sum(values, starts, weights, null_effect)
        if sizes[trial].min() == 0:
            reason[trial] = EMPTY_ARM
        elif weights.max() == 0.0:
            reason[trial] = COLLINEAR
        elif sizes[trial].sum() < 3:  # noqa: PLR2004  of two patients one always has the higher
            reason[trial] = TOO_FEW
        else:
            for k in range(4):
                sums[k, trial] = moments[k]
            if not moments[2] > _HAIR * moments[3]:
                sums[2, trial] = 0.0  # nothing but ties
    return sums[0], sums[1], sums[2], sums[3], sizes, reason


@kernel
def location_shifts(
    outcome: Floats, arm: Arms, level: Ints, levels: int, critical: Floats
) -> tuple[Floats, Floats, Floats]:
    """Shift between the arms in every trial, and its limits; each (trial,).

    The lower limit is the smallest difference with ``critical`` of the pairs' weight at or below
    it, the upper its mirror image. ``critical`` is (trial,), nan where there is nothing to find.
    """
    trials, patients = arm.shape
    values, starts = np.empty((2, patients)), np.empty((2, levels + 1), np.int64)
    weights = np.empty(levels)
    shifts = np.full((3, trials), np.nan)
    for trial in range(trials):
        if np.isnan(critical[trial]):
            continue
        _sort(values, starts, outcome[trial], arm[trial], level[trial % level.shape[0]])
        _weigh(weights, starts)
        total = 0.0
        for h in range(levels):
            total += weights[h] * _pairs(starts, h)
        hair = _HAIR * total
        low = _difference_at(values, starts, weights, total / 2.0 - hair)
        high = _difference_at(values, starts, weights, total / 2.0 + hair)
        shifts[0, trial] = (low + high) / 2.0
        shifts[1, trial] = _difference_at(values, starts, weights, critical[trial] - hair)
        shifts[2, trial] = _difference_at(values, starts, weights, total - critical[trial] + hair)
    return shifts[0], shifts[1], shifts[2]


@kernel
def _sort(values: Floats, starts: Ints, outcome: Floats, arm: Arms, level: Ints) -> None:
    """Sort each arm's outcomes within each stratum; stratum h begins at ``starts[arm, h]``."""
    levels = starts.shape[1] - 1
    order = np.argsort(outcome)
    starts[:] = 0
    for i in range(outcome.size):
        if outcome[i] == outcome[i]:
            starts[arm[i], 1 + (level[i] if levels > 1 else 0)] += 1
    for a in range(2):
        for h in range(levels):
            starts[a, h + 1] += starts[a, h]
    free = starts.copy()
    for i in order:
        if outcome[i] == outcome[i]:
            h = level[i] if levels > 1 else 0
            values[arm[i], free[arm[i], h]] = outcome[i]
            free[arm[i], h] += 1


@inline_kernel
def _pairs(starts: Ints, h: int) -> int:
    """Pairs of a treated and a control patient in a stratum."""
    pairs: int = (starts[0, h + 1] - starts[0, h]) * (starts[1, h + 1] - starts[1, h])
    return pairs


@inline_kernel
def _weigh(weights: Floats, starts: Ints) -> None:
    """Weight of each stratum, 0 where there is no pair."""
    for h in range(weights.size):
        patients = starts[0, h + 1] - starts[0, h] + starts[1, h + 1] - starts[1, h]
        weights[h] = 1.0 / (patients + 1.0) if weights.size > 1 else 1.0
        weights[h] = weights[h] if _pairs(starts, h) > 0 else 0.0


@kernel
def _sum(
    values: Floats, starts: Ints, weights: Floats, null_effect: float
) -> tuple[float, float, float, float]:
    """Statistic, expectation, variance, and variance without ties."""
    statistic = centre = variance = untied = 0.0
    for h in range(weights.size):
        pairs = float(_pairs(starts, h))
        if pairs == 0.0:
            continue
        above, ties = _merge(values, starts, h, null_effect)
        n = float(starts[0, h + 1] - starts[0, h] + starts[1, h + 1] - starts[1, h])
        statistic += weights[h] * above
        centre += weights[h] * pairs / 2.0
        untied += weights[h] ** 2 * pairs * (n + 1.0) / 12.0
        variance += weights[h] ** 2 * pairs * (n + 1.0 - ties / (n * (n - 1.0))) / 12.0
    return statistic, centre, variance, untied


@kernel
def _merge(values: Floats, starts: Ints, h: int, null_effect: float) -> tuple[float, float]:
    """Pairs with the treated patient above, and the sum of t^3 - t over groups of t ties."""
    control, treated = values[0], values[1]
    j, i = starts[0, h], starts[1, h]
    last_j, last_i = starts[0, h + 1], starts[1, h + 1]
    above = ties = 0.0
    while i < last_i or j < last_j:
        below = float(j - starts[0, h])
        if j == last_j or (i < last_i and treated[i] - null_effect < control[j]):
            value = treated[i] - null_effect
        else:
            value = control[j]
        first_i, first_j = i, j
        while i < last_i and treated[i] - null_effect == value:
            i += 1
        while j < last_j and control[j] == value:
            j += 1
        above += (i - first_i) * (below + 0.5 * (j - first_j))
        tied = float(i - first_i + j - first_j)
        ties += tied**3 - tied
    return above, ties


@kernel
def _difference_at(values: Floats, starts: Ints, weights: Floats, weight: float) -> float:
    """Smallest difference with at least ``weight`` at or below it; the largest if there is none."""
    _, _, low = _weight_below(values, starts, weights, -np.inf)
    _, high, _ = _weight_below(values, starts, weights, np.inf)
    while low < high:
        middle = low + (high - low) / 2.0
        if middle >= high:  # neighbouring numbers
            middle = low
        share, largest, next_one = _weight_below(values, starts, weights, middle)
        if share >= weight:
            high = largest
        else:
            low = next_one
    return high


@kernel
def _weight_below(
    values: Floats, starts: Ints, weights: Floats, bound: float
) -> tuple[float, float, float]:
    """Weight of the differences up to ``bound``, the largest of them, and the next one above."""
    share, largest, next_one = 0.0, -np.inf, np.inf
    for h in range(weights.size):
        if weights[h] == 0.0:
            continue
        j, last = starts[0, h], starts[0, h + 1]
        count = 0
        for i in range(starts[1, h], starts[1, h + 1]):
            # Treated rise, so the controls that are near enough begin later and later.
            while j < last and values[1, i] - values[0, j] > bound:
                j += 1
            count += last - j
            if j < last:
                largest = max(largest, values[1, i] - values[0, j])
            if j > starts[0, h]:
                next_one = min(next_one, values[1, i] - values[0, j - 1])
        share += weights[h] * count
    return share, largest, next_one
