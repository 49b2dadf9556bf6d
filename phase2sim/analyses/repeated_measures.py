"""Likelihood of the mixed model for repeated measures, with its derivatives, in a batch of trials.

The parameters here are the covariance matrix's own entries, in the order of ``tril_indices``.
With P the matrix that frees an outcome of the fitted mean and weighs it, the score of entry j is
``(y'P V_j P y - tr(P V_j)) / 2`` (without the trace's correction for the mean in ML), the average
information ``y'P V_j P V_k P y / 2`` (Gilmour, Thompson and Cullis, Biometrics 1995) and the
observed one ``y'P V_j P V_k P y - tr(P V_j P V_k) / 2``. All are sums over missingness patterns.
"""

from typing import NamedTuple

import numpy as np

from phase2sim.analyses.missing_patterns import ARM, PatternSums
from phase2sim.analyses.small_matrices import around, invert, product
from phase2sim.contracts import Bools, Floats
from phase2sim.kernels import kernel


class Likelihood(NamedTuple):
    """Of every trial that was asked for; nan where the covariance has no inverse."""

    value: Floats  # (trial,)
    score: Floats  # (trial, entry)
    information: Floats  # (trial, entry, entry), average


class Contrast(NamedTuple):
    """Treatment minus control, weighted over visits, given the covariance."""

    value: Floats  # (trial,) log-likelihood; nan where the covariance has no inverse
    score: Floats  # (trial, entry)
    effect: Floats  # (trial,)
    variance: Floats  # (trial,)
    gradient: Floats  # (trial, entry) of the variance
    bend: Floats  # (trial, entry, entry) Kenward and Roger's Q - P Phi P for the contrast
    information: Floats  # (trial, entry, entry), observed


class _Fit(NamedTuple):
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
def likelihood(
    sums: PatternSums,
    covariance: Floats,
    asked: Bools,
    restricted: bool,  # noqa: FBT001  numba has no keyword-only arguments
) -> Likelihood:
    """Log-likelihood (outcome scaled) and derivatives at ``covariance`` (trial, visit, visit)."""
    trials, visits = covariance.shape[:2]
    entries = visits * (visits + 1) // 2
    value = np.full(trials, np.nan)
    score = np.zeros((trials, entries))
    information = np.zeros((trials, entries, entries))
    fit = _room(sums, visits)
    forms = np.empty((entries, fit.beta.size))
    for trial in range(trials):
        if not asked[trial]:
            continue
        value[trial] = _fit(fit, sums, trial, covariance[trial], restricted)
        if value[trial] == value[trial]:
            _score(score[trial], fit, sums.patients[trial], restricted)
            _entry_forms(forms, fit, fit.cross, sums.visitwise)
            information[trial] -= product(product(forms, fit.variance), forms.T)
            for p in range(fit.weight.shape[0]):
                if sums.patients[trial, p] > 0.0:
                    weight = fit.weight[p]
                    middle = around(weight, fit.residual[p])
                    _add_pairs(information[trial], middle, weight)
            information[trial] *= 0.5
    return Likelihood(value, score, information)


