"""Least squares for the first n patients of every trial, for many n in one pass over the patients.

Sums of products are carried from patient to patient, so a fit to the first n costs the same
whatever n is, and does not depend on how many follow. They are taken about the first patient's
values, which keeps their digits; a fit that would still lose too many is left to the caller.
"""

import numpy as np

from phase2sim.core.arrays import Arms, Floats, Ints
from phase2sim.core.kernels import inline_kernel, kernel

_WITH_ONE_COVARIATE = 3  # columns
NOT_SAFE = -1  # in place of a reason: the sums cannot say, ask the patients themselves
_LEFT_OF_A_COLUMN = 1e-4  # share of a sum of squares that must be left after the columns before it


@kernel
def running_least_squares(
    value: Floats, arm: Arms, covariates: Floats, sizes: Ints
) -> tuple[Floats, Floats, Floats, Ints]:
    """Fit value ~ arm + covariates to the first ``sizes`` patients who have no nan.

    ``value`` is (trial, patient), ``covariates`` (covariate, trial, patient); ``sizes`` rise.
    Returns the effect of arm 1 against 0, its standard error and residual degrees of freedom, each
    (size, trial), and 0 where it was answered, else ``NOT_SAFE``.
    """
    trials = arm.shape[0]
    columns = covariates.shape[0] + 2  # covariates, treatment, outcome
    effect = np.full((sizes.size, trials), np.nan)
    se = np.full((sizes.size, trials), np.nan)
    df = np.full((sizes.size, trials), np.nan)
    reason = np.zeros((sizes.size, trials), np.int64)
    origin = np.empty(columns)
    row = np.empty(columns)
    sums = np.empty(columns)
    products = np.empty((columns, columns))
    factor = np.empty((columns, columns))
    for trial in range(trials):
        sums[:] = 0.0
        products[:] = 0.0
        n = start = 0
        for k in range(sizes.size):
            patients = (trial, start, sizes[k])
            if columns == _WITH_ONE_COVARIATE:
                n = _add_with_one(sums, products, origin, (value, arm, covariates), patients, n)
            else:
                n = _add(sums, products, (origin, row), (value, arm, covariates), patients, n)
            start = sizes[k]
            fitted = _fit(factor, sums, products, n)
            effect[k, trial], se[k, trial], df[k, trial], reason[k, trial] = fitted
    return effect, se, df, reason


@inline_kernel
def _add(
    sums: Floats,
    products: Floats,
    work: tuple[Floats, Floats],
    data: tuple[Floats, Arms, Floats],
    patients: tuple[int, int, int],
    n: int,
) -> int:
    """Add patients of a trial, measured from the first of ``n`` so far; return how many then."""
    value, arm, covariates = data
    trial, start, stop = patients
    origin, row = work
    last = row.size - 1
    for i in range(start, stop):
        total = value[trial, i]
        for j in range(last - 1):
            row[j] = covariates[j, trial, i]
            total += row[j]
        if total == total:  # noqa: PLR0124  false for nan only
            row[last - 1] = arm[trial, i]
            row[last] = value[trial, i]
            if n == 0:
                origin[:] = row
            n += 1
            for j in range(row.size):
                row[j] -= origin[j]
                sums[j] += row[j]
                for k in range(j + 1):
                    products[j, k] += row[j] * row[k]
    return n


@inline_kernel
def _add_with_one(
    sums: Floats,
    products: Floats,
    origin: Floats,
    data: tuple[Floats, Arms, Floats],
    patients: tuple[int, int, int],
    n: int,
) -> int:
    """As ``_add`` for the usual single covariate: its sums stay in registers, twice as fast."""
    value, arm, covariates = data
    trial, start, stop = patients
    x0, a0, y0 = origin[0], origin[1], origin[2]
    sx, sa, sy = sums[0], sums[1], sums[2]
    xx, ax, aa = products[0, 0], products[1, 0], products[1, 1]
    yx, ya, yy = products[2, 0], products[2, 1], products[2, 2]
    for i in range(start, stop):
        x, y = covariates[0, trial, i], value[trial, i]
        a = float(arm[trial, i])
        if x + y == x + y:  # false for nan only
            if n == 0:
                x0, a0, y0 = x, a, y
            n += 1
            x, a, y = x - x0, a - a0, y - y0
            sx, sa, sy = sx + x, sa + a, sy + y
            xx, ax, aa = xx + x * x, ax + a * x, aa + a * a
            yx, ya, yy = yx + y * x, ya + y * a, yy + y * y
    origin[0], origin[1], origin[2] = x0, a0, y0
    sums[0], sums[1], sums[2] = sx, sa, sy
    products[0, 0], products[1, 0], products[1, 1] = xx, ax, aa
    products[2, 0], products[2, 1], products[2, 2] = yx, ya, yy
    return n


