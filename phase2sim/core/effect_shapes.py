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
            Months since randomisation, in any shape.

        Returns
        -------
        ndarray of float
            Share of the effect, in the shape of ``months``.
        """
        ...


@dataclass(frozen=True, slots=True)
class Immediate:
    """The whole effect from the first visit after treatment.

    Examples
    --------
    Nothing at baseline, and all of it from the first visit on:

    >>> Immediate().at(np.array([0.0, 3.0, 12.0])).tolist()
    [0.0, 1.0, 1.0]
    """

    def at(self, months: Floats) -> Floats:
        """Share of the effect at each month."""
        return (months > 0).astype(np.float64)


@dataclass(frozen=True, slots=True)
class Linear:
    """Grows in proportion to time.

    Parameters
    ----------
    full_at_months : float, default 12
        Months after which the effect is whole, from 0.001 to 1200.

    Raises
    ------
    BadValue
        If a value lies outside these limits.

    Notes
    -----
    The share is ``months / full_at_months``; it keeps rising afterwards.

    Examples
    --------
    >>> Linear(full_at_months=12.0).at(np.array([0.0, 6.0, 12.0, 18.0])).tolist()
    [0.0, 0.5, 1.0, 1.5]
    """

    full_at_months: float = 12.0

    def __post_init__(self) -> None:
        _positive("full_at_months", self.full_at_months)

    def at(self, months: Floats) -> Floats:
        """Share of the effect at each month; above 1 after ``full_at_months``."""
        return np.maximum(months, 0.0) / self.full_at_months


@dataclass(frozen=True, slots=True)
class Onset:
    """Approaches the whole effect exponentially: half of what is missing each half-time.

    Parameters
    ----------
    half_time_months : float, default 1.5
        Months after which half of the effect is reached, from 0.001 to 1200.

    Raises
    ------
    BadValue
        If a value lies outside these limits.

    Notes
    -----
    The share is ``1 - 2 ** (-months / half_time_months)``.

    Examples
    --------
    Half of the effect after one half-time, three quarters after two, seven eighths after three:

    >>> Onset(half_time_months=1.5).at(np.array([0.0, 1.5, 3.0, 4.5])).tolist()
    [0.0, 0.5, 0.75, 0.875]
    """

    half_time_months: float = 1.5

    def __post_init__(self) -> None:
        _positive("half_time_months", self.half_time_months)

    def at(self, months: Floats) -> Floats:
        """Share of the effect at each month."""
        missing: Floats = np.exp2(-np.maximum(months, 0.0) / self.half_time_months)
        return 1.0 - missing


@dataclass(frozen=True, slots=True)
class Transient:
    """Rises as ``onset`` and fades with a half-life.

    Parameters
    ----------
    half_time_months : float, default 1.5
        Half-time of the rise in months, from 0.001 to 1200.
    half_life_months : float, default 12
        Half-life of the fall in months, from 0.001 to 1200.

    Raises
    ------
    BadValue
        If a value lies outside these limits.

    Notes
    -----
    The share is ``(1 - 2 ** (-months / half_time_months)) * 2 ** (-months / half_life_months)``,
    which stays below 1.

    Examples
    --------
    After one half-time, and after eight, which are one half-life (closed form: ``0.5 / 2 ** 0.125``
    and ``(1 - 2 ** -8) / 2``):

    >>> Transient(1.5, 12.0).at(np.array([0.0, 1.5, 12.0])).round(6).tolist()
    [0.0, 0.458502, 0.498047]
    """

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
    """Nothing until ``lag_months``, then the whole effect.

    Parameters
    ----------
    lag_months : float, default 3
        Months without an effect, from 0.001 to 1200.

    Raises
    ------
    BadValue
        If a value lies outside its limits.

    Notes
    -----
    A visit at ``lag_months`` itself has no effect yet.

    Examples
    --------
    >>> Delayed(lag_months=3.0).at(np.array([0.0, 3.0, 3.5, 12.0])).tolist()
    [0.0, 0.0, 1.0, 1.0]
    """

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
