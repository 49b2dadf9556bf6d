"""Maximum likelihood in every trial of a batch, by the average information algorithm."""

import numpy as np

from phase2sim.analyses.mixed_models.covariance_structures import Structure
from phase2sim.analyses.mixed_models.likelihood import Likelihood, likelihood
from phase2sim.analyses.mixed_models.missing_patterns import PatternSums
from phase2sim.analyses.small_matrices import back, fill_column, forward, remaining_pivot
from phase2sim.core.arrays import Bools, Floats, Ints
from phase2sim.core.kernels import kernel

MOST_STEPS = 200  # likelihoods a trial may cost
CLOSE = 1e-13  # expected gain in log-likelihood, twice, before the last step
_LONGEST_STEP = 1.0  # of a log SD or a correlation
_SMALLEST_STEP = 1e-6
_ROUNDING = 1e-10  # fall of the log-likelihood that is no fall


def maximise(sums: PatternSums, structure: Structure, *, restricted: bool) -> tuple[Floats, Bools]:
    """Maximum likelihood parameters, (trial, parameter), and whether each trial converged.

    Starts from least squares at each visit. A step that lowers the likelihood, or leaves the
    positive definite matrices, is halved.
    """
    parameters = structure.start(sums.start)
    trials, size = parameters.shape
    is_active = (sums.reason == 0) & np.isfinite(parameters).all(axis=1)
    best = np.full(trials, -np.inf)
    base, step = parameters.copy(), np.zeros((trials, size))
    share = np.ones(trials)
    arrived = np.zeros(trials, np.bool_)
    longest = np.inf if structure.free else _LONGEST_STEP
    for _ in range(MOST_STEPS):
        if not is_active.any():
            break
        derivatives = likelihood(sums, structure.covariance(parameters), is_active, restricted)
        if not structure.free:
            derivatives = structure.pull_back(parameters, derivatives)
        _advance(
            (parameters, base, step), derivatives, (best, share), (is_active, arrived), longest
        )
    return base, arrived


@kernel
def _advance(
    points: tuple[Floats, Floats, Floats],
    derivatives: Likelihood,
    progress: tuple[Floats, Floats],
    state: tuple[Bools, Bools],
    longest: float,
) -> None:
    """Accept the point and step on, or go back half of the last step."""
    parameters, base, step = points
    best, share = progress
    is_active, arrived = state
    for trial in range(parameters.shape[0]):
        if not is_active[trial]:
            continue
        gain = derivatives.value[trial] - best[trial]
        if gain >= -_ROUNDING * (1.0 + abs(best[trial])):
            expected = _solve(step[trial], derivatives.information[trial], derivatives.score[trial])
            base[trial] = parameters[trial]
            best[trial] = derivatives.value[trial]
            share[trial] = min(1.0, longest / np.abs(step[trial]).max())
            if expected < CLOSE:
                base[trial] += step[trial]
                arrived[trial] = True
                is_active[trial] = False
            elif not expected < np.inf:
                is_active[trial] = False
        else:
            share[trial] *= 0.5
            if best[trial] == -np.inf or share[trial] < _SMALLEST_STEP:
                is_active[trial] = False
        parameters[trial] = base[trial] + share[trial] * step[trial]


@kernel
def _solve(step: Floats, information: Floats, score: Floats) -> float:
    """Fill the scoring step; return the gain it promises, twice.

    A parameter that the data do not speak of stays where it is.
    """
    size = score.size
    factor = np.zeros((size, size))
    for j in range(size):
        pivot = remaining_pivot(factor, information, j)
        if information[j, j] == 0.0:
            factor[j, j] = np.inf
            continue
        factor[j, j] = np.sqrt(max(pivot, 1e-10 * information[j, j]))
        fill_column(factor, information, j, size)
    step[:] = score
    forward(step, factor, size)
    gain = 0.0
    for i in range(size):
        gain += step[i] ** 2
    back(step, factor, size)
    return gain


@kernel
def curvature_inverse(information: Floats) -> tuple[Floats, Ints]:
    """Inverse of the observed information of every trial, and 1 where it is positive definite."""
    trials, size = information.shape[:2]
    inverse = np.zeros((trials, size, size))
    positive = np.zeros(trials, np.int64)
    column = np.zeros(size)
    unit = np.zeros(size)
    for trial in range(trials):
        positive[trial] = 1 if _positive(information[trial]) else 0
        for j in range(size if positive[trial] else 0):
            unit[:] = 0.0
            unit[j] = 1.0
            _solve(column, information[trial], unit)
            inverse[trial, j] = column
    return inverse, positive


@kernel
def _positive(matrix: Floats) -> bool:
    """Whether a Cholesky factor exists, apart from rows of zeros."""
    size = matrix.shape[0]
    factor = np.zeros((size, size))
    for j in range(size):
        pivot = remaining_pivot(factor, matrix, j)
        if matrix[j, j] == 0.0:
            factor[j, j] = np.inf
            continue
        if not pivot > 1e-10 * matrix[j, j]:
            return False
        factor[j, j] = np.sqrt(pivot)
        fill_column(factor, matrix, j, size)
    return True
