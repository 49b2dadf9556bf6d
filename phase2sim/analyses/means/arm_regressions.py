"""A regression in each arm of every trial, and the difference of their means over all patients."""

import numpy as np

from phase2sim.analyses.column_sums import dot, total
from phase2sim.analyses.responders.design_matrices import varying_covariates
from phase2sim.analyses.tolerances import ROUNDING
from phase2sim.core.arrays import Arms, Floats, Ints
from phase2sim.core.contracts import COLLINEAR, EMPTY_ARM, NO_VARIATION, TOO_FEW
from phase2sim.core.kernels import kernel
from phase2sim.core.small_matrices import invert


@kernel
def arm_regressions(
    value: Floats, arm: Arms, covariates: Floats, needed: int
) -> tuple[Floats, Floats, Floats, Ints]:
    """Difference of the arms' mean predictions over the patients of both, in every trial.

    ``value`` is (trial, patient), ``covariates`` (covariate, trial, patient); patients with a nan
    are left out. Covariates after the first ``needed`` are left out where they do not vary.
    Returns the difference, its standard error (Ye, Shao, Yi and Zhao, JASA 2023), residual degrees
    of freedom of both regressions, and the index in ``FAILURES``, each (trial,).
    """
    trials = arm.shape[0]
    effect = np.full(trials, np.nan)
    se = np.full(trials, np.nan)
    df = np.full(trials, np.nan)
    reason = np.zeros(trials, np.int64)
    for trial in range(trials):
        complete = ~np.isnan(value[trial])
        for j in range(covariates.shape[0]):
            complete &= ~np.isnan(covariates[j, trial])
        rows = np.flatnonzero(complete)
        x, still = varying_covariates(covariates, trial, rows, needed)
        if still > 0:
            result = (np.nan, np.nan, np.nan, COLLINEAR)
        else:
            result = _compare(x, value[trial][rows], arm[trial][rows] == 1)
        effect[trial], se[trial], df[trial], reason[trial] = result
        if reason[trial] != EMPTY_ARM and not 0 < arm[trial][rows].sum() < rows.size:
            reason[trial] = EMPTY_ARM
    return effect, se, df, reason


@kernel
def _compare(x: Floats, value: Floats, treated: Arms) -> tuple[float, float, float, int]:
    """Effect, standard error, degrees of freedom and reason of one trial."""
    n = value.size
    intercept, variance, df = np.zeros(2), np.zeros(2), np.zeros(2)
    slopes = np.zeros((2, x.shape[0]))
    for a in range(2):
        mine = np.flatnonzero(treated == (a == 1))
        df[a] = mine.size - 1.0 - x.shape[0]
        if df[a] < 1.0:
            return np.nan, np.nan, np.nan, EMPTY_ARM if mine.size == 0 else TOO_FEW
        arm_x = np.empty((x.shape[0], mine.size))
        for j in range(x.shape[0]):
            for i in range(mine.size):
                arm_x[j, i] = x[j, mine[i]]
        mean, squares, size = _fit(slopes[a], arm_x, value[mine])
        if np.isnan(mean):
            return np.nan, np.nan, np.nan, COLLINEAR
        if not squares > ROUNDING * size:
            squares = 0.0
        intercept[a] = mean
        variance[a] = squares / df[a] / mine.size  # over the arm's size: n times its share
    if variance.sum() == 0.0:
        return np.nan, np.nan, np.nan, NO_VARIATION
    moved = np.zeros((1, n))  # the slopes' difference makes the effect depend on who was sampled
    for j in range(x.shape[0]):
        for i in range(n):
            moved[0, i] += (slopes[1, j] - slopes[0, j]) * x[j, i]
    whole = variance.sum() + dot(moved, 0, moved[0]) / (n - 1.0) / n
    return intercept[1] - intercept[0], np.sqrt(whole), df.sum(), 0


@kernel
def _fit(slopes: Floats, x: Floats, value: Floats) -> tuple[float, float, float]:
    """Intercept, residual sum of squares and sum of squares; nan for the first if x is collinear.

    Fills ``slopes``. Columns are centred in the arm, so that normal equations lose few digits.
    """
    covariates, n = x.shape
    middle, centred = _centre(x)
    mean = total(value, 0, n) / n
    off = value - mean
    cross, inverse = np.empty((covariates, covariates)), np.empty((covariates, covariates))
    for j in range(covariates):
        for k in range(covariates):
            cross[j, k] = dot(centred, j, centred[k])
        if not cross[j, j] > ROUNDING * n:
            return np.nan, np.nan, np.nan
    if np.isnan(invert(inverse, cross)):
        return np.nan, np.nan, np.nan
    right = np.empty(covariates)
    for _ in range(2):  # the second round takes up what the first one rounded away
        for j in range(covariates):
            right[j] = dot(centred, j, off)
        for j in range(covariates):
            step = dot(inverse, j, right)
            slopes[j] += step
            mean -= step * middle[j]
            for i in range(n):
                off[i] -= step * centred[j, i]
    return mean, (off**2).sum(), (value**2).sum()


@kernel
def _centre(x: Floats) -> tuple[Floats, Floats]:
    """Mean of every row, and the rows less their means."""
    middle, centred = np.empty(x.shape[0]), np.empty_like(x)
    for j in range(x.shape[0]):
        middle[j] = total(x[j], 0, x.shape[1]) / x.shape[1]
        for i in range(x.shape[1]):
            centred[j, i] = x[j, i] - middle[j]
    return middle, centred
