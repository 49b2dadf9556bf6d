"""Deviations of studies, drawn from their normal distribution given all means of the study.

The means are linear in the terms of a study's deviation, which are integrated out of their density.
A number that is not linear in them needs their values: given the means they are normal, so they are
the conditional mean plus a Cholesky factor times standard normals. With u the effects over their
SDs, r the residuals of the study's means, C their covariance and G that of u with r, the mean is
G C^-1 r and the covariance I - G C^-1 G'.
"""

import numpy as np

from phase2sim.core.arrays import Floats, Ints
from phase2sim.core.kernels import kernel
from phase2sim.core.small_matrices import product
from phase2sim.prior.models.densities.correlated_normal import inverse_factor, precision_of
from phase2sim.prior.models.densities.kernel_operation import Differentiable, Slopes


def _rows_of(trial: Floats, number: int) -> Ints:
    """Positions of one trial's rows."""
    return np.flatnonzero(trial == number)


rows_of = kernel(_rows_of)


def _design(
    mean_slope: Floats,
    by_term: Floats,
    sds: Floats,
    effects: Floats,
    owner: Floats,
    rows: Ints,
    columns: Ints,
) -> Floats:
    """Derivative (effect, location) of a trial's means by its effects, over their SDs."""
    matrix = np.zeros((len(rows), len(columns)))
    for k in range(len(rows)):
        study, term = effects[rows[k], 0], int(effects[rows[k], 2])
        for i in range(len(columns)):
            location = columns[i]
            if owner[location] == study:
                matrix[k, i] = sds[rows[k]] * mean_slope[location] * by_term[location, term]
    return matrix


design = kernel(_design)


def _add_design_slopes(
    by_matrix: Floats,
    factors: tuple[Floats, Floats, Floats],
    effects: Floats,
    owner: Floats,
    block: tuple[Ints, Ints],
    gradients: tuple[Floats, Floats, Floats],
) -> None:
    """Add the gradient by the three factors of ``design``, given that by its matrix."""
    (mean_slope, by_term, sds), (of_slope, of_terms, of_sds) = factors, gradients
    rows, columns = block
    for k in range(len(rows)):
        study, term = effects[rows[k], 0], int(effects[rows[k], 2])
        for i in range(len(columns)):
            at = columns[i]
            if owner[at] == study:
                sd, slope, weight = sds[rows[k]], mean_slope[at], by_term[at, term]
                of_sds[rows[k]] += by_matrix[k, i] * slope * weight
                of_slope[at] += by_matrix[k, i] * sd * weight
                of_terms[at, term] += by_matrix[k, i] * sd * slope


add_design_slopes = kernel(_add_design_slopes)


def _block(
    residual: Floats, covariance: Floats, matrix: Floats, columns: Ints
) -> tuple[Floats, Floats, Floats, Floats]:
    """Precision of a trial's means, that times residuals, and inverse factor and factor of u."""
    size = len(columns)
    within = np.zeros((size, size))
    off = np.zeros((size, 1))
    for i in range(size):
        off[i, 0] = residual[columns[i]]
        for j in range(size):
            within[i, j] = covariance[columns[i], columns[j]]
    precision, _ = precision_of(within)
    spread = np.eye(len(matrix)) - product(matrix, product(precision, matrix.T.copy()))
    inverse, _ = inverse_factor(spread)
    return precision, product(precision, off), inverse, product(spread, inverse.T.copy())


block = kernel(_block)


def _effects(
    residual: Floats,
    covariance: Floats,
    mean_slope: Floats,
    by_term: Floats,
    sds: Floats,
    raw: Floats,
    effects: Floats,
    owner: Floats,
    trial: Floats,
) -> Floats:
    value = np.zeros(len(raw))
    for number in range(int(effects[:, 1].max()) + 1):
        rows, columns = rows_of(effects[:, 1], number), rows_of(trial, number)
        matrix = design(mean_slope, by_term, sds, effects, owner, rows, columns)
        _, weighted, _, factor = block(residual, covariance, matrix, columns)
        for k in range(len(rows)):
            total = 0.0
            for i in range(len(columns)):
                total += matrix[k, i] * weighted[i, 0]
            for j in range(k + 1):
                total += factor[k, j] * raw[rows[j]]
            value[rows[k]] = sds[rows[k]] * total
    return value


