"""Structures of a covariance between visits: parameters to matrix, with first and second slopes.

The unstructured matrix is described by regressions: visit v is regressed on the visits before it,
with slopes ``phi`` and the logarithm of the variance that is left (the modified Cholesky
decomposition; Pourahmadi, Biometrika 1999). Any values of these give a covariance matrix, and with
monotone missing values the restricted likelihood has its maximum at least squares. All others are
``s_a s_b r_d`` with ``d`` the number of visits between a and b; their parameters are the logarithms
of ``s`` (one, or one per visit) and one or more correlations.

Entries of a symmetric matrix are in the order of ``tril_indices``, and so are the parameters of the
unstructured one: slope ``phi`` of row v on column u, log variance on the diagonal.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from phase2sim.core.arrays import Floats
from phase2sim.core.kernels import kernel
from phase2sim.core.small_matrices import cholesky, product

REGRESSIONS, BY_LAG, POWER, CONSTANT = range(4)
STRUCTURES = {
    # parameters of the correlations; one SD per visit, or one for all
    "unstructured": (REGRESSIONS, True),
    "toeplitz": (BY_LAG, False),
    "heterogeneous_toeplitz": (BY_LAG, True),
    "ar1": (POWER, False),
    "heterogeneous_ar1": (POWER, True),
    "compound_symmetry": (CONSTANT, False),
    "heterogeneous_compound_symmetry": (CONSTANT, True),
}
_LARGEST_CORRELATION = 0.95  # to start from


class Form(NamedTuple):
    """A structure as kernels see it."""

    kind: int  # one of REGRESSIONS, BY_LAG, POWER, CONSTANT
    visits: int
    sds: int  # parameters, the first ones, that are logarithms of SDs; 0 for REGRESSIONS
    size: int  # number of parameters


@dataclass(frozen=True, slots=True)
class Structure:
    """One structure for a number of visits."""

    name: str
    visits: int

    @property
    def form(self) -> Form:
        """The structure as kernels see it."""
        kind, heterogeneous = STRUCTURES[self.name]
        if kind == REGRESSIONS or self.visits == 1:
            return Form(REGRESSIONS, self.visits, 0, self.visits * (self.visits + 1) // 2)
        sds = self.visits if heterogeneous else 1
        return Form(kind, self.visits, sds, sds + (self.visits - 1 if kind == BY_LAG else 1))

    def start(self, covariance: Floats) -> Floats:
        """Parameters closest to a covariance (trial, visit, visit)."""
        form = self.form
        if form.kind == REGRESSIONS:
            return regressions(np.ascontiguousarray(covariance))
        variance = np.einsum("tvv->tv", covariance)
        logs = 0.5 * np.log(variance if form.sds > 1 else variance.mean(axis=1, keepdims=True))
        sd = np.sqrt(variance)
        correlation = covariance / (sd[:, :, None] * sd[:, None, :])
        lags = [np.einsum("tvv->tv", correlation[:, d:, : self.visits - d]).mean(axis=1)
                for d in range(1, self.visits)]  # fmt: skip
        if form.kind == CONSTANT:
            lags = [np.mean(lags, axis=0)]
        elif form.kind == POWER:
            lags = lags[:1]
        limit = _LARGEST_CORRELATION
        return np.column_stack([logs, *(np.clip(lag, -0.5 / self.visits, limit) for lag in lags)])


@kernel
def regressions(covariance: Floats) -> Floats:
    """Parameters (trial, parameter) of unstructured matrices; nan if not positive definite.

    They are the slopes of each visit on the visits before, and the log of the variance left.
    """
    trials, visits = covariance.shape[:2]
    parameters = np.empty((trials, visits * (visits + 1) // 2))
    for trial in range(trials):
        factor = covariance[trial].copy()
        cholesky(factor)
        j = 0
        for v in range(visits):
            for u in range(v - 1, -1, -1):
                slope = factor[v, u]
                for w in range(u + 1, v):
                    slope -= parameters[trial, j + w] * factor[w, u]
                parameters[trial, j + u] = slope / factor[u, u]
            parameters[trial, j + v] = 2.0 * np.log(factor[v, v])
            j += v + 1
    return parameters


@kernel
def fill_covariance(covariance: Floats, parameters: Floats, form: Form) -> None:
    """Fill the matrix that the parameters describe."""
    if form.kind == REGRESSIONS:
        j = 0
        for v in range(form.visits):
            covariance[v, :v] = 0.0
            left = j + v  # index of the variance that is left
            for u in range(v):
                for w in range(v):
                    covariance[v, w] += parameters[j + u] * covariance[u, w]
            covariance[v, v] = np.exp(parameters[left])
            for u in range(v):
                covariance[v, v] += parameters[j + u] * covariance[v, u]
                covariance[u, v] = covariance[v, u]
            j = left + 1
        return
    for a in range(form.visits):
        for b in range(a + 1):
            covariance[a, b] = _deviations(parameters, form, a, b)
            if a != b:
                covariance[a, b] *= _correlation(parameters, form, a - b)[0]
            covariance[b, a] = covariance[a, b]


@kernel
def fill_jacobian(jacobian: Floats, parameters: Floats, covariance: Floats, form: Form) -> None:
    """Fill the slopes (entry, parameter) of the entries of ``covariance``, made of the same."""
    jacobian[:] = 0.0
    if form.kind == REGRESSIONS:
        loading = unit_triangle(parameters, form.visits)
        j = 0
        for v in range(form.visits):
            for u in range(v + 1):
                left = np.exp(parameters[j])
                entry = 0
                for a in range(form.visits):
                    for b in range(a + 1):
                        if u == v:
                            slope = left * loading[a, v] * loading[b, v]
                        else:
                            slope = loading[a, v] * covariance[u, b]
                            slope += loading[b, v] * covariance[u, a]
                        jacobian[entry, j] = slope
                        entry += 1
                j += 1
        return
    entry = 0
    for a in range(form.visits):
        for b in range(a + 1):
            spread = _deviations(parameters, form, a, b)
            value, slope, _ = _correlation(parameters, form, a - b)
            jacobian[entry, a % form.sds] += spread * value
            jacobian[entry, b % form.sds] += spread * value
            if a != b:
                jacobian[entry, _correlation_index(form, a - b)] = spread * slope
            entry += 1


@kernel
def curvature(score: Floats, parameters: Floats, covariance: Floats, form: Form) -> Floats:
    """Second slopes (parameter, parameter) of the entries, weighed by ``score`` (entry,)."""
    target = np.zeros((form.size, form.size))
    if form.kind == REGRESSIONS:
        _add_regression_curvature(target, score, (parameters, covariance), form.visits)
        return target
    entry = 0
    for a in range(form.visits):
        for b in range(a + 1):
            weight = score[entry] * _deviations(parameters, form, a, b)
            value, slope, bend = _correlation(parameters, form, a - b)
            for v in (a, b):
                for w in (a, b):
                    target[v % form.sds, w % form.sds] += weight * value
                if a != b:
                    index = _correlation_index(form, a - b)
                    target[v % form.sds, index] += weight * slope
                    target[index, v % form.sds] += weight * slope
            if a != b:
                index = _correlation_index(form, a - b)
                target[index, index] += weight * bend
            entry += 1
    return target


@kernel
def unit_triangle(parameters: Floats, visits: int) -> Floats:
    """How each visit's own deviation enters the visits after it, (visit, visit)."""
    loading = np.eye(visits)
    j = 0
    for v in range(visits):
        for u in range(v):
            for w in range(u + 1):
                loading[v, w] += parameters[j + u] * loading[u, w]
        j += v + 1
    return loading


