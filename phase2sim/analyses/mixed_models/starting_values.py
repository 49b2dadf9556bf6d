"""VisitRegressions of each visit on the visits before it, where the climb to the maximum starts.

Each regression is on the patients seen at its visit and at all before. They are close to the
maximum of the unstructured model, and with monotone missing values they are the maximum
(``monotone``).
"""

from typing import NamedTuple

import numpy as np

from phase2sim.analyses.mixed_models.missing_patterns import PatternSums
from phase2sim.analyses.tolerances import DETERMINED
from phase2sim.core.arrays import Floats
from phase2sim.core.kernels import kernel
from phase2sim.core.small_matrices import fill_column, remaining_pivot

TOO_FEW_PATIENTS, APPROXIMATE, EXACT = range(3)


class VisitRegressions(NamedTuple):
    """Least squares of one trial at each visit, on its covariates and the outcomes before it."""

    factors: Floats  # (visit, column, column) of the products; the outcome's row holds the slopes
    left: Floats  # (visit,) sum of squares of the residuals
    freedom: Floats  # (visit,) what it is divided by; 0 at a visit that nobody attended


@kernel
def room_for_regressions(sums: PatternSums) -> VisitRegressions:
    """Make room for the regressions of one trial."""
    visits, size = sums.start.shape[1], sums.sums.shape[2]
    return VisitRegressions(np.empty((visits, size, size)), np.empty(visits), np.empty(visits))


@kernel
def fill_regressions(
    parameters: Floats,
    regressions: VisitRegressions,
    sums: PatternSums,
    trial: int,
    restricted: bool,  # noqa: FBT001  numba has no keyword-only arguments
) -> int:
    """Fill the regressions, and the parameters of the unstructured matrix by them.

    ``TOO_FEW_PATIENTS`` if at some visit they leave no variance; ``EXACT`` if they are the maximum.
    A visit that nobody attended has variance 1 and no slopes.
    """
    visits = sums.start.shape[1]
    columns = sums.sums.shape[2] - visits
    is_exact = columns == sums.visitwise and _is_monotone(sums, trial)
    parameters[:] = 0.0
    j = 0
    for v in range(visits):
        size = columns + v
        within = regressions.factors[v]
        patients = _gather(within, sums, trial, (v, columns))
        regressions.freedom[v] = 0.0
        if patients > 0.0:
            squares = within[size, size]
            used, slopes = _regress(within, size, columns)
            regressions.left[v] = within[size, size]
            regressions.freedom[v] = patients - (slopes if restricted else 0)
            if not (patients > used and regressions.left[v] > DETERMINED * squares):
                return TOO_FEW_PATIENTS
            for u in range(v):
                parameters[j + u] = within[size, columns + u]
            parameters[j + v] = np.log(regressions.left[v] / regressions.freedom[v])
        elif is_attended(sums, trial, v):
            return TOO_FEW_PATIENTS
        j += v + 1
    return EXACT if is_exact else APPROXIMATE


@kernel
def _is_monotone(sums: PatternSums, trial: int) -> bool:
    """Whether every patient was seen at all attended visits up to some visit, and never after."""
    for p in range(sums.patients.shape[1]):
        if sums.patients[trial, p] > 0.0:
            last = -1
            for v in range(sums.start.shape[1]):
                last = v if sums.is_seen[trial, p, v] else last
            if not _is_complete_to(sums, trial, p, last):
                return False
    return True


@kernel
def _gather(within: Floats, sums: PatternSums, trial: int, where: tuple[int, int]) -> float:
    """Add up the products of the patients seen at a visit and all before; return their number."""
    v, columns = where
    patients = 0.0
    size = columns + v + 1
    within[:size, :size] = 0.0
    for p in range(sums.patients.shape[1]):
        if sums.patients[trial, p] > 0.0 and _is_complete_to(sums, trial, p, v):
            patients += sums.patients[trial, p]
            products = sums.sums[trial, p]
            for i in range(size):
                for j in range(i + 1):
                    within[i, j] += products[i, j]
    return patients


@kernel
def _is_complete_to(sums: PatternSums, trial: int, pattern: int, last: int) -> bool:
    """Whether a pattern has the last visit and every visit before it that anybody attended."""
    for v in range(last + 1):
        if not sums.is_seen[trial, pattern, v] and (v == last or is_attended(sums, trial, v)):
            return False
    return True


@kernel
def is_attended(sums: PatternSums, trial: int, visit: int) -> bool:
    """Whether any patient attended a visit."""
    for p in range(sums.patients.shape[1]):
        if sums.patients[trial, p] > 0.0 and sums.is_seen[trial, p, visit]:
            return True
    return False


@kernel
def _regress(within: Floats, size: int, columns: int) -> tuple[int, int]:
    """Factorise the first ``size`` columns; row ``size`` gets the slopes and what is left.

    Returns the number of columns that vary, and how many of them are among the first ``columns``.
    """
    used = slopes = 0
    for j in range(size):
        squares = within[j, j]
        within[j, j] = remaining_pivot(within, within, j)
        if within[j, j] > DETERMINED * squares:
            within[j, j] = np.sqrt(within[j, j])
            fill_column(within, within, j, size + 1)
            used += 1
            slopes += 1 if j < columns else 0
        else:
            within[j : size + 1, j] = 0.0
    within[size, size] = remaining_pivot(within, within, size)
    for j in range(size - 1, -1, -1):
        if within[j, j] > 0.0:
            for k in range(j + 1, size):
                within[size, j] -= within[k, j] * within[size, k]
            within[size, j] /= within[j, j]
    return used, slopes
