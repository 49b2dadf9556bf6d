"""Data of a mixed model: sums of squares and products of each trial, by missingness pattern.

Patients who were seen at the same visits enter the likelihood only through the sums of products of
their covariates and outcomes. Columns are centred and scaled first, which the model absorbs, so
that these sums keep their digits; the scales are kept to undo it.
"""

from typing import NamedTuple

import numpy as np

from phase2sim.analyses.tolerances import DETERMINED, EXPLAINED, ROUNDING
from phase2sim.core.arrays import Arms, Bools, Floats, Ints
from phase2sim.core.contracts import COLLINEAR, EMPTY_ARM, NO_VARIATION, TOO_FEW
from phase2sim.core.kernels import kernel
from phase2sim.core.small_matrices import fill_column, remaining_pivot

ARM = 1  # column of the treatment, after the intercept
SAFE = 1e-3  # share of a visit's starting variance that the visits before it must leave
_BITS = 62  # visits that one integer holds
_SHRINK = 0.8  # of the correlations, until the starting covariance is positive definite


class Columns(NamedTuple):
    """Numbers of covariates by kind; the others have one slope for all visits."""

    required: int  # the first of them must vary: they have a slope at each visit
    visitwise: int  # with a slope at each visit: these and, after them, levels of a factor


class PatternSums(NamedTuple):
    """Sums of a batch of trials, one entry per trial and missingness pattern.

    Columns are the intercept, the arm, the visit-wise and then the common covariates (``visitwise``
    columns have one slope a visit), and then the outcome at each visit, in units of ``scale``.
    """

    visitwise: int
    is_seen: Bools  # (trial, pattern, visit)
    patients: Floats  # (trial, pattern); 0 beyond the trial's patterns
    sums: Floats  # (trial, pattern, column, column)
    start: Floats  # (trial, visit, visit) residual covariance of a fit at each visit
    scale: Floats  # (trial,) of the outcome
    log_scales: Floats  # (trial,) sum over coefficients of the log of their column's scale
    reason: Ints  # (trial,) why it cannot be fitted, 0 if it can


def pattern_sums(
    value: Floats, arm: Arms, covariates: Floats, columns: Columns, analysed: tuple[int, int]
) -> PatternSums:
    """Sums of the patients who have every covariate and at least one visit.

    ``value`` is (trial, visit, patient), ``covariates`` (covariate, trial, patient) in the order
    that ``columns`` says. ``analysed`` is the first and the last visit that need both arms.
    """
    # One memory layout, so that the kernels are compiled once.
    value, arm, covariates = map(np.ascontiguousarray, (value, arm, covariates))
    patterns, most = _patterns(value, covariates)
    placed = Columns(columns.required + 2, columns.visitwise + 2)
    return _sums(value, arm, covariates, (patterns, int(most)), (placed, analysed))


