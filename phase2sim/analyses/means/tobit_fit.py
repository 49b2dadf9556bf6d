"""Normal regression of outcomes, some known only to lie below a limit, in every trial.

The likelihood is normal, with the chance of a value below the limit for those not measured (Tobin,
Econometrica 1958). In ``slopes / SD`` and ``1 / SD`` it is concave (Olsen, Econometrica 1978), so
Newton's steps, halved while it falls, reach its only maximum.
"""

from math import erfc

import numpy as np

from phase2sim.analyses.responders.design_matrices import design_matrix
from phase2sim.analyses.tolerances import ROUNDING
from phase2sim.core.arrays import Arms, Bools, Floats, Ints
from phase2sim.core.contracts import (
    ALL_BELOW,
    COLLINEAR,
    EMPTY_ARM,
    NO_VARIATION,
    NOT_CONVERGED,
    TOO_FEW,
)
from phase2sim.core.kernels import kernel
from phase2sim.core.small_matrices import invert

_STEPS = 100
_SETTLED = 1e-10  # a step's gain in log-likelihood, twice; the next is its square
_HALVINGS = 40
_BOUNDLESS = 1e6  # SDs of the outcome in a residual SD: only a fit without residuals leads there
_FAR = -30.0  # SDs below which the normal tail is its own asymptote


@kernel
def tobit(
    value: Floats, arm: Arms, covariates: Floats, needed: int, limit: float
) -> tuple[Floats, Floats, Floats, Floats, Ints]:
    """Effect of arm 1 against 0 in every trial, values below ``limit`` not measured.

    ``value`` is (trial, patient), ``covariates`` (covariate, trial, patient); a patient with a nan
    is left out, and a covariate after the first ``needed`` where it does not vary. Returns the
    effect, its standard error from the observed information, patients, coefficients and the index
    in ``FAILURES``, each (trial,).
    """
    trials = arm.shape[0]
    effect, se = np.full(trials, np.nan), np.full(trials, np.nan)
    patients, used = np.full(trials, np.nan), np.full(trials, np.nan)
    reason = np.zeros(trials, np.int64)
    for trial in range(trials):
        complete = ~np.isnan(value[trial])
        for j in range(covariates.shape[0]):
            complete &= ~np.isnan(covariates[j, trial])
        rows = np.flatnonzero(complete)
        y, treated = value[trial][rows], arm[trial][rows]
        below = y < limit
        reason[trial] = _failure_reason(treated, below)
        if reason[trial] > 0:
            continue
        x = design_matrix(covariates, trial, rows, needed, treated)
        reason[trial] = COLLINEAR if x.shape[0] == 0 else 0
        if reason[trial] == 0:
            result = _fit(x, np.where(below, limit, y), below)
            effect[trial], se[trial], reason[trial] = result
        if reason[trial] == 0:
            patients[trial], used[trial] = rows.size, x.shape[0]
    return effect, se, patients, used, reason


@kernel
def _failure_reason(treated: Arms, below: Bools) -> int:
    """Reason why there is nothing to fit, 0 if there is."""
    count, measured = np.zeros(2), np.zeros(2)
    for i in range(treated.size):
        count[treated[i]] += 1.0
        measured[treated[i]] += 0.0 if below[i] else 1.0
    if count.min() == 0.0:
        return EMPTY_ARM
    return 0 if measured.min() > 0.0 else ALL_BELOW


@kernel
def _fit(x: Floats, y: Floats, below: Bools) -> tuple[float, float, int]:
    """Effect, standard error and reason of one trial."""
    size = x.shape[0] + 1
    if (~below).sum() <= x.shape[0]:
        return np.nan, np.nan, TOO_FEW
    mean = y.mean()
    scale = np.sqrt(((y - mean) ** 2).mean())
    if not scale**2 > ROUNDING * mean**2:
        return np.nan, np.nan, NO_VARIATION
    z = (y - mean) / scale
    theta = np.zeros(size)  # slopes over the SD, and 1 over the SD
    theta[-1] = 1.0
    inverse = np.empty((size, size))
    reason = _climb(theta, inverse, x, z, below)
    if reason > 0:
        return np.nan, np.nan, reason
    gradient = np.zeros(size)  # of the effect, theta[1] / theta[-1]
    gradient[1], gradient[-1] = 1.0 / theta[-1], -theta[1] / theta[-1] ** 2
    variance = 0.0
    for j in range(size):
        variance += gradient[j] * (inverse[j] * gradient).sum()
    return theta[1] / theta[-1] * scale, np.sqrt(variance) * scale, 0


