"""Mixtures of normal distributions, updated in closed form by normal estimates."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from phase2sim.core.arrays import Floats
from phase2sim.core.errors import BadInput

_LOG_ROOT_TAU = 0.5 * np.log(2.0 * np.pi)
_HALVINGS = 120  # beyond the resolution of a double, whatever the bracket
_WIDEST = 40.0  # in SDs of a component: no double has less probability outside


@dataclass(frozen=True, slots=True)
class NormalMixture:
    """Weighted normal distributions; leading axes, if any, hold one mixture for each trial."""

    weights: Floats  # (..., component), sum to 1
    means: Floats  # same shape
    sds: Floats  # same shape

    def mean(self) -> Floats:
        """Mean of each mixture, (...)."""
        return np.asarray((self.weights * self.means).sum(axis=-1))

    def sd(self) -> Floats:
        """Standard deviation of each mixture, (...)."""
        centred = self.means - self.mean()[..., None]
        return np.asarray(np.sqrt((self.weights * (self.sds**2 + centred**2)).sum(axis=-1)))

    def density(self, at: ArrayLike) -> Floats:
        """Density at each value; ``at`` broadcasts against the leading axes."""
        return np.exp(self.log_density(at))

    def log_density(self, at: ArrayLike) -> Floats:
        """Logarithm of the density."""
        return _log_sum(self._log_parts(at))

    def score(self, at: ArrayLike) -> Floats:
        """Slope of the logarithm of the density."""
        parts = self._log_parts(at)
        share = np.exp(parts - _log_sum(parts)[..., None])
        away = (self.means - np.asarray(at, dtype=np.float64)[..., None]) / self.sds**2
        return np.asarray((share * away).sum(axis=-1))

    def cdf(self, at: ArrayLike) -> Floats:
        """Probability of a value below ``at``, which broadcasts against the leading axes."""
        z = (np.asarray(at, dtype=np.float64)[..., None] - self.means) / self.sds
        return np.asarray((self.weights * ndtr(z)).sum(axis=-1))

    def above(self, at: ArrayLike) -> Floats:
        """Probability of a value above ``at``, without the rounding of 1 - cdf in the far tail."""
        return self.mirrored().cdf(-np.asarray(at, dtype=np.float64))

    def quantile(self, probability: ArrayLike) -> Floats:
        """Value that is exceeded with probability 1 - ``probability`` (between 0 and 1)."""
        wanted = np.asarray(probability, dtype=np.float64)
        shape = np.broadcast_shapes(wanted.shape, self.means.shape[:-1])
        low = np.broadcast_to((self.means - _WIDEST * self.sds).min(axis=-1), shape)
        high = np.broadcast_to((self.means + _WIDEST * self.sds).max(axis=-1), shape)
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            below = self.cdf(middle) < wanted
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return 0.5 * (low + high)

    def mirrored(self) -> "NormalMixture":
        """Distribution of the negative of the value."""
        return NormalMixture(self.weights, -self.means, self.sds)

    def minus(self, other: "NormalMixture") -> "NormalMixture":
        """Distribution of the difference of two independent values, component by component."""
        weights = self.weights[..., :, None] * other.weights[..., None, :]
        means = self.means[..., :, None] - other.means[..., None, :]
        sds = np.hypot(self.sds[..., :, None], other.sds[..., None, :])
        flat = (*means.shape[:-2], -1)
        weights, sds = np.broadcast_to(weights, means.shape), np.broadcast_to(sds, means.shape)
        return NormalMixture(weights.reshape(flat), means.reshape(flat), sds.reshape(flat))

    def predictive(self, se: ArrayLike) -> "NormalMixture":
        """Distribution of an estimate with standard error ``se`` of the value."""
        return NormalMixture(
            self.weights,
            self.means,
            np.hypot(self.sds, np.asarray(se, dtype=np.float64)[..., None]),
        )

    def posterior(self, estimate: ArrayLike, se: ArrayLike) -> "NormalMixture":
        """Mixture given normal estimates with known standard errors, (...) each.

        A component's weight grows with the predictive density of the estimate under it.
        """
        seen = np.asarray(estimate, dtype=np.float64)
        variance = np.asarray(se, dtype=np.float64)[..., None] ** 2
        parts = self.predictive(se)._log_parts(seen)  # noqa: SLF001 - of the same class
        weights = np.exp(parts - _log_sum(parts)[..., None])
        precision = 1.0 / self.sds**2 + 1.0 / variance
        means = (self.means / self.sds**2 + seen[..., None] / variance) / precision
        sds = np.broadcast_to(np.sqrt(1.0 / precision), means.shape)
        return NormalMixture(weights, means, sds)

    def robustified(self, weight: float, mean: float, sd: float) -> "NormalMixture":
        """Mixture with one more component of this ``weight``, the others scaled down to make room.

        Schmidli et al., Biometrics 2014.
        """
        return NormalMixture(
            np.append((1.0 - weight) * self.weights, weight),
            np.append(self.means, mean),
            np.append(self.sds, sd),
        )

    def _log_parts(self, at: ArrayLike) -> Floats:
        """Log of weight times density of each component, (..., component)."""
        z = (np.asarray(at, dtype=np.float64)[..., None] - self.means) / self.sds
        with np.errstate(divide="ignore"):  # a weight of 0 is allowed
            return np.asarray(np.log(self.weights) - np.log(self.sds) - _LOG_ROOT_TAU - 0.5 * z**2)


def normal_mixture(
    weights: Sequence[float], means: Sequence[float], sds: Sequence[float]
) -> NormalMixture:
    """Return one mixture from plain numbers; raises ``BadInput`` if they are none."""
    columns = [np.array(column, dtype=np.float64) for column in (weights, means, sds)]
    sizes = {column.shape for column in columns}
    if len(sizes) != 1 or columns[0].ndim != 1 or not columns[0].size:
        raise BadInput(
            f"weights, means and sds have {', '.join(str(column.size) for column in columns)}"
            " values; each component needs one of each. Give lists of one length."
        )
    if not all(np.isfinite(column).all() for column in columns):
        raise BadInput("weights, means and sds hold a number that is not finite. Correct it.")
    if columns[2].min() <= 0:
        raise BadInput(f"sds holds {columns[2].min():g}; an SD must be above 0. Correct it.")
    total = columns[0].sum()
    if columns[0].min() < 0 or abs(total - 1) > 1e-6:  # noqa: PLR2004 - what rounding leaves
        raise BadInput(
            f"weights sum to {total:g}; they must be 0 or more and sum to 1. Scale them."
        )
    return NormalMixture(columns[0] / total, columns[1], columns[2])


def _log_sum(parts: Floats) -> Floats:
    """Log of the sum of exponentials over the last axis."""
    largest = parts.max(axis=-1)
    return np.asarray(largest + np.log(np.exp(parts - largest[..., None]).sum(axis=-1)))
