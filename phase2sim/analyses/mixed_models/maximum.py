"""Maximum likelihood in every trial of a batch, each fitted to its end before the next."""

from typing import NamedTuple

import numpy as np

from phase2sim.analyses.mixed_models.climb import (
    OBSERVED,
    Climb,
    Task,
    climb,
    differentiate,
    fill_information,
    room_to_climb,
)
from phase2sim.analyses.mixed_models.contrasts import contrast, fill_bend, fill_gradient
from phase2sim.analyses.mixed_models.covariance_structures import (
    REGRESSIONS,
    Form,
    curvature,
    fill_covariance,
    fill_jacobian,
)
from phase2sim.analyses.mixed_models.generalised_least_squares import fit_mean
from phase2sim.analyses.mixed_models.missing_patterns import PatternSums
from phase2sim.analyses.mixed_models.monotone import (
    monotone_contrast,
    monotone_inverse,
    monotone_value,
)
from phase2sim.analyses.mixed_models.starting_values import (
    APPROXIMATE,
    EXACT,
    VisitRegressions,
    fill_regressions,
    room_for_regressions,
)
from phase2sim.core.arrays import Bools, Floats
from phase2sim.core.kernels import kernel
from phase2sim.core.small_matrices import (
    add_crossproduct,
    fill_column,
    mirror,
    product,
    remaining_pivot,
    times_vector,
    turned,
)


class Maximum(NamedTuple):
    """The fit of every trial at its maximum, and the contrast there.

    Coordinates of the covariance are its entries for the unstructured, else its parameters. The
    last three are kept if ``Task.second_order``, else they are empty.
    """

    arrived: Bools  # (trial,)
    covariance: Floats  # (trial, visit, visit)
    value: Floats  # (trial,) log-likelihood
    effect: Floats  # (trial,)
    variance: Floats  # (trial,)
    spread: Floats  # (trial,) variance of that variance
    added: Floats  # (trial,) increase of the variance from estimating the covariance, first order
    parameters: Floats  # (trial, parameter)
    gradient: Floats  # (trial, coordinate) of the variance
    inverse: Floats  # (trial, coordinate, coordinate) of the observed information
    curved: Floats  # (trial,) sum of ``inverse`` times second slopes, if not unstructured


@kernel
def maximise(sums: PatternSums, starts: Floats, moves: Floats, task: Task) -> Maximum:
    """Climb to the maximum in every trial, or take it in closed form.

    ``starts`` (trial, parameter) is where a climb begins, or begins again if the regressions that
    the unstructured model starts from lead nowhere; ``moves`` (start, visit) are where it begins
    after that: a maximum beside a ridge without an end is found only from nearby.
    """
    result = _empty_maximum(sums, task)
    work = room_to_climb(sums, task.form)
    regressions = room_for_regressions(sums)
    parameters = np.empty(task.form.size)
    for trial in range(sums.reason.size):
        if sums.reason[trial] > 0:
            continue
        arrived = False
        if task.form.kind == REGRESSIONS:
            kind = fill_regressions(parameters, regressions, sums, trial, task.restricted)
            if kind == EXACT:
                _note_closed_form(result, work, sums, trial, (parameters, task, regressions))
                continue
            if kind == APPROXIMATE:
                arrived = climb(work, sums, trial, parameters, task)
        if not arrived and np.isfinite(starts[trial]).all():
            parameters[:] = starts[trial]
            arrived = climb(work, sums, trial, parameters, task)
        if not arrived and task.form.kind == REGRESSIONS:
            arrived = _search(work, sums, trial, (parameters, starts[trial], moves), task)
        if arrived:
            _note(result, work, sums, trial, (parameters, task, _inverse(work, task.form)))
    return result


@kernel
def at_parameters(sums: PatternSums, parameters: Floats, task: Task) -> Maximum:
    """What ``maximise`` returns, at given parameters (trial, parameter) instead of the maximum."""
    result = _empty_maximum(sums, task)
    work = room_to_climb(sums, task.form)
    for trial in range(sums.reason.size):
        fill_covariance(work.covariance, parameters[trial], task.form)
        value = fit_mean(work.fit, sums, trial, work.covariance, task.restricted)
        if sums.reason[trial] == 0 and np.isfinite(value):
            differentiate(work, sums, trial, (parameters[trial], task))
            fill_information(work, sums, trial, (parameters[trial], task), OBSERVED)
            inverse = _inverse(work, task.form)
            _note(result, work, sums, trial, (parameters[trial], task, inverse))
    return result


@kernel
def _search(
    work: Climb,
    sums: PatternSums,
    trial: int,
    where: tuple[Floats, Floats, Floats],
    task: Task,
) -> bool:
    """Climb from several starts that differ in the visit with the fewest patients."""
    parameters, start, moves = where
    visits = task.form.visits
    fewest, sparsest = np.inf, 0
    for v in range(visits):
        patients = 0.0
        for p in range(sums.patients.shape[1]):
            patients += sums.patients[trial, p] if sums.is_seen[trial, p, v] else 0.0
        if 0.0 < patients <= fewest:
            fewest, sparsest = patients, v
    first = sparsest * (sparsest + 1) // 2
    for s in range(moves.shape[0]):
        parameters[:] = start
        parameters[first : first + sparsest + 1] += moves[s, : sparsest + 1]
        if np.isfinite(parameters).all() and climb(work, sums, trial, parameters, task):
            return True
    return False


