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
    """Mixture of normal distributions; leading axes, if any, hold one mixture per trial.

    ``normal_mixture`` makes one from plain numbers and checks them.

    Parameters
    ----------
    weights : ndarray of float, (..., component)
        Weights, which sum to 1 over the components.
    means : ndarray of float, (..., component)
        Means of the components.
    sds : ndarray of float, (..., component)
        Standard deviations of the components, above 0.

    References
    ----------
    Schmidli et al. (2014), Biometrics 70: 1023-1032. Weber et al. (2021), Journal of
    Statistical Software 100(19), the R package RBesT.

    Examples
    --------
    Two components in the ratio 4 to 1, updated by an estimate of -0.3 with standard error 0.25
    (closed form by R 4.2.2: weights 0.9275147 and 0.0724853, means -0.3609756 and -0.2823529, and
    a probability of 0.8330302 below -0.2):

    >>> prior = normal_mixture([0.8, 0.2], [-0.4, 0.0], [0.2, 1.0])
    >>> posterior = prior.posterior(-0.3, 0.25)
    >>> posterior.weights.round(6).tolist(), posterior.means.round(6).tolist()
    ([0.927515, 0.072485], [-0.360976, -0.282353])
    >>> round(float(posterior.cdf(-0.2)), 7)
    0.8330302

    The density of the estimate under the prior, and the posterior probability above 0:

    >>> weights, sds = np.array([0.8, 0.2]), np.hypot([0.2, 1.0], 0.25)
    >>> z = (-0.3 - np.array([-0.4, 0.0])) / sds
    >>> expected = (weights * np.exp(-0.5 * z**2) / (sds * np.sqrt(2 * np.pi))).sum()
    >>> bool(abs(prior.predictive(0.25).density(-0.3) - expected) < 1e-12)
    True
    >>> bool(abs(posterior.above(0.0) - (1 - posterior.cdf(0.0))) < 1e-12)
    True
    """

    weights: Floats
    means: Floats
    sds: Floats

    def mean(self) -> Floats:
        """Mean of the mixture.

        Returns
        -------
        ndarray of float, (...)
            One mean per mixture.
        """
        return np.asarray((self.weights * self.means).sum(axis=-1))

    def sd(self) -> Floats:
        """Standard deviation of the mixture.

        Returns
        -------
        ndarray of float, (...)
            One standard deviation per mixture.
        """
        centred = self.means - self.mean()[..., None]
        return np.asarray(np.sqrt((self.weights * (self.sds**2 + centred**2)).sum(axis=-1)))

    def density(self, value: ArrayLike) -> Floats:
        """Probability density.

        Parameters
        ----------
        value : array_like of float, (...)
            Values, which broadcast against the leading axes of the mixture.

        Returns
        -------
        ndarray of float, (...)
            Density at each value.
        """
        return np.exp(self.log_density(value))

    def log_density(self, value: ArrayLike) -> Floats:
        """Logarithm of the probability density.

        Parameters
        ----------
        value : array_like of float, (...)
            Values, which broadcast against the leading axes of the mixture.

        Returns
        -------
        ndarray of float, (...)
            Natural logarithm of the density at each value.
        """
        return _log_sum(self._log_parts(value))

    def score(self, value: ArrayLike) -> Floats:
        """Derivative of the logarithm of the density.

        Parameters
        ----------
        value : array_like of float, (...)
            Values, which broadcast against the leading axes of the mixture.

        Returns
        -------
        ndarray of float, (...)
            Derivative at each value.
        """
        parts = self._log_parts(value)
        share = np.exp(parts - _log_sum(parts)[..., None])
        slopes = (self.means - np.asarray(value, dtype=np.float64)[..., None]) / self.sds**2
        return np.asarray((share * slopes).sum(axis=-1))

    def cdf(self, value: ArrayLike) -> Floats:
        """Cumulative distribution function.

        Parameters
        ----------
        value : array_like of float, (...)
            Values, which broadcast against the leading axes of the mixture.

        Returns
        -------
        ndarray of float, (...)
            Probability below each value.
        """
        z = (np.asarray(value, dtype=np.float64)[..., None] - self.means) / self.sds
        return np.asarray((self.weights * ndtr(z)).sum(axis=-1))

    def above(self, value: ArrayLike) -> Floats:
        """Upper tail probability, without the rounding error of ``1 - cdf`` in the far tail.

        Parameters
        ----------
        value : array_like of float, (...)
            Values, which broadcast against the leading axes of the mixture.

        Returns
        -------
        ndarray of float, (...)
            Probability above each value.
        """
        return self.mirrored().cdf(-np.asarray(value, dtype=np.float64))

    def quantile(self, probability: ArrayLike) -> Floats:
        """Quantile function, by bisection; inverts ``cdf``.

        Parameters
        ----------
        probability : array_like of float, (...)
            Probabilities between 0 and 1, which broadcast against the leading axes.

        Returns
        -------
        ndarray of float, (...)
            Value with each probability below it.
        """
        target = np.asarray(probability, dtype=np.float64)
        shape = np.broadcast_shapes(target.shape, self.means.shape[:-1])
        low = np.broadcast_to((self.means - _WIDEST * self.sds).min(axis=-1), shape)
        high = np.broadcast_to((self.means + _WIDEST * self.sds).max(axis=-1), shape)
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            is_below = self.cdf(middle) < target
            low, high = np.where(is_below, middle, low), np.where(is_below, high, middle)
        return 0.5 * (low + high)

    def mirrored(self) -> "NormalMixture":
        """Distribution of the negative value.

        Returns
        -------
        NormalMixture
            Mixture with the signs of its means changed.
        """
        return NormalMixture(self.weights, -self.means, self.sds)

    def minus(self, other: "NormalMixture") -> "NormalMixture":
        """Distribution of the difference between two independent values.

        Parameters
        ----------
        other : NormalMixture
            Distribution of the value that is subtracted.

        Returns
        -------
        NormalMixture
            Mixture over all pairs of components.
        """
        weights = self.weights[..., :, None] * other.weights[..., None, :]
        means = self.means[..., :, None] - other.means[..., None, :]
        sds = np.hypot(self.sds[..., :, None], other.sds[..., None, :])
        flat = (*means.shape[:-2], -1)
        weights, sds = np.broadcast_to(weights, means.shape), np.broadcast_to(sds, means.shape)
        return NormalMixture(weights.reshape(flat), means.reshape(flat), sds.reshape(flat))

    def predictive(self, se: ArrayLike) -> "NormalMixture":
        """Predictive distribution of a normal estimate of the value.

        Parameters
        ----------
        se : array_like of float, (...)
            Standard error of the estimate.

        Returns
        -------
        NormalMixture
            Mixture with the variance of the estimate added to each component.
        """
        return NormalMixture(
            self.weights,
            self.means,
            np.hypot(self.sds, np.asarray(se, dtype=np.float64)[..., None]),
        )

    def posterior(self, estimate: ArrayLike, se: ArrayLike) -> "NormalMixture":
        """Posterior distribution given normal estimates with known standard errors.

        The weight of a component is multiplied by the predictive density of the estimate.

        Parameters
        ----------
        estimate : array_like of float, (...)
            Estimates, one per trial.
        se : array_like of float, (...)
            Their standard errors, above 0.

        Returns
        -------
        NormalMixture
            One mixture per estimate.
        """
        estimates = np.asarray(estimate, dtype=np.float64)
        variance = np.asarray(se, dtype=np.float64)[..., None] ** 2
        parts = self.predictive(se)._log_parts(estimates)  # noqa: SLF001 - of the same class
        weights = np.exp(parts - _log_sum(parts)[..., None])
        precision = 1.0 / self.sds**2 + 1.0 / variance
        means = (self.means / self.sds**2 + estimates[..., None] / variance) / precision
        sds = np.broadcast_to(np.sqrt(1.0 / precision), means.shape)
        return NormalMixture(weights, means, sds)

    def robustified(self, weight: float, mean: float, sd: float) -> "NormalMixture":
        """Mixture with one more, usually wide, component (Schmidli et al. 2014).

        Parameters
        ----------
        weight : float
            Weight of the new component, from 0 to 1; the others are scaled by ``1 - weight``.
        mean : float
            Its mean.
        sd : float
            Its standard deviation, above 0.

        Returns
        -------
        NormalMixture
            Mixture whose last component is the new one.
        """
        return NormalMixture(
            np.append((1.0 - weight) * self.weights, weight),
            np.append(self.means, mean),
            np.append(self.sds, sd),
        )

    def _log_parts(self, value: ArrayLike) -> Floats:
        """Log of weight times density of each component, (..., component)."""
        z = (np.asarray(value, dtype=np.float64)[..., None] - self.means) / self.sds
        with np.errstate(divide="ignore"):  # a weight of 0 is allowed
            return np.asarray(np.log(self.weights) - np.log(self.sds) - _LOG_ROOT_TAU - 0.5 * z**2)


def normal_mixture(
    weights: Sequence[float], means: Sequence[float], sds: Sequence[float]
) -> NormalMixture:
    """Make a mixture from plain numbers and check them.

    Parameters
    ----------
    weights : sequence of float, (component,)
        Weights, 0 or more, with a sum of 1 within 1e-6.
    means : sequence of float, (component,)
        Means of the components.
    sds : sequence of float, (component,)
        Standard deviations of the components, above 0.

    Returns
    -------
    NormalMixture
        One mixture, its weights scaled to a sum of exactly 1.

    Raises
    ------
    BadInput
        If the lists differ in length or are empty, or if a number is not allowed.

    Examples
    --------
    >>> mixture = normal_mixture([0.6, 0.4], [-50, -40], [5, 10])
    >>> float(mixture.mean())
    -46.0
    """
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
