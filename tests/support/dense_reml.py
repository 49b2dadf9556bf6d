"""Restricted likelihood of the mixed model with a baseline slope per visit, by whole matrices."""

import numpy as np
from scipy.optimize import minimize

from phase2sim.core.arrays import Floats
from phase2sim.core.contracts import Reading


class DenseModel:
    """One trial; patients who were seen at the same visits are inverted together."""

    def __init__(self, reading: Reading) -> None:
        value = reading.value[0]
        self.visits = value.shape[0]
        x = np.stack([np.ones(value.shape[1]), reading.arm[0], reading.baseline[0]], axis=1)
        seen = ~np.isnan(value)
        self.parts = []
        for pattern in np.unique(seen.T, axis=0):
            at = np.flatnonzero(pattern)
            who = (pattern == seen.T).all(axis=1)
            if at.size:
                self.parts.append((at, x[who], value[np.ix_(at, who)].T))
        self.start = np.array([np.nanvar(value[v]) for v in range(self.visits)])

    def fit(self, covariance: Floats) -> tuple[float, Floats, Floats]:
        """Restricted log-likelihood, coefficients (by visit) and their covariance."""
        size, n, total = 3 * self.visits, 0, 0.0
        precision, right = np.zeros((size, size)), np.zeros(size)
        for at, x, y in self.parts:
            weight = np.zeros((self.visits, self.visits))
            weight[np.ix_(at, at)] = np.linalg.inv(covariance[np.ix_(at, at)])
            precision += np.kron(weight, x.T @ x)
            right += (weight[:, at] @ (y.T @ x)).ravel()
            inner = weight[np.ix_(at, at)]
            total += np.einsum("iv,vw,iw->", y, inner, y) - len(y) * np.linalg.slogdet(inner)[1]
            n += y.size
        beta = np.linalg.solve(precision, right)
        total += np.linalg.slogdet(precision)[1] - right @ beta + (n - size) * np.log(2 * np.pi)
        return -0.5 * total, beta, np.linalg.inv(precision)

    def covariance(self, triangle: Floats) -> Floats:
        """Covariance of a Cholesky factor with logarithms on its diagonal."""
        factor = np.zeros((self.visits, self.visits))
        factor[np.tril_indices(self.visits)] = triangle
        np.fill_diagonal(factor, np.exp(np.diag(factor)))
        return factor @ factor.T

    def interior_maxima(self, starts: int, seed: int) -> list[float]:
        """Log-likelihoods of the maxima that climbs from several starts find inside."""
        rng = np.random.default_rng(seed)
        rows, columns = np.tril_indices(self.visits)
        found = []

        def depth(triangle: Floats) -> float:
            try:
                return -self.fit(self.covariance(triangle))[0]
            except np.linalg.LinAlgError:
                return np.inf

        for number in range(starts):
            rho = rng.uniform(-0.2, 0.9) if number else 0.5
            correlation = np.full((self.visits, self.visits), rho) + (1 - rho) * np.eye(self.visits)
            scale = np.sqrt(self.start * rng.uniform(0.3, 1.0, self.visits))
            with np.errstate(all="ignore"):
                if np.linalg.eigvalsh(correlation)[0] <= 0.0:
                    correlation = np.eye(self.visits)
                factor = np.linalg.cholesky(correlation * np.outer(scale, scale))
                np.fill_diagonal(factor, np.log(np.diag(factor)))
                end = minimize(depth, factor[rows, columns], method="BFGS", options={"gtol": 1e-4})
                covariance = self.covariance(end.x)
            left = np.exp(2 * end.x[rows == columns]) / np.diag(covariance)
            if np.abs(end.jac).max() < 1e-3 and left.min() > 1e-5:
                found.append(-float(end.fun))
        return found
