"""Rate ratios of counted events over time at risk: Poisson and negative binomial."""

import numpy as np

from phase2sim.core.arrays import Arms, Floats, Ints
from phase2sim.core.contracts import EMPTY_ARM, NO_VARIATION
from phase2sim.core.kernels import kernel

_STEPS = 100
_SETTLED = 1e-13  # relative change of a rate
_HALVINGS = 60  # of the interval of log shapes: to rounding
_LOG_SHAPES = (-7.0, 16.0)  # from a variance of 1000 mean^2 to Poisson's but for 1e-7 mean^2


@kernel
def poisson(events: Ints, time: Floats, arm: Arms) -> tuple[Floats, Floats, Ints]:
    """Log ratio of the rates of arm 1 and arm 0 in every trial, with its standard error.

    ``events`` and ``time`` are (trial, patient); a patient without time at risk is excluded.
    Returns the log ratio, its standard error and the index in ``FAILURES``, each (trial,).
    """
    trials = arm.shape[0]
    effect, se = np.full(trials, np.nan), np.full(trials, np.nan)
    reason = np.zeros(trials, np.int64)
    for trial in range(trials):
        count, total, _ = arm_sums(events[trial], time[trial], arm[trial])
        reason[trial] = _failure_reason(count, total)
        if reason[trial] == 0:
            effect[trial] = np.log(count[1] / total[1]) - np.log(count[0] / total[0])
            se[trial] = np.sqrt((1.0 / count).sum())
    return effect, se, reason


@kernel
def negative_binomial(events: Ints, time: Floats, arm: Arms) -> tuple[Floats, Floats, Floats, Ints]:
    """Log rate ratio by maximum likelihood, with variance mean + mean^2 / shape.

    Returns the log ratio, its standard error at the fitted shape, the shape, and the index in
    ``FAILURES``, each (trial,). Where counts vary no more than Poisson's the shape is infinite and
    the result is Poisson's.
    """
    trials = arm.shape[0]
    effect, se = np.full(trials, np.nan), np.full(trials, np.nan)
    shape = np.full(trials, np.nan)
    reason = np.zeros(trials, np.int64)
    for trial in range(trials):
        count, total, at_risk = arm_sums(events[trial], time[trial], arm[trial])
        reason[trial] = _failure_reason(count, total)
        if reason[trial] > 0:
            continue
        y, t, a = events[trial][at_risk], time[trial][at_risk], arm[trial][at_risk]
        shape[trial] = best_shape(y, t, a)
        rate = best_rates(y, t, a, shape[trial])
        information = np.zeros(2)
        for i in range(y.size):
            mean = rate[a[i]] * t[i]
            information[a[i]] += mean / (1.0 + mean / shape[trial])
        effect[trial] = np.log(rate[1] / rate[0])
        se[trial] = np.sqrt((1.0 / information).sum())
    return effect, se, shape, reason


@kernel
def arm_totals(events: Ints, time: Floats, arm: Arms) -> tuple[Floats, Floats]:
    """Events and time at risk of each arm, control first, (trial, 2) each."""
    counts, times = np.empty((arm.shape[0], 2)), np.empty((arm.shape[0], 2))
    for trial in range(arm.shape[0]):
        counts[trial], times[trial], _ = arm_sums(events[trial], time[trial], arm[trial])
    return counts, times


@kernel
def arm_sums(events: Ints, time: Floats, arm: Arms) -> tuple[Floats, Floats, Ints]:
    """Events and time of each arm, control first, and the patients at risk."""
    count, total = np.zeros(2), np.zeros(2)
    at_risk = np.flatnonzero(time > 0.0)
    for i in at_risk:
        count[arm[i]] += events[i]
        total[arm[i]] += time[i]
    return count, total, at_risk


@kernel
def _failure_reason(count: Floats, total: Floats) -> int:
    """Reason why there is no ratio, 0 if there is."""
    if total.min() == 0.0:
        return EMPTY_ARM
    return 0 if count.min() > 0.0 else NO_VARIATION


@kernel
def best_rates(y: Ints, time: Floats, arm: Arms, shape: float) -> Floats:
    """Most likely rate of each arm for a shape, by scoring, which rises to it step by step."""
    rate = np.zeros(arm.max() + 1)
    for a in range(rate.size):
        mine = arm == a
        rate[a] = y[mine].sum() / time[mine].sum()
        for _ in range(_STEPS):
            score = information = 0.0
            for i in range(y.size):
                if mine[i]:
                    mean = rate[a] * time[i]
                    score += (y[i] - mean) / (1.0 + mean / shape)
                    information += mean / (1.0 + mean / shape)
            step = score / information
            rate[a] *= np.exp(min(max(step, -1.0), 1.0))
            if abs(step) < _SETTLED:
                break
    return rate


@kernel
def best_shape(y: Ints, time: Floats, arm: Arms) -> float:
    """Most likely shape, infinite if the likelihood rises all the way to Poisson's."""
    low, high = _LOG_SHAPES
    if _slope(y, time, arm, np.exp(high)) >= 0.0:
        return np.inf
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        if _slope(y, time, arm, np.exp(middle)) > 0.0:
            low = middle
        else:
            high = middle
    shape: float = np.exp(0.5 * (low + high))
    return shape


@kernel
def _slope(y: Ints, time: Floats, arm: Arms, shape: float) -> float:
    """Slope of the log-likelihood by the shape, rates at their best."""
    rate = best_rates(y, time, arm, shape)
    slope = 0.0
    for i in range(y.size):
        mean = rate[arm[i]] * time[i]
        for k in range(y[i]):
            slope += 1.0 / (shape + k) - 1.0 / (shape + mean)
        slope += mean / (shape + mean) - np.log1p(mean / shape)
    return slope
