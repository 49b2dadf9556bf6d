"""Logistic regression of responders in every trial, and the difference that it predicts."""

import numpy as np

from phase2sim.analyses.designs import design
from phase2sim.analyses.small_matrices import invert
from phase2sim.contracts import (
    COLLINEAR,
    EMPTY_ARM,
    NO_VARIATION,
    NOT_CONVERGED,
    SEPARATED,
    TOO_FEW,
    Arms,
    Floats,
    Ints,
)
from phase2sim.kernels import kernel

_STEPS = 40
_SETTLED = 1e-10  # a step's largest change of a coefficient; the next is its square
_LARGE = 1e300  # a product whose logarithm is due
_BOUNDLESS = 15.0  # log odds so far out that only separation leads there


@kernel
def standardised(
    responds: Arms,
    arm: Arms,
    covariates: Floats,
    needed: int,
    sampled: bool,  # noqa: FBT001  numba has no keyword-only arguments
) -> tuple[Floats, Floats, Ints, Floats]:
    """Mean predicted rate under treatment minus that under control, in every trial.

    ``responds`` is (trial, patient): 1, 0, or negative for a patient left out, as is one with a nan
    among ``covariates`` (covariate, trial, patient). Those after the first ``needed`` are left out
    where they do not vary. The standard error takes covariates as given, or as ``sampled`` with the
    patients. Returns the difference, its standard error, the index in ``FAILURES``, each (trial,),
    and the mean predictions of control and treatment, (trial, 2).
    """
    trials = arm.shape[0]
    effect, se = np.full(trials, np.nan), np.full(trials, np.nan)
    reason = np.zeros(trials, np.int64)
    means = np.full((trials, 2), np.nan)
    for trial in range(trials):
        known = responds[trial] >= 0
        for j in range(covariates.shape[0]):
            known &= ~np.isnan(covariates[j, trial])
        kept = np.flatnonzero(known)
        y, treated = responds[trial][kept], arm[trial][kept]
        reason[trial] = _reason(y, treated)
        if reason[trial] > 0:
            continue
        x = design(covariates, trial, kept, needed, treated)
        if x.shape[0] == 0:
            reason[trial] = COLLINEAR
            continue
        beta, inverse = np.zeros(x.shape[0]), np.empty((x.shape[0], x.shape[0]))
        reason[trial] = _climb(beta, inverse, x, y)
        if reason[trial] == 0:
            found = _difference(beta, inverse, x, y, sampled)
            effect[trial], se[trial], means[trial, 0], means[trial, 1] = found
    return effect, se, reason, means


@kernel
def _reason(y: Arms, treated: Arms) -> int:
    """Reason why there is nothing to fit, 0 if there is."""
    if not 0 < treated.sum() < treated.size:
        return EMPTY_ARM
    return 0 if 0 < y.sum() < y.size else NO_VARIATION


@kernel
def _climb(beta: Floats, inverse: Floats, x: Floats, y: Arms) -> int:
    """Maximise the likelihood by Newton's steps, halved while it falls; 0 or a reason.

    Leaves the inverse information at the maximum in ``inverse``.
    """
    if x.shape[1] <= x.shape[0]:
        return TOO_FEW
    information, score = np.empty_like(inverse), np.empty(beta.size)
    height = _evaluate(information, score, beta, x, y)
    for step_number in range(_STEPS):
        if np.isnan(invert(inverse, information)):
            return COLLINEAR if step_number == 0 else SEPARATED
        step = np.zeros(beta.size)
        for j in range(beta.size):
            step[j] = (inverse[j] * score).sum()
        if np.abs(step).max() < _SETTLED:
            return 0
        before = beta.copy()
        lower = height
        for _ in range(30):
            beta[:] = before + step
            height = _evaluate(information, score, beta, x, y)
            if height >= lower - 1e-12 * abs(lower):
                break
            step /= 2.0
        if np.abs(beta).max() > _BOUNDLESS:
            return SEPARATED
    return NOT_CONVERGED


@kernel
def _evaluate(information: Floats, score: Floats, beta: Floats, x: Floats, y: Arms) -> float:
    """Log-likelihood; fills its slope and the information."""
    information[:] = 0.0
    score[:] = 0.0
    height = 0.0
    product = 1.0  # of what the log-likelihood would sum the logarithms of, one a patient
    for i in range(x.shape[1]):
        odds = 0.0
        for j in range(beta.size):
            odds += beta[j] * x[j, i]
        small = np.exp(-abs(odds))
        product *= 1.0 + small
        if product > _LARGE:
            height -= np.log(product)
            product = 1.0
        share = 1.0 / (1.0 + small)
        rate = share if odds > 0.0 else small * share
        weight = small * share * share
        height += (y[i] * odds) - max(odds, 0.0)
        for j in range(beta.size):
            score[j] += (y[i] - rate) * x[j, i]
            weighted = weight * x[j, i]
            for k in range(j + 1):
                information[j, k] += weighted * x[k, i]
    for j in range(beta.size):
        for k in range(j):
            information[k, j] = information[j, k]
    return height - float(np.log(product))


@kernel
def _rate(odds: float) -> float:
    small = np.exp(-abs(odds))
    rate: float = 1.0 / (1.0 + small) if odds > 0.0 else small / (1.0 + small)
    return rate


@kernel
def _difference(
    beta: Floats,
    inverse: Floats,
    x: Floats,
    y: Arms,
    sampled: bool,  # noqa: FBT001  numba
) -> tuple[float, float, float, float]:
    """Difference of the mean predictions, its standard error, and both, control first."""
    n = x.shape[1]
    predicted, odds = np.empty((2, n)), np.zeros(n)
    gradient = np.zeros(beta.size)
    for i in range(n):
        for j in range(beta.size):
            odds[i] += beta[j] * x[j, i]
        for a in range(2):
            rate = _rate(odds[i] + beta[1] * (a - x[1, i]))
            predicted[a, i] = rate
            sign = (2.0 * a - 1.0) * rate * (1.0 - rate) / n
            for j in range(beta.size):
                gradient[j] += sign * (a if j == 1 else x[j, i])
    control, treated = predicted[0].mean(), predicted[1].mean()
    direction = np.zeros(beta.size)
    for j in range(beta.size):
        direction[j] = (inverse[j] * gradient).sum()
    if not sampled:
        return treated - control, np.sqrt((direction * gradient).sum()), control, treated
    square = 0.0  # of each patient's influence on the difference
    for i in range(n):
        influence = (predicted[1, i] - predicted[0, i] - (treated - control)) / n
        for j in range(beta.size):
            influence += (y[i] - predicted[np.int64(x[1, i]), i]) * x[j, i] * direction[j]
        square += influence**2
    return treated - control, np.sqrt(square), control, treated
