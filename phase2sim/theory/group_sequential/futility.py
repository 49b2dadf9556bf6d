"""Futility rules: spend the type II error, or stop below a limit on some scale.

``FutilityRule`` documents the members that all rules have.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from scipy.special import ndtri

from phase2sim.core.arrays import Floats
from phase2sim.core.errors import BadValue
from phase2sim.theory.group_sequential.conditional_power import (
    Numbers,
    z_for_conditional_power,
    z_for_predictive_power,
)
from phase2sim.theory.group_sequential.futility_rule import FutilityRule
from phase2sim.theory.group_sequential.spending import Spending

_ON_Z = "Use 'z', 'p', 'triangular', 'conditional_power' or 'predictive_power'"


@dataclass(frozen=True, slots=True)
class BetaSpending(FutilityRule):
    """Spends the type II error ``beta`` as the ``spending`` function says.

    Parameters
    ----------
    beta : float
        Type II error of all looks together, between 0 and 1.
    spending : str or dict, default "obrien_fleming"
        Error-spending function: ``"obrien_fleming"`` spends little early, ``"pocock"`` about the
        same at every look; a table with ``kind`` and options for ``"hwang_shih_decani"``
        (``gamma``) and ``"power"`` (``rho``).
    binding : bool, default False
        Whether the efficacy bounds rely on the stop. If not, the type I error holds even if
        futility is overruled.

    Raises
    ------
    BadValue
        If ``beta`` lies outside 0 to 1.

    References
    ----------
    Pampallona, Tsiatis and Kim (2001), Drug Information Journal 35: 1113-1121.

    Examples
    --------
    O'Brien-Fleming-type spending of both errors, 2.5 % and 20 %, at half of the information and at
    the end (rpact 4.5.0: futility at z = 0.559391 if not binding, 0.537696 if binding):

    >>> from phase2sim.theory.group_sequential.boundaries import boundaries
    >>> from phase2sim.theory.group_sequential.spending import OBrienFlemingType
    >>> spending, information = OBrienFlemingType(), np.array([0.5, 1.0])
    >>> for binding in (False, True):
    ...     part = BetaSpending(0.2, binding=binding)
    ...     design = boundaries(information, 0.025, spending, part, spending)
    ...     print(round(float(design.futility[0]), 6))
    0.559391
    0.537696
    """

    beta: float
    spending: str | dict[str, Any] = "obrien_fleming"
    binding: bool = False
    title: ClassVar[str] = "spending of the type II error"
    spends_error: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not 0 < self.beta < 1:
            raise BadValue("beta", f"is {self.beta:g}; it must lie between 0 and 1")

    @property
    def type_two_error(self) -> float:
        """``beta``."""
        return self.beta

    def increments(self, fraction: Floats, spending: Spending | None) -> Floats | None:
        """Type II error that each look alone spends; the last look spends the remainder."""
        if spending is None:
            raise BadValue("spending", "is missing; give the function that spends beta")
        return spending.increments(fraction, self.beta)

    def z(self, fraction: Floats, final: Numbers, drift_per_effect: Numbers) -> Floats:
        """Nan: the bounds follow from the error spent, not from limits on a scale."""
        del final, drift_per_effect
        return np.full(fraction.shape, np.nan)

    def check_several_arms(self) -> None:
        """Raise ``BadValue``: it needs the drift of one arm."""
        raise BadValue("kind", f"is 'beta_spending', which is for one treated arm. {_ON_Z}")


@dataclass(frozen=True, slots=True)
class ZLimit(FutilityRule):
    """Stops where z is below a limit.

    Parameters
    ----------
    at_least : tuple of float, (1,) or (interim look,)
        Limit on z, between -10 and 10: one for all interim looks, or one per look.
    binding : bool, default False
        Whether the efficacy bounds rely on the stop.

    References
    ----------
    Jennison and Turnbull (1999), Group Sequential Methods, chapter 4.

    Examples
    --------
    >>> ZLimit((0.0,)).z(np.array([0.3, 0.6]), 1.96, np.nan).tolist()
    [0.0, 0.0]
    """

    at_least: tuple[float, ...]
    binding: bool = False
    title: ClassVar[str] = "z at a look"

    def __post_init__(self) -> None:
        _check(self.at_least, -10.0, 10.0)

    @property
    def limits(self) -> tuple[float, ...]:
        """``at_least``."""
        return self.at_least

    def z(self, fraction: Floats, final: Numbers, drift_per_effect: Numbers) -> Floats:
        """The limits themselves."""
        del final, drift_per_effect
        return _per_look(self.at_least, fraction)


@dataclass(frozen=True, slots=True)
class PLimit(FutilityRule):
    """Stops where the one-sided p is above a limit.

    Parameters
    ----------
    at_most : tuple of float, (1,) or (interim look,)
        Limit on the one-sided p, between 0 and 1: one for all interim looks, or one per look.
    binding : bool, default False
        Whether the efficacy bounds rely on the stop.

    References
    ----------
    Jennison and Turnbull (1999), Group Sequential Methods, chapter 4.

    Examples
    --------
    p = 0.3 is z = 0.524401, p = 0.025 is z = 1.959964:

    >>> PLimit((0.3, 0.025)).z(np.array([0.3, 0.6]), 1.96, np.nan).round(6).tolist()
    [0.524401, 1.959964]
    """

    at_most: tuple[float, ...]
    binding: bool = False
    title: ClassVar[str] = "one-sided p at a look"

    def __post_init__(self) -> None:
        _check(self.at_most, 0.0, 1.0, "at_most")

    @property
    def limits(self) -> tuple[float, ...]:
        """The same limits on the scale of z."""
        return tuple(float(-ndtri(p)) for p in self.at_most)

    def z(self, fraction: Floats, final: Numbers, drift_per_effect: Numbers) -> Floats:
        """Upper normal quantiles of the limits."""
        del final, drift_per_effect
        return _per_look(self.limits, fraction)


@dataclass(frozen=True, slots=True)
class EffectLimit(FutilityRule):
    """Stops where the estimated benefit over the null effect is below a limit.

    Parameters
    ----------
    at_least : tuple of float, (1,) or (interim look,)
        Limit on the benefit over the null effect, in the unit of the effect: one for all interim
        looks, or one per look. Positive values are a benefit, whichever direction of the endpoint
        is better.
    binding : bool, default False
        Whether the efficacy bounds rely on the stop.

    References
    ----------
    Jennison and Turnbull (1999), Group Sequential Methods, chapter 4.

    Examples
    --------
    With a standard error of 0.1 at the end, it is ``0.1 / sqrt(0.25)`` = 0.2 at a quarter of the
    information; a benefit of 0.1 is z = 0.5:

    >>> EffectLimit((0.1,)).z(np.array([0.25]), 1.96, 1 / 0.1).tolist()
    [0.5]
    """

    at_least: tuple[float, ...]  # above 0 is better than the null, whichever way the endpoint goes
    binding: bool = False
    title: ClassVar[str] = "estimated benefit at a look"

    def __post_init__(self) -> None:
        _check(self.at_least, -1e6, 1e6)

    @property
    def limits(self) -> tuple[float, ...]:
        """``at_least``."""
        return self.at_least

    @property
    def judges_estimate(self) -> bool:
        """Unless the efficacy bounds rely on it."""
        return not self.binding

    @property
    def needs_information(self) -> bool:
        """Always: the standard error turns a benefit into z."""
        return True

    def check_several_arms(self) -> None:
        """Raise ``BadValue``: it is a limit on the effect."""
        raise BadValue("kind", f"is 'effect'; arms are dropped by limits on z. {_ON_Z}")

    def z(self, fraction: Floats, final: Numbers, drift_per_effect: Numbers) -> Floats:
        """Limits over the standard errors."""
        del final
        return _per_look(self.at_least, fraction) * drift_per_effect * np.sqrt(fraction)


@dataclass(frozen=True, slots=True)
class ConditionalPowerLimit(FutilityRule):
    """Stops where the conditional power is below a limit, under the observed or a given effect.

    Parameters
    ----------
    at_least : tuple of float, (1,) or (interim look,)
        Limit on the conditional power, between 0 and 1: one for all interim looks, or one per look.
    benefit : float or "observed", default "observed"
        True benefit over the null effect, in the unit of the effect; ``"observed"`` takes the
        estimate of the look.
    binding : bool, default False
        Whether the efficacy bounds rely on the stop.

    References
    ----------
    Lan, Simon and Halperin (1982), Communications in Statistics C 1: 207-219. Jennison and Turnbull
    (1999), section 10.2.

    Examples
    --------
    At half of the information z = 1.2 has a conditional power of 0.3549990719 under the observed
    effect if 1.96 is critical at the end (closed form by R 4.2.2):

    >>> part = ConditionalPowerLimit((0.3549990719,))
    >>> part.z(np.array([0.5]), 1.96, np.nan).round(6).tolist()
    [1.2]
    """

    at_least: tuple[float, ...]
    benefit: float | Literal["observed"] = "observed"
    binding: bool = False
    title: ClassVar[str] = "conditional power at a look"

    def __post_init__(self) -> None:
        _check(self.at_least, 0.0, 1.0)

    @property
    def limits(self) -> tuple[float, ...]:
        """``at_least``."""
        return self.at_least

    @property
    def needs_information(self) -> bool:
        """Whether conditional power is for a stated effect."""
        return self.benefit != "observed"

    def check_several_arms(self) -> None:
        """Raise ``BadValue`` if conditional power is for a stated effect."""
        if self.benefit != "observed":
            raise BadValue(
                "benefit",
                f"is {self.benefit:g}; arms are dropped by limits on z, for the 'observed' effect."
                " Leave it out",
            )

    def z(self, fraction: Floats, final: Numbers, drift_per_effect: Numbers) -> Floats:
        """Z with this conditional power."""
        drift = None if self.benefit == "observed" else self.benefit * drift_per_effect
        return z_for_conditional_power(_per_look(self.at_least, fraction), fraction, final, drift)


@dataclass(frozen=True, slots=True)
class PredictivePowerLimit(FutilityRule):
    """Stops where the predictive power, with a flat prior, is below a limit.

    Parameters
    ----------
    at_least : tuple of float, (1,) or (interim look,)
        Limit on the predictive power, between 0 and 1: one for all interim looks, or one per look.
    binding : bool, default False
        Whether the efficacy bounds rely on the stop.

    References
    ----------
    Spiegelhalter, Freedman and Blackburn (1986), Controlled Clinical Trials 7: 8-17.

    Examples
    --------
    At half of the information z = 1.2 has a predictive power of 0.396296977 if 1.96 is critical at
    the end (closed form by R 4.2.2):

    >>> PredictivePowerLimit((0.396296977,)).z(np.array([0.5]), 1.96, np.nan).round(6).tolist()
    [1.2]
    """

    at_least: tuple[float, ...]
    binding: bool = False
    title: ClassVar[str] = "predictive power at a look"

    def __post_init__(self) -> None:
        _check(self.at_least, 0.0, 1.0)

    @property
    def limits(self) -> tuple[float, ...]:
        """``at_least``."""
        return self.at_least

    def z(self, fraction: Floats, final: Numbers, drift_per_effect: Numbers) -> Floats:
        """Z with this predictive power."""
        del drift_per_effect
        return z_for_predictive_power(_per_look(self.at_least, fraction), fraction, final)


@dataclass(frozen=True, slots=True)
class TriangularLimit(FutilityRule):
    """Whitehead's triangular test: rises to meet the efficacy bound at the end.

    Parameters
    ----------
    binding : bool, default False
        Whether the efficacy bounds rely on the stop.

    Notes
    -----
    The limit on z is the final critical z times ``(3 fraction - 1) / (2 sqrt(fraction))``.

    References
    ----------
    Whitehead (1997), The Design and Analysis of Sequential Clinical Trials. Magirr, Jaki and
    Whitehead (2012), Biometrika 99: 494-501.

    Examples
    --------
    At half of the information the limit is ``0.5 / sqrt(2)`` of the final z, here 2.225 (R package
    MAMS: 0.786 from a search within 0.001, Journal of Statistical Software 88(4), 2019):

    >>> TriangularLimit().z(np.array([0.5, 1.0]), 2.225, np.nan).round(3).tolist()
    [0.787, 2.225]
    """

    binding: bool = False
    title: ClassVar[str] = "triangular bounds"

    def z(self, fraction: Floats, final: Numbers, drift_per_effect: Numbers) -> Floats:
        """Final critical z times ``(3 fraction - 1) / (2 sqrt(fraction))``."""
        del drift_per_effect
        return np.asarray(final * (3.0 * fraction - 1.0) / (2.0 * np.sqrt(fraction)))


FUTILITIES: dict[str, type[FutilityRule]] = {
    "beta_spending": BetaSpending,
    "z": ZLimit,
    "p": PLimit,
    "effect": EffectLimit,
    "conditional_power": ConditionalPowerLimit,
    "predictive_power": PredictivePowerLimit,
    "triangular": TriangularLimit,
}


def _per_look(limits: tuple[float, ...], fraction: Floats) -> Floats:
    """One limit per interim look."""
    return np.broadcast_to(np.array(limits), fraction.shape)


def _check(limits: tuple[float, ...], low: float, high: float, key: str = "at_least") -> None:
    if not limits:
        raise BadValue(key, "is empty; give one limit, or one an interim look")
    for limit in limits:
        if not low < limit < high:
            raise BadValue(key, f"holds {limit:g}; it must lie between {low:g} and {high:g}")
