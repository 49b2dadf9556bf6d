"""Score test of a rate ratio of counts more variable than Poisson's, where an arm has no event.

Only the fit under the tested ratio is needed, which exists as soon as there is an event. With times
multiplied by that ratio the treated have the rate of control, so one rate and one shape are fitted
to all.
"""

import numpy as np
from scipy import special

from phase2sim.analyses.events.event_counts import log_rate_ratio, tested_rates
from phase2sim.analyses.events.event_rates import arm_sums, arm_totals, best_rates, best_shape
from phase2sim.analyses.one_sided import NORMAL_REACH
from phase2sim.core.arrays import Arms, Floats, Ints
from phase2sim.core.contracts import Estimates, OwnTest
from phase2sim.core.kernels import kernel

_STEPS, _STEP = 24, 0.25  # of the logarithm of a rate ratio, outwards
_HALVINGS = 40


def score_tested_rates(events: Ints, time: Floats, arm: Arms, null_effect: float) -> Estimates:
    """Score test for a log rate ratio below ``null_effect``, with the interval that agrees with it.

    ``events``, ``time`` and ``arm`` are (trial, patient), of trials with time at risk in both arms
    and no event in one. Without any event z is 0, and no ratio is excluded.
    """
    z, shape, lower, upper = score_tests(events, time, arm, null_effect, NORMAL_REACH)
    effect, se = log_rate_ratio(*arm_totals(events, time, arm))
    test = OwnTest(z, 2.0 * special.ndtr(-abs(z)), lower, upper)
    reason = np.zeros(z.size, np.int64)
    return tested_rates(effect, se, reason, special.ndtr(z), test, shape=shape)


@kernel
def score_tests(
    events: Ints, time: Floats, arm: Arms, null_effect: float, reach: float
) -> tuple[Floats, Floats, Floats, Floats]:
    """Score z, the shape under the tested ratio, and both limits, (trial,) each."""
    trials = arm.shape[0]
    z, shape = np.zeros(trials), np.full(trials, np.inf)
    lower, upper = np.full(trials, -np.inf), np.full(trials, np.inf)
    for trial in range(trials):
        count, _, at_risk = arm_sums(events[trial], time[trial], arm[trial])
        if count.sum() == 0.0:
            continue
        y, t, a = events[trial][at_risk], time[trial][at_risk], arm[trial][at_risk]
        z[trial], shape[trial] = _score(y, t, a, null_effect)
        if count[1] == 0.0:
            upper[trial] = _limit(y, t, a, reach, 1.0)
        else:
            lower[trial] = _limit(y, t, a, reach, -1.0)
    return z, shape, lower, upper


@kernel
def _score(y: Ints, time: Floats, arm: Arms, log_ratio: float) -> tuple[float, float]:
    """Score of the treated arm over its standard error, and the shape, at a log rate ratio."""
    scaled = time.copy()
    for i in range(y.size):
        scaled[i] *= np.exp(log_ratio) if arm[i] == 1 else 1.0
    alike = np.zeros_like(arm)
    shape = best_shape(y, scaled, alike)
    rate = best_rates(y, scaled, alike, shape)[0]
    score, information = 0.0, np.zeros(2)
    for i in range(y.size):
        mean = rate * scaled[i]
        information[arm[i]] += mean / (1.0 + mean / shape)
        if arm[i] == 1:
            score += (y[i] - mean) / (1.0 + mean / shape)
    variance = information[0] * information[1] / information.sum()
    return score / np.sqrt(variance), shape


@kernel
def _limit(y: Ints, time: Floats, arm: Arms, reach: float, side: float) -> float:
    """First log rate ratio from the estimate to a side that the score rejects; infinite if none.

    The score is not monotone: a ratio far out makes counts look more variable, and is not rejected.
    """
    count, total, _ = arm_sums(y, time, arm)
    # Fewer expected events than this cannot be significantly more than none.
    nearest = np.log(reach**2 / count.sum()) + side * np.log(total[0] / total[1])
    for step in range(_STEPS):
        outside = nearest + step * _STEP
        if abs(_score(y, time, arm, side * outside)[0]) <= reach:
            continue
        inside = outside - _STEP
        for _ in range(_HALVINGS):
            middle = 0.5 * (inside + outside)
            if abs(_score(y, time, arm, side * middle)[0]) <= reach:
                inside = middle
            else:
                outside = middle
        limit: float = side * inside
        return limit
    return side * np.inf