@kernel
def _add_regression_curvature(
    target: Floats, score: Floats, where: tuple[Floats, Floats], visits: int
) -> None:
    """Add the second slopes of the unstructured matrix.

    With t_v the columns of ``unit_triangle`` and c_u those of the covariance, the slope by
    phi_vu is t_v c_u' + c_u t_v', that by a log variance is the variance times t_v t_v'.
    """
    parameters, covariance = where
    loading = unit_triangle(parameters, visits)
    weight = np.empty((visits, visits))
    entry = 0
    for a in range(visits):
        for b in range(a + 1):
            weight[a, b] = score[entry] if a == b else 0.5 * score[entry]
            weight[b, a] = weight[a, b]
            entry += 1
    half = product(weight, loading)
    both = product(loading.T, half)  # t_v' G t_w
    mixed = product(covariance, half)  # c_u' G t_w
    j = 0
    for v in range(visits):
        for u in range(v + 1):
            k = 0
            for w in range(visits):
                for z in range(w + 1):
                    if u == v and z == w:
                        value = np.exp(parameters[j]) * both[v, v] if v == w else 0.0
                    elif u == v:
                        value = 2.0 * np.exp(parameters[j]) * loading[z, v] * both[w, v]
                    elif z == w:
                        value = 2.0 * np.exp(parameters[k]) * loading[u, w] * both[v, w]
                    else:
                        value = 2.0 * (
                            loading[z, v] * mixed[u, w]
                            + covariance[z, u] * both[v, w]
                            + loading[u, w] * mixed[z, v]
                        )
                    target[j, k] += value
                    k += 1
            j += 1


@kernel
def _deviations(parameters: Floats, form: Form, a: int, b: int) -> float:
    """Product of the SDs of two visits."""
    both: float = np.exp(parameters[a % form.sds] + parameters[b % form.sds])
    return both


@kernel
def _correlation_index(form: Form, lag: int) -> int:
    """Index of the parameter that the correlation at a lag depends on."""
    return form.sds + lag - 1 if form.kind == BY_LAG else form.sds


@kernel
def _correlation(parameters: Floats, form: Form, lag: int) -> tuple[float, float, float]:
    """Correlation at a lag, with its first and second slope."""
    if lag == 0:
        return 1.0, 0.0, 0.0
    rho = parameters[_correlation_index(form, lag)]
    if form.kind != POWER:
        return rho, 1.0, 0.0
    if lag == 1:
        return rho, 1.0, 0.0
    return rho**lag, lag * rho ** (lag - 1), lag * (lag - 1) * rho ** (lag - 2)
