"""Success of a two-arm trial judged with mixture priors, and its probability."""

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
    """Success if P(treated - control > cut) > probability for every criterion.

    For an endpoint where lower values are better, change the sign of priors and means.

    Parameters
    ----------
    treated : NormalMixture
        Prior of the treated mean, without leading axes.
    control : NormalMixture
        Prior of the control mean, without leading axes.
    treated_se : float
        Standard error of the treated mean.
    control_se : float
        Standard error of the control mean.
    criteria : tuple of (float, float), (criterion,)
        Pairs of a cut, in the unit of the mean, and a probability between 0 and 1.

    References
    ----------
    Roychoudhury, Scheuer and Neuenschwander (2018), Clinical Trials 15: 452-461, on two criteria.
    Weber et al. (2021), Journal of Statistical Software 100(19), ``decision2S`` and ``pos2S``.

    Examples
    --------
    Vague priors, 80 patients per arm with SD 1: the difference must exceed 0 with probability 0.95
    and 0.25 with probability 0.5 (R 4.2.2: boundary 0.26013920, probability of success 0.04995761
    without a difference and 0.93536828 with one of 0.5):

    >>> from phase2sim.theory.mixtures import normal_mixture
    >>> vague, se = normal_mixture([1], [0], [5]), 1 / 80**0.5
    >>> rule = TwoArmRule(vague, vague, se, se, ((0.0, 0.95), (0.25, 0.5)))
    >>> round(float(rule.boundary(0.0)), 8)
    0.2601392
    >>> round(rule.chance_of_success(0.0, 0.0), 6), round(rule.chance_of_success(0.5, 0.0), 6)
    (0.049958, 0.935368)
    """

    treated: NormalMixture
    control: NormalMixture
    treated_se: float
    control_se: float
    criteria: tuple[tuple[float, float], ...]

    def probabilities(self, treated_mean: ArrayLike, control_mean: ArrayLike) -> Floats:
        """Posterior probability of each criterion.

        Parameters
        ----------
        treated_mean : array_like of float, (...)
            Observed treated mean.
        control_mean : array_like of float, (...)
            Observed control mean.

        Returns
        -------
        ndarray of float, (criterion, ...)
            P(treated - control > cut).
        """
        treated = self.treated.posterior(treated_mean, self.treated_se)
        control = self.control.posterior(control_mean, self.control_se)
        difference = treated.minus(control)
        shape = difference.means.shape[:-1]
        return np.stack([difference.above(np.full(shape, cut)) for cut, _ in self.criteria])

    def succeeds(self, treated_mean: ArrayLike, control_mean: ArrayLike) -> Bools:
        """Whether every criterion holds.

        Parameters
        ----------
        treated_mean : array_like of float, (...)
            Observed treated mean.
        control_mean : array_like of float, (...)
            Observed control mean.

        Returns
        -------
        ndarray of bool, (...)
            True for success.
        """
        limits = np.array([probability for _, probability in self.criteria])
        probabilities = self.probabilities(treated_mean, control_mean)
        return np.asarray((limits < probabilities.T).all(axis=-1).T)

    def boundary(self, control_mean: ArrayLike) -> Floats:
        """Treated mean above which the trial succeeds, by bisection.

        The boundary is unique, as a larger estimate makes every posterior stochastically larger.

        Parameters
        ----------
        control_mean : array_like of float, (...)
            Observed control mean.

        Returns
        -------
        ndarray of float, (...)
            Treated mean.
        """
        control = np.asarray(control_mean, dtype=np.float64)
        step = np.full(control.shape, self.treated_se)
        low, high = control - step, control + step
        while (is_failure := ~self.succeeds(high, control)).any():
            step = 2 * step
            high = np.where(is_failure, high + step, high)
        while (is_success := self.succeeds(low, control)).any():
            step = 2 * step
            low = np.where(is_success, low - step, low)
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            is_success = self.succeeds(middle, control)
            low, high = np.where(is_success, low, middle), np.where(is_success, middle, high)
        return np.asarray(high)

    def chance_of_success(self, treated_mean: float, control_mean: float) -> float:
        """Probability of success under stated true means.

        Parameters
        ----------
        treated_mean : float
            True treated mean.
        control_mean : float
            True control mean.

        Returns
        -------
        float
            Probability, integrated over the observed control mean.
        """
        z, weights = composite_rule(_EDGES_SE)
        bound = self.boundary(control_mean + self.control_se * z)
        success = ndtr((treated_mean - bound) / self.treated_se)
        return float((weights * np.exp(-0.5 * z**2) * success).sum() / np.sqrt(2 * np.pi))


