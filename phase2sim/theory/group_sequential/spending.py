"""How much of an error is spent by a fraction of the information: Lan and DeMets (1983)."""

from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np
from scipy.special import ndtr, ndtri

from phase2sim.core.arrays import Floats

_LIMIT = 40.0  # of a family's parameter, either way


@runtime_checkable
class Spending(Protocol):
    """A part that says how much of a total error has been spent by a fraction of information."""

    title: ClassVar[str]

    def spent(self, fraction: Floats, total: float) -> Floats:
        """Error spent by each fraction, 0 at none of the information and ``total`` at all of it."""
        ...


@dataclass(frozen=True, slots=True)
class OBrienFlemingType:
    """Nearly O'Brien and Fleming's bounds: hardly anything at early looks."""

    title: ClassVar[str] = "O'Brien-Fleming-type error spending"

    def spent(self, fraction: Floats, total: float) -> Floats:
        """2 (1 - Phi(z / sqrt(fraction))), z the upper ``total / 2`` quantile."""
        t = np.clip(fraction, 1e-300, 1.0)
        early: Floats = 2 * ndtr(ndtri(total / 2) / np.sqrt(t))
        return early


@dataclass(frozen=True, slots=True)
class PocockType:
    """Nearly Pocock's bounds: about the same at every look."""

    title: ClassVar[str] = "Pocock-type error spending"

    def spent(self, fraction: Floats, total: float) -> Floats:
        """Total times ln(1 + (e - 1) fraction)."""
        spent: Floats = total * np.log1p((np.e - 1) * np.clip(fraction, 0.0, 1.0))
        return spent


@dataclass(frozen=True, slots=True)
class HwangShihDeCani:
    """Hwang, Shih and DeCani's family: late for ``gamma`` below 0, early above."""

    gamma: float
    title: ClassVar[str] = "Hwang-Shih-DeCani error spending"

    def __post_init__(self) -> None:
        if not -_LIMIT <= self.gamma <= _LIMIT:
            raise ValueError(f"gamma is {self.gamma:g}; it must lie between {-_LIMIT:g} and"
                             f" {_LIMIT:g}")  # fmt: skip

    def spent(self, fraction: Floats, total: float) -> Floats:
        """Total times (1 - exp(-gamma t)) / (1 - exp(-gamma)), and linear at gamma 0."""
        t = np.clip(fraction, 0.0, 1.0)
        if self.gamma == 0:
            return total * t
        spent: Floats = total * np.expm1(-self.gamma * t) / np.expm1(-self.gamma)
        return spent


@dataclass(frozen=True, slots=True)
class PowerFamily:
    """Kim and DeMets' power family: the fraction to the power ``rho``."""

    rho: float
    title: ClassVar[str] = "power family error spending"

    def __post_init__(self) -> None:
        if not 0 < self.rho <= _LIMIT:
            raise ValueError(f"rho is {self.rho:g}; it must be above 0 and at most {_LIMIT:g}")

    def spent(self, fraction: Floats, total: float) -> Floats:
        """Total times fraction^rho."""
        spent: Floats = total * np.clip(fraction, 0.0, 1.0) ** self.rho
        return spent


SPENDINGS: dict[str, type[Spending]] = {
    "obrien_fleming": OBrienFlemingType,
    "pocock": PocockType,
    "hwang_shih_decani": HwangShihDeCani,
    "power": PowerFamily,
}
