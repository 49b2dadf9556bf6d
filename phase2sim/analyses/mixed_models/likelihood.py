"""Slopes of the mixed model's likelihood by the entries of the covariance, and its information.

With P the matrix that frees an outcome of the fitted mean and weighs it, the score of entry j is
``(y'P V_j P y - tr(P V_j)) / 2`` (without the trace's correction for the mean in ML), the average
information ``y'P V_j P V_k P y / 2`` (Gilmour, Thompson and Cullis, Biometrics 1995) and the
observed one ``y'P V_j P V_k P y - tr(P V_j P V_k) / 2``. All are sums over missingness patterns.
Entries are in the order of ``tril_indices``; of an information both triangles are filled.
"""

import numpy as np

from phase2sim.analyses.mixed_models.generalised_least_squares import MeanFit
from phase2sim.core.arrays import Floats
from phase2sim.core.kernels import kernel
from phase2sim.core.small_matrices import (
    add_crossproduct,
    around,
    cholesky,
    mirror,
    product,
    turned,
)


@kernel
def fill_score(
    score: Floats,
    fit: MeanFit,
    patients: Floats,
    restricted: bool,  # noqa: FBT001  numba has no keyword-only arguments
) -> None:
    """Fill the slope of the log-likelihood by every entry."""
    score[:] = 0.0
    for p in range(fit.weight.shape[0]):
        if patients[p] == 0.0:
            continue
        weight = fit.weight[p]
        products = fit.residual[p] + fit.leverage[p] if restricted else fit.residual[p]
        slope = 0.5 * (around(weight, products) - patients[p] * weight)
        add_entries(score, slope)


@kernel
def fill_average(information: Floats, fit: MeanFit, patients: Floats, visitwise: int) -> None:
    """Fill the average information, (entry, entry)."""
    information[:] = 0.0
    forms = np.empty((information.shape[0], fit.beta.size))
    entry_forms(forms, fit, fit.cross, visitwise)
    subtract_forms(information, forms, fit.variance)
    for p in range(fit.weight.shape[0]):
        if patients[p] > 0.0:
            weight = fit.weight[p]
            add_pairs(information, around(weight, fit.residual[p]), weight)
    information *= 0.5
    mirror(information)


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
    """Fill X' W E_j W r for every entry j, from the ``cross`` products of X and r."""
    columns, visits = fit.slopes.shape
    common = columns - visitwise
    forms[:] = 0.0
    for p in range(fit.weight.shape[0]):
        weight = fit.weight[p]
        weighed = product(cross[p], weight)
        totals = weight.sum(axis=0)  # what a coefficient shared by all visits gathers
        j = 0
        for a in range(visits):
            for b in range(a + 1):
                if weight[a, a] > 0.0 and weight[b, b] > 0.0:
                    half = 0.5 if a == b else 1.0
                    form = forms[j]
                    for v in range(visits):
                        left, right = half * weight[v, a], half * weight[v, b]
                        for c in range(visitwise):
                            form[v * visitwise + c] += left * weighed[c, b] + right * weighed[c, a]
                    for c in range(common):
                        form[visits * visitwise + c] += half * (
                            totals[a] * weighed[visitwise + c, b]
                            + totals[b] * weighed[visitwise + c, a]
                        )
                j += 1


@kernel
def add_pairs(target: Floats, middle: Floats, weight: Floats) -> None:
    """Add tr(M E_j W E_k) for every pair of entries, to the lower triangle."""
    visits = weight.shape[0]
    j = 0
    for a in range(visits):
        for b in range(a + 1):
            if weight[a, a] > 0.0 and weight[b, b] > 0.0:
                half = 0.5 if a == b else 1.0
                row = target[j]
                k = 0
                for c in range(a + 1):
                    last = c if c < a else b
                    middle_a, middle_b = half * middle[c, a], half * middle[c, b]
                    weight_a, weight_b = half * weight[c, a], half * weight[c, b]
                    for d in range(last + 1):
                        row[k + d] += (1.0 if d < c else 0.5) * (
                            middle[a, d] * weight_b
                            + middle[b, d] * weight_a
                            + weight[a, d] * middle_b
                            + weight[b, d] * middle_a
                        )
                    k += last + 1
            j += 1


@kernel
def subtract_forms(information: Floats, forms: Floats, variance: Floats) -> None:
    """Subtract the products of all forms, weighed by the coefficients' covariance."""
    factor = variance.copy()
    cholesky(factor)
    add_crossproduct(information, turned(product(forms, factor)), -1.0)