def critical_estimate(one_sided_alpha: float, se: float, least: float = -np.inf) -> float:
    """Estimate above which a z test is significant.

    Parameters
    ----------
    one_sided_alpha : float
        One-sided level, between 0 and 1.
    se : float
        Standard error of the estimate.
    least : float, default -inf
        Smallest estimate that counts as success.

    Returns
    -------
    float
        Critical estimate, ``least`` or more.

    References
    ----------
    O'Hagan, Stevens and Campbell (2005), Pharmaceutical Statistics 4: 187-201.

    Examples
    --------
    1.959964 standard errors of 0.2, unless 0.5 is required:

    >>> round(critical_estimate(0.025, 0.2), 6), critical_estimate(0.025, 0.2, least=0.5)
    (0.391993, 0.5)
    """
    standard = NormalMixture(np.ones(1), np.zeros(1), np.ones(1))
    return max(float(-standard.quantile(one_sided_alpha)) * se, least)


def assurance(prior: NormalMixture, se: float, critical: float) -> float:
    """Probability that the estimate exceeds a critical value, averaged over the prior.

    Parameters
    ----------
    prior : NormalMixture
        Prior of the true effect, without leading axes.
    se : float
        Standard error of the estimate.
    critical : float
        Critical estimate.

    Returns
    -------
    float
        Assurance, between 0 and 1.

    References
    ----------
    O'Hagan, Stevens and Campbell (2005), Pharmaceutical Statistics 4: 187-201.

    Examples
    --------
    A prior N(0.4, 0.3^2), 60 patients per arm, SD 1.3 (closed form by R 4.2.2: 0.4323411616):

    >>> from phase2sim.theory.mixtures import normal_mixture
    >>> se = 1.3 * (2 / 60) ** 0.5
    >>> prior, critical = normal_mixture([1], [0.4], [0.3]), critical_estimate(0.025, se)
    >>> round(assurance(prior, se, critical), 8)
    0.43234116
    """
    return float(prior.predictive(se).above(critical))


def assurance_with_effect_above(
    prior: NormalMixture, se: float, critical: float, cut: float
) -> float:
    """Probability that the estimate exceeds a critical value and the true effect a cut.

    Parameters
    ----------
    prior : NormalMixture
        Prior of the true effect, without leading axes.
    se : float
        Standard error of the estimate.
    critical : float
        Critical estimate.
    cut : float
        Value that the true effect is to exceed.

    Returns
    -------
    float
        Probability, at most the assurance.

    References
    ----------
    O'Hagan, Stevens and Campbell (2005), Pharmaceutical Statistics 4: 187-201.

    Examples
    --------
    A standard normal prior, standard error 1, critical value 0, cut 0: estimate and effect have
    correlation ``sqrt(1/2)``, so both are positive with probability ``1/4 + asin(sqrt(1/2)) / (2
    pi)`` = 3/8:

    >>> from phase2sim.theory.mixtures import normal_mixture
    >>> round(assurance_with_effect_above(normal_mixture([1], [0], [1]), 1.0, 0.0, 0.0), 8)
    0.375
    """
    effect, weights = quadrature(prior, low=cut)
    return float((weights * prior.density(effect) * ndtr((effect - critical) / se)).sum())
