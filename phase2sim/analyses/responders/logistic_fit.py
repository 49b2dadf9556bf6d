"""Logistic regression of responders in every trial, and the difference that it predicts.

Coefficients are the log odds of control and of treatment at the covariates' means, then the slopes.
Patients stand by arm, controls first, so that an arm's sums run over a stretch.
"""

from typing import NamedTuple

import numpy as np

from phase2sim.analyses.column_sums import decay, dot, total, triple, weighted_sums
from phase2sim.analyses.responders.design_matrices import varying_covariates
from phase2sim.core.arrays import Arms, Floats, Ints
from phase2sim.core.contracts import (
    COLLINEAR,
    EMPTY_ARM,
    NO_VARIATION,
    NOT_CONVERGED,
    SEPARATED,
    TOO_FEW,
)
from phase2sim.core.kernels import kernel
from phase2sim.core.small_matrices import invert

_STEPS = 40
_SETTLED = 1e-6  # the last step's largest change of a coefficient; what is left is its square
_HALVINGS = 30
_BLOCK = 512  # patients whose factors of the likelihood, each at most 2, fit into one number
_BOUNDLESS = 15.0  # log odds so far out that only separation leads there


class _LogisticFit(NamedTuple):
    """A trial and the model of it, filled on the way to the maximum."""

    controls: int  # how many; they stand first
    x: Floats  # (covariate, patient)
    y: Floats  # (patient,)
    beta: Floats  # (coefficient,)
    odds: Floats  # (patient,) logarithm of the odds of response; between two steps of no meaning
    residual: Floats  # (patient,) response minus its chance
    weight: Floats  # (patient,) variance of the response
    score: Floats  # (coefficient,) slope of the log-likelihood
    information: Floats  # (coefficient, coefficient)
    inverse: Floats  # (coefficient, coefficient)


