"""A regression in each arm of every trial, and the difference of their means over all patients."""

import numpy as np

from phase2sim.analyses.small_matrices import invert
from phase2sim.contracts import COLLINEAR, EMPTY_ARM, NO_VARIATION, TOO_FEW, Arms, Floats, Ints
from phase2sim.kernels import kernel

# Share of its variance below which a column, or the residuals, no longer vary.
_ROUNDING = 1e-24


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
        kept = np.flatnonzero(complete)
        x, still = _standardised(covariates, trial, kept, needed)
        if still > 0:
            found = (np.nan, np.nan, np.nan, COLLINEAR)
        else:
            found = _compare(x, value[trial][kept], arm[trial][kept] == 1)
        effect[trial], se[trial], df[trial], reason[trial] = found
        if reason[trial] != EMPTY_ARM and not 0 < arm[trial][kept].sum() < kept.size:
            reason[trial] = EMPTY_ARM
    return effect, se, df, reason


@kernel
def _standardised(covariates: Floats, trial: int, kept: Ints, needed: int) -> tuple[Floats, int]:
    """Covariates that vary, (covariate, patient), mean 0 and SD 1; and how many needed do not."""
    x = np.empty((covariates.shape[0], kept.size))
    count = still = 0
    for j in range(covariates.shape[0]):
        column = covariates[j, trial][kept]
        mean = column.mean() if kept.size else np.nan
        spread = ((column - mean) ** 2).mean() if kept.size else np.nan
        if spread > _ROUNDING * (spread + mean**2):
            x[count] = (column - mean) / np.sqrt(spread)
            count += 1
        elif j < needed:
            still += 1
    return x[:count], still


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
        mean, squares, size = _fit(slopes[a], x[:, mine], value[mine])
        if np.isnan(mean):
            return np.nan, np.nan, np.nan, COLLINEAR
        if not squares > _ROUNDING * size:
            squares = 0.0
        intercept[a] = mean
        variance[a] = squares / df[a] / mine.size  # over the arm's size: n times its share
    if variance.sum() == 0.0:
        return np.nan, np.nan, np.nan, NO_VARIATION
    differing = 0.0  # the slopes' difference makes the effect depend on who was sampled
    for i in range(n):
        differing += ((slopes[1] - slopes[0]) * x[:, i]).sum() ** 2
    total = variance.sum() + differing / (n - 1.0) / n
    return intercept[1] - intercept[0], np.sqrt(total), df.sum(), 0


@kernel
def _fit(slopes: Floats, x: Floats, value: Floats) -> tuple[float, float, float]:
    """Intercept, residual sum of squares and sum of squares; nan for the first if x is collinear.

    Fills ``slopes``. Columns are centred in the arm, so that normal equations lose few digits.
    """
    covariates, n = x.shape
    middle = np.empty(covariates)
    centred = np.empty((covariates, n))
    for j in range(covariates):
        middle[j] = x[j].mean()
        centred[j] = x[j] - middle[j]
    mean = value.mean()
    off = value - mean
    cross, inverse = np.empty((covariates, covariates)), np.empty((covariates, covariates))
    for j in range(covariates):
        for k in range(covariates):
            cross[j, k] = (centred[j] * centred[k]).sum()
        if not cross[j, j] > _ROUNDING * n:
            return np.nan, np.nan, np.nan
    if np.isnan(invert(inverse, cross)):
        return np.nan, np.nan, np.nan
    for _ in range(2):  # the second round takes up what the first one rounded away
        for j in range(covariates):
            step = 0.0
            for k in range(covariates):
                step += inverse[j, k] * (centred[k] * off).sum()
            slopes[j] += step
        off = value - mean
        for j in range(covariates):
            off -= slopes[j] * centred[j]
    return mean - (slopes * middle).sum(), (off**2).sum(), (value**2).sum()
