"""Whether the ranks of true values among posterior draws are uniform, and intervals cover.

Talts et al. 2018 (arXiv:1804.06788) for the ranks; Sailynoja, Burkner and Vehtari 2022
(Statistics and Computing 32:32) for the simultaneous band of their distribution function.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import stats

type Floats = NDArray[np.float64]
type Ints = NDArray[np.int64]

BINS = 16
SIMULATED = 20_000  # uniform samples behind the band
LEVELS = (0.5, 0.9)
MOST_STANDARD_ERRORS = 3.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one quantity's ranks look; each p is the chance of worse under perfect calibration."""

    chi_square: float
    ecdf: float
    coverage: tuple[float, ...]  # share of ``LEVELS`` intervals that hold the truth
    off: tuple[float, ...]  # the same less its level, in binomial standard errors


def verdict(ranks: Ints, draws: int) -> Verdict:
    """Judge ranks (replication,), each between 0 and ``draws``."""
    found = coverage(ranks, draws)
    expected = [inside(level, draws) for level in LEVELS]
    errors = [
        (share - level) / np.sqrt(level * (1 - level) / len(ranks))
        for share, level in zip(found, expected, strict=True)
    ]
    return Verdict(chi_square(ranks, draws), ecdf(ranks, draws), tuple(found), tuple(errors))


def chi_square(ranks: Ints, draws: int) -> float:
    """P-value of equal chances of ``BINS`` bins of ranks, as even as whole ranks allow."""
    edges = np.round(np.linspace(0, draws + 1, BINS + 1))
    counts, _ = np.histogram(ranks, edges - 0.5)
    expected = len(ranks) * np.diff(edges) / (draws + 1)
    return float(stats.chisquare(counts, expected).pvalue)


def ecdf(ranks: Ints, draws: int) -> float:
    """P-value of the ranks' distribution function leaving its simultaneous band."""
    pointwise = _least_pointwise(ranks[None, :], draws)[0]
    simulated = _under_uniformity(len(ranks), draws)
    return float((np.sum(simulated <= pointwise) + 1) / (SIMULATED + 1))


def inside(level: float, draws: int) -> float:
    """Chance that a uniform rank counts as inside the central interval of this level."""
    low, high = _central(level, draws)
    return (high - low + 1) / (draws + 1)


def coverage(ranks: Ints, draws: int) -> list[float]:
    """Share of ranks inside the central interval of each level."""
    bounds = [_central(level, draws) for level in LEVELS]
    return [float(np.mean((low <= ranks) & (ranks <= high))) for low, high in bounds]


def _central(level: float, draws: int) -> tuple[int, int]:
    outside = round((1 - level) / 2 * (draws + 1))
    return outside, draws - outside


def _least_pointwise(ranks: Ints, draws: int) -> Floats:
    """Smallest two-sided binomial tail (sample,) of the distribution function over all ranks."""
    n = ranks.shape[1]
    counts = np.stack([np.bincount(row, minlength=draws + 1) for row in ranks])
    below = np.cumsum(counts, axis=1)[:, :-1]
    lower, upper = _tails(n, draws)
    place = np.arange(draws)
    tails = np.minimum(lower[place, below], upper[place, below])
    return np.asarray(2.0 * tails.min(axis=1))


@cache
def _tails(n: int, draws: int) -> tuple[Floats, Floats]:
    """Chances (rank, count) of at most and of at least so many of n at or below a rank."""
    chance = (np.arange(draws) + 1.0)[:, None] / (draws + 1.0)
    count = np.arange(n + 1)
    return stats.binom.cdf(count, n, chance), stats.binom.sf(count - 1, n, chance)


@cache
def _under_uniformity(n: int, draws: int) -> Floats:
    rng = np.random.default_rng(20_22)
    parts = [
        _least_pointwise(rng.integers(0, draws + 1, (SIMULATED // 20, n)), draws) for _ in range(20)
    ]
    return np.concatenate(parts)
