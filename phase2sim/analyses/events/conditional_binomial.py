"""Exact test of the ratio of two Poisson rates, given the number of events in both arms.

Given all events, those of treatment are binomial, with a chance that depends on the ratio and the
times at risk alone: Przyborowski and Wilenski, Biometrika 1940.
"""

import numpy as np
from scipy import special

from phase2sim.analyses.events.event_counts import log_rate_ratio, tested_rates
from phase2sim.core.arrays import Floats
from phase2sim.core.contracts import CONFIDENCE, EMPTY_ARM, Estimates, OwnTest
from phase2sim.core.kernels import kernel

_SAME = 1.0 + 1e-7  # probabilities closer than that are equal: R's rule
_TAIL = (1.0 - CONFIDENCE) / 2.0


def exact_estimates(
    events: Floats, time: Floats, null_effect: float, **details: Floats
) -> Estimates:
    """Exact test of fewer events under treatment, with Clopper and Pearson's interval.

    ``events`` and ``time`` are (trial, 2), control first; ``null_effect`` is the logarithm of a
    rate ratio. A trial without time at risk in an arm has failed.
    """
    reason = np.where(time.min(axis=1) > 0.0, 0, EMPTY_ARM)
    known = np.where(reason[:, None] == 0, time, np.nan)
    effect, se = log_rate_ratio(np.where(reason[:, None] == 0, events, np.nan), known)
    odds = np.exp(null_effect) * known[:, 1] / known[:, 0]
    fewer, two_sided = binomial_tails(events, odds)
    lower, upper = _log_limits(events, known)
    treated = np.where(reason == 0, events[:, 1], np.nan)
    test = OwnTest(treated, two_sided, lower, upper)
    return tested_rates(effect, se, reason, fewer, test, **details)


def _log_limits(events: Floats, time: Floats) -> tuple[Floats, Floats]:
    """Limits of the logarithm of the ratio; infinite on the side that the events leave open."""
    control, treated = events.T
    scale = np.log(time[:, 0]) - np.log(time[:, 1])
    with np.errstate(divide="ignore"):
        low = special.logit(special.betaincinv(np.maximum(treated, 1.0), control + 1.0, _TAIL))
        share = special.betaincinv(treated + 1.0, np.maximum(control, 1.0), 1.0 - _TAIL)
        high = special.logit(share)
    lower: Floats = np.where(treated > 0.0, low, -np.inf) + scale
    upper: Floats = np.where(control > 0.0, high, np.inf) + scale
    return lower, upper


@kernel
def binomial_tails(events: Floats, odds: Floats) -> tuple[Floats, Floats]:
    """Probability of no more events of treatment given all, and of any no more probable number.

    ``events`` is (trial, 2), control first, ``odds`` those of an event being treatment's, (trial,),
    nan for a trial that is left out.
    """
    fewer, two_sided = np.full(odds.size, np.nan), np.full(odds.size, np.nan)
    for i in range(odds.size):
        if np.isnan(odds[i]):
            continue
        count, seen = np.int64(events[i].sum()), np.int64(events[i, 1])
        chance = np.empty(count + 1)
        chance[0] = 1.0
        for k in range(1, count + 1):
            chance[k] = chance[k - 1] * odds[i] * (count - k + 1.0) / k
            if chance[k] > 1e250:  # noqa: PLR2004  nothing this far below matters
                chance[: k + 1] /= chance[k]
        total = chance.sum()
        fewer[i] = chance[: seen + 1].sum() / total
        two_sided[i] = chance[chance <= chance[seen] * _SAME].sum() / total
    return fewer, two_sided
