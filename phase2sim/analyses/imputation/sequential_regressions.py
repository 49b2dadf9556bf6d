"""Each visit's outcome regressed on the visits before it: the model behind imputed values.

A patient's outcomes up to the last seen visit are ``y_v = x'g_v + sum of f_vk y_k + e_v``, the sum
over the visits k before v: a multivariate normal model with a free covariance and, for every column
of x, a coefficient of its own at each visit. Without gaps before the last seen visit its likelihood
falls apart into these regressions, each on the patients still there (Rubin, Multiple Imputation
for Nonresponse in Surveys, 1987, section 5.4). Gaps are filled by their conditional mean, with
its variance, until nothing moves (the EM algorithm).

Because the arms share the f_vk, treatment shifts the mean of a visit by the same amount for
everybody: ``d_v = g_v,arm + sum f_vk d_k``. What a patient loses by jumping to reference is d_v.
"""

from typing import NamedTuple

import numpy as np

from phase2sim.analyses.mixed_models.missing_patterns import ARM
from phase2sim.analyses.tolerances import DETERMINED, EXPLAINED, ROUNDING
from phase2sim.core.arrays import Arms, Bools, Floats, Ints
from phase2sim.core.contracts import COLLINEAR, EMPTY_ARM, NO_VARIATION, NOT_CONVERGED, TOO_FEW
from phase2sim.core.kernels import kernel
from phase2sim.core.small_matrices import back, fill_column, forward, remaining_pivot

MOST_ROUNDS = 2_000  # of filling gaps
STILL = 1e-10  # SDs that a gap's value moves when it has settled


class TrialPatients(NamedTuple):
    """One trial's patients with every covariate, at the visits that anybody attended."""

    x: Floats  # (patient, column): 1, treated, covariates centred and scaled
    y: Floats  # (patient, visit), centred and scaled; 0 in a gap until filled, nan after the last
    is_seen: Bools  # (patient, visit)
    last: Ints  # (patient,) visits up to the last seen one; 0 where none was
    needed: int  # columns of x that must vary; the others are left out where they do not
    visit: int  # the analysed one
    upto: int  # visits that are modelled
    gaps: bool  # whether a visit before the last was missed
    scale: float  # of the outcome
    reason: int  # 0, or why there is nothing to fit


class Regressions(NamedTuple):
    """One regression a visit; columns are those of x, then the visits."""

    sums: Floats  # (visit, column, column) products of the patients still there
    factor: Floats  # (visit, column, column) Cholesky; infinite pivots are columns left out
    slopes: Floats  # (visit, column)
    left: Floats  # (visit,) residual sum of squares
    patients: Floats  # (visit,)
    used: Floats  # (visit,) coefficients


@kernel
def patients_of(
    value: Floats, arm: Arms, covariates: Floats, needed: int, visit: int, trial: int
) -> TrialPatients:
    """One trial of ``value`` (trial, visit, patient).

    Of ``covariates`` (covariate, trial, patient) the first ``needed`` must vary.
    """
    complete = np.ones(arm.shape[1], np.bool_)
    for j in range(covariates.shape[0]):
        complete &= ~np.isnan(covariates[j, trial])
    rows = np.flatnonzero(complete)
    attended = np.zeros(value.shape[1], np.bool_)
    for v in range(value.shape[1]):
        attended[v] = not np.isnan(value[trial, v][rows]).all()
    visits = np.flatnonzero(attended)
    x = np.ones((rows.size, 2 + covariates.shape[0]))
    y = np.empty((rows.size, visits.size))
    for i in range(rows.size):
        x[i, ARM] = arm[trial, rows[i]]
        for j in range(covariates.shape[0]):
            x[i, 2 + j] = covariates[j, trial, rows[i]]
        for v in range(visits.size):
            y[i, v] = value[trial, visits[v], rows[i]]
    still = _standardise(x, needed + 2)
    scale = _scale(y)
    is_seen, last, gaps = _find_gaps(y)
    position = int(attended[:visit].sum())
    reason = 0
    if not attended[visit] or not _has_both_arms(x, is_seen[:, position]):
        reason = EMPTY_ARM
    elif not scale > 0.0:
        reason = NO_VARIATION
    elif still:
        reason = COLLINEAR
    upto = visits.size if gaps or position == visits.size else position + 1
    return TrialPatients(x, y, is_seen, last, needed + 2, position, upto, gaps, scale, reason)


