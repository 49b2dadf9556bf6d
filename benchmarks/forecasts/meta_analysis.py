"""The plain benchmark: a meta-analytic-predictive (MAP) prior, by quadrature.

Study means y_j ~ N(theta_j, se_j), theta_j ~ N(mu, tau), mu normal, tau half-normal: Neuenschwander
and others, Clinical Trials 2010; Schmidli and others, Biometrics 2014.
"""

from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from phase2sim.core.arrays import Floats

NODES = 400  # of the heterogeneity
LARGEST = 5.0  # heterogeneity, in scales of its half-normal prior


@dataclass(frozen=True, slots=True)
class NormalPredictive:
    """A mixture of normals: the predictive distribution of one number."""

    weight: Floats  # (component,)
    mean: Floats  # (component,)
    sd: Floats  # (component,)

    def log_density(self, value: float) -> float:
        """Log density at a value."""
        terms = stats.norm.logpdf(value, self.mean, self.sd)
        return float(special.logsumexp(terms, b=self.weight))

    def below(self, value: float) -> float:
        """Probability below a value."""
        return float(np.sum(self.weight * stats.norm.cdf(value, self.mean, self.sd)))

    def quantile(self, probability: float) -> float:
        """Value below which the probability lies, by bisection."""
        low = float(np.min(self.mean - 10.0 * self.sd))
        high = float(np.max(self.mean + 10.0 * self.sd))
        for _ in range(60):
            middle = 0.5 * (low + high)
            low, high = (middle, high) if self.below(middle) < probability else (low, middle)
        return 0.5 * (low + high)

    def moments(self) -> tuple[float, float]:
        """Mean and SD."""
        mean = float(np.sum(self.weight * self.mean))
        square = float(np.sum(self.weight * (self.sd**2 + (self.mean - mean) ** 2)))
        return mean, float(np.sqrt(square))


@dataclass(frozen=True, slots=True)
class MapPriors:
    """Normal prior of the overall mean, half-normal scale of the SD between studies."""

    mean: float
    sd: float
    heterogeneity: float


def kernel_density(values: Floats) -> NormalPredictive:
    """Gaussian kernel density of simulated values, with Scott's bandwidth."""
    width = float(values.std(ddof=1)) * len(values) ** -0.2
    weight = np.full(len(values), 1.0 / len(values))
    return NormalPredictive(weight, values, np.full(len(values), width))


def predict_mean(y: Floats, se: Floats, priors: MapPriors) -> NormalPredictive:
    """Mean of a new study, given means (study,) and standard errors (study,) of earlier ones.

    Without earlier studies it is the prior.
    """
    posterior = _overall(y, se, priors)
    tau = _grid(priors)
    return NormalPredictive(posterior.weight, posterior.mean, np.hypot(posterior.sd, tau))


def overall_mean(y: Floats, se: Floats, priors: MapPriors) -> NormalPredictive:
    """Mean over all studies, given those of earlier ones."""
    return _overall(y, se, priors)


def with_sampling_error(mean: NormalPredictive, se: float) -> NormalPredictive:
    """What a study with this standard error would report of its mean."""
    return NormalPredictive(mean.weight, mean.mean, np.hypot(mean.sd, se))


def _grid(priors: MapPriors) -> Floats:
    """Heterogeneity (node,), midpoints of equal steps."""
    return LARGEST * priors.heterogeneity * (np.arange(NODES) + 0.5) / NODES


def _overall(y: Floats, se: Floats, priors: MapPriors) -> NormalPredictive:
    """Overall mean at each heterogeneity, weighed by the posterior of the heterogeneity."""
    tau = _grid(priors)
    variance = se**2 + tau[:, None] ** 2  # (node, study)
    precision = 1.0 / priors.sd**2 + np.sum(1.0 / variance, axis=1)
    mean = (priors.mean / priors.sd**2 + np.sum(y / variance, axis=1)) / precision
    # log p(y | tau) = log p(y | mu, tau) + log p(mu) - log p(mu | y, tau), at mu = its mean.
    likelihood = stats.norm.logpdf(y, mean[:, None], np.sqrt(variance)).sum(axis=1)
    log_weight = likelihood + stats.norm.logpdf(mean, priors.mean, priors.sd)
    log_weight += 0.5 * np.log(2.0 * np.pi / precision)
    log_weight += stats.halfnorm.logpdf(tau, scale=priors.heterogeneity)
    return NormalPredictive(special.softmax(log_weight), mean, 1.0 / np.sqrt(precision))
