"""Scores of reported numbers within simulated reports, and whether the intervals are calibrated.

The score z of a number is the normal quantile of its rank among the simulated ones (probability
integral transform; mid-rank where values are tied, as counts are). If the simulation is right, z
is standard normal: its SD is 1, and 50 % of numbers lie in the central 50 % interval.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

type Floats = NDArray[np.float64]

RESAMPLES = 4000
LEVELS = (0.5, 0.95)
SD_LIMITS = (0.85, 1.15)  # of the criterion
SHARE_LIMITS = (0.40, 0.60)  # of numbers inside their 50 % intervals
LEAST_EIGENVALUE = 1e-6


@dataclass(frozen=True, slots=True)
class Share:
    """An estimate with its standard error."""

    value: float
    se: float


@dataclass(frozen=True, slots=True)
class Summary:
    """Calibration of a group of scores."""

    numbers: int
    studies: int
    mean: Share
    about_zero: Share  # root mean square
    sd: Share  # about the mean; nan for a single number
    inside: tuple[Share, ...]  # share of numbers inside the central interval of each of ``LEVELS``


def mid_rank(reported: float, simulated: Floats) -> float:
    """Share of simulated values below the reported one, ties counted half, never 0 or 1."""
    below = np.sum(simulated < reported) + 0.5 * np.sum(simulated == reported)
    return float((below + 0.5) / (simulated.size + 1.0))


def normal_score(reported: float, simulated: Floats) -> float:
    """Standard normal quantile of the mid-rank."""
    return float(special.ndtri(mid_rank(reported, simulated)))


def independent_scores(reported: Floats, simulated: Floats) -> Floats:
    """Scores (number,) of one study, each given those before it.

    The numbers of one study share its level and its patients, so their scores are correlated.
    Here the simulated numbers (replica, number) are turned into normal scores, and each score is
    standardised given the earlier ones by their correlations.
    """
    scores = np.array([normal_score(*pair) for pair in zip(reported, simulated.T, strict=True)])
    ranks = stats.rankdata(simulated, axis=0)
    normal = special.ndtri((ranks - 0.5) / len(simulated))
    correlation = np.atleast_2d(np.corrcoef(normal, rowvar=False))
    factor = np.linalg.cholesky(correlation + LEAST_EIGENVALUE * np.eye(len(scores)))
    return np.asarray(np.linalg.solve(factor, scores))


def summarise(scores: Mapping[str, Sequence[float]], seed: int = 1) -> Summary:
    """Summarise the scores of each study; standard errors by resampling whole studies.

    Numbers of one study are not independent, so studies are drawn with replacement.
    """
    by_study = [np.asarray(of, dtype=float) for of in scores.values() if len(of)]
    studies = len(by_study)
    whole = _statistics(np.concatenate(by_study))
    resampled = np.random.default_rng(seed).integers(0, studies, (RESAMPLES, studies))
    again = np.array([_statistics(np.concatenate([by_study[i] for i in of])) for of in resampled])
    ses = np.nanstd(again, axis=0) if studies > 1 else np.full(len(whole), np.nan)
    mean, about_zero, sd, *inside = (
        Share(float(value), float(se)) for value, se in zip(whole, ses, strict=True)
    )
    numbers = sum(of.size for of in by_study)
    return Summary(numbers, studies, mean, about_zero, sd, tuple(inside))


def is_calibrated(found: Summary) -> bool:
    """Whether the SD about 0 and the share inside 50 % intervals are within their limits."""
    low, high = SD_LIMITS
    fewest, most = SHARE_LIMITS
    return low <= found.about_zero.value <= high and fewest <= found.inside[0].value <= most


def _statistics(scores: Floats) -> list[float]:
    """Mean, root mean square, SD, and share inside the interval of each level."""
    sd = float(scores.std(ddof=1)) if scores.size > 1 else np.nan
    inside = [float(np.mean(np.abs(scores) <= stats.norm.ppf(0.5 + level / 2))) for level in LEVELS]
    return [float(scores.mean()), float(np.sqrt(np.mean(scores**2))), sd, *inside]