@kernel
def contrast(
    sums: PatternSums,
    covariance: Floats,
    asked: Bools,
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
    fit = _room(sums, visits)
    forms = np.empty((entries, fit.beta.size))
    loading = np.zeros(fit.beta.size)
    loading[ARM : visits * sums.visitwise : sums.visitwise] = weights
    for trial in range(trials):
        if asked[trial]:
            value[trial] = _fit(fit, sums, trial, covariance[trial], restricted)
        if value[trial] == value[trial]:
            _score(score[trial], fit, sums.patients[trial], restricted)
            column = product(fit.variance, loading.reshape(-1, 1))[:, 0]
            effect[trial] = (loading * fit.beta).sum() * sums.scale[trial]
            variance[trial] = (loading * column).sum() * sums.scale[trial] ** 2
            _entry_forms(forms, fit, fit.cross, sums.visitwise)
            information[trial] -= product(product(forms, fit.variance), forms.T)
            _observed(information[trial], fit, sums, trial, restricted)
            _bend(gradient[trial], bend[trial], fit, (sums, trial), column)
            gradient[trial] *= sums.scale[trial] ** 2
            bend[trial] *= sums.scale[trial] ** 2
    return Contrast(value, score, effect, variance, gradient, bend, information)


@kernel
def _room(sums: PatternSums, visits: int) -> _Fit:
    patterns, columns = sums.sums.shape[1], sums.sums.shape[2] - visits
    size = visits * sums.visitwise + columns - sums.visitwise
    return _Fit(
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
def _fit(
    fit: _Fit,
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
            minus_twice += patients * _weigh(fit.weight[p], covariance, sums.seen[trial, p])
            n += patients * sums.seen[trial, p].sum()
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
    minus_twice += _leftovers(fit, sums, trial)
    minus_twice += 2.0 * n * np.log(sums.scale[trial])
    if restricted:
        minus_twice += log_determinant - 2.0 * used * np.log(sums.scale[trial])
        minus_twice += 2.0 * sums.log_scales[trial]
        n -= used
    value: float = -0.5 * (minus_twice + n * np.log(2.0 * np.pi))
    return value


@kernel
def _weigh(weight: Floats, covariance: Floats, seen: Bools) -> float:
    """Fill the inverse for one pattern; return the log determinant, nan if not positive."""
    size = seen.sum()
    part = np.empty((size, size))
    inverse = np.empty((size, size))
    where = np.flatnonzero(seen)
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
def _place(column: int, visit: int, visitwise: int, visits: int) -> int:
    """Which coefficient a column has at a visit."""
    if column < visitwise:
        return visit * visitwise + column
    return visits * visitwise + column - visitwise


@kernel
def _coefficients(fit: _Fit, sums: PatternSums, trial: int) -> None:
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
                    i = _place(a, v, sums.visitwise, visits)
                    fit.beta[i] += weight * products[a, columns + w]
                    for b in range(columns):
                        j = _place(b, w, sums.visitwise, visits)
                        fit.precision[i, j] += weight * products[a, b]


@kernel
def _leftovers(fit: _Fit, sums: PatternSums, trial: int) -> float:
    """Products of residuals, and their weighted sum of squares."""
    columns, visits = fit.slopes.shape
    for a in range(columns):
        for v in range(visits):
            fit.slopes[a, v] = fit.beta[_place(a, v, sums.visitwise, visits)]
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
                i = _place(a, v, visitwise, visits)
                for b in range(columns):
                    total += variance[i, _place(b, w, visitwise, visits)] * products[a, b]
            leverage[v, w] = total
            leverage[w, v] = total


@kernel
def _score(
    score: Floats,
    fit: _Fit,
    patients: Floats,
    restricted: bool,  # noqa: FBT001  numba has no keyword-only arguments
) -> None:
    for p in range(fit.weight.shape[0]):
        if patients[p] == 0.0:
            continue
        weight = fit.weight[p]
        products = fit.residual[p] + fit.leverage[p] if restricted else fit.residual[p]
        slope = 0.5 * (around(weight, products) - patients[p] * weight)
        _add_entries(score, slope)


@kernel
def _add_entries(target: Floats, matrix: Floats) -> None:
    """Add tr(M E_j) for every entry j."""
    j = 0
    for a in range(matrix.shape[0]):
        for b in range(a + 1):
            target[j] += matrix[a, b] if a == b else 2.0 * matrix[a, b]
            j += 1


@kernel
def _entry_forms(forms: Floats, fit: _Fit, cross: Floats, visitwise: int) -> None:
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
                        forms[j, _place(c, v, visitwise, visits)] += half * (
                            weight[v, a] * weighed[c, b] + weight[v, b] * weighed[c, a]
                        )
                j += 1


@kernel
def _add_pairs(target: Floats, middle: Floats, weight: Floats) -> None:
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


@kernel
def _observed(
    target: Floats,
    fit: _Fit,
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
            _add_pairs(target, middle, weight)
    if restricted:
        turned = _turned(fit, sums, trial)
        for j in range(turned.shape[0]):
            for k in range(j + 1):
                term = 0.5 * (turned[j] * turned[k].T).sum()
                target[j, k] -= term
                target[k, j] -= term if j != k else 0.0


@kernel
def _turned(fit: _Fit, sums: PatternSums, trial: int) -> Floats:
    """Phi X' W E_j W X for every entry j."""
    columns, visits = fit.slopes.shape
    turned = np.empty((visits * (visits + 1) // 2, fit.beta.size, fit.beta.size))
    inner = np.empty((fit.beta.size, fit.beta.size))
    j = 0
    for a in range(visits):
        for b in range(a + 1):
            half = 0.5 if a == b else 1.0
            inner[:] = 0.0
            for p in range(fit.weight.shape[0]):
                weight = fit.weight[p]
                for v in range(visits):
                    for w in range(visits):
                        here = weight[v, a] * weight[b, w] + weight[v, b] * weight[a, w]
                        if here == 0.0:
                            continue
                        for c in range(columns):
                            i = _place(c, v, sums.visitwise, visits)
                            for d in range(columns):
                                k = _place(d, w, sums.visitwise, visits)
                                inner[i, k] += half * here * sums.sums[trial, p, c, d]
            turned[j] = product(fit.variance, inner)
            j += 1
    return turned


@kernel
def _bend(
    gradient: Floats, bend: Floats, fit: _Fit, where: tuple[PatternSums, int], contrast: Floats
) -> None:
    """How the contrast's variance moves with the entries, to first and second order.

    ``contrast`` is the coefficients' covariance with it.
    """
    sums, trial = where
    columns, visits = fit.slopes.shape
    slopes = np.empty((columns, visits))
    for a in range(columns):
        for v in range(visits):
            slopes[a, v] = contrast[_place(a, v, sums.visitwise, visits)]
    cross = np.zeros((fit.weight.shape[0], columns, visits))
    for p in range(fit.weight.shape[0]):
        if sums.patients[trial, p] == 0.0:
            continue
        cross[p] = product(sums.sums[trial, p, :columns, :columns], slopes)
        weight = fit.weight[p]
        middle = around(weight, product(slopes.T, cross[p]))
        _add_pairs(bend, middle, weight)
        _add_entries(gradient, middle)
    forms = np.empty((gradient.size, fit.beta.size))
    _entry_forms(forms, fit, cross, sums.visitwise)
    bend -= product(product(forms, fit.variance), forms.T)
