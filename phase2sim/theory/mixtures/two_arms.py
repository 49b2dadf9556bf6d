"""Success of a two-arm trial judged with mixture priors, and how often it comes about."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from phase2sim.core.arrays import Bools, Floats
from phase2sim.theory.mixtures.effective_sample_size import composite_rule, quadrature
from phase2sim.theory.mixtures.normal_mixture import NormalMixture

_EDGES_SE = np.linspace(-9.0, 9.0, 73)
_HALVINGS = 100


@dataclass(frozen=True, slots=True)
class TwoArmRule:
    """Success if P(treated - control > cut) > probability for every pair, given the two means.

    For an endpoint where less is better, mirror priors and means.
    """

    treated: NormalMixture  # prior of the treated mean
    control: NormalMixture
    treated_se: float
    control_se: float
    criteria: tuple[tuple[float, float], ...]  # (cut, probability)

    def probabilities(self, treated_mean: ArrayLike, control_mean: ArrayLike) -> Floats:
        """Posterior P(difference > cut) of each criterion, (criterion, ...)."""
        treated = self.treated.posterior(treated_mean, self.treated_se)
        control = self.control.posterior(control_mean, self.control_se)
        difference = treated.minus(control)
        shape = difference.means.shape[:-1]
        return np.stack([difference.above(np.full(shape, cut)) for cut, _ in self.criteria])

    def succeeds(self, treated_mean: ArrayLike, control_mean: ArrayLike) -> Bools:
        """Whether all criteria hold."""
        wanted = np.array([probability for _, probability in self.criteria])
        found = self.probabilities(treated_mean, control_mean)
        return np.asarray((wanted < found.T).all(axis=-1).T)

    def boundary(self, control_mean: ArrayLike) -> Floats:
        """Treated mean above which the trial succeeds, for each control mean.

        There is one: a larger normal estimate makes every posterior stochastically larger.
        """
        control = np.asarray(control_mean, dtype=np.float64)
        step = np.full(control.shape, self.treated_se)
        low, high = control - step, control + step
        while (lacking := ~self.succeeds(high, control)).any():
            step = 2 * step
            high = np.where(lacking, high + step, high)
        while (passing := self.succeeds(low, control)).any():
            step = 2 * step
            low = np.where(passing, low - step, low)
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            passes = self.succeeds(middle, control)
            low, high = np.where(passes, low, middle), np.where(passes, middle, high)
        return np.asarray(high)

    def chance_of_success(self, treated_mean: float, control_mean: float) -> float:
        """Probability that the trial succeeds when these are the true means."""
        z, weights = composite_rule(_EDGES_SE)
        bound = self.boundary(control_mean + self.control_se * z)
        passes = ndtr((treated_mean - bound) / self.treated_se)
        return float((weights * np.exp(-0.5 * z**2) * passes).sum() / np.sqrt(2 * np.pi))


def critical_estimate(one_sided_alpha: float, se: float, least: float = -np.inf) -> float:
    """Estimate above which a z test is significant, and no smaller than ``least``."""
    standard = NormalMixture(np.ones(1), np.zeros(1), np.ones(1))
    return max(float(-standard.quantile(one_sided_alpha)) * se, least)


def assurance(prior: NormalMixture, se: float, critical: float) -> float:
    """Chance that the estimate exceeds ``critical``, averaged over the prior of the effect.

    O'Hagan, Stevens and Campbell, Pharmaceutical Statistics 2005.
    """
    return float(prior.predictive(se).above(critical))


def assurance_with_effect_above(
    prior: NormalMixture, se: float, critical: float, cut: float
) -> float:
    """Chance that the estimate exceeds ``critical`` and the effect exceeds ``cut``."""
    effect, weights = quadrature(prior, low=cut)
    return float((weights * prior.density(effect) * ndtr((effect - critical) / se)).sum())
