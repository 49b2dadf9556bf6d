"""When a look shows futility: by spending the type II error, or below a limit on some scale."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
from scipy.special import ndtri

from phase2sim.core.arrays import Floats
from phase2sim.theory.group_sequential.conditional_power import (
    Numbers,
    z_for_conditional_power,
    z_for_predictive_power,
)


class FutilityLimit(Protocol):
    """A part that stops below a limit at each interim look, on some scale."""

    title: ClassVar[str]

    @property
    def binding(self) -> bool:
        """Whether the efficacy bounds count on the stop."""
        ...

    @property
    def at_least(self) -> tuple[float, ...]:
        """One limit for all interim looks, or one each."""
        ...

    def z(self, fraction: Floats, final: Numbers, drift_per_effect: Numbers) -> Floats:
        """The limits on the scale of z; ``fraction`` of the interim looks, ``final`` critical z.

        ``drift_per_effect`` is the square root of all information, nan where nobody said.
        """
        ...


@dataclass(frozen=True, slots=True)
class BetaSpending:
    """Spends the type II error ``beta`` as the ``spending`` function says."""

    beta: float
    spending: str | dict[str, Any] = "obrien_fleming"
    binding: bool = False
    title: ClassVar[str] = "spending of the type II error"

    def __post_init__(self) -> None:
        if not 0 < self.beta < 1:
            raise ValueError(f"beta is {self.beta:g}; it must lie between 0 and 1")


@dataclass(frozen=True, slots=True)
class ZLimit:
    """Stops where z is below a limit."""

    at_least: tuple[float, ...]
    binding: bool = False
    title: ClassVar[str] = "z at a look"

    def __post_init__(self) -> None:
        _check(self.at_least, -10.0, 10.0)

    def z(self, fraction: Floats, final: Numbers, drift_per_effect: Numbers) -> Floats:
        """The limits themselves."""
        del final, drift_per_effect
        return _each(self.at_least, fraction)


@dataclass(frozen=True, slots=True)
class PLimit:
    """Stops where the one-sided p is above a limit."""

    at_most: tuple[float, ...]
    binding: bool = False
    title: ClassVar[str] = "one-sided p at a look"

    def __post_init__(self) -> None:
        _check(self.at_most, 0.0, 1.0, "at_most")

    @property
    def at_least(self) -> tuple[float, ...]:
        """The same limits on z."""
        return tuple(float(-ndtri(p)) for p in self.at_most)

    def z(self, fraction: Floats, final: Numbers, drift_per_effect: Numbers) -> Floats:
        """Upper quantiles of the limits."""
        del final, drift_per_effect
        return _each(self.at_least, fraction)


@dataclass(frozen=True, slots=True)
class EffectLimit:
    """Stops where the estimated benefit over the null effect is below a limit."""

    at_least: tuple[float, ...]  # above 0 is better than the null, whichever way the endpoint goes
    binding: bool = False
    title: ClassVar[str] = "estimated benefit at a look"

    def __post_init__(self) -> None:
        _check(self.at_least, -1e6, 1e6)

    def z(self, fraction: Floats, final: Numbers, drift_per_effect: Numbers) -> Floats:
        """Limits over the standard errors."""
        del final
        return _each(self.at_least, fraction) * drift_per_effect * np.sqrt(fraction)


@dataclass(frozen=True, slots=True)
class ConditionalPowerLimit:
    """Stops where the conditional power is below a limit, under the observed or a given effect."""

    at_least: tuple[float, ...]
    benefit: float | Literal["observed"] = "observed"
    binding: bool = False
    title: ClassVar[str] = "conditional power at a look"

    def __post_init__(self) -> None:
        _check(self.at_least, 0.0, 1.0)

    def z(self, fraction: Floats, final: Numbers, drift_per_effect: Numbers) -> Floats:
        """Z with this conditional power."""
        drift = None if self.benefit == "observed" else self.benefit * drift_per_effect
        return z_for_conditional_power(_each(self.at_least, fraction), fraction, final, drift)


@dataclass(frozen=True, slots=True)
class PredictivePowerLimit:
    """Stops where the predictive power, with a flat prior, is below a limit."""

    at_least: tuple[float, ...]
    binding: bool = False
    title: ClassVar[str] = "predictive power at a look"

    def __post_init__(self) -> None:
        _check(self.at_least, 0.0, 1.0)

    def z(self, fraction: Floats, final: Numbers, drift_per_effect: Numbers) -> Floats:
        """Z with this predictive power."""
        del drift_per_effect
        return z_for_predictive_power(_each(self.at_least, fraction), fraction, final)


@dataclass(frozen=True, slots=True)
class TriangularLimit:
    """Whitehead's triangular test: rises to meet the efficacy bound at the end."""

    binding: bool = False
    title: ClassVar[str] = "triangular bounds"

    @property
    def at_least(self) -> tuple[float, ...]:
        """One rule for all looks, without a number of its own."""
        return (float("nan"),)

    def z(self, fraction: Floats, final: Numbers, drift_per_effect: Numbers) -> Floats:
        """Final critical z times (3 fraction - 1) / (2 sqrt(fraction))."""
        del drift_per_effect
        return np.asarray(final * (3.0 * fraction - 1.0) / (2.0 * np.sqrt(fraction)))


type FutilityRule = BetaSpending | FutilityLimit

FUTILITIES: dict[str, type[BetaSpending] | type[FutilityLimit]] = {
    "beta_spending": BetaSpending,
    "z": ZLimit,
    "p": PLimit,
    "effect": EffectLimit,
    "conditional_power": ConditionalPowerLimit,
    "predictive_power": PredictivePowerLimit,
    "triangular": TriangularLimit,
}


def futility_limits(limit: FutilityLimit, looks: int) -> Floats:
    """Limits on a part's own scale of so many interim looks."""
    return np.broadcast_to(np.array(limit.at_least), (looks,))


def _each(limits: tuple[float, ...], fraction: Floats) -> Floats:
    """One limit for all interim looks, or one each."""
    return np.broadcast_to(np.array(limits), fraction.shape)


def _check(limits: tuple[float, ...], low: float, high: float, key: str = "at_least") -> None:
    if not limits:
        raise ValueError(f"{key} is empty; give one limit, or one an interim look")
    for limit in limits:
        if not low < limit < high:
            raise ValueError(f"{key} holds {limit:g}; it must lie between {low:g} and {high:g}")
