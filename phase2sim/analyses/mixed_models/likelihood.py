"""Likelihood of the mixed model for repeated measures, with its derivatives, in a batch of trials.

The parameters here are the covariance matrix's own entries, in the order of ``tril_indices``.
With P the matrix that frees an outcome of the fitted mean and weighs it, the score of entry j is
``(y'P V_j P y - tr(P V_j)) / 2`` (without the trace's correction for the mean in ML), the average
information ``y'P V_j P V_k P y / 2`` (Gilmour, Thompson and Cullis, Biometrics 1995) and the
observed one ``y'P V_j P V_k P y - tr(P V_j P V_k) / 2``. All are sums over missingness patterns.
"""

from typing import NamedTuple

import numpy as np

from phase2sim.analyses.mixed_models.generalised_least_squares import (
    MeanFit,
    coefficient_index,
    fit_mean,
    work_space,
)
from phase2sim.analyses.mixed_models.missing_patterns import PatternSums
from phase2sim.analyses.small_matrices import around, product
from phase2sim.core.arrays import Bools, Floats
from phase2sim.core.kernels import kernel


class Likelihood(NamedTuple):
    """Log-likelihoods with derivatives; nan where the covariance has no inverse."""

    value: Floats  # (trial,)
    score: Floats  # (trial, entry)
    information: Floats  # (trial, entry, entry), average


@kernel
def likelihood(
    sums: PatternSums,
    covariance: Floats,
    is_active: Bools,
    restricted: bool,  # noqa: FBT001  numba has no keyword-only arguments
) -> Likelihood:
    """Log-likelihood (outcome scaled) and derivatives at ``covariance`` (trial, visit, visit)."""
    trials, visits = covariance.shape[:2]
    entries = visits * (visits + 1) // 2
    value = np.full(trials, np.nan)
    score = np.zeros((trials, entries))
    information = np.zeros((trials, entries, entries))
    fit = work_space(sums, visits)
    forms = np.empty((entries, fit.beta.size))
    for trial in range(trials):
        if not is_active[trial]:
            continue
        value[trial] = fit_mean(fit, sums, trial, covariance[trial], restricted)
        if value[trial] == value[trial]:
            fill_score(score[trial], fit, sums.patients[trial], restricted)
            entry_forms(forms, fit, fit.cross, sums.visitwise)
            information[trial] -= product(product(forms, fit.variance), forms.T)
            for p in range(fit.weight.shape[0]):
                if sums.patients[trial, p] > 0.0:
                    weight = fit.weight[p]
                    middle = around(weight, fit.residual[p])
                    add_pairs(information[trial], middle, weight)
            information[trial] *= 0.5
    return Likelihood(value, score, information)


@kernel
def fill_score(
    score: Floats,
    fit: MeanFit,
    patients: Floats,
    restricted: bool,  # noqa: FBT001  numba has no keyword-only arguments
) -> None:
    """Add the score of every entry."""
    for p in range(fit.weight.shape[0]):
        if patients[p] == 0.0:
            continue
        weight = fit.weight[p]
        products = fit.residual[p] + fit.leverage[p] if restricted else fit.residual[p]
        slope = 0.5 * (around(weight, products) - patients[p] * weight)
        add_entries(score, slope)


@kernel
def add_entries(target: Floats, matrix: Floats) -> None:
    """Add tr(M E_j) for every entry j."""
    j = 0
    for a in range(matrix.shape[0]):
        for b in range(a + 1):
            target[j] += matrix[a, b] if a == b else 2.0 * matrix[a, b]
            j += 1


@kernel
def entry_forms(forms: Floats, fit: MeanFit, cross: Floats, visitwise: int) -> None:
    """X' W E_j W r for every entry j, from the ``cross`` products of X and r."""
    columns, visits = fit.slopes.shape
    forms[:] = 0.0
    for p in range(fit.weight.shape[0]):
        weight = fit.weight[p]
        weighed = product(cross[p], weight)
        j = 0
        for a in range(visits):
            for b in range(a + 1):
                half = 0.5 if a == b else 1.0
                for v in range(visits):
                    for c in range(columns):
                        forms[j, coefficient_index(c, v, visitwise, visits)] += half * (
                            weight[v, a] * weighed[c, b] + weight[v, b] * weighed[c, a]
                        )
                j += 1


@kernel
def add_pairs(target: Floats, middle: Floats, weight: Floats) -> None:
    """Add tr(M E_j W E_k) for every pair of entries."""
    visits = weight.shape[0]
    j = 0
    for a in range(visits):
        for b in range(a + 1):
            k = 0
            for c in range(visits):
                for d in range(c + 1):
                    half = (0.5 if a == b else 1.0) * (0.5 if c == d else 1.0)
                    target[j, k] += half * (
                        middle[d, a] * weight[b, c]
                        + middle[c, a] * weight[b, d]
                        + middle[d, b] * weight[a, c]
                        + middle[c, b] * weight[a, d]
                    )
                    k += 1
            j += 1