def _by_spread(by_factor: Floats, inverse: Floats, factor: Floats) -> Floats:
    """Gradient by a covariance, of a function of its lower Cholesky factor (Murray 2016)."""
    inner = product(factor.T.copy(), by_factor)
    for i in range(len(inner)):
        inner[i, i] /= 2.0
        inner[i, i + 1 :] = 0.0
    outer = product(inverse.T.copy(), product(inner, inverse))
    return (outer + outer.T) / 2.0


by_spread = kernel(_by_spread)


def _block_slopes(
    by_u: Floats, z: Floats, matrix: Floats, parts: tuple[Floats, Floats, Floats, Floats]
) -> tuple[Floats, Floats, Floats, Floats]:
    """Gradient by ``z``, ``matrix``, residuals and their covariance, in one trial."""
    precision, weighted, inverse, factor = parts
    by_z = product(factor.T.copy(), by_u)
    by_factor = product(by_u, z.T.copy())
    for i in range(len(by_factor)):
        by_factor[i, i + 1 :] = 0.0
    of_spread = by_spread(by_factor, inverse, factor)
    by_weighted = product(matrix.T.copy(), by_u)
    by_matrix = product(by_u, weighted.T.copy())
    by_matrix -= 2.0 * product(of_spread, product(matrix, precision))
    by_precision = -product(matrix.T.copy(), product(of_spread, matrix))
    by_residual = product(precision, by_weighted)
    by_covariance = -product(precision, product(by_precision, precision))
    by_covariance -= product(by_residual, weighted.T.copy())
    return by_z, by_matrix, by_residual, by_covariance


block_slopes = kernel(_block_slopes)


def _slopes(
    residual: Floats,
    covariance: Floats,
    mean_slope: Floats,
    by_term: Floats,
    sds: Floats,
    raw: Floats,
    effects: Floats,
    owner: Floats,
    trial: Floats,
    cotangent: Floats,
) -> tuple[Floats, Floats, Floats, Floats, Floats, Floats]:
    by_residual, by_covariance = np.zeros(residual.shape), np.zeros(covariance.shape)
    by_mean_slope, by_sds = np.zeros(mean_slope.shape), np.zeros(sds.shape)
    of_terms, by_raw = np.zeros(by_term.shape), np.zeros(raw.shape)
    for number in range(int(effects[:, 1].max()) + 1):
        rows, columns = rows_of(effects[:, 1], number), rows_of(trial, number)
        matrix = design(mean_slope, by_term, sds, effects, owner, rows, columns)
        parts = block(residual, covariance, matrix, columns)
        _, weighted, _, factor = parts
        z = raw[rows].copy().reshape((-1, 1))
        u = product(matrix, weighted) + product(factor, z)
        by_u = (sds[rows] * cotangent[rows]).reshape((-1, 1))
        by_z, by_matrix, by_off, by_within = block_slopes(by_u, z, matrix, parts)
        for k in range(len(rows)):
            by_raw[rows[k]] += by_z[k, 0]
            by_sds[rows[k]] += u[k, 0] * cotangent[rows[k]]
        for i in range(len(columns)):
            by_residual[columns[i]] += by_off[i, 0]
            for j in range(len(columns)):
                by_covariance[columns[i], columns[j]] += by_within[i, j]
        factors, gradients = (mean_slope, by_term, sds), (by_mean_slope, of_terms, by_sds)
        add_design_slopes(by_matrix, factors, effects, owner, (rows, columns), gradients)
    return by_residual, by_covariance, by_mean_slope, of_terms, by_sds, by_raw


def _shapes(*inputs: tuple[int | None, ...]) -> list[tuple[int | None, ...]]:
    return [(inputs[5][0],)]


# Values (effect,). Differentiated inputs: residuals (location,), their covariance (location,
# location), derivative of each location by its patients' mean (location,), share of each term of a
# study's deviation in it (location, term); SDs of the effects between studies and standard normals
# (effect,). Constants: ``effects`` (effect, 3): study, trial from 0, term; ``owner`` (location,):
# study or -1; ``trial`` (location,), -1 for other trials. A trial without means has its effects
# from the standard normals alone.
effects_given_means: Differentiable = Differentiable(
    Slopes("effects_given_means", kernel(_slopes), 6), kernel(_effects), _shapes
)
