"""A contrast of the mixed model, and how its variance moves with the covariance's entries."""

import numpy as np

from phase2sim.analyses.mixed_models.generalised_least_squares import MeanFit, coefficient_index
from phase2sim.analyses.mixed_models.likelihood import (
    add_entries,
    add_pairs,
    entry_forms,
)
from phase2sim.analyses.mixed_models.missing_patterns import ARM, PatternSums
from phase2sim.core.arrays import Floats
from phase2sim.core.kernels import kernel
from phase2sim.core.small_matrices import around, mirror, product, times_vector


@kernel
def contrast(fit: MeanFit, weights: Floats, visitwise: int) -> tuple[float, float, Floats]:
    """Effect by ``weights`` (visit,), its variance, and its covariance with every coefficient."""
    loading = np.zeros(fit.beta.size)
    for v in range(weights.size):
        loading[v * visitwise + ARM] = weights[v]
    column = times_vector(fit.variance, loading)
    return (loading * fit.beta).sum(), (loading * column).sum(), column


@kernel
def fill_gradient(
    gradient: Floats, fit: MeanFit, sums: PatternSums, trial: int, column: Floats
) -> Floats:
    """Fill the slope of the contrast's variance by every entry.

    ``column`` is the contrast's covariance with the coefficients. Returns the products of the
    covariates with it, (pattern, column, visit), for ``fill_bend``.
    """
    columns, visits = fit.slopes.shape
    gradient[:] = 0.0
    slopes = np.empty((columns, visits))
    for a in range(columns):
        for v in range(visits):
            slopes[a, v] = column[coefficient_index(a, v, sums.visitwise, visits)]
    cross = np.zeros((fit.weight.shape[0], columns, visits))
    for p in range(fit.weight.shape[0]):
        if sums.patients[trial, p] > 0.0:
            cross[p] = product(sums.sums[trial, p, :columns, :columns], slopes)
            add_entries(gradient, around(fit.weight[p], product(slopes.T, cross[p])))
    return cross


@kernel
def fill_bend(
    bend: Floats, fit: MeanFit, sums: PatternSums, trial: int, gathered: tuple[Floats, Floats]
) -> None:
    """Fill Kenward and Roger's Q - P Phi P for the contrast, (entry, entry).

    ``gathered`` are the contrast's covariance with the coefficients and what ``fill_gradient`` has
    returned.
    """
    column, cross = gathered
    columns, visits = fit.slopes.shape
    bend[:] = 0.0
    slopes = np.empty((columns, visits))
    for a in range(columns):
        for v in range(visits):
            slopes[a, v] = column[coefficient_index(a, v, sums.visitwise, visits)]
    for p in range(fit.weight.shape[0]):
        if sums.patients[trial, p] > 0.0:
            weight = fit.weight[p]
            add_pairs(bend, around(weight, product(slopes.T, cross[p])), weight)
    forms = np.empty((bend.shape[0], fit.beta.size))
    entry_forms(forms, fit, cross, sums.visitwise)
    mirror(bend)
    bend -= product(product(forms, fit.variance), forms.T)
