"""Exact distribution of the rank sum of one arm, with and without ties."""

from functools import lru_cache

import numpy as np

from phase2sim.core.arrays import Floats, Ints
from phase2sim.core.kernels import kernel


@lru_cache(maxsize=4096)
def untied_table(smaller: int, larger: int) -> Floats:
    """Probability of at most u pairs with one arm above, (u,), up to half of all pairs.

    Without ties the numbers of arrangements are a Gaussian binomial coefficient's, whose factors
    are multiplied one by one: as Loeffler's recursion, but for a whole table at once.
    """
    return _untied_table(smaller, larger)


def at_most(pairs: Ints, n_control: Ints, n_treated: Ints) -> Floats:
    """Probability of at most ``pairs`` in each trial without ties; arrays (trial,)."""
    smaller, larger = np.minimum(n_control, n_treated), np.maximum(n_control, n_treated)
    chance = np.empty(pairs.shape)
    for m, n in np.unique(np.stack([smaller, larger], axis=1), axis=0):
        trials = np.flatnonzero((smaller == m) & (larger == n))
        table = untied_table(int(m), int(n))
        below = np.append(table, 0.0)  # index -1: nothing is below 0
        u = pairs[trials]
        mirrored = m * n - u - 1  # at most u is all but at least u + 1, as likely as this or less
        low = 2 * u < m * n
        chance[trials] = np.where(
            low, below[np.where(low, u, -1)], 1.0 - below[np.where(low, -1, mirrored)]
        )
    return chance


def critical_pairs(n_control: Ints, n_treated: Ints, tail: float) -> Ints:
    """Smallest number of pairs, at least 1, whose lower tail probability reaches ``tail``."""
    smaller, larger = np.minimum(n_control, n_treated), np.maximum(n_control, n_treated)
    critical = np.empty(smaller.shape, np.int64)
    for m, n in np.unique(np.stack([smaller, larger], axis=1), axis=0):
        table = untied_table(int(m), int(n))
        critical[(smaller == m) & (larger == n)] = max(1, int(np.searchsorted(table, tail)))
    return critical


@kernel
def _untied_table(smaller: int, larger: int) -> Floats:
    size = smaller * larger // 2 + 1
    chance = np.zeros(size)
    chance[0] = 1.0
    for i in range(1, smaller + 1):
        a = larger + i
        for k in range(size - 1, a - 1, -1):
            chance[k] -= chance[k - a]
        for k in range(i, size):
            chance[k] += chance[k - i]
        chance *= i / a  # the chance of an arrangement, as there are more of them
    return np.cumsum(chance)


@kernel
def tied_tails(outcome: Floats, is_treated: Floats, null_effect: float) -> tuple[float, float]:
    """Probability of a treated rank sum at most, and at least, the observed one, given the ties.

    ``outcome`` and ``is_treated`` are (patient,). Doubled midranks are whole numbers, and their
    sums over every choice of treated patients are counted one patient at a time (Streitberg and
    Röhmel, Statistical Software Newsletter 1986).
    """
    rows = np.flatnonzero(~np.isnan(outcome))
    moved = outcome[rows] - null_effect * is_treated[rows]
    mine = is_treated[rows] == 1.0
    if 2 * mine.sum() > mine.size:  # count over the smaller arm
        fewer, more = _tied_tails(-moved, ~mine)
    else:
        fewer, more = _tied_tails(moved, mine)
    return fewer, more


@kernel
def _tied_tails(values: Floats, chosen: Floats) -> tuple[float, float]:
    ranks = np.empty(values.size, np.int64)
    for i in range(values.size):
        ranks[i] = 1 + (values < values[i]).sum() + (values <= values[i]).sum()
    ranks -= ranks.min()  # shorter tables: every sum moves by the same
    size = int(chosen.sum())
    most = np.sort(ranks)[ranks.size - size :].sum()
    chance = np.zeros((size + 1, most + 1))
    chance[0, 0] = 1.0
    for i in range(ranks.size):
        for k in range(min(i + 1, size), 0, -1):
            # So many of the first i patients are chosen: a sequential draw keeps numbers small.
            chance[k, ranks[i] :] += chance[k - 1, : most + 1 - ranks[i]]
        chance /= 2.0
    total = chance[size].sum()
    rank_sum = ranks[chosen].sum()
    return chance[size, : rank_sum + 1].sum() / total, chance[size, rank_sum:].sum() / total