@inline_kernel
def _fit(factor: Floats, sums: Floats, products: Floats, n: int) -> tuple[float, float, float, int]:
    """Effect, standard error and degrees of freedom from the sums, by a Cholesky factor."""
    columns = sums.size
    df = n - columns
    if df < 1:
        return np.nan, np.nan, np.nan, NOT_SAFE
    for j in range(columns):
        for k in range(j + 1):
            factor[j, k] = products[j, k] - sums[j] * sums[k] / n
        squares = factor[j, j]
        for k in range(j):
            for m in range(k):
                factor[j, k] -= factor[j, m] * factor[k, m]
            factor[j, k] /= factor[k, k]
            factor[j, j] -= factor[j, k] ** 2
        # The first sum of squares also loses to its mean, the others to the columns before them.
        if not factor[j, j] > _LEFT_OF_A_COLUMN * min(squares, products[j, j]) or not (
            squares > _LEFT_OF_A_COLUMN * products[j, j]
        ):
            return np.nan, np.nan, np.nan, NOT_SAFE
        factor[j, j] = np.sqrt(factor[j, j])
    treatment, outcome = columns - 2, columns - 1
    left = factor[outcome, outcome] / factor[treatment, treatment]
    effect = factor[outcome, treatment] / factor[treatment, treatment]
    return effect, left / np.sqrt(df), float(df), 0


@kernel
def running_two_means(
    value: Floats,
    baseline: Floats,
    arm: Arms,
    sizes: Ints,
    change: bool,  # noqa: FBT001  numba has no keyword-only arguments
    pooled: bool,  # noqa: FBT001  numba has no keyword-only arguments
) -> tuple[Floats, Floats, Floats, Ints]:
    """Mean of arm 1 minus mean of arm 0 among the first ``sizes`` patients without a nan.

    As ``running_least_squares``; ``change`` subtracts the baseline, ``pooled`` is Student's test,
    else Welch's.
    """
    trials = arm.shape[0]
    effect = np.full((sizes.size, trials), np.nan)
    se = np.full((sizes.size, trials), np.nan)
    df = np.full((sizes.size, trials), np.nan)
    reason = np.zeros((sizes.size, trials), np.int64)
    n = np.empty(2)
    sums = np.empty(2)
    squares = np.empty(2)
    origin = np.empty(2)
    for trial in range(trials):
        n[:] = 0.0
        sums[:] = 0.0
        squares[:] = 0.0
        i = 0
        for k in range(sizes.size):
            while i < sizes[k]:
                y = value[trial, i] - baseline[trial, i] if change else value[trial, i]
                a = arm[trial, i]
                if y == y:  # noqa: PLR0124  false for nan only
                    if n[a] == 0.0:
                        origin[a] = y
                    n[a] += 1.0
                    sums[a] += y - origin[a]
                    squares[a] += (y - origin[a]) ** 2
                i += 1
            compared = _compare(n, sums, squares, origin, pooled)
            effect[k, trial], se[k, trial], df[k, trial], reason[k, trial] = compared
    return effect, se, df, reason


@inline_kernel
def _compare(
    n: Floats,
    sums: Floats,
    squares: Floats,
    origin: Floats,
    pooled: bool,  # noqa: FBT001  numba has no keyword-only arguments
) -> tuple[float, float, float, int]:
    """Difference, standard error and degrees of freedom from the sums of both arms."""
    if min(n[0], n[1]) < 2.0:  # noqa: PLR2004 - a variance needs two
        return np.nan, np.nan, np.nan, NOT_SAFE
    left0 = squares[0] - sums[0] ** 2 / n[0]
    left1 = squares[1] - sums[1] ** 2 / n[1]
    if not (left0 > _LEFT_OF_A_COLUMN * squares[0] and left1 > _LEFT_OF_A_COLUMN * squares[1]):
        return np.nan, np.nan, np.nan, NOT_SAFE
    effect = (origin[1] - origin[0]) + (sums[1] / n[1] - sums[0] / n[0])
    if pooled:
        df = n[0] + n[1] - 2.0
        return effect, np.sqrt((left0 + left1) / df * (1.0 / n[0] + 1.0 / n[1])), df, 0
    share0 = left0 / (n[0] - 1.0) / n[0]
    share1 = left1 / (n[1] - 1.0) / n[1]
    df = (share0 + share1) ** 2 / (share0**2 / (n[0] - 1.0) + share1**2 / (n[1] - 1.0))
    return effect, np.sqrt(share0 + share1), df, 0
