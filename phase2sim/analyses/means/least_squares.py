"""Least squares for a batch of trials: the effect of treatment next to covariates and one factor.

Each trial is an orthogonalisation. Every column is centred (within the levels of the factor, which
stands for the intercept and the factor's dummies), then freed of the covariates before it, then
the outcome is freed of them all: what is left of the treatment column carries the effect and what
is left of the outcome is the residual. Forming residuals rather than differences of sums of
squares keeps every digit that the data have (Björck, Numerical Methods for Least Squares
Problems, 1996, section 2.4).
"""

import numpy as np

from phase2sim.analyses.tolerances import DETERMINED, ROUNDING
from phase2sim.core.arrays import Arms, Floats, Ints
from phase2sim.core.contracts import COLLINEAR, EMPTY_ARM, NO_VARIATION, TOO_FEW
from phase2sim.core.kernels import inline_kernel, kernel


@kernel
def least_squares(
    value: Floats,
    arm: Arms,
    covariates: Floats,
    needed: int,
    level: Ints,
    levels: int,
    hc3: bool,  # noqa: FBT001  numba has no keyword-only arguments
) -> tuple[Floats, Floats, Floats, Ints]:
    """Fit value ~ arm + covariates + level in every trial, on the patients without a nan.

    ``value`` is (trial, patient), ``covariates`` (covariate, trial, patient) and ``level``
    (trial, patient) in ``range(levels)``, read only if ``levels`` exceeds 1. Of the covariates the
    first ``needed`` must vary on their own; the others are left out of a trial where those before
    determine them. Returns the effect of arm 1 against 0, its standard error, residual degrees of
    freedom, and the index in ``FAILURES`` (0: answered), each (trial,), nan where not answered.
    """
    trials, patients = arm.shape
    columns = np.empty((covariates.shape[0] + 2, patients))  # covariates, treatment, outcome
    norms = np.empty(covariates.shape[0] + 2)
    rows = np.empty(patients, np.int64)
    factor = np.zeros(patients, np.int64)
    sizes = np.empty(levels, np.int64)
    sums = np.empty(levels)
    effect = np.full(trials, np.nan)
    se = np.full(trials, np.nan)
    df = np.full(trials, np.nan)
    reason = np.zeros(trials, np.int64)
    for trial in range(trials):
        n = _complete(rows, columns, value, covariates, trial)
        if n == patients:
            _copy(columns, value, arm, covariates, trial)
        else:
            _copy_rows(columns, rows, n, value, arm, covariates, trial)
        if levels > 1:
            for i in range(n):
                factor[i] = level[trial, i if n == patients else rows[i]]
        fitted = _fit(columns, norms, needed, factor, sizes, sums, n, hc3)
        effect[trial], se[trial], df[trial], reason[trial] = fitted
    return effect, se, df, reason


@inline_kernel
def _fit(
    columns: Floats,
    norms: Floats,
    needed: int,
    factor: Ints,
    sizes: Ints,
    sums: Floats,
    n: int,
    hc3: bool,  # noqa: FBT001  numba has no keyword-only arguments
) -> tuple[float, float, float, int]:
    """Effect, standard error, degrees of freedom and reason of one trial."""
    treatment = columns.shape[0] - 2
    df = n - 1 - needed - _count(sizes, factor, n)
    reason = 0
    if not 0.0 < _mean(columns, treatment, n) < 1.0:
        reason = EMPTY_ARM
    elif df < 1:
        reason = TOO_FEW
    else:
        reason = _orthogonalise(columns, norms, needed, factor, sizes, sums, n)
        for j in range(needed, treatment):
            df -= 1 if norms[j] < np.inf else 0
        reason = TOO_FEW if reason == 0 and df < 1 else reason
    if reason > 0:
        return np.nan, np.nan, np.nan, reason
    effect = _dot(columns, treatment, treatment + 1, n) / norms[treatment]
    _subtract(columns, treatment + 1, treatment, effect, n)
    left = _dot(columns, treatment + 1, treatment + 1, n)
    if not left > norms[treatment + 1]:
        return np.nan, np.nan, np.nan, NO_VARIATION
    variance = left / df / norms[treatment]
    if hc3:
        variance = _hc3(columns, norms, factor, sizes, n)
        if not variance > 0.0:
            return np.nan, np.nan, np.nan, TOO_FEW
    return effect, np.sqrt(variance), float(df), 0


@inline_kernel
def _complete(rows: Ints, scratch: Floats, value: Floats, covariates: Floats, trial: int) -> int:
    """List the patients without a nan and return how many; no list if nobody has one."""
    patients = rows.size
    for i in range(patients):
        scratch[0, i] = value[trial, i]
    for j in range(covariates.shape[0]):
        for i in range(patients):
            scratch[0, i] += covariates[j, trial, i]
    total = _mean(scratch, 0, patients)
    if total == total:  # noqa: PLR0124  false for nan only
        return patients
    n = 0
    for i in range(patients):
        rows[n] = i  # overwritten by the next if incomplete: cheaper than a branch
        n += 1 if scratch[0, i] == scratch[0, i] else 0  # equal unless nan
    return n


@inline_kernel
def _copy(
    columns: Floats,
    value: Floats,
    arm: Arms,
    covariates: Floats,
    trial: int,
) -> None:
    """Copy one trial without a nan."""
    treatment = covariates.shape[0]
    for j in range(treatment):
        for i in range(arm.shape[1]):
            columns[j, i] = covariates[j, trial, i]
    for i in range(arm.shape[1]):
        columns[treatment, i] = arm[trial, i]
    for i in range(arm.shape[1]):
        columns[treatment + 1, i] = value[trial, i]


