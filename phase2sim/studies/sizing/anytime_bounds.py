"""Anytime-valid bounds on a probability: they hold at all looks together.

Robbins' mixture of likelihood ratios (Annals of Mathematical Statistics 1970): with a uniform prior
on the chance, the ratio of the mixture's likelihood to that of a candidate p is a martingale if p
is true, so by Ville's inequality it ever reaches 1 / error with probability at most ``error``. The
values of p at which it has not are a confidence set for all looks together.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaln, xlog1py, xlogy

from phase2sim.core.arrays import Floats

_STEPS = 60  # halvings: to the last digit


def lower_bound(successes: ArrayLike, trials: ArrayLike, error: float) -> Floats:
    """Lower bound; the probability that it ever exceeds the true value is at most ``error``."""
    successes, trials = np.broadcast_arrays(np.asarray(successes, float), np.asarray(trials, float))
    return _bisect_bound(successes, trials, np.log(1 / error), np.zeros_like(trials))


def upper_bound(successes: ArrayLike, trials: ArrayLike, error: float) -> Floats:
    """Upper bound; the probability that it is ever below the true value is at most ``error``."""
    return 1.0 - lower_bound(np.asarray(trials) - np.asarray(successes), trials, error)


def log_ratio(successes: ArrayLike, trials: ArrayLike, chance: ArrayLike) -> Floats:
    """Log of the mixture's likelihood over that of ``chance``."""
    good = np.asarray(successes, float)
    bad = np.asarray(trials, float) - good
    p = np.asarray(chance, float)
    mixture = betaln(good + 1.0, bad + 1.0)
    return np.asarray(mixture - xlogy(good, p) - xlog1py(bad, -p))


def _bisect_bound(successes: Floats, trials: Floats, limit: float, low: Floats) -> Floats:
    """Smallest probability below the observed share whose log ratio is under ``limit``."""
    with np.errstate(invalid="ignore", divide="ignore"):
        high = np.where(trials > 0, successes / trials, 0.0)
        for _ in range(_STEPS):
            middle = (low + high) / 2
            outside = log_ratio(successes, trials, middle) >= limit
            low, high = np.where(outside, middle, low), np.where(outside, high, middle)
    return low
