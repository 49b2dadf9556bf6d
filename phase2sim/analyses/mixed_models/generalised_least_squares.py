"""The mean of the mixed model given the covariance, by generalised least squares.

What later steps need of it is filled into a work space: the coefficients, their precision, and by
missingness pattern the products of residuals.
"""

from typing import NamedTuple

import numpy as np

from phase2sim.analyses.mixed_models.missing_patterns import PatternSums
from phase2sim.analyses.small_matrices import invert, product
from phase2sim.core.arrays import Bools, Floats
from phase2sim.core.kernels import kernel


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
            minus_twice += patients * _weigh(fit.weight[p], covariance, sums.is_seen[trial, p])
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
    fit.beta[:] = product(fit.variance, fit.beta.reshape(-1, 1))[:, 0]
    minus_twice += _residual_products(fit, sums, trial)
    minus_twice += 2.0 * n * np.log(sums.scale[trial])
    if restricted:
        minus_twice += log_determinant - 2.0 * used * np.log(sums.scale[trial])
        minus_twice += 2.0 * sums.log_scales[trial]
        n -= used
    value: float = -0.5 * (minus_twice + n * np.log(2.0 * np.pi))
    return value


@kernel
def _weigh(weight: Floats, covariance: Floats, is_seen: Bools) -> float:
    """Fill the inverse for one pattern; return the log determinant, nan if not positive."""
    size = is_seen.sum()
    part = np.empty((size, size))
    inverse = np.empty((size, size))
    where = np.flatnonzero(is_seen)
    for a in range(size):
        for b in range(size):
            part[a, b] = covariance[where[a], where[b]]
    log_determinant: float = invert(inverse, part)
    weight[:] = 0.0
    for a in range(size):
        for b in range(size):
            weight[where[a], where[b]] = inverse[a, b]
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
    columns, visits = fit.slopes.shape
    fit.precision[:] = 0.0
    fit.beta[:] = 0.0
    for p in range(fit.weight.shape[0]):
        if sums.patients[trial, p] == 0.0:
            continue
        products = sums.sums[trial, p]
        for v in range(visits):
            for w in range(visits):
                weight = fit.weight[p, v, w]
                if weight == 0.0:
                    continue
                for a in range(columns):
                    i = coefficient_index(a, v, sums.visitwise, visits)
                    fit.beta[i] += weight * products[a, columns + w]
                    for b in range(columns):
                        j = coefficient_index(b, w, sums.visitwise, visits)
                        fit.precision[i, j] += weight * products[a, b]


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
        products = sums.sums[trial, p]
        across = products[:columns, columns:]
        fit.cross[p] = across - product(products[:columns, :columns], fit.slopes)
        fitted = product(fit.slopes.T, fit.cross[p]) + product(across.T, fit.slopes)
        fit.residual[p] = products[columns:, columns:] - fitted
        total += (fit.weight[p] * fit.residual[p]).sum()
        _leverage(fit.leverage[p], fit.variance, products, sums.visitwise, columns)
    return total


@kernel
def _leverage(
    leverage: Floats, variance: Floats, products: Floats, visitwise: int, columns: int
) -> None:
    """Sum over patients of X Phi X'."""
    visits = leverage.shape[0]
    for v in range(visits):
        for w in range(v + 1):
            total = 0.0
            for a in range(columns):
                i = coefficient_index(a, v, visitwise, visits)
                for b in range(columns):
                    total += (
                        variance[i, coefficient_index(b, w, visitwise, visits)] * products[a, b]
                    )
            leverage[v, w] = total
            leverage[w, v] = total
