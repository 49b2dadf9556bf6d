"""Score tests and intervals of a difference in two rates, and the exact test of a 2 x 2 table."""

import numpy as np

from phase2sim.core.arrays import Floats
from phase2sim.core.kernels import kernel

_HALVINGS = 60  # of an interval of length 2: down to rounding
_SAME = 1.0 + 1e-7  # probabilities closer than that are equal: R's rule


@kernel
def score_statistic(table: Floats, difference: Floats, unbiased: bool) -> Floats:  # noqa: FBT001  numba
    """Standardised difference from ``difference`` in each table, (table,).

    ``table`` is (table, 4): responders and patients of treatment, then of control. The variance is
    that of the rates that fit best if their difference is ``difference``; ``unbiased`` multiplies
    it by n / (n - 1). Miettinen and Nurminen, Statistics in Medicine 1985.
    """
    z = np.empty(table.shape[0])
    for i in range(table.shape[0]):
        z[i] = _score(table[i], difference[i], unbiased)
    return z


@kernel
def score_interval(table: Floats, reach: float, unbiased: bool) -> tuple[Floats, Floats]:  # noqa: FBT001  numba
    """Differences whose score is within ``reach``: lower and upper limit, (table,) each."""
    lower, upper = np.empty(table.shape[0]), np.empty(table.shape[0])
    for i in range(table.shape[0]):
        estimate = table[i, 0] / table[i, 1] - table[i, 2] / table[i, 3]
        lower[i] = _limit(table[i], estimate, -1.0, reach, unbiased)
        upper[i] = _limit(table[i], estimate, 1.0, reach, unbiased)
    return lower, upper


@kernel
def _limit(counts: Floats, estimate: float, end: float, reach: float, unbiased: bool) -> float:  # noqa: FBT001  numba
    """Difference furthest towards ``end`` that the score does not reject."""
    inside, outside = estimate, end
    if abs(_score(counts, end, unbiased)) <= reach:
        return end
    for _ in range(_HALVINGS):
        middle = 0.5 * (inside + outside)
        if abs(_score(counts, middle, unbiased)) <= reach:
            inside = middle
        else:
            outside = middle
    limit: float = 0.5 * (inside + outside)
    return limit


@kernel
def _score(counts: Floats, difference: float, unbiased: bool) -> float:  # noqa: FBT001  numba
    x1, n1, x0, n0 = counts
    off = x1 / n1 - x0 / n0 - difference
    return standardise(off, restricted_variance(counts, difference, unbiased))


@kernel
def standardise(off: float, variance: float) -> float:
    """Distance over its standard error; 0 where there is neither, infinite without error."""
    if variance > 0.0:
        z: float = off / np.sqrt(variance)
        return z
    return 0.0 if abs(off) < 1e-12 else np.inf * off  # noqa: PLR2004  rounding of the two rates


@kernel
def restricted_variance(counts: Floats, difference: float, unbiased: bool) -> float:  # noqa: FBT001  numba
    """Variance of the difference in rates at the rates that fit best if it is ``difference``."""
    x1, n1, x0, n0 = counts
    control = _restricted(x1, n1, x0, n0, difference)
    treated = min(max(control + difference, 0.0), 1.0)
    variance: float = treated * (1.0 - treated) / n1 + control * (1.0 - control) / n0
    if unbiased:
        variance *= (n1 + n0) / (n1 + n0 - 1.0)
    return variance


@kernel
def _restricted(x1: float, n1: float, x0: float, n0: float, difference: float) -> float:
    """Control rate that fits best if the treated rate is higher by ``difference``.

    The root of a cubic, in the closed form of Farrington and Manning, Statistics in Medicine 1990.
    """
    low, high = max(0.0, -difference), min(1.0, 1.0 - difference)
    if difference == 0.0:
        return (x1 + x0) / (n1 + n0)
    a = n1 + n0
    b = (n1 + 2.0 * n0) * difference - a - x1 - x0
    c = (n0 * difference - a - 2.0 * x0) * difference + x1 + x0
    d = x0 * difference * (1.0 - difference)
    third = b / (3.0 * a)
    p = third**2 - c / (3.0 * a)
    q = third**3 - b * c / (6.0 * a * a) + d / (2.0 * a)
    u = np.sqrt(max(p, 0.0)) * (1.0 if q > 0.0 else -1.0)
    cosine = q / u**3 if u != 0.0 else 0.0
    angle = (np.pi + np.arccos(min(max(cosine, -1.0), 1.0))) / 3.0
    root: float = min(max(2.0 * u * np.cos(angle) - third, low), high)
    return root


@kernel
def fisher(table: Floats) -> tuple[Floats, Floats]:
    """Exact p of each table given its margins: one-sided for a higher treated rate, two-sided.

    The two-sided p adds up all tables that are no more probable.
    """
    one_sided, two_sided = np.empty(table.shape[0]), np.empty(table.shape[0])
    for i in range(table.shape[0]):
        x1, n1, x0, n0 = table[i]
        responders = x1 + x0
        first, last = max(0.0, responders - n0), min(n1, responders)
        chance = np.empty(np.int64(last - first) + 1)
        chance[0] = 1.0
        for k in range(1, chance.size):
            x = first + k
            ratio = (n1 - x + 1.0) * (responders - x + 1.0) / (x * (n0 - responders + x))
            chance[k] = chance[k - 1] * ratio
            if chance[k] > 1e250:  # noqa: PLR2004  nothing this far below matters
                chance[: k + 1] /= chance[k]
        position = np.int64(x1 - first)
        total = chance.sum()
        one_sided[i] = chance[position:].sum() / total
        two_sided[i] = chance[chance <= chance[position] * _SAME].sum() / total
    return one_sided, two_sided