@kernel
def standardised_difference(
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
        rows, controls = _order_by_arm(responds, arm, covariates, trial)
        y = np.empty(rows.size)
        for i in range(rows.size):
            y[i] = responds[trial, rows[i]]
        reason[trial] = _failure_reason(y, controls)
        if reason[trial] > 0:
            continue
        x, still = varying_covariates(covariates, trial, rows, needed)
        if still > 0:
            reason[trial] = COLLINEAR
            continue
        fit = _zero_fit(x, y, controls)
        reason[trial] = _climb(fit)
        if reason[trial] == 0:
            result = _difference(fit, sampled)
            effect[trial], se[trial], means[trial, 0], means[trial, 1] = result
    return effect, se, reason, means


@kernel
def _order_by_arm(responds: Arms, arm: Arms, covariates: Floats, trial: int) -> tuple[Ints, int]:
    """Patients of whom everything is known, controls first, and how many controls."""
    patients = arm.shape[1]
    is_complete = np.empty(patients, np.bool_)
    for i in range(patients):
        is_complete[i] = responds[trial, i] >= 0
    for j in range(covariates.shape[0]):
        for i in range(patients):
            value = covariates[j, trial, i]
            is_complete[i] &= value == value  # noqa: PLR0124  equal unless nan
    n = controls = 0
    for i in range(patients):
        n += is_complete[i]
        controls += is_complete[i] & (arm[trial, i] == 0)
    rows = np.empty(n, np.int64)
    control, treated = 0, controls  # where the next of each arm goes
    for i in range(patients):
        if is_complete[i]:
            mine = arm[trial, i]
            rows[treated if mine == 1 else control] = i
            treated += mine
            control += 1 - mine
    return rows, controls


@kernel
def _failure_reason(y: Floats, controls: int) -> int:
    """Reason why there is nothing to fit, 0 if there is."""
    if not 0 < controls < y.size:
        return EMPTY_ARM
    return 0 if 0.0 < total(y, 0, y.size) < y.size else NO_VARIATION


@kernel
def _zero_fit(x: Floats, y: Floats, controls: int) -> _LogisticFit:
    """Fit with all coefficients zero, where every chance is a half."""
    size, n = 2 + x.shape[0], y.size
    square = (size, size)
    return _LogisticFit(
        controls,
        x,
        y,
        np.zeros(size),
        np.empty(n),
        np.empty(n),
        np.empty(n),
        np.empty(size),
        np.empty(square),
        np.empty(square),
    )


@kernel
def _climb(fit: _LogisticFit) -> int:
    """Maximise the likelihood by Newton's steps, halved while it falls; 0 or a reason.

    Leaves the model at the maximum, with its inverse information.
    """
    size, n = fit.beta.size, fit.y.size
    if n <= size:
        return TOO_FEW
    if not _start(fit):
        return COLLINEAR
    step = np.empty(size)
    height = _evaluate(fit)
    if not height > -n * np.log(2.0):
        fit.beta[:] = 0.0  # every chance a half is likelier than the start
        height = _evaluate(fit)
    for _ in range(_STEPS):
        if np.isnan(invert(fit.inverse, fit.information)):
            return SEPARATED
        for j in range(size):
            step[j] = dot(fit.inverse, j, fit.score)
        settled = _largest(step) < _SETTLED
        height = _ascend(fit, step, height)
        treatment = fit.beta[1] - fit.beta[0]
        if max(_largest(fit.beta[2:]), abs(fit.beta[0]), abs(treatment)) > _BOUNDLESS:
            return SEPARATED
        if settled:
            return SEPARATED if np.isnan(invert(fit.inverse, fit.information)) else 0
    return NOT_CONVERGED


@kernel
def _ascend(fit: _LogisticFit, step: Floats, lower: float) -> float:
    """Take a step, or as much of it as does not go down; return the log-likelihood there."""
    before = fit.beta.copy()
    height = lower
    for _ in range(_HALVINGS):
        for j in range(step.size):
            fit.beta[j] = before[j] + step[j]
        height = _evaluate(fit)
        if height >= lower - 1e-12 * abs(lower):
            break
        step /= 2.0
    return height


@kernel
def _largest(vector: Floats) -> float:
    largest = 0.0
    for element in vector:
        largest = max(largest, abs(element))
    return largest


@kernel
def _start(fit: _LogisticFit) -> bool:
    """Begin at the linear discriminant, which is near if covariates are near normal.

    It follows from least squares (Haggstrom, Journal of Business & Economic Statistics 1983).
    Returns whether the columns are independent.
    """
    n = fit.y.size
    fit.weight[:] = 1.0
    _sum_up(fit, fit.y)
    if np.isnan(invert(fit.inverse, fit.information)):
        return False
    responders = total(fit.y, 0, n)
    squares = responders  # those of the residuals
    for j in range(fit.beta.size):
        fit.beta[j] = dot(fit.inverse, j, fit.score)
        squares -= fit.beta[j] * fit.score[j]
    times = n / squares
    others = n - responders
    middle = np.log(responders / others) + n / 2.0 * (1.0 / responders - 1.0 / others)
    for j in range(fit.beta.size):
        fit.beta[j] *= times
        fit.beta[j] += middle - times / 2.0 if j < 2 else 0.0  # noqa: PLR2004  arms
    return True


@kernel
def _evaluate(fit: _LogisticFit) -> float:
    """Log-likelihood at the coefficients; fills residuals, weights, slope and information."""
    n = fit.y.size
    fit.odds[: fit.controls] = fit.beta[0]
    fit.odds[fit.controls :] = fit.beta[1]
    for j in range(fit.x.shape[0]):
        for i in range(n):
            fit.odds[i] += fit.beta[2 + j] * fit.x[j, i]
    decay(fit.weight, fit.odds, fit.residual)
    height = _log_likelihood(fit.y, fit.odds, fit.weight)
    for i in range(n):
        likely = 1.0 / (1.0 + fit.weight[i])  # chance of the outcome that is the likelier one
        unlikely = fit.weight[i] * likely  # no difference, so it keeps its digits near 0
        responder, odds_on = fit.y[i] > 0.0, fit.odds[i] > 0.0
        residual = unlikely if responder == odds_on else likely
        fit.residual[i] = residual if responder else -residual
        fit.weight[i] = likely * unlikely
    _sum_up(fit, fit.residual)
    return height


@kernel
def _log_likelihood(y: Floats, odds: Floats, decayed: Floats) -> float:
    """Sum of y odds - log(1 + exp(odds)), given exp(-abs(odds)): one logarithm a block."""
    height = 0.0
    for first in range(0, y.size, _BLOCK):
        last = min(first + _BLOCK, y.size)
        a = b = 1.0
        for i in range(first, last - 1, 2):  # two products do not wait for each other
            a *= 1.0 + decayed[i]
            b *= 1.0 + decayed[i + 1]
        if (last - first) % 2 == 1:
            a *= 1.0 + decayed[last - 1]
        height -= np.log(a * b)
    for i in range(y.size):
        height += y[i] * odds[i] - max(odds[i], 0.0)
    return height


@kernel
def _sum_up(fit: _LogisticFit, vector: Floats) -> None:
    """Fill the score with sums of ``vector``, the information with weighted sums of products."""
    n, score, information = fit.y.size, fit.score, fit.information
    score[:] = 0.0
    information[:] = 0.0
    for a in range(2):
        first, last = (0, fit.controls) if a == 0 else (fit.controls, n)
        if score.size == 2:  # noqa: PLR2004  nothing but arms
            score[a], information[a, a] = total(vector, first, last), total(fit.weight, first, last)
        for j in range(2, score.size):
            sums = weighted_sums(fit.x, j - 2, vector, fit.weight, first, last)
            score[a], information[a, a] = sums[0], sums[1]
            score[j] += sums[2]
            information[j, a] = sums[3]
            information[j, j] += sums[4]
    for j in range(2, score.size):
        for k in range(2, j):
            information[j, k] = triple(fit.x, j - 2, k - 2, fit.weight)
        for k in range(j):
            information[k, j] = information[j, k]


@kernel
def _difference(
    fit: _LogisticFit,
    sampled: bool,  # noqa: FBT001  numba
) -> tuple[float, float, float, float]:
    """Difference of the mean predictions, its standard error, and both, control first."""
    size, n = fit.beta.size, fit.y.size
    gradient, direction = np.empty(size), np.empty(size)
    control, treated = _predict(fit, gradient)
    gap, slope, influence = fit.odds, fit.weight, fit.weight
    variance = 0.0
    for j in range(size):
        if j >= 2:  # noqa: PLR2004  arms
            gradient[j] = dot(fit.x, j - 2, slope) / n
    for j in range(size):
        direction[j] = dot(fit.inverse, j, gradient)
        variance += direction[j] * gradient[j]
    if not sampled:
        return treated - control, np.sqrt(variance), control, treated
    influence[: fit.controls] = direction[0]
    influence[fit.controls :] = direction[1]
    for j in range(size - 2):
        for i in range(n):
            influence[i] += direction[2 + j] * fit.x[j, i]
    square = 0.0  # of each patient's influence on the difference
    for i in range(n):
        square += ((gap[i] - (treated - control)) / n + influence[i] * fit.residual[i]) ** 2
    return treated - control, np.sqrt(square), control, treated


@kernel
def _predict(fit: _LogisticFit, gradient: Floats) -> tuple[float, float]:
    """Mean chances if all were controls, and if all were treated.

    Leaves in ``odds`` each patient's chance under treatment minus that under control, in ``weight``
    the same of the chances' slopes, and in ``gradient`` those of the difference by arm.
    """
    n = fit.y.size
    ratio = np.exp(fit.beta[1] - fit.beta[0])
    control = treated = slope_control = slope_treated = 0.0
    for i in range(n):
        chance = fit.y[i] - fit.residual[i]
        low, high = chance, chance * ratio / (1.0 - chance + chance * ratio)
        if i >= fit.controls:
            low, high = chance / (chance + (1.0 - chance) * ratio), chance
        control += low
        treated += high
        slope_control += low * (1.0 - low)
        slope_treated += high * (1.0 - high)
        fit.odds[i] = high - low
        fit.weight[i] = high * (1.0 - high) - low * (1.0 - low)
    gradient[0], gradient[1] = -slope_control / n, slope_treated / n
    return control / n, treated / n