@kernel
def _inverse(work: Climb, form: Form) -> Floats:
    """Inverse of the information in the work space, of no size if it is not positive definite.

    A coordinate that the data do not speak of has a row and a column of zeros, here and there.
    """
    information = work.entry_information if form.kind == REGRESSIONS else work.information
    size = information.shape[0]
    root = np.zeros((size, size))  # of the inverse of the factor, row by row
    factor = np.zeros((size, size))
    for j in range(size):
        if information[j, j] == 0.0:
            factor[j, j] = np.inf
            continue
        pivot = remaining_pivot(factor, information, j)
        if not pivot > 1e-10 * information[j, j]:
            return np.zeros((0, 0))
        factor[j, j] = np.sqrt(pivot)
        fill_column(factor, information, j, size)
    for j in range(size):
        row = root[j]
        for k in range(j):
            for i in range(k + 1):
                row[i] -= factor[j, k] * root[k, i]
        row[j] = 1.0
        row /= factor[j, j]
    inverse = np.zeros((size, size))
    add_crossproduct(inverse, root, 1.0)
    mirror(inverse)
    return inverse


@kernel
def _note_closed_form(
    result: Maximum,
    work: Climb,
    sums: PatternSums,
    trial: int,
    where: tuple[Floats, Task, VisitRegressions],
) -> None:
    """Note the fit of a trial whose values are missing monotonely."""
    parameters, task, regressions = where
    columns, squared = sums.visitwise, sums.scale[trial] ** 2
    if task.first_order:
        fill_covariance(work.covariance, parameters, task.form)
        fill_jacobian(work.jacobian, parameters, work.covariance, task.form)
        half = product(work.jacobian, monotone_inverse(regressions, columns))
        inverse = product(half, turned(work.jacobian))
        _note(result, work, sums, trial, (parameters, task, inverse))
        return
    effect, variance, spread = monotone_contrast(regressions, parameters, task.weights, columns)
    fill_covariance(result.covariance[trial], parameters, task.form)
    result.arrived[trial] = True
    result.value[trial] = monotone_value(regressions, sums, trial, task.restricted)
    result.effect[trial] = effect * sums.scale[trial]
    result.variance[trial] = variance * squared
    result.spread[trial] = spread * squared**2


@kernel
def _note(
    result: Maximum, work: Climb, sums: PatternSums, trial: int, where: tuple[Floats, Task, Floats]
) -> None:
    """Note the fit and the contrast at ``parameters``, with the inverse of the information."""
    parameters, task, inverse = where
    fit, form = work.fit, task.form
    fill_covariance(work.covariance, parameters, form)
    value = fit_mean(fit, sums, trial, work.covariance, task.restricted)
    result.arrived[trial] = inverse.size > 0 and np.isfinite(value)
    if not result.arrived[trial]:
        return
    squared = sums.scale[trial] ** 2
    effect, variance, column = contrast(fit, task.weights, sums.visitwise)
    slope = np.empty(work.entry_score.size)
    cross = fill_gradient(slope, fit, sums, trial, column)
    result.covariance[trial] = work.covariance
    result.value[trial] = value
    result.effect[trial] = effect * sums.scale[trial]
    result.variance[trial] = variance * squared
    bend = np.zeros((slope.size, slope.size)) if task.first_order else np.zeros((0, 0))
    if task.first_order:
        fill_bend(bend, fit, sums, trial, (column, cross))
    gradient = slope
    if form.kind != REGRESSIONS:
        fill_jacobian(work.jacobian, parameters, work.covariance, form)
        slopes = turned(work.jacobian)
        if task.second_order:
            bent = curvature(slope, parameters, work.covariance, form)
            result.curved[trial] = (bent * inverse).sum() * squared
        gradient = times_vector(slopes, slope)
        if task.first_order:
            bend = product(slopes, product(bend, work.jacobian))
    result.spread[trial] = (gradient * times_vector(inverse, gradient)).sum() * squared**2
    if task.first_order:
        result.added[trial] = 2.0 * squared * (inverse * bend).sum()
    if task.second_order:
        result.parameters[trial] = parameters
        result.gradient[trial] = gradient * squared
        result.inverse[trial] = inverse


@kernel
def _empty_maximum(sums: PatternSums, task: Task) -> Maximum:
    trials, form = sums.reason.size, task.form
    kept = trials if task.second_order else 0
    return Maximum(
        np.zeros(trials, np.bool_),
        np.full((trials, form.visits, form.visits), np.nan),
        np.full(trials, np.nan),
        np.full(trials, np.nan),
        np.full(trials, np.nan),
        np.full(trials, np.nan),
        np.zeros(trials),
        np.full((kept, form.size), np.nan),
        np.zeros((kept, form.size)),
        np.zeros((kept, form.size, form.size)),
        np.zeros(kept),
    )