@inline_kernel
def _copy_rows(
    columns: Floats,
    rows: Ints,
    n: int,
    value: Floats,
    arm: Arms,
    covariates: Floats,
    trial: int,
) -> None:
    """Copy the patients without a nan of one trial."""
    treatment = covariates.shape[0]
    for j in range(treatment):
        for i in range(n):
            columns[j, i] = covariates[j, trial, rows[i]]
    for i in range(n):
        columns[treatment, i] = arm[trial, rows[i]]
        columns[treatment + 1, i] = value[trial, rows[i]]


@inline_kernel
def _count(sizes: Ints, factor: Ints, n: int) -> int:
    """Count the patients of each level; return how many levels have any."""
    if sizes.size == 1:
        sizes[0] = n
        return 1
    sizes[:] = 0
    for i in range(n):
        sizes[factor[i]] += 1
    present = 0
    for size in sizes:
        present += 1 if size > 0 else 0
    return present


@inline_kernel
def _orthogonalise(
    columns: Floats,
    norms: Floats,
    needed: int,
    factor: Ints,
    sizes: Ints,
    sums: Floats,
    n: int,
) -> int:
    """Centre every column and free it of the covariates before it; 0 or a reason for failure.

    ``norms`` holds the sums of squares of what is left; for the outcome, the sum of squares that
    rounding alone could leave; for a covariate that is left out, infinity, which divides it away.
    """
    outcome = columns.shape[0] - 1
    for j in range(outcome + 1):
        mean = _mean(columns, j, n)
        squares = _shift(columns, j, mean, n)
        rounding = ROUNDING * (squares + n * mean**2)
        left = squares
        if sizes.size > 1:
            left = _centre_within(columns, j, factor, sizes, sums, n)
        for k in range(min(j, outcome - 1)):
            _subtract(columns, j, k, _dot(columns, j, k, n) / norms[k], n)
        if 0 < j < outcome:
            left = _dot(columns, j, j, n)
        norms[j] = left if j < outcome else rounding
        if j < outcome and not (left > DETERMINED * squares and squares > rounding):
            if j < needed or j == outcome - 1:
                return COLLINEAR
            norms[j] = np.inf
    return 0


@inline_kernel
def _hc3(columns: Floats, norms: Floats, factor: Ints, sizes: Ints, n: int) -> float:
    """MacKinnon and White's HC3 variance of the effect, nan where a patient alone decides it."""
    treatment = columns.shape[0] - 2
    left: float = norms[treatment]
    total = 0.0
    for i in range(n):
        leverage = 1.0 / sizes[factor[i] if sizes.size > 1 else 0]
        for j in range(treatment + 1):
            leverage += columns[j, i] ** 2 / norms[j]
        if leverage < 1.0 - DETERMINED:
            total += (columns[treatment, i] * columns[treatment + 1, i] / (1.0 - leverage)) ** 2
        elif columns[treatment, i] ** 2 > DETERMINED * left:
            return np.nan
        # else the patient is fitted by a coefficient of their own and says nothing of the effect
    return total / left**2


@inline_kernel
def _mean(columns: Floats, j: int, n: int) -> float:
    """Mean of a column."""
    a = b = c = d = 0.0
    whole = n - n % 4
    for i in range(0, whole, 4):  # four sums do not wait for each other
        a += columns[j, i]
        b += columns[j, i + 1]
        c += columns[j, i + 2]
        d += columns[j, i + 3]
    for i in range(whole, n):
        a += columns[j, i]
    return ((a + b) + (c + d)) / n


@inline_kernel
def _shift(columns: Floats, j: int, mean: float, n: int) -> float:
    """Subtract a number from a column; return the sum of squares left."""
    for i in range(n):
        columns[j, i] -= mean
    return _dot(columns, j, j, n)


@inline_kernel
def _subtract(columns: Floats, j: int, k: int, times: float, n: int) -> None:
    """Subtract a multiple of column ``k`` from column ``j``."""
    for i in range(n):
        columns[j, i] -= times * columns[k, i]


@inline_kernel
def _centre_within(
    columns: Floats, j: int, factor: Ints, sizes: Ints, sums: Floats, n: int
) -> float:
    """Subtract from every patient the mean of their level; return the sum of squares left."""
    sums[:] = 0.0
    for i in range(n):
        sums[factor[i]] += columns[j, i]
    for g in range(sizes.size):
        sums[g] /= max(sizes[g], 1)
    for i in range(n):
        columns[j, i] -= sums[factor[i]]
    return _dot(columns, j, j, n)


@inline_kernel
def _dot(columns: Floats, j: int, k: int, n: int) -> float:
    """Inner product of two columns."""
    a = b = c = d = 0.0
    whole = n - n % 4
    for i in range(0, whole, 4):  # four sums do not wait for each other
        a += columns[j, i] * columns[k, i]
        b += columns[j, i + 1] * columns[k, i + 1]
        c += columns[j, i + 2] * columns[k, i + 2]
        d += columns[j, i + 3] * columns[k, i + 3]
    for i in range(whole, n):
        a += columns[j, i] * columns[k, i]
    return (a + b) + (c + d)
