"""The climb of one trial to its maximum likelihood, and the slopes and information on the way."""

from typing import NamedTuple

import numpy as np

from phase2sim.analyses.mixed_models.covariance_structures import (
    REGRESSIONS,
    Form,
    curvature,
    fill_covariance,
    fill_jacobian,
)
from phase2sim.analyses.mixed_models.generalised_least_squares import MeanFit, fit_mean, work_space
from phase2sim.analyses.mixed_models.likelihood import fill_average, fill_score
from phase2sim.analyses.mixed_models.missing_patterns import PatternSums
from phase2sim.analyses.mixed_models.observed_information import (
    Products,
    fill_observed,
    room_for_products,
)
from phase2sim.analyses.mixed_models.starting_values import is_attended
from phase2sim.core.arrays import Floats
from phase2sim.core.kernels import kernel
from phase2sim.core.small_matrices import (
    back,
    fill_column,
    forward,
    product,
    remaining_pivot,
    turned,
)

OBSERVED, AVERAGE = range(2)  # kinds of information
NEAR = 0.02  # gain in log-likelihood, twice, that a step promises, below which Newton's is taken
CLOSE = 1e-13  # the same, below which a step of average information is the last one
CLOSE_NEWTON = 1e-11  # and a step of Newton's, which squares what is left
_LONGEST_STEP = 1.0  # of a log SD or a correlation
_SMALLEST_STEP = 1e-6
_DEGENERATE = 1e-9  # share of a visit's variance that is left on a ridge without an end
_ROUNDING = 1e-10  # fall of the log-likelihood that is no fall
_MOST_STEPS = 1000  # a guard; a climb ends because it has arrived or because no step leads up


class Task(NamedTuple):
    """What is to be fitted, alike in all trials."""

    form: Form
    restricted: bool
    weights: Floats  # (visit,) of the contrast
    first_order: bool  # whether ``added`` is wanted
    second_order: bool


class Climb(NamedTuple):
    """Work space of one trial's climb."""

    fit: MeanFit
    products: Products
    covariance: Floats  # (visit, visit)
    jacobian: Floats  # (entry, parameter)
    entry_score: Floats  # (entry,)
    entry_information: Floats  # (entry, entry)
    score: Floats  # (parameter,)
    information: Floats  # (parameter, parameter)
    step: Floats  # (parameter,)


@kernel
def room_to_climb(sums: PatternSums, form: Form) -> Climb:
    """Make the work space for the trials of a batch."""
    entries = form.visits * (form.visits + 1) // 2
    fit = work_space(sums, form.visits)
    return Climb(
        fit,
        room_for_products(fit.beta.size, entries),
        np.empty((form.visits, form.visits)),
        np.empty((entries, form.size)),
        np.empty(entries),
        np.empty((entries, entries)),
        np.empty(form.size),
        np.empty((form.size, form.size)),
        np.empty(form.size),
    )


@kernel
def climb(work: Climb, sums: PatternSums, trial: int, parameters: Floats, task: Task) -> bool:
    """Climb from ``parameters``, in place; return whether a maximum is reached.

    Leaves the observed information there in the work space. A step that lowers the likelihood, or
    leaves the positive definite matrices, is halved.
    """
    is_near = False
    best, share = -np.inf, 1.0
    base = parameters.copy()
    for _ in range(_MOST_STEPS):
        fill_covariance(work.covariance, parameters, task.form)
        if best > -np.inf and _is_degenerate(parameters, work.covariance, task.form):
            return False
        value = fit_mean(work.fit, sums, trial, work.covariance, task.restricted)
        if not value >= best - _ROUNDING * (1.0 + abs(best)):
            share *= 0.5
            if best == -np.inf or share < _SMALLEST_STEP:
                return False
            parameters[:] = base + share * work.step
            continue
        base[:] = parameters
        best = value
        differentiate(work, sums, trial, (parameters, task))
        promised, is_newton = _fill_step(work, sums, trial, (parameters, task), is_near)
        if promised < (CLOSE_NEWTON if is_newton else CLOSE):
            parameters += work.step
            if not is_newton:
                fill_information(work, sums, trial, (base, task), OBSERVED)
            return True
        if not promised < np.inf:
            return False
        is_near = is_newton or promised < NEAR
        share = min(1.0, _LONGEST_STEP / _length(work.step, task.form))
        parameters[:] = base + share * work.step
    return False


