"""Bounds of a group sequential design on z, and its properties under any true effect."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from phase2sim.core.arrays import Floats
from phase2sim.theory.group_sequential.beta_spending import beta_spending_bounds
from phase2sim.theory.group_sequential.boundary_checks import (
    check_crossing,
    check_information,
    check_limits,
    check_one_sided_alpha,
)
from phase2sim.theory.group_sequential.efficacy import efficacy_bounds
from phase2sim.theory.group_sequential.efficacy_rule import EfficacyRule
from phase2sim.theory.group_sequential.futility_rule import FutilityRule
from phase2sim.theory.group_sequential.integration import exit_probabilities
from phase2sim.theory.group_sequential.spending import Spending

_TIGHT = 1e-12
_ROUNDS = 200  # of efficacy bounds and binding limits that depend on each other


@dataclass(frozen=True, slots=True)
class Boundaries:
    """Bounds on z at every look of a design; the last look is the final analysis.

    ``boundaries`` computes them. The drift is the true effect times the square root of the maximum
    information, which is the mean of z at the last look.

    Parameters
    ----------
    information : ndarray of float, (look,)
        Information fractions, rising to 1.
    efficacy : ndarray of float, (look,)
        Efficacy bounds on z; inf at a look that does not stop for efficacy.
    futility : ndarray of float, (look,)
        Futility bounds on z; -inf at a look that does not stop for futility. The last is the
        efficacy bound.
    one_sided_alpha : float
        One-sided type I error over all looks.
    drift : float, default nan
        Drift at which a design that spends its type II error has its power.
    is_binding : bool, default False
        Whether the efficacy bounds rely on stops for futility.

    References
    ----------
    Jennison and Turnbull (1999), Group Sequential Methods, chapters 2, 4 and 7.

    Examples
    --------
    O'Brien and Fleming's design with two looks and a one-sided level of 2.5 % (rpact 4.5.0: bounds
    2.79651 and 1.977431; 0.002583 of the level spent at the first look; a maximum information of
    1.007786 times that of a fixed design with 80 % power):

    >>> from phase2sim.theory.group_sequential.classical_bounds import OBrienFleming
    >>> design = boundaries(np.array([0.5, 1.0]), 0.025, OBrienFleming())
    >>> design.efficacy.round(5).tolist()
    [2.79651, 1.97743]
    >>> design.alpha_spent.round(6).tolist()
    [0.002583, 0.025]
    >>> round(design.inflation(0.8), 6)
    1.007786
    """

    information: Floats
    efficacy: Floats
    futility: Floats
    one_sided_alpha: float
    drift: float = float("nan")
    is_binding: bool = False

    @property
    def nominal(self) -> Floats:
        """One-sided p with which each look shows efficacy, (look,)."""
        levels: Floats = ndtr(-self.efficacy)
        return levels

    @property
    def crossing_spent(self) -> Floats:
        """Type I error spent up to each look if no trial stops for futility, (look,)."""
        no_futility = np.full(self.information.size, -np.inf)
        chances = exit_probabilities(self.information, no_futility, self.efficacy, 0.0)
        spent: Floats = chances[0].cumsum()
        return spent

    @property
    def alpha_spent(self) -> Floats:
        """Type I error spent up to each look, relying on futility only if binding, (look,)."""
        spent: Floats = self.exits(0.0)[0].cumsum()
        return spent if self.is_binding else self.crossing_spent

    def with_futility(self, lower: Floats) -> "Boundaries":
        """Return the same design with other futility bounds, which are not binding.

        Parameters
        ----------
        lower : ndarray of float, (interim look,)
            Futility bounds on z.

        Returns
        -------
        Boundaries
            Design with the same efficacy bounds.
        """
        return replace(self, futility=np.append(lower, self.efficacy[-1]), is_binding=False)

    def exits(self, drift: float) -> Floats:
        """Probabilities to stop at each look.

        Parameters
        ----------
        drift : float
            True effect times the square root of the maximum information.

        Returns
        -------
        ndarray of float, (2, look)
            Probability to stop for efficacy at each look, and for futility (at the last look:
            without success).
        """
        return exit_probabilities(self.information, self.futility, self.efficacy, drift)

    def power(self, drift: float) -> float:
        """Probability of success at any look.

        Parameters
        ----------
        drift : float
            True effect times the square root of the maximum information.

        Returns
        -------
        float
            Probability.
        """
        return float(self.exits(drift)[0].sum())

    def expected_information(self, drift: float) -> float:
        """Mean information fraction at the end of the trial.

        Parameters
        ----------
        drift : float
            True effect times the square root of the maximum information.

        Returns
        -------
        float
            Fraction of the maximum information, between the first look's and 1.
        """
        stops = self.exits(drift)[:, :-1].sum(axis=0)
        return float(1 - (stops * (1 - self.information[:-1])).sum())

    def drift_for(self, power: float) -> float:
        """Drift at which the design has a stated power.

        Parameters
        ----------
        power : float
            Power, above the level and below 1.

        Returns
        -------
        float
            Effect times the square root of the maximum information.

        Raises
        ------
        ValueError
            If no drift up to 40 has this power, because futility stops too many trials.
        """
        low, high = float(ndtri(power) - ndtri(self.one_sided_alpha)), 40.0
        if self.power(high) < power:
            raise ValueError(
                f"no effect gives a power of {power:g}: futility stops too many trials"
            )
        return float(brentq(lambda d: self.power(d) - power, low - 1e-9, high, xtol=_TIGHT))

    def inflation(self, power: float) -> float:
        """Maximum information relative to a fixed design with the same level and power.

        Parameters
        ----------
        power : float
            Power, above the level and below 1.

        Returns
        -------
        float
            Ratio, 1 or more.
        """
        fixed = float(ndtri(power) - ndtri(self.one_sided_alpha))
        return (self.drift_for(power) / fixed) ** 2


def boundaries(
    information: Floats,
    one_sided_alpha: float,
    efficacy: EfficacyRule,
    futility: FutilityRule | None = None,
    beta_spending: Spending | None = None,
    *,
    drift_per_effect: float = float("nan"),
) -> Boundaries:
    """Bounds of a group sequential design with one treated arm.

    Futility that is not binding leaves the efficacy bounds as they are without it.

    Parameters
    ----------
    information : ndarray of float, (look,)
        Information fractions, rising to 1; 1 to 50 looks, at least 0.001 apart.
    one_sided_alpha : float
        One-sided type I error over all looks, between 0 and 0.5.
    efficacy : EfficacyRule
        Efficacy rule of classical shape, or an error-spending function.
    futility : FutilityRule, optional
        Futility rule. No look stops for futility if omitted.
    beta_spending : Spending, optional
        Error-spending function of the type II error; required by ``BetaSpending``, otherwise not
        used.
    drift_per_effect : float, default nan
        Square root of the maximum information, in 1 / unit of the effect. Required by limits that
        are stated in units of the effect (``EffectLimit``, and ``ConditionalPowerLimit`` with a
        stated benefit).

    Returns
    -------
    Boundaries
        Efficacy and futility bounds on z.

    Raises
    ------
    BadValue
        If information does not rise to 1, if the level lies outside 0 to 0.5, if the number of
        limits does not fit the looks, or if a futility bound reaches the efficacy bound.

    References
    ----------
    Jennison and Turnbull (1999), Group Sequential Methods, chapters 2, 4 and 7. Lan and DeMets
    (1983), Biometrika 70: 659-663.

    Examples
    --------
    O'Brien-Fleming-type spending with looks at 30 %, 70 % and all of the information (rpact 4.5.0:
    3.92857254, 2.43874238, 2.00000858):

    >>> from phase2sim.theory.group_sequential.spending import OBrienFlemingType
    >>> design = boundaries(np.array([0.3, 0.7, 1.0]), 0.025, OBrienFlemingType())
    >>> design.efficacy.round(6).tolist()
    [3.928573, 2.438742, 2.000009]

    With a true effect of 0.5 SD and 150 patients in two equal arms the drift is
    ``0.5 sqrt(150) / 2``. rpact 4.5.0 gives a power of 0.85996 and 124.56 patients on average:

    >>> drift = 0.5 * np.sqrt(150) / 2
    >>> round(design.power(drift), 5), round(150 * design.expected_information(drift), 2)
    (0.85996, 124.56)
    """
    check_information(information)
    check_one_sided_alpha(one_sided_alpha)
    drift = float("nan")
    increments = None if futility is None else futility.increments(information, beta_spending)
    if futility is not None and increments is not None:
        rules = efficacy, futility, increments
        lower, upper, drift = beta_spending_bounds(information, one_sided_alpha, *rules)
    else:
        lower, upper = _limit_bounds(
            information, one_sided_alpha, efficacy, futility, drift_per_effect
        )
    check_crossing(lower[:-1], upper[:-1])
    lower[-1] = upper[-1]
    is_binding = futility is not None and futility.binding
    return Boundaries(information, upper, lower, one_sided_alpha, drift, is_binding)


def _limit_bounds(
    information: Floats,
    one_sided_alpha: float,
    efficacy: EfficacyRule,
    futility: FutilityRule | None,
    drift_per_effect: float,
) -> tuple[Floats, Floats]:
    """Lower and upper bounds with limits on some scale, or without futility."""
    lower = np.full(information.size, -np.inf)
    upper = efficacy_bounds(efficacy, information, one_sided_alpha, lower)
    if futility is None:
        return lower, upper
    check_limits(futility, information)
    for _ in range(_ROUNDS):
        lower[:-1] = futility.z(information[:-1], upper[-1], drift_per_effect)
        if not futility.binding:
            break
        before = upper
        upper = efficacy_bounds(efficacy, information, one_sided_alpha, lower)
        if np.allclose(upper, before, rtol=0, atol=_TIGHT):
            break
    return lower, upper
