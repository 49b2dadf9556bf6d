"""How much of a treatment effect is there by a month: 0 at baseline, 1 when it is whole."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from phase2sim.core.arrays import Floats
from phase2sim.core.errors import BadValue

_SHORTEST_MONTHS, _LONGEST_MONTHS = 0.001, 1200.0


class EffectShape(Protocol):
    """A part that says how an effect grows, and perhaps fades, after treatment."""

    def at(self, months: Floats) -> Floats:
        """Share of the effect at each month since randomisation; 0 at and before month 0.

        Parameters
        ----------
        months : ndarray of float
            Months since randomisation, of any shape.

        Returns
        -------
        ndarray of float
            Share of the effect, in the shape of ``months``; 1 is the whole effect.
        """
        ...


@dataclass(frozen=True, slots=True)
class Immediate:
    """The whole effect from the first visit after treatment."""

    def at(self, months: Floats) -> Floats:
        """Share of the effect at each month."""
        return (months > 0).astype(np.float64)


@dataclass(frozen=True, slots=True)
class Linear:
    """Grows in proportion to time."""

    full_at_months: float = 12.0

    def __post_init__(self) -> None:
        _positive("full_at_months", self.full_at_months)

    def at(self, months: Floats) -> Floats:
        """Share of the effect at each month; above 1 after ``full_at_months``."""
        return np.maximum(months, 0.0) / self.full_at_months


@dataclass(frozen=True, slots=True)
class Onset:
    """Approaches the whole effect exponentially: half of what is missing each half-time."""

    half_time_months: float = 1.5

    def __post_init__(self) -> None:
        _positive("half_time_months", self.half_time_months)

    def at(self, months: Floats) -> Floats:
        """Share of the effect at each month."""
        missing: Floats = np.exp2(-np.maximum(months, 0.0) / self.half_time_months)
        return 1.0 - missing


@dataclass(frozen=True, slots=True)
class Transient:
    """Rises as ``onset`` and fades with a half-life."""

    half_time_months: float = 1.5
    half_life_months: float = 12.0

    def __post_init__(self) -> None:
        _positive("half_time_months", self.half_time_months)
        _positive("half_life_months", self.half_life_months)

    def at(self, months: Floats) -> Floats:
        """Share of the effect at each month."""
        faded = np.exp2(-np.maximum(months, 0.0) / self.half_life_months)
        return Onset(self.half_time_months).at(months) * faded


@dataclass(frozen=True, slots=True)
class Delayed:
    """Nothing until ``lag_months``, then the whole effect."""

    lag_months: float = 3.0

    def __post_init__(self) -> None:
        _positive("lag_months", self.lag_months)

    def at(self, months: Floats) -> Floats:
        """Share of the effect at each month."""
        return (months > self.lag_months).astype(np.float64)


def _positive(key: str, value: float) -> None:
    if not _SHORTEST_MONTHS <= value <= _LONGEST_MONTHS:
        raise BadValue(
            key,
            f"is {value:g}; it must be a number of months between {_SHORTEST_MONTHS:g}"
            f" and {_LONGEST_MONTHS:g}",
        )


SHAPES: dict[str, type[EffectShape]] = {
    "immediate": Immediate,
    "linear": Linear,
    "onset": Onset,
    "transient": Transient,
    "delayed": Delayed,
}
