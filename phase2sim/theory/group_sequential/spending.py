"""Error-spending functions: error spent by a fraction of the information (Lan and DeMets 1983)."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import ndtr, ndtri

from phase2sim.core.arrays import Floats
from phase2sim.core.errors import BadValue
from phase2sim.theory.group_sequential.efficacy_rule import (
    ONE_ARM,
    Crossing,
    EfficacyRule,
    last_bound,
)
from phase2sim.theory.group_sequential.integration import upper_bounds

_LIMIT = 40.0  # of a family's parameter, either way


class Spending(EfficacyRule):
    """A function that says how much of an error has been spent by a fraction of information."""

    __slots__ = ()
    follows_information: ClassVar[bool] = True

    @abstractmethod
    def spent(self, fraction: Floats, total: float) -> Floats:
        """Error spent up to each fraction: 0 without information, ``total`` with all of it.

        Parameters
        ----------
        fraction : ndarray of float, (...)
            Information fraction; values outside 0 to 1 are cut to these limits.
        total : float
            Type I or type II error of all looks together, between 0 and 1.

        Returns
        -------
        ndarray of float, (...)
            Cumulative error, between 0 and ``total``.
        """

    def increments(self, fraction: Floats, total: float) -> Floats:
        """Error that each look alone spends; the last look spends the remainder."""
        spent = self.spent(fraction, total)
        spent[..., -1] = total
        return np.maximum(np.diff(spent, prepend=0.0), 0.0)

    def bounds(
        self,
        information: Floats,
        one_sided_alpha: float,
        lower: Floats,
        crossing: Crossing = ONE_ARM,
    ) -> Floats:
        """Upper bounds on z that spend the level look by look, (look,)."""
        increments = self.increments(information, one_sided_alpha)
        if crossing.arms == 1:
            return upper_bounds(information, lower, increments)
        upper = np.full(information.size, np.inf)
        for k, increment in enumerate(increments):
            if increment > 0.0:
                test = information[: k + 1], lower[: k + 1], crossing
                upper[k] = last_bound(test, increment, upper, k)
        return upper


@dataclass(frozen=True, slots=True)
class OBrienFlemingType(Spending):
    """Nearly O'Brien and Fleming's bounds: hardly anything at early looks.

    Notes
    -----
    Spends ``2 (1 - Phi(z / sqrt(t)))`` of the error by fraction t, where z is the upper
    ``total / 2`` quantile of the normal distribution.

    References
    ----------
    Lan and DeMets (1983), Biometrika 70: 659-663.

    Examples
    --------
    Of 2.5 % at half of the information and at the end (rpact 4.5.0: 0.001525323, 0.025):

    >>> OBrienFlemingType().spent(np.array([0.5, 1.0]), 0.025).round(9).tolist()
    [0.001525323, 0.025]
    """

    title: ClassVar[str] = "O'Brien-Fleming-type error spending"

    def spent(self, fraction: Floats, total: float) -> Floats:
        """Twice the normal tail above ``z / sqrt(fraction)``, (...)."""
        t = np.clip(fraction, 1e-300, 1.0)
        early: Floats = 2 * ndtr(ndtri(total / 2) / np.sqrt(t))
        return early


@dataclass(frozen=True, slots=True)
class PocockType(Spending):
    """Nearly Pocock's bounds: about the same at every look.

    Notes
    -----
    Spends ``total * ln(1 + (e - 1) t)`` by fraction t.

    References
    ----------
    Lan and DeMets (1983), Biometrika 70: 659-663.

    Examples
    --------
    Of 2.5 % at half of the information and at the end (rpact 4.5.0: 0.015502863, 0.025):

    >>> PocockType().spent(np.array([0.5, 1.0]), 0.025).round(9).tolist()
    [0.015502863, 0.025]
    """

    title: ClassVar[str] = "Pocock-type error spending"

    def spent(self, fraction: Floats, total: float) -> Floats:
        """Total times ``ln(1 + (e - 1) fraction)``, (...)."""
        spent: Floats = total * np.log1p((np.e - 1) * np.clip(fraction, 0.0, 1.0))
        return spent


@dataclass(frozen=True, slots=True)
class HwangShihDeCani(Spending):
    """Hwang, Shih and DeCani's family: late for ``gamma`` below 0, early above.

    Parameters
    ----------
    gamma : float
        From -40 to 40. -4 is close to O'Brien and Fleming's bounds, 1 to Pocock's.

    Raises
    ------
    BadValue
        If ``gamma`` lies outside -40 to 40.

    Notes
    -----
    Spends ``total * (1 - exp(-gamma t)) / (1 - exp(-gamma))`` by fraction t; linear for 0.

    References
    ----------
    Hwang, Shih and DeCani (1990), Statistics in Medicine 9: 1439-1445.

    Examples
    --------
    Of 2.5 % at half of the information and at the end (rpact 4.5.0: 0.002980073, 0.025):

    >>> HwangShihDeCani(-4.0).spent(np.array([0.5, 1.0]), 0.025).round(9).tolist()
    [0.002980073, 0.025]
    """

    gamma: float
    title: ClassVar[str] = "Hwang-Shih-DeCani error spending"

    def __post_init__(self) -> None:
        if not -_LIMIT <= self.gamma <= _LIMIT:
            reason = f"is {self.gamma:g}; it must lie between {-_LIMIT:g} and {_LIMIT:g}"
            raise BadValue("gamma", reason)

    def spent(self, fraction: Floats, total: float) -> Floats:
        """Total times ``(1 - exp(-gamma t)) / (1 - exp(-gamma))``, (...)."""
        t = np.clip(fraction, 0.0, 1.0)
        if self.gamma == 0:
            return total * t
        spent: Floats = total * np.expm1(-self.gamma * t) / np.expm1(-self.gamma)
        return spent


@dataclass(frozen=True, slots=True)
class PowerFamily(Spending):
    """Kim and DeMets' power family: the fraction to the power ``rho``.

    Parameters
    ----------
    rho : float
        Exponent, above 0 and at most 40. 1 is close to Pocock's bounds, 3 to O'Brien and
        Fleming's.

    Raises
    ------
    BadValue
        If ``rho`` lies outside these limits.

    References
    ----------
    Kim and DeMets (1987), Biometrika 74: 149-154.

    Examples
    --------
    Of 2.5 % at each third of the information (``0.025 * t**3``; rpact 4.5.0: 0.000925926,
    0.007407407, 0.025):

    >>> PowerFamily(3.0).spent(np.array([1, 2, 3]) / 3, 0.025).round(9).tolist()
    [0.000925926, 0.007407407, 0.025]
    """

    rho: float
    title: ClassVar[str] = "power family error spending"

    def __post_init__(self) -> None:
        if not 0 < self.rho <= _LIMIT:
            raise BadValue("rho", f"is {self.rho:g}; it must be above 0 and at most {_LIMIT:g}")

    def spent(self, fraction: Floats, total: float) -> Floats:
        """Total times ``fraction**rho``, (...)."""
        spent: Floats = total * np.clip(fraction, 0.0, 1.0) ** self.rho
        return spent


SPENDINGS: dict[str, type[Spending]] = {
    "obrien_fleming": OBrienFlemingType,
    "pocock": PocockType,
    "hwang_shih_decani": HwangShihDeCani,
    "power": PowerFamily,
}