@kernel
def _standardise(x: Floats, needed: int) -> bool:
    """Give covariates mean 0 and SD 1, and 0 to those that do not vary; True if one must."""
    still = False
    for j in range(2, x.shape[1]):
        mean = x[:, j].mean()
        spread = ((x[:, j] - mean) ** 2).mean()
        varies = spread > ROUNDING * (spread + mean**2)
        x[:, j] = (x[:, j] - mean) / np.sqrt(spread) if varies else 0.0 * x[:, j]
        still |= j < needed and not varies
    return still


@kernel
def _scale(y: Floats) -> float:
    """Centre and scale all outcomes alike; return the scale, 0 if they do not vary."""
    n, total, square = 0, 0.0, 0.0
    for i in range(y.shape[0]):
        for v in range(y.shape[1]):
            if y[i, v] == y[i, v]:
                n += 1
                total += y[i, v]
    mean = total / n
    for i in range(y.shape[0]):
        for v in range(y.shape[1]):
            y[i, v] -= mean
            square += y[i, v] ** 2 if y[i, v] == y[i, v] else 0.0
    if n == 0 or not square > ROUNDING * n * mean**2:
        return 0.0
    scale: float = np.sqrt(square / n)
    y /= scale
    return scale


@kernel
def _find_gaps(y: Floats) -> tuple[Bools, Ints, bool]:
    """Observed visits, the last of each patient, and whether there are gaps, filled with 0."""
    is_seen = ~np.isnan(y)
    last = np.zeros(y.shape[0], np.int64)
    gaps = False
    for i in range(y.shape[0]):
        for v in range(y.shape[1]):
            if is_seen[i, v]:
                last[i] = v + 1
        for v in range(last[i]):
            if not is_seen[i, v]:
                y[i, v] = 0.0
                gaps = True
    return is_seen, last, gaps


@kernel
def _has_both_arms(x: Floats, is_seen: Bools) -> bool:
    """Whether the visit has patients of both arms."""
    n = treated = 0
    for i in range(is_seen.size):
        n += 1 if is_seen[i] else 0
        treated += 1 if is_seen[i] and x[i, ARM] > 0.0 else 0
    return 0 < treated < n


@kernel
def regression_space(patients: TrialPatients) -> Regressions:
    """Space for the regressions of one trial."""
    visits, size = patients.upto, patients.x.shape[1] + patients.upto
    square = (visits, size, size)
    return Regressions(
        np.zeros(square),
        np.zeros(square),
        np.zeros((visits, size)),
        np.zeros(visits),
        np.zeros(visits),
        np.zeros(visits),
    )


@kernel
def add(sums: Floats, patients: TrialPatients, i: int, times: float) -> None:
    """Add one patient's products to the visits up to the last seen one; -1 ``times``: take out."""
    columns = patients.x.shape[1]
    last = min(patients.last[i], patients.upto)
    row = np.empty(columns + last)
    row[:columns] = patients.x[i]
    row[columns:] = patients.y[i, :last]
    for v in range(last):
        for a in range(columns + v + 1):
            for b in range(a + 1):
                sums[v, a, b] += times * row[a] * row[b]


@kernel
def factorise(factor: Floats, sums: Floats, size: int, optional: tuple[int, int]) -> int:
    """Cholesky factor of the first ``size`` columns; how many are used, 0 if one is determined.

    A column between the two ``optional`` may be determined by those before it: its pivot is then
    infinite, which makes its coefficient 0.
    """
    used = size
    for j in range(size):
        pivot = remaining_pivot(factor, sums, j)
        if pivot > DETERMINED * sums[j, j]:
            factor[j, j] = np.sqrt(pivot)
        elif optional[0] <= j < optional[1]:
            factor[j, j] = np.inf
            used -= 1
        else:
            return 0
        fill_column(factor, sums, j, size)
    return used


@kernel
def regress(model: Regressions, patients: TrialPatients) -> int:
    """Least squares at every visit from ``model.sums``; 0 or the reason why not."""
    columns = patients.x.shape[1]
    optional = (patients.needed, columns)
    for v in range(patients.upto):
        size = columns + v
        sums, factor, slopes = model.sums[v], model.factor[v], model.slopes[v]
        n = sums[0, 0]
        # Sums of ones are whole numbers but for what taking a patient out rounds away.
        if not 0 < round(sums[ARM, 0]) < round(n):
            return EMPTY_ARM
        used = factorise(factor, sums, size, optional) if n > size else -1
        if used <= 0:
            return COLLINEAR if used == 0 else TOO_FEW
        left = sums[size, size]
        for j in range(size):
            slopes[j] = sums[size, j]
        forward(slopes, factor, size)
        for j in range(size):
            left -= slopes[j] ** 2
        back(slopes, factor, size)
        if not left > EXPLAINED * sums[size, size]:
            return NO_VARIATION
        model.left[v], model.patients[v], model.used[v] = left, n, used
    return 0


