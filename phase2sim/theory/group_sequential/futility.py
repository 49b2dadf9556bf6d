"""When a look shows futility: by spending the type II error, or below a limit on some scale."""

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
from phase2sim.theory.group_sequential.spending import Spending

_ON_Z = "Use 'z', 'p', 'triangular', 'conditional_power' or 'predictive_power'"


class FutilityRule:
    """A part that says when a look shows futility; each kind is a subclass.

    Most stop below a limit at each interim look, on some scale.
    """

    __slots__ = ()
    title: ClassVar[str]
    spends_error: ClassVar[bool] = False  # by a function, so that there is no limit
    binding: bool  # whether the efficacy bounds count on the stop

    @property
    def limits(self) -> tuple[float, ...]:
        """One limit for all interim looks, or one each."""
        return (float("nan"),)

    @property
    def type_two_error(self) -> float:
        """Error that is spent in all; nan where none is."""
        return float("nan")

    @property
    def judges_estimate(self) -> bool:
        """Whether looks judge the estimated benefit itself, not z."""
        return False

    @property
    def needs_information(self) -> bool:
        """Whether limits lie on z only once the information is known."""
        return False

    def z(self, fraction: Floats, final: Numbers, drift_per_effect: Numbers) -> Floats:
        """The limits on the scale of z; ``fraction`` of the interim looks, ``final`` critical z.

        ``drift_per_effect`` is the square root of all information, nan where nobody said.
        """
        raise NotImplementedError

    def increments(self, fraction: Floats, spending: Spending | None) -> Floats | None:
        """Error spent at each look alone, as the function says; None where none is spent."""
        del fraction, spending
        return None

    def check_several_arms(self) -> None:
        """Raise ``BadValue`` where arms cannot be dropped by it: it has no place on z."""


@dataclass(frozen=True, slots=True)
class BetaSpending(FutilityRule):
    """Spends the type II error ``beta`` as the ``spending`` function says."""

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
        """Error spent at each look alone; the last one spends what is left."""
        if spending is None:
            raise BadValue("spending", "is missing; give the function that spends beta")
        return spending.increments(fraction, self.beta)

    def check_several_arms(self) -> None:
        """Raise ``BadValue``: it needs the drift of one arm."""
        raise BadValue("kind", f"is 'beta_spending', which is for one treated arm. {_ON_Z}")


@dataclass(frozen=True, slots=True)
class ZLimit(FutilityRule):
    """Stops where z is below a limit."""

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
        return _each(self.at_least, fraction)


@dataclass(frozen=True, slots=True)
class PLimit(FutilityRule):
    """Stops where the one-sided p is above a limit."""

    at_most: tuple[float, ...]
    binding: bool = False
    title: ClassVar[str] = "one-sided p at a look"

    def __post_init__(self) -> None:
        _check(self.at_most, 0.0, 1.0, "at_most")

    @property
    def limits(self) -> tuple[float, ...]:
        """The same limits on z."""
        return tuple(float(-ndtri(p)) for p in self.at_most)

    def z(self, fraction: Floats, final: Numbers, drift_per_effect: Numbers) -> Floats:
        """Upper quantiles of the limits."""
        del final, drift_per_effect
        return _each(self.limits, fraction)


@dataclass(frozen=True, slots=True)
class EffectLimit(FutilityRule):
    """Stops where the estimated benefit over the null effect is below a limit."""

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
        """Unless the efficacy bounds count on it."""
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
        return _each(self.at_least, fraction) * drift_per_effect * np.sqrt(fraction)


@dataclass(frozen=True, slots=True)
class ConditionalPowerLimit(FutilityRule):
    """Stops where the conditional power is below a limit, under the observed or a given effect."""

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
        """Where the power is for a stated effect."""
        return self.benefit != "observed"

    def check_several_arms(self) -> None:
        """Raise ``BadValue`` where the power is for a stated effect."""
        if self.benefit != "observed":
            raise BadValue(
                "benefit",
                f"is {self.benefit:g}; arms are dropped by limits on z, for the 'observed' effect."
                " Leave it out",
            )

    def z(self, fraction: Floats, final: Numbers, drift_per_effect: Numbers) -> Floats:
        """Z with this conditional power."""
        drift = None if self.benefit == "observed" else self.benefit * drift_per_effect
        return z_for_conditional_power(_each(self.at_least, fraction), fraction, final, drift)


@dataclass(frozen=True, slots=True)
class PredictivePowerLimit(FutilityRule):
    """Stops where the predictive power, with a flat prior, is below a limit."""

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
        return z_for_predictive_power(_each(self.at_least, fraction), fraction, final)


@dataclass(frozen=True, slots=True)
class TriangularLimit(FutilityRule):
    """Whitehead's triangular test: rises to meet the efficacy bound at the end."""

    binding: bool = False
    title: ClassVar[str] = "triangular bounds"

    def z(self, fraction: Floats, final: Numbers, drift_per_effect: Numbers) -> Floats:
        """Final critical z times (3 fraction - 1) / (2 sqrt(fraction))."""
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


def futility_limits(limit: FutilityRule, looks: int) -> Floats:
    """Limits on a part's own scale of so many interim looks."""
    return np.broadcast_to(np.array(limit.limits), (looks,))


def _each(limits: tuple[float, ...], fraction: Floats) -> Floats:
    """One limit for all interim looks, or one each."""
    return np.broadcast_to(np.array(limits), fraction.shape)


def _check(limits: tuple[float, ...], low: float, high: float, key: str = "at_least") -> None:
    if not limits:
        raise BadValue(key, "is empty; give one limit, or one an interim look")
    for limit in limits:
        if not low < limit < high:
            raise BadValue(key, f"holds {limit:g}; it must lie between {low:g} and {high:g}")