@kernel
def restricted_score(x: Floats, z: Floats, below: Bools, tested: Bools) -> tuple[float, int]:
    """Score z of a shift of the ``tested`` patients where the model of ``x`` has none; a reason."""
    last = x.shape[0]
    theta, inverse = np.zeros(last + 1), np.empty((last + 1, last + 1))
    theta[-1] = 1.0
    reason = _climb(theta, inverse, x, z, below)
    if reason > 0:
        return np.nan, reason
    whole, full = np.zeros((last + 1, z.size)), np.zeros(last + 2)
    whole[:last], whole[last] = x, tested
    full[:last], full[-1] = theta[:last], theta[-1]
    score, information = np.empty(last + 2), np.empty((last + 2, last + 2))
    _evaluate(score, information, full, whole, z, below)
    inverse = np.empty((last + 2, last + 2))
    if np.isnan(invert(inverse, information)):
        return np.nan, COLLINEAR
    return float(score[last] * np.sqrt(inverse[last, last])), 0


@kernel
def _climb(theta: Floats, inverse: Floats, x: Floats, z: Floats, below: Bools) -> int:
    """Maximise the likelihood; 0 or a reason. Leaves the inverse information in ``inverse``."""
    size = theta.size
    score, information = np.empty(size), np.empty((size, size))
    height = _evaluate(score, information, theta, x, z, below)
    for step_number in range(_STEPS):
        if np.isnan(invert(inverse, information)):
            return COLLINEAR if step_number == 0 else NOT_CONVERGED
        step = np.zeros(size)
        for j in range(size):
            step[j] = (inverse[j] * score).sum()
        gain = (step * score).sum()
        before, lower = theta.copy(), height
        for _ in range(_HALVINGS):
            theta[:] = before + step
            if theta[-1] > 0.0:
                height = _evaluate(score, information, theta, x, z, below)
                if height >= lower - 1e-12 * abs(lower):
                    break
            step /= 2.0
        if theta[-1] > _BOUNDLESS:
            return NO_VARIATION
        if gain < _SETTLED:
            return COLLINEAR if np.isnan(invert(inverse, information)) else 0
    return NOT_CONVERGED


@kernel
def _evaluate(
    score: Floats, information: Floats, theta: Floats, x: Floats, z: Floats, below: Bools
) -> float:
    """Log-likelihood; fills its slope and the observed information."""
    size = theta.size
    row = np.empty(size)
    score[:] = 0.0
    information[:] = 0.0
    height = 0.0
    for i in range(z.size):
        row[:-1] = -x[:, i]
        row[-1] = z[i]
        off: float = (row * theta).sum()
        slope, weight = -off, 1.0
        if below[i]:
            chance, slope = _tail(off)
            height += chance
            weight = slope * (slope + off)
        else:
            height += np.log(theta[-1]) - 0.5 * off**2
            score[-1] += 1.0 / theta[-1]
            information[-1, -1] += 1.0 / theta[-1] ** 2
        for j in range(size):
            score[j] += slope * row[j]
            for k in range(size):
                information[j, k] += weight * row[j] * row[k]
    return height


@kernel
def _tail(u: float) -> tuple[float, float]:
    """Logarithm of the normal distribution function at ``u``, and its slope."""
    if u < _FAR:  # Mills' ratio to the order u^-4
        ratio = -1.0 / u * (1.0 - 1.0 / u**2 + 3.0 / u**4)
        return -0.5 * u**2 - 0.5 * np.log(2.0 * np.pi) + np.log(ratio), 1.0 / ratio
    chance = 0.5 * erfc(-u / np.sqrt(2.0))
    return np.log(chance), np.exp(-0.5 * u**2) / np.sqrt(2.0 * np.pi) / chance
