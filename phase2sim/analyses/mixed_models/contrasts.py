"""A contrast of the mixed model for repeated measures, with what its degrees of freedom need.

The derivatives are with respect to the covariance's own entries, as in ``likelihood``.
"""

from typing import NamedTuple

import numpy as np

from phase2sim.analyses.mixed_models.generalised_least_squares import (
    MeanFit,
    coefficient_index,
    fit_mean,
    work_space,
)
from phase2sim.analyses.mixed_models.likelihood import (
    add_entries,
    add_pairs,
    entry_forms,
    fill_score,
)
from phase2sim.analyses.mixed_models.missing_patterns import ARM, PatternSums
from phase2sim.analyses.small_matrices import around, product
from phase2sim.core.arrays import Bools, Floats
from phase2sim.core.kernels import kernel


class Contrast(NamedTuple):
    """Treatment minus control, weighted over visits, given the covariance."""

    value: Floats  # (trial,) log-likelihood; nan where the covariance has no inverse
    score: Floats  # (trial, entry)
    effect: Floats  # (trial,)
    variance: Floats  # (trial,)
    gradient: Floats  # (trial, entry) of the variance
    bend: Floats  # (trial, entry, entry) Kenward and Roger's Q - P Phi P for the contrast
    information: Floats  # (trial, entry, entry), observed


@kernel
def contrast(
    sums: PatternSums,
    covariance: Floats,
    is_active: Bools,
    restricted: bool,  # noqa: FBT001  numba has no keyword-only arguments
    weights: Floats,
) -> Contrast:
    """Effect by ``weights`` (visit,) and all that its degrees of freedom need."""
    trials, visits = covariance.shape[:2]
    entries = visits * (visits + 1) // 2
    value = np.full(trials, np.nan)
    score = np.zeros((trials, entries))
    effect = np.full(trials, np.nan)
    variance = np.full(trials, np.nan)
    gradient = np.zeros((trials, entries))
    bend = np.zeros((trials, entries, entries))
    information = np.zeros((trials, entries, entries))
    fit = work_space(sums, visits)
    forms = np.empty((entries, fit.beta.size))
    loading = np.zeros(fit.beta.size)
    loading[ARM : visits * sums.visitwise : sums.visitwise] = weights
    for trial in range(trials):
        if is_active[trial]:
            value[trial] = fit_mean(fit, sums, trial, covariance[trial], restricted)
        if value[trial] == value[trial]:
            fill_score(score[trial], fit, sums.patients[trial], restricted)
            column = product(fit.variance, loading.reshape(-1, 1))[:, 0]
            effect[trial] = (loading * fit.beta).sum() * sums.scale[trial]
            variance[trial] = (loading * column).sum() * sums.scale[trial] ** 2
            entry_forms(forms, fit, fit.cross, sums.visitwise)
            information[trial] -= product(product(forms, fit.variance), forms.T)
            _complete_information(information[trial], fit, sums, trial, restricted)
            _bend(gradient[trial], bend[trial], fit, (sums, trial), column)
            gradient[trial] *= sums.scale[trial] ** 2
            bend[trial] *= sums.scale[trial] ** 2
    return Contrast(value, score, effect, variance, gradient, bend, information)


@kernel
def _complete_information(
    target: Floats,
    fit: MeanFit,
    sums: PatternSums,
    trial: int,
    restricted: bool,  # noqa: FBT001  numba has no keyword-only arguments
) -> None:
    """Complete the observed information, from which ``d_j' Phi d_k`` is already taken."""
    for p in range(fit.weight.shape[0]):
        patients = sums.patients[trial, p]
        if patients > 0.0:
            weight = fit.weight[p]
            products = fit.residual[p] + fit.leverage[p] if restricted else fit.residual[p]
            middle = around(weight, products) - 0.5 * patients * weight
            add_pairs(target, middle, weight)
    if restricted:
        turned, across = _entry_products(fit, sums, trial)
        target -= 0.5 * product(turned, across)


@kernel
def _entry_products(fit: MeanFit, sums: PatternSums, trial: int) -> tuple[Floats, Floats]:
    """Phi X' W E_j W X for every entry j, (entry, all), and its transpose, (all, entry).

    Laid out like this the traces of all their products are one product.
    """
    columns, visits = fit.slopes.shape
    size = fit.beta.size
    turned = np.empty((visits * (visits + 1) // 2, size * size))
    across = np.empty((size * size, turned.shape[0]))
    inner = np.empty((fit.beta.size, fit.beta.size))
    j = 0
    for a in range(visits):
        for b in range(a + 1):
            half = 0.5 if a == b else 1.0
            inner[:] = 0.0
            for p in range(fit.weight.shape[0]):
                weight = fit.weight[p]
                if weight[a, a] == 0.0 or weight[b, b] == 0.0:
                    continue  # not seen at one of the two
                for v in range(visits):
                    for w in range(visits):
                        term = half * (weight[v, a] * weight[b, w] + weight[v, b] * weight[a, w])
                        for c in range(columns):
                            i = coefficient_index(c, v, sums.visitwise, visits)
                            for d in range(columns):
                                k = coefficient_index(d, w, sums.visitwise, visits)
                                inner[i, k] += term * sums.sums[trial, p, c, d]
            both = product(fit.variance, inner)
            turned[j] = both.ravel()
            across[:, j] = both.T.copy().ravel()
            j += 1
    return turned, across


@kernel
def _bend(
    gradient: Floats, bend: Floats, fit: MeanFit, where: tuple[PatternSums, int], contrast: Floats
) -> None:
    """How the contrast's variance moves with the entries, to first and second order.

    ``contrast`` is the coefficients' covariance with it.
    """
    sums, trial = where
    columns, visits = fit.slopes.shape
    slopes = np.empty((columns, visits))
    for a in range(columns):
        for v in range(visits):
            slopes[a, v] = contrast[coefficient_index(a, v, sums.visitwise, visits)]
    cross = np.zeros((fit.weight.shape[0], columns, visits))
    for p in range(fit.weight.shape[0]):
        if sums.patients[trial, p] == 0.0:
            continue
        cross[p] = product(sums.sums[trial, p, :columns, :columns], slopes)
        weight = fit.weight[p]
        middle = around(weight, product(slopes.T, cross[p]))
        add_pairs(bend, middle, weight)
        add_entries(gradient, middle)
    forms = np.empty((gradient.size, fit.beta.size))
    entry_forms(forms, fit, cross, sums.visitwise)
    bend -= product(product(forms, fit.variance), forms.T)
