"""The mean of the mixed model given the covariance, by generalised least squares.

What later steps need of it is filled into a work space: the coefficients, their precision, and by
missingness pattern the products of residuals.
"""

from typing import NamedTuple

import numpy as np

from phase2sim.analyses.mixed_models.missing_patterns import PatternSums
from phase2sim.core.arrays import Bools, Floats
from phase2sim.core.kernels import kernel
from phase2sim.core.small_matrices import invert, mirror, times_vector


class MeanFit(NamedTuple):
    """Work space of one trial."""

    weight: Floats  # (pattern, visit, visit) inverse covariance, 0 where not seen
    precision: Floats  # (coefficient, coefficient) of the coefficients
    variance: Floats  # its inverse
    beta: Floats  # (coefficient,)
    slopes: Floats  # (column, visit) the same by column
    residual: Floats  # (pattern, visit, visit) sums of products
    leverage: Floats  # (pattern, visit, visit) what fitting the mean took from them
    cross: Floats  # (pattern, column, visit) of covariates and residuals
    part: Floats  # (visit, visit) to work in


@kernel
def work_space(sums: PatternSums, visits: int) -> MeanFit:
    """Make the work space for the trials of a batch."""
    patterns, columns = sums.sums.shape[1], sums.sums.shape[2] - visits
    size = visits * sums.visitwise + columns - sums.visitwise
    return MeanFit(
        np.zeros((patterns, visits, visits)),
        np.zeros((size, size)),
        np.zeros((size, size)),
        np.zeros(size),
        np.zeros((columns, visits)),
        np.zeros((patterns, visits, visits)),
        np.zeros((patterns, visits, visits)),
        np.zeros((patterns, columns, visits)),
        np.zeros((visits, visits)),
    )


@kernel
def fit_mean(
    fit: MeanFit,
    sums: PatternSums,
    trial: int,
    covariance: Floats,
    restricted: bool,  # noqa: FBT001  numba has no keyword-only arguments
) -> float:
    """Fit the mean given the covariance; return the log-likelihood, nan if there is none."""
    minus_twice = 0.0
    n = 0.0
    for p in range(fit.weight.shape[0]):
        patients = sums.patients[trial, p]
        fit.weight[p] = 0.0
        if patients > 0.0:
            minus_twice += patients * _weigh(fit, p, covariance, sums.is_seen[trial, p])
            n += patients * sums.is_seen[trial, p].sum()
    _coefficients(fit, sums, trial)
    used = 0
    for j in range(fit.beta.size):
        if fit.precision[j, j] == 0.0:
            fit.precision[j, j] = 1.0  # a visit nobody attended, a stratum nobody is in
        else:
            used += 1
    log_determinant = invert(fit.variance, fit.precision)
    if not np.isfinite(log_determinant + minus_twice):
        return np.nan
    fit.beta[:] = times_vector(fit.variance, fit.beta)
    minus_twice += _residual_products(fit, sums, trial)
    minus_twice += 2.0 * n * np.log(sums.scale[trial])
    if restricted:
        minus_twice += log_determinant - 2.0 * used * np.log(sums.scale[trial])
        minus_twice += 2.0 * sums.log_scales[trial]
        n -= used
    value: float = -0.5 * (minus_twice + n * np.log(2.0 * np.pi))
    return value


@kernel
def _weigh(fit: MeanFit, p: int, covariance: Floats, is_seen: Bools) -> float:
    """Fill the inverse for one pattern; return the log determinant, nan if not positive."""
    visits = is_seen.size
    for a in range(visits):
        for b in range(visits):  # visits that were not seen are set apart, with variance 1
            both = is_seen[a] and is_seen[b]
            fit.part[a, b] = covariance[a, b] if both else (1.0 if a == b else 0.0)
    weight = fit.weight[p]
    log_determinant: float = invert(weight, fit.part)
    for a in range(visits):
        if not is_seen[a]:
            weight[a, a] = 0.0
    return log_determinant


@kernel
def coefficient_index(column: int, visit: int, visitwise: int, visits: int) -> int:
    """Index of a column's coefficient at a visit."""
    if column < visitwise:
        return visit * visitwise + column
    return visits * visitwise + column - visitwise


