"""Kenward and Roger's adjusted variance of a contrast, without and with second derivatives.

The adjusted variance is ``v + 2 sum W_jk (Q_jk - P_j Phi P_k - R_jk / 4)`` for the contrast
(Kenward and Roger, Biometrics 1997), with W the inverse of the observed information. Without R it
depends on the family of matrices alone, not on how they are parametrised: SAS calls it
``ddfm=kr(linear)``. R holds the second derivatives of the covariance, and these depend on the
parameters: they are taken as R mmrm has them, standard deviations as logarithms, a correlation as
``x / sqrt(1 + x^2)``, that of compound symmetry as a logit between its limits, and the unstructured
matrix as ``D L L' D`` with D diagonal, in logarithms, and L a unit lower triangle.
"""

import numpy as np

from phase2sim.analyses.mixed_models.covariance_structures import CONSTANT, REGRESSIONS, Form
from phase2sim.analyses.mixed_models.maximum import Maximum
from phase2sim.core.arrays import Floats, Ints


def second_order(form: Form, top: Maximum, trials: Ints) -> Floats:
    """Decrease of that variance from the second derivatives, (trial,); negative if it rises.

    Of the chosen ``trials``, in which the maximum is known.
    """
    gradient, inverse = top.gradient[trials], top.inverse[trials]
    if form.kind == REGRESSIONS:
        return 0.5 * _triangle_curvature(top.covariance[trials], gradient, inverse)
    correlations = slice(form.sds, None)
    turn = _turn(form, top.parameters[trials, correlations])
    variances = np.diagonal(inverse, axis1=1, axis2=2)[:, correlations]
    turns = (gradient[:, correlations] * turn * variances).sum(axis=1)
    half: Floats = 0.5 * (top.curved[trials] + turns)
    return half


def _turn(form: Form, rho: Floats) -> Floats:
    """Second derivative of a correlation by what stands for it, over the square of the first."""
    if form.kind != CONSTANT:
        return -3.0 * rho / (1.0 - rho**2)
    lowest = -1.0 / (form.visits - 1)
    share = (rho - lowest) / (1.0 - lowest)
    turn: Floats = (1.0 - 2.0 * share) / (share * (1.0 - share) * (1.0 - lowest))
    return turn


def _triangle_curvature(covariance: Floats, slope: Floats, inverse: Floats) -> Floats:
    """Sum of W_jk tr(G V_jk) over pairs of parameters of D and L, with G from ``slope``."""
    visits = covariance.shape[1]
    row, column = np.tril_indices(visits)
    factor = np.linalg.cholesky(covariance)
    first = _triangle_slopes(factor)
    whole = np.zeros(covariance.shape)
    whole[:, row, column] = np.where(row == column, 1.0, 0.5) * slope
    whole[:, column, row] = whole[:, row, column]
    jacobian = np.einsum("tjuw,tvw->tuvj", first, factor)
    back = np.linalg.inv((jacobian + np.swapaxes(jacobian, 1, 2))[:, row, column])
    w = back @ inverse @ np.swapaxes(back, 1, 2)
    pairs = np.einsum("tuv,tjvw,tkuw,tjk->t", whole, first, first, w, optimize=True)
    bent = np.einsum("tuv,tjvw,tuw->tj", whole, first, factor, optimize=True)
    for j in range(row.size):
        if row[j] == column[j]:
            # This row's D on top of itself, or of an entry of L in its row, leaves what the
            # other one alone does.
            pairs += np.einsum("tk,tk->t", w[:, j, row == row[j]], bent[:, row == row[j]])
            beside = (row == row[j]) & (column < row)
            pairs += np.einsum("tk,tk->t", w[:, j, beside], bent[:, beside])
    total: Floats = 2.0 * pairs
    return total


def _triangle_slopes(factor: Floats) -> Floats:
    """Derivatives of the Cholesky factor D L, (trial, parameter, visit, visit).

    A diagonal place stands for the logarithm of its row's D, which scales the whole row, and one
    below it for the entry of L, which D scales.
    """
    trials, visits = factor.shape[:2]
    row, column = np.tril_indices(visits)
    slopes = np.zeros((trials, row.size, visits, visits))
    diagonal = np.einsum("tvv->tv", factor)
    for j in range(row.size):
        if row[j] == column[j]:
            slopes[:, j, row[j]] = factor[:, row[j]]
        else:
            slopes[:, j, row[j], column[j]] = diagonal[:, row[j]]
    return slopes