@kernel
def _patterns(value: Floats, covariates: Floats) -> tuple[Ints, int]:
    """Number of each patient's pattern, -1 if left out, and the most patterns of a trial."""
    trials, visits, patients = value.shape
    patterns = np.full((trials, patients), -1)
    words = visits // _BITS + 1
    masks = np.zeros((patients, words), np.int64)
    mask = np.zeros(words, np.int64)
    most = 0
    for trial in range(trials):
        count = 0
        for i in range(patients):
            mask[:] = 0
            is_used = False
            for v in range(visits):
                if value[trial, v, i] == value[trial, v, i]:  # unless nan
                    mask[v // _BITS] |= 1 << (v % _BITS)
                    is_used = True
            for j in range(covariates.shape[0]):
                if covariates[j, trial, i] != covariates[j, trial, i]:
                    is_used = False
            if not is_used:
                continue
            number = 0
            while number < count and not _is_same(masks[number], mask):
                number += 1
            if number == count:
                masks[count] = mask
                count += 1
            patterns[trial, i] = number
        most = max(most, count)
    return patterns, most


@kernel
def _is_same(left: Ints, right: Ints) -> bool:
    for word in range(left.size):  # noqa: SIM110 - a kernel
        if left[word] != right[word]:
            return False
    return True


@kernel
def _sums(
    value: Floats,
    arm: Arms,
    covariates: Floats,
    numbered: tuple[Ints, int],
    what: tuple[Columns, tuple[int, int]],
) -> PatternSums:
    """Fill the sums of every trial."""
    patterns, most = numbered
    placed, analysed = what
    visitwise = placed.visitwise
    trials, visits, patients = value.shape
    columns = covariates.shape[0] + 2
    is_seen = np.zeros((trials, most, visits), np.bool_)
    count = np.zeros((trials, most))
    sums = np.zeros((trials, most, columns + visits, columns + visits))
    start = np.zeros((trials, visits, visits))
    scale = np.ones(trials)
    log_scales = np.zeros(trials)
    reason = np.zeros(trials, np.int64)
    rows = np.empty((patients, columns + visits))
    for trial in range(trials):
        pattern = patterns[trial]
        n = _gather(rows, value[trial], arm[trial], covariates[:, trial], pattern)
        reason[trial] = _check_arms(rows, n, columns, analysed, visitwise)
        _mark_visits(is_seen[trial], value[trial], pattern)
        log_scales[trial] = _centre(rows, n, columns, visitwise)
        _add_up(sums[trial], count[trial], rows, pattern)
        if reason[trial] == 0:
            reason[trial] = _fit_visits(start[trial], sums[trial], is_seen[trial], placed)
        if reason[trial] == 0:
            scale[trial] = _rescale(start[trial], sums[trial], columns)
        else:
            start[trial] = np.eye(visits)
    return PatternSums(visitwise, is_seen, count, sums, start, scale, log_scales, reason)


@kernel
def _gather(rows: Floats, value: Floats, arm: Arms, covariates: Floats, pattern: Ints) -> int:
    """Copy the columns of each patient who has a pattern into a row; return how many there are."""
    n = 0
    for i in range(pattern.size):
        if pattern[i] < 0:
            continue
        rows[n, 0] = 1.0
        rows[n, ARM] = arm[i]
        for j in range(covariates.shape[0]):
            rows[n, 2 + j] = covariates[j, i]
        for v in range(value.shape[0]):
            rows[n, 2 + covariates.shape[0] + v] = value[v, i]
        n += 1
    return n


@kernel
def _mark_visits(is_seen: Bools, value: Floats, pattern: Ints) -> None:
    """Note at which visits the patients of each pattern were seen."""
    for i in range(pattern.size):
        if pattern[i] >= 0:
            for v in range(value.shape[0]):
                is_seen[pattern[i], v] = value[v, i] == value[v, i]


@kernel
def _check_arms(
    rows: Floats, n: int, columns: int, analysed: tuple[int, int], visitwise: int
) -> int:
    """0, or why the visits cannot be fitted: every visit that is seen needs both arms."""
    reason = 0
    for j in range(columns, rows.shape[1]):
        treated = control = 0
        for i in range(n):
            if rows[i, j] == rows[i, j]:
                treated += 1 if rows[i, ARM] > 0.0 else 0
                control += 1 if rows[i, ARM] == 0.0 else 0
        if analysed[0] <= j - columns <= analysed[1] and min(treated, control) == 0:
            return EMPTY_ARM
        if max(treated, control) > 0 and min(treated, control) == 0:
            reason = EMPTY_ARM
        elif 0 < treated + control <= visitwise and reason == 0:
            reason = TOO_FEW
    return reason


@kernel
def _centre(rows: Floats, n: int, columns: int, visitwise: int) -> float:
    """Centre every column but the intercept, scale the covariates, and put 0 where not seen.

    Returns the sum over coefficients of the logarithm of their column's scale.
    """
    visits = 0
    logs = np.zeros(columns)
    for j in range(1, rows.shape[1]):
        total = square = 0.0
        observations = 0
        for i in range(n):
            if rows[i, j] == rows[i, j]:
                total += rows[i, j]
                observations += 1
        mean = total / observations
        for i in range(n):
            rows[i, j] = rows[i, j] - mean if rows[i, j] == rows[i, j] else 0.0
            square += rows[i, j] ** 2
        if not square > ROUNDING * observations * mean**2:
            rows[:n, j] = 0.0  # does not vary
        elif ARM < j < columns:
            logs[j] = 0.5 * np.log(square / n)
            rows[:n, j] /= np.sqrt(square / n)
        if j >= columns and observations > 0:
            visits += 1
    return visits * logs[:visitwise].sum() + logs[visitwise:].sum()


@kernel
def _add_up(sums: Floats, count: Floats, rows: Floats, pattern: Ints) -> None:
    """Add each patient's products to the sums of their pattern."""
    n = 0
    for i in range(pattern.size):
        if pattern[i] < 0:
            continue
        row, products = rows[n], sums[pattern[i]]
        count[pattern[i]] += 1.0
        for a in range(row.size):
            for b in range(a + 1):
                products[a, b] += row[a] * row[b]
        n += 1
    for p in range(sums.shape[0]):
        for a in range(sums.shape[1]):
            for b in range(a):
                sums[p, b, a] = sums[p, a, b]


@kernel
def _fit_visits(start: Floats, sums: Floats, is_seen: Bools, placed: Columns) -> int:
    """Residual covariance of least squares at each visit; 0 or why there is none."""
    visitwise = placed.visitwise
    visits = start.shape[0]
    columns = sums.shape[1] - visits
    slopes = np.zeros((columns, visits))
    n = _count_pairs(sums, is_seen)
    everyone = sums[:, :columns, :columns].sum(axis=0)
    if not _factor(everyone, columns, placed.required):
        return COLLINEAR
    for v in range(visits):
        if not _least_squares(slopes[:, v], sums, is_seen, placed, v):
            return COLLINEAR
    _residuals(start, sums, is_seen, slopes)
    for v in range(visits):
        squares = sums[:, columns + v, columns + v].sum()
        if n[v, v] > 0.0 and not start[v, v] > EXPLAINED * squares:
            return NO_VARIATION
    for a in range(visits):
        for b in range(visits):
            start[a, b] /= max(n[a, b] - visitwise, 1.0)
            if n[a, b] <= visitwise:
                start[a, b] = 1.0 if a == b else 0.0
    _make_positive(start)
    return 0


@kernel
def _count_pairs(sums: Floats, is_seen: Bools) -> Floats:
    """Patients seen at both of each two visits."""
    visits = is_seen.shape[1]
    n = np.zeros((visits, visits))
    for p in range(sums.shape[0]):
        for a in range(visits):
            for b in range(visits):
                n[a, b] += sums[p, 0, 0] if is_seen[p, a] and is_seen[p, b] else 0.0
    return n


@kernel
def _least_squares(slopes: Floats, sums: Floats, is_seen: Bools, placed: Columns, v: int) -> bool:
    """Coefficients at one visit; False if its columns determine one another."""
    visitwise = placed.visitwise
    columns = slopes.size
    within = np.zeros((visitwise + 1, visitwise + 1))
    for p in range(sums.shape[0]):
        if is_seen[p, v]:
            within[:visitwise, :visitwise] += sums[p, :visitwise, :visitwise]
            within[visitwise, :visitwise] += sums[p, columns + v, :visitwise]
    if within[0, 0] == 0.0:
        return True  # nobody attended
    determined = not _factor(within, visitwise, placed.required)
    if not determined:
        _solve_back(slopes, within, visitwise)
    return not determined


@kernel
def _factor(matrix: Floats, columns: int, required: int) -> bool:
    """Cholesky factor of the first ``columns`` in place; False if earlier ones determine one.

    Rows beyond them are carried along. From ``required`` on a column of zeros (a covariate that
    nobody varies in, such as an absent stratum) is passed over.
    """
    size = matrix.shape[0]
    for j in range(columns):
        squares = matrix[j, j]
        matrix[j, j] = remaining_pivot(matrix, matrix, j)
        if j >= required and squares == 0.0:
            continue
        if not matrix[j, j] > DETERMINED * squares:
            return False
        matrix[j, j] = np.sqrt(matrix[j, j])
        fill_column(matrix, matrix, j, size)
    return True


@kernel
def _solve_back(slopes: Floats, factor: Floats, size: int) -> None:
    """Solve for the coefficients; the last row of the factor holds the right-hand side."""
    for j in range(size - 1, -1, -1):
        if factor[j, j] > 0.0:
            slopes[j] = factor[size, j]
            for k in range(j + 1, size):
                slopes[j] -= factor[k, j] * slopes[k]
            slopes[j] /= factor[j, j]


@kernel
def _residuals(start: Floats, sums: Floats, is_seen: Bools, slopes: Floats) -> None:
    """Sum of products of residuals over the patients seen at both visits."""
    columns, visits = slopes.shape
    for p in range(sums.shape[0]):
        for a in range(visits):
            for b in range(visits):
                if is_seen[p, a] and is_seen[p, b]:
                    total = sums[p, columns + a, columns + b]
                    for j in range(columns):
                        total -= slopes[j, a] * sums[p, j, columns + b]
                        total -= slopes[j, b] * sums[p, j, columns + a]
                        for k in range(columns):
                            total += slopes[j, a] * sums[p, j, k] * slopes[k, b]
                    start[a, b] += total


@kernel
def _make_positive(start: Floats) -> None:
    """Shrink the covariances until the matrix is safely positive definite."""
    visits = start.shape[0]
    for _ in range(100):
        factor = start.copy()
        if _factor(factor, visits, visits):
            margin = 1.0
            for v in range(visits):
                margin = min(margin, factor[v, v] ** 2 / start[v, v])
            if margin > SAFE:
                return
        for a in range(visits):
            for b in range(visits):
                if a != b:
                    start[a, b] *= _SHRINK


@kernel
def _rescale(start: Floats, sums: Floats, columns: int) -> float:
    """Bring the outcome to unit residual variance; return its scale."""
    variance = 0.0
    for v in range(start.shape[0]):
        variance += start[v, v] / start.shape[0]
    scale: float = np.sqrt(variance)
    start /= variance
    sums[:, columns:] /= scale
    sums[:, :, columns:] /= scale
    return scale
