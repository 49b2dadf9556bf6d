"""Structures of a covariance between visits: parameters to matrix, and back from derivatives.

All but the unstructured are ``s_a s_b r_d`` with ``d`` the number of visits between a and b. The
parameters are the logarithms of ``s`` (one, or one per visit) and one or more correlations.
"""

from dataclasses import dataclass

import numpy as np

from phase2sim.analyses.mixed_models.contrasts import Contrast
from phase2sim.analyses.mixed_models.likelihood import Likelihood
from phase2sim.core.arrays import Floats

STRUCTURES = {
    # correlations by lag: "free", "power" or "constant"; one SD a visit or one for all
    "unstructured": ("", True),
    "toeplitz": ("free", False),
    "heterogeneous_toeplitz": ("free", True),
    "ar1": ("power", False),
    "heterogeneous_ar1": ("power", True),
    "compound_symmetry": ("constant", False),
    "heterogeneous_compound_symmetry": ("constant", True),
}
_LARGEST_CORRELATION = 0.95  # to start from


@dataclass(frozen=True, slots=True)
class Structure:
    """One structure for a number of visits."""

    name: str
    visits: int

    @property
    def free(self) -> bool:
        """Whether the parameters are the entries of the matrix."""
        return self.name == "unstructured" or self.visits == 1

    @property
    def size(self) -> int:
        """Number of parameters."""
        if self.free:
            return self.visits * (self.visits + 1) // 2
        kind = STRUCTURES[self.name][0]
        return self.sds + (self.visits - 1 if kind == "free" else 1)

    @property
    def sds(self) -> int:
        """Number of parameters, the first ones, that are logarithms of SDs."""
        return self.visits if STRUCTURES[self.name][1] else 1

    def start(self, covariance: Floats) -> Floats:
        """Parameters closest to a covariance (trial, visit, visit)."""
        a, b = np.tril_indices(self.visits)
        if self.free:
            return np.ascontiguousarray(covariance[:, a, b])
        kind, heterogeneous = STRUCTURES[self.name]
        variance = np.einsum("tvv->tv", covariance)
        logs = 0.5 * np.log(variance if heterogeneous else variance.mean(axis=1, keepdims=True))
        sd = np.sqrt(variance)
        correlation = covariance / (sd[:, :, None] * sd[:, None, :])
        lags = [np.einsum("tvv->tv", correlation[:, d:, : self.visits - d]).mean(axis=1)
                for d in range(1, self.visits)]  # fmt: skip
        if kind == "constant":
            lags = [np.mean(lags, axis=0)]
        elif kind == "power":
            lags = lags[:1]
        limit = _LARGEST_CORRELATION
        return np.column_stack([logs, *(np.clip(lag, -0.5 / self.visits, limit) for lag in lags)])

    def covariance(self, parameters: Floats) -> Floats:
        """Matrix of every trial, (trial, visit, visit)."""
        a, b = np.tril_indices(self.visits)
        matrix = np.empty((parameters.shape[0], self.visits, self.visits))
        matrix[:, a, b] = parameters if self.free else self._entries(parameters)[0]
        matrix[:, b, a] = matrix[:, a, b]
        return matrix

    def pull_back(self, parameters: Floats, derivatives: Likelihood) -> Likelihood:
        """Derivatives with respect to the parameters rather than the entries."""
        jacobian = self._entries(parameters)[1]
        return Likelihood(
            derivatives.value,
            np.einsum("tjp,tj->tp", jacobian, derivatives.score),
            _quadratic_form(jacobian, derivatives.information),
        )

    def pull_back_contrast(self, parameters: Floats, contrast: Contrast) -> Contrast:
        """Contrast with derivatives with respect to the parameters rather than the entries."""
        _, jacobian, second = self._entries(parameters)
        curved = np.einsum("tj,tjpq->tpq", contrast.score, second)
        return contrast._replace(
            score=np.einsum("tjp,tj->tp", jacobian, contrast.score),
            gradient=np.einsum("tjp,tj->tp", jacobian, contrast.gradient),
            bend=_quadratic_form(jacobian, contrast.bend),
            information=_quadratic_form(jacobian, contrast.information) - curved,
        )

    def derivatives(self, parameters: Floats) -> tuple[Floats, Floats]:
        """First (trial, entry, parameter) and second derivatives of the entries."""
        _, first, second = self._entries(parameters)
        return first, second

    def _entries(self, parameters: Floats) -> tuple[Floats, Floats, Floats]:
        """Entries (trial, entry) with first and second derivatives."""
        loading = self._loading()
        sds = loading.shape[1]
        scale = np.exp(parameters[:, :sds] @ loading.T)
        r, first, second = self._correlations(parameters[:, sds:])
        jacobian = np.concatenate(
            [(scale * r)[..., None] * loading, scale[..., None] * first], axis=2
        )
        bent = np.empty((*jacobian.shape, jacobian.shape[2]))
        bent[..., :sds, :sds] = (scale * r)[..., None, None] * (
            loading[:, :, None] * loading[:, None, :]
        )
        mixed = scale[..., None, None] * loading[:, :, None] * first[..., None, :]
        bent[..., :sds, sds:] = mixed
        bent[..., sds:, :sds] = np.swapaxes(mixed, -1, -2)
        bent[..., sds:, sds:] = scale[..., None, None] * second
        return scale * r, jacobian, bent

    def _loading(self) -> Floats:
        """How often each log SD enters each entry."""
        a, b = np.tril_indices(self.visits)
        if not STRUCTURES[self.name][1]:
            return np.full((a.size, 1), 2.0)
        return np.eye(self.visits)[a] + np.eye(self.visits)[b]

    def _correlations(self, rho: Floats) -> tuple[Floats, Floats, Floats]:
        """Correlation of every entry, with first and second derivatives by ``rho``."""
        a, b = np.tril_indices(self.visits)
        lag = a - b
        number = rho.shape[1]
        first = np.zeros((rho.shape[0], lag.size, number))
        second = np.zeros((rho.shape[0], lag.size, number, number))
        if STRUCTURES[self.name][0] == "power":
            r = rho**lag
            first[..., 0] = lag * rho ** np.maximum(lag - 1, 0)
            second[..., 0, 0] = lag * (lag - 1) * rho ** np.maximum(lag - 2, 0)
            return r, first, second
        where = np.minimum(lag, number) - 1  # a constant correlation is that of every lag
        r = np.where(lag == 0, 1.0, rho[:, where])
        first[:, np.flatnonzero(lag), where[lag > 0]] = 1.0
        return r, first, second


def _quadratic_form(jacobian: Floats, matrix: Floats) -> Floats:
    product: Floats = np.swapaxes(jacobian, 1, 2) @ matrix @ jacobian
    return product