@kernel
def _is_degenerate(parameters: Floats, covariance: Floats, form: Form) -> bool:
    """Whether the visits before a visit leave next to nothing of its variance."""
    if form.kind == REGRESSIONS:
        j = 0
        for v in range(form.visits):
            if np.exp(parameters[j + v]) < _DEGENERATE * covariance[v, v]:
                return True
            j += v + 1
    return False


@kernel
def _fill_step(
    work: Climb,
    sums: PatternSums,
    trial: int,
    where: tuple[Floats, Task],
    is_near: bool,  # noqa: FBT001  numba has no keyword-only arguments
) -> tuple[float, bool]:
    """Fill the step to the top: Newton's if near it and the observed information allows it.

    Returns the gain that it promises, twice, and whether it is Newton's.
    """
    if is_near:
        fill_information(work, sums, trial, where, OBSERVED)
        promised = _solve(work.step, work.information, work.score, 1e-10)
        if promised >= 0.0:
            return promised, True
    fill_information(work, sums, trial, where, AVERAGE)
    return _solve(work.step, work.information, work.score, 0.0), False


@kernel
def _length(step: Floats, form: Form) -> float:
    """Largest change of a logarithm or a correlation; slopes of regressions may go any way."""
    longest = 1e-300
    if form.kind == REGRESSIONS:
        j = 0
        for v in range(form.visits):
            longest = max(longest, 0.5 * abs(step[j + v]))
            j += v + 1
    else:
        longest = max(longest, np.abs(step).max())
    return longest


@kernel
def differentiate(work: Climb, sums: PatternSums, trial: int, where: tuple[Floats, Task]) -> None:
    """Fill the score by entries and by parameters, and the slopes of one by the other."""
    parameters, task = where
    fill_score(work.entry_score, work.fit, sums.patients[trial], task.restricted)
    fill_jacobian(work.jacobian, parameters, work.covariance, task.form)
    if task.form.kind == REGRESSIONS:
        _hold_unattended(work.jacobian, sums, trial, task.form.visits)
    work.score[:] = product(work.entry_score.reshape(1, -1), work.jacobian)[0]


@kernel
def _hold_unattended(jacobian: Floats, sums: PatternSums, trial: int, visits: int) -> None:
    """Set the slopes by parameters of visits that nobody attended to zero."""
    for visit in range(visits):
        if not is_attended(sums, trial, visit):
            j = 0
            for v in range(visits):
                for u in range(v + 1):
                    if visit in (u, v):
                        jacobian[:, j] = 0.0
                    j += 1


@kernel
def fill_information(
    work: Climb,
    sums: PatternSums,
    trial: int,
    where: tuple[Floats, Task],
    kind: int,
) -> None:
    """Fill the observed or the average information, by entries and by parameters."""
    parameters, task = where
    if kind == OBSERVED:
        fill_observed(
            work.entry_information, (work.fit, work.products), sums, trial, task.restricted
        )
    else:
        fill_average(work.entry_information, work.fit, sums.patients[trial], sums.visitwise)
    across = product(work.entry_information, work.jacobian)
    work.information[:] = product(turned(work.jacobian), across)
    if kind == OBSERVED:
        bent = curvature(work.entry_score, parameters, work.covariance, task.form)
        for j in range(task.form.size):
            if work.information[j, j] != 0.0:
                for k in range(task.form.size):
                    if work.information[k, k] != 0.0:
                        work.information[j, k] -= bent[j, k]


@kernel
def _solve(step: Floats, information: Floats, score: Floats, least: float) -> float:
    """Fill the step to the top; return the gain it promises, twice.

    A parameter that the data do not speak of stays where it is. -1 if a pivot is at most ``least``
    of its diagonal; with ``least`` 0 pivots are raised to be positive.
    """
    size = score.size
    factor = np.zeros((size, size))
    for j in range(size):
        if information[j, j] == 0.0:
            factor[j, j] = np.inf
            continue
        pivot = remaining_pivot(factor, information, j)
        if least > 0.0 and not pivot > least * abs(information[j, j]):
            return -1.0
        factor[j, j] = np.sqrt(max(pivot, 1e-10 * information[j, j]))
        fill_column(factor, information, j, size)
    step[:] = score
    forward(step, factor, size)
    gain = 0.0
    for i in range(size):
        gain += step[i] ** 2
    back(step, factor, size)
    return gain
