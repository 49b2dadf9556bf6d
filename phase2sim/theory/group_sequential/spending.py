"""How much of an error is spent by a fraction of the information: Lan and DeMets (1983)."""

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
    """A part that says how much of a total error has been spent by a fraction of information."""

    __slots__ = ()
    follows_information: ClassVar[bool] = True

    def spent(self, fraction: Floats, total: float) -> Floats:
        """Error spent by each fraction, 0 at none of the information and ``total`` at all of it."""
        raise NotImplementedError

    def increments(self, fraction: Floats, total: float) -> Floats:
        """Error spent at each look alone; the last one spends what is left."""
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
        """Upper bounds on z that spend the level look by look."""
        increments = self.increments(information, one_sided_alpha)
        if crossing.arms == 1:
            return upper_bounds(information, lower, increments)
        upper = np.full(information.size, np.inf)
        for k, spent in enumerate(increments):
            if spent > 0.0:
                looks = (information[: k + 1], lower[: k + 1], crossing)
                upper[k] = last_bound(looks, spent, upper, k)
        return upper


@dataclass(frozen=True, slots=True)
class OBrienFlemingType(Spending):
    """Nearly O'Brien and Fleming's bounds: hardly anything at early looks."""

    title: ClassVar[str] = "O'Brien-Fleming-type error spending"

    def spent(self, fraction: Floats, total: float) -> Floats:
        """2 (1 - Phi(z / sqrt(fraction))), z the upper ``total / 2`` quantile."""
        t = np.clip(fraction, 1e-300, 1.0)
        early: Floats = 2 * ndtr(ndtri(total / 2) / np.sqrt(t))
        return early


@dataclass(frozen=True, slots=True)
class PocockType(Spending):
    """Nearly Pocock's bounds: about the same at every look."""

    title: ClassVar[str] = "Pocock-type error spending"

    def spent(self, fraction: Floats, total: float) -> Floats:
        """Total times ln(1 + (e - 1) fraction)."""
        spent: Floats = total * np.log1p((np.e - 1) * np.clip(fraction, 0.0, 1.0))
        return spent


@dataclass(frozen=True, slots=True)
class HwangShihDeCani(Spending):
    """Hwang, Shih and DeCani's family: late for ``gamma`` below 0, early above."""

    gamma: float
    title: ClassVar[str] = "Hwang-Shih-DeCani error spending"

    def __post_init__(self) -> None:
        if not -_LIMIT <= self.gamma <= _LIMIT:
            raise BadValue("gamma",
                           f"is {self.gamma:g}; it must lie between {-_LIMIT:g} and"
                             f" {_LIMIT:g}")  # fmt: skip

    def spent(self, fraction: Floats, total: float) -> Floats:
        """Total times (1 - exp(-gamma t)) / (1 - exp(-gamma)), and linear at gamma 0."""
        t = np.clip(fraction, 0.0, 1.0)
        if self.gamma == 0:
            return total * t
        spent: Floats = total * np.expm1(-self.gamma * t) / np.expm1(-self.gamma)
        return spent


@dataclass(frozen=True, slots=True)
class PowerFamily(Spending):
    """Kim and DeMets' power family: the fraction to the power ``rho``."""

    rho: float
    title: ClassVar[str] = "power family error spending"

    def __post_init__(self) -> None:
        if not 0 < self.rho <= _LIMIT:
            raise BadValue("rho", f"is {self.rho:g}; it must be above 0 and at most {_LIMIT:g}")

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