@kernel
def _coefficients(fit: MeanFit, sums: PatternSums, trial: int) -> None:
    """Normal equations: the precision of the coefficients, and in beta their right-hand side."""
    fit.precision[:] = 0.0
    fit.beta[:] = 0.0
    for p in range(fit.weight.shape[0]):
        if sums.patients[trial, p] > 0.0:
            _add_visitwise(fit, p, sums.sums[trial, p], sums.visitwise)
            if sums.visitwise < fit.slopes.shape[0]:
                _add_common(fit, p, sums.sums[trial, p], sums.visitwise)
    mirror(fit.precision)


@kernel
def _add_visitwise(fit: MeanFit, p: int, products: Floats, visitwise: int) -> None:
    """Add one pattern's part for the coefficients at each visit."""
    columns, visits = fit.slopes.shape
    weight = fit.weight[p]
    for v in range(visits):
        if weight[v, v] == 0.0:
            continue
        for w in range(visits):
            for a in range(visitwise):
                fit.beta[v * visitwise + a] += weight[v, w] * products[a, columns + w]
        for w in range(v + 1):
            for a in range(visitwise):
                row = fit.precision[v * visitwise + a]
                for b in range(visitwise):
                    row[w * visitwise + b] += weight[v, w] * products[a, b]


@kernel
def _add_common(fit: MeanFit, p: int, products: Floats, visitwise: int) -> None:
    """Add one pattern's part for the coefficients that all visits share."""
    columns, visits = fit.slopes.shape
    totals = fit.weight[p].sum(axis=0)
    first = visits * visitwise
    for a in range(visitwise, columns):
        row = fit.precision[first + a - visitwise]
        for w in range(visits):
            fit.beta[first + a - visitwise] += totals[w] * products[a, columns + w]
            for b in range(visitwise):
                row[w * visitwise + b] += totals[w] * products[a, b]
        for b in range(visitwise, a + 1):
            row[first + b - visitwise] += totals.sum() * products[a, b]


@kernel
def _residual_products(fit: MeanFit, sums: PatternSums, trial: int) -> float:
    """Products of residuals, and their weighted sum of squares."""
    columns, visits = fit.slopes.shape
    for a in range(columns):
        for v in range(visits):
            fit.slopes[a, v] = fit.beta[coefficient_index(a, v, sums.visitwise, visits)]
    total = 0.0
    for p in range(fit.weight.shape[0]):
        if sums.patients[trial, p] == 0.0:
            continue
        products, weight = sums.sums[trial, p], fit.weight[p]
        _free_of_mean(fit, p, products)
        total += (weight * fit.residual[p]).sum()
        _leverage(fit.leverage[p], fit.variance, (products, weight), sums.visitwise, columns)
    return total


@kernel
def _free_of_mean(fit: MeanFit, p: int, products: Floats) -> None:
    """Fill one pattern's products of residuals, with the covariates and with one another."""
    columns, visits = fit.slopes.shape
    cross, residual = fit.cross[p], fit.residual[p]
    for v in range(visits):
        for a in range(columns):
            cross[a, v] = products[a, columns + v]
            for b in range(columns):
                cross[a, v] -= products[a, b] * fit.slopes[b, v]
    for v in range(visits):
        for w in range(v + 1):
            left = products[columns + v, columns + w]
            for a in range(columns):
                left -= fit.slopes[a, v] * cross[a, w] + products[a, columns + v] * fit.slopes[a, w]
            residual[v, w] = residual[w, v] = left


@kernel
def _leverage(
    leverage: Floats,
    variance: Floats,
    where: tuple[Floats, Floats],
    visitwise: int,
    columns: int,
) -> None:
    """Sum over patients of X Phi X', at the visits that were seen."""
    products, weight = where
    visits = leverage.shape[0]
    for v in range(visits):
        for w in range(v + 1):
            total = 0.0
            if weight[v, v] > 0.0 and weight[w, w] > 0.0:
                for a in range(columns):
                    i = coefficient_index(a, v, visitwise, visits)
                    for b in range(columns):
                        k = coefficient_index(b, w, visitwise, visits)
                        total += variance[i, k] * products[a, b]
            leverage[v, w] = leverage[w, v] = total
