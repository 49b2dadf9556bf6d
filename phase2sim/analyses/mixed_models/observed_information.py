"""Observed information of the mixed model by the entries of the covariance (see ``likelihood``)."""

from typing import NamedTuple

import numpy as np

from phase2sim.analyses.mixed_models.generalised_least_squares import MeanFit
from phase2sim.analyses.mixed_models.likelihood import add_pairs, entry_forms, subtract_forms
from phase2sim.analyses.mixed_models.missing_patterns import PatternSums
from phase2sim.core.arrays import Floats
from phase2sim.core.kernels import inline_kernel, kernel
from phase2sim.core.small_matrices import add_crossproduct, around, cholesky, mirror


class Products(NamedTuple):
    """Work space for the traces of products in the observed information."""

    inner: Floats  # (coefficient, coefficient, entry)
    half_way: Floats  # the same shape
    packed: Floats  # (index in the triangle of coefficients, entry)
    term: Floats  # (entry,)


@kernel
def room_for_products(coefficients: int, entries: int) -> Products:
    """Make the work space."""
    return Products(
        np.empty((coefficients, coefficients, entries)),
        np.empty((coefficients, coefficients, entries)),
        np.empty((coefficients * (coefficients + 1) // 2, entries)),
        np.empty(entries),
    )


@kernel
def fill_observed(
    information: Floats,
    spaces: tuple[MeanFit, Products],
    sums: PatternSums,
    trial: int,
    restricted: bool,  # noqa: FBT001  numba has no keyword-only arguments
) -> None:
    """Fill the observed information, (entry, entry)."""
    fit, space = spaces
    information[:] = 0.0
    patients = sums.patients[trial]
    if restricted:
        _fill_entry_products(space, fit, sums, trial)
        add_crossproduct(information, space.packed, -0.5)
    forms = np.empty((information.shape[0], fit.beta.size))
    entry_forms(forms, fit, fit.cross, sums.visitwise)
    subtract_forms(information, forms, fit.variance)
    for p in range(fit.weight.shape[0]):
        if patients[p] > 0.0:
            weight = fit.weight[p]
            products = fit.residual[p] + fit.leverage[p] if restricted else fit.residual[p]
            middle = around(weight, products) - 0.5 * patients[p] * weight
            add_pairs(information, middle, weight)
    mirror(information)


@kernel
def _fill_entry_products(space: Products, fit: MeanFit, sums: PatternSums, trial: int) -> None:
    """Fill Phi X' W E_j W X for every entry j, such that traces of products are sums of products.

    With Phi = L L' these are L' X' W E_j W X L, symmetric: in ``space.packed`` by index in the
    triangle and entry, those off the diagonal times the root of 2. Entries come last everywhere, so
    that the innermost loop runs along them.
    """
    space.inner[:] = 0.0
    for p in range(fit.weight.shape[0]):
        if sums.patients[trial, p] > 0.0:
            totals = fit.weight[p].sum(axis=0)  # what a coefficient shared by all visits gathers
            products = sums.sums[trial, p]
            _add_visitwise(space, fit.weight[p], products, sums.visitwise)
            if sums.visitwise < fit.slopes.shape[0]:
                _add_common(space, (fit.weight[p], totals), products, sums.visitwise)
    factor = fit.variance.copy()
    cholesky(factor)
    size = factor.shape[0]
    space.half_way[:] = 0.0
    for i in range(size):
        for m in range(size):
            entries = space.inner[max(i, m), min(i, m)]
            for k in range(m + 1):
                _add_to(space.half_way[i, k], factor[m, k], entries)
    space.packed[:] = 0.0
    index = 0
    for j in range(size):
        for i in range(j, size):
            for k in range(j):
                _add_to(space.packed[index + k], np.sqrt(2.0) * factor[i, j], space.half_way[i, k])
            _add_to(space.packed[index + j], factor[i, j], space.half_way[i, j])
        index += j + 1


@kernel
def _add_visitwise(space: Products, weight: Floats, products: Floats, visitwise: int) -> None:
    """Add one pattern's X' W E_j W X of the coefficients at each visit, to the lower triangle."""
    for v in range(weight.shape[0]):
        for w in range(v + 1):
            if weight[v, v] > 0.0 and weight[w, w] > 0.0:
                _fill_terms(space.term, weight[v], weight[w])
                for c in range(visitwise):
                    for d in range(visitwise):
                        target = space.inner[v * visitwise + c, w * visitwise + d]
                        _add_to(target, products[c, d], space.term)


@kernel
def _add_common(
    space: Products, weights: tuple[Floats, Floats], products: Floats, visitwise: int
) -> None:
    """Add the same of the coefficients that all visits share."""
    weight, totals = weights
    visits = totals.size
    first = visits * visitwise
    common = space.inner.shape[0] - first
    for v in range(visits):
        if weight[v, v] > 0.0:
            _fill_terms(space.term, totals, weight[v])
            for c in range(common):
                for d in range(visitwise):
                    target = space.inner[first + c, v * visitwise + d]
                    _add_to(target, products[visitwise + c, d], space.term)
    _fill_terms(space.term, totals, totals)
    for c in range(common):
        for d in range(c + 1):
            target = space.inner[first + c, first + d]
            _add_to(target, products[visitwise + c, visitwise + d], space.term)


@inline_kernel
def _add_to(target: Floats, weight: float, entries: Floats) -> None:
    """Add entries times a number."""
    for e in range(target.size):
        target[e] += weight * entries[e]


@kernel
def _fill_terms(term: Floats, left: Floats, right: Floats) -> None:
    """Fill what every entry contributes to the product of two rows of weights."""
    e = 0
    for a in range(left.size):
        for b in range(a):
            term[e + b] = left[a] * right[b] + left[b] * right[a]
        term[e + a] = left[a] * right[a]
        e += a + 1