@kernel
def fit_regressions(model: Regressions, patients: TrialPatients, without: int, still: float) -> int:
    """Maximum likelihood without one patient (-1: with all); 0 or a reason.

    Gaps are filled until none moves by more than ``still``.
    """
    fixed = np.zeros_like(model.sums)
    count = 0
    filled = np.empty(patients.last.size, np.int64)
    for i in range(patients.last.size):
        if i != without and has_gap(patients, i):
            filled[count] = i
            count += 1
        elif i != without:
            add(fixed, patients, i, 1.0)
    for _ in range(MOST_ROUNDS):
        model.sums[:] = fixed
        for i in filled[:count]:
            add(model.sums, patients, i, 1.0)
        if model.left[0] > 0.0:
            _add_uncertainty(model, patients, filled[:count])
        reason = regress(model, patients)
        if reason > 0:
            return reason
        moved = 0.0
        variance = model.left / model.patients
        for i in filled[:count]:
            moved = max(moved, fill(patients, i, model.slopes, variance, np.zeros(0)))
        if moved < still:
            return 0
    return NOT_CONVERGED


@kernel
def has_gap(patients: TrialPatients, i: int) -> bool:
    """Whether a visit before the last seen one was missed."""
    return bool(patients.is_seen[i].sum() < patients.last[i])


@kernel
def fill(
    patients: TrialPatients, i: int, slopes: Floats, variance: Floats, normal: Floats
) -> float:
    """Fill one patient's gaps by the conditional mean, or a draw; return the largest change.

    ``normal`` holds a standard normal a gap, or is empty for the mean.
    """
    gaps = np.flatnonzero(~patients.is_seen[i, : patients.last[i]])
    precision, target = _gap_precision(patients, i, slopes, variance, gaps)
    size = gaps.size
    factor = np.zeros((size, size))
    factorise(factor, precision, size, (0, 0))
    forward(target, factor, size)
    if normal.size > 0:
        target += normal[:size]
    back(target, factor, size)
    moved = 0.0
    for g in range(size):
        moved = max(moved, abs(target[g] - patients.y[i, gaps[g]]))
        patients.y[i, gaps[g]] = target[g]
    return moved


@kernel
def _gap_precision(
    patients: TrialPatients, i: int, slopes: Floats, variance: Floats, gaps: Ints
) -> tuple[Floats, Floats]:
    """Precision of one patient's gaps given the rest, and precision times their mean."""
    columns = patients.x.shape[1]
    precision = np.zeros((gaps.size, gaps.size))
    target = np.zeros(gaps.size)
    toward = np.zeros(gaps.size)
    for v in range(patients.last[i]):
        offset = -(slopes[v, :columns] * patients.x[i]).sum()
        for k in range(v + 1):
            if patients.is_seen[i, k]:
                offset += patients.y[i, k] * (1.0 if k == v else -slopes[v, columns + k])
        for g in range(gaps.size):
            k = gaps[g]
            toward[g] = 1.0 if k == v else (-slopes[v, columns + k] if k < v else 0.0)
        for g in range(gaps.size):
            target[g] -= toward[g] * offset / variance[v]
            for h in range(gaps.size):
                precision[g, h] += toward[g] * toward[h] / variance[v]
    return precision, target


@kernel
def _add_uncertainty(model: Regressions, patients: TrialPatients, filled: Ints) -> None:
    """Add the conditional covariance of these patients' gaps to the sums, at the last fit."""
    columns = patients.x.shape[1]
    variance = model.left / model.patients
    for i in filled:
        gaps = np.flatnonzero(~patients.is_seen[i, : patients.last[i]])
        size = gaps.size
        precision, _ = _gap_precision(patients, i, model.slopes, variance, gaps)
        factor, column = np.zeros((size, size)), np.zeros(size)
        factorise(factor, precision, size, (0, 0))
        for h in range(size):
            column[:] = 0.0
            column[h] = 1.0
            forward(column, factor, size)
            back(column, factor, size)
            for g in range(h, size):
                for v in range(gaps[g], patients.last[i]):
                    model.sums[v, columns + gaps[g], columns + gaps[h]] += column[g]
