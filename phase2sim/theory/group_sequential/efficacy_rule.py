"""What every rule of efficacy says, and the chance to cross its bounds.

Of one treated arm, or of several that share a control: what differs is the chance to cross.
"""

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from scipy.optimize import brentq

from phase2sim.core.arrays import Floats
from phase2sim.theory.group_sequential.integration import exits

TIGHT = 1e-13  # of a root
LOWEST = -9.0  # z: every trial is above it


class Crossing(Protocol):
    """Chance (look,) that a trial without an effect first crosses an upper bound at each look."""

    @property
    def arms(self) -> int:
        """How many treated arms may cross."""
        ...

    def __call__(self, information: Floats, lower: Floats, upper: Floats) -> Floats:
        """Give the chances; an arm below ``lower`` has stopped."""
        ...


@dataclass(frozen=True, slots=True)
class OneArm:
    """Crossing of the one treated arm of a trial."""

    arms: int = 1

    def __call__(self, information: Floats, lower: Floats, upper: Floats) -> Floats:
        """By recursive integration."""
        chances: Floats = exits(information, lower, upper, 0.0)[0]
        return chances


ONE_ARM = OneArm()


class EfficacyRule:
    """A part that says when a look shows efficacy; each kind is a subclass."""

    __slots__ = ()
    title: ClassVar[str]
    follows_information: ClassVar[bool] = False  # what a trial has at its looks, planned or not

    def bounds(
        self,
        information: Floats,
        one_sided_alpha: float,
        lower: Floats,
        crossing: Crossing = ONE_ARM,
    ) -> Floats:
        """Upper bounds on z at each look, of level ``one_sided_alpha`` in all.

        ``information`` rises; trials below ``lower`` stop, -inf where that is not to be counted on.
        """
        raise NotImplementedError

    def increments(self, fraction: Floats, total: float) -> Floats | None:
        """Error spent at each look alone, of ``total`` in all; None where no function says."""
        del fraction, total
        return None


type CrossingTest = tuple[Floats, Floats, Crossing]  # information, lower bounds, chance to cross


def last_bound(
    test: CrossingTest, one_sided_alpha: float, upper: Floats, alone: int | None = None
) -> float:
    """Bound of the last look that uses up what the others leave of the level.

    With ``alone`` it is the bound of that look, and the level that of the look by itself.
    """
    information, lower, crossing = test
    counted = slice(alone, None)

    def excess(bound: float) -> float:
        bounds = np.append(upper[: information.size - 1], bound)
        return float(crossing(information, lower, bounds)[counted].sum()) - one_sided_alpha

    if excess(LOWEST) < 0.0:
        return LOWEST  # below the limits of futility, which is refused
    return float(brentq(excess, LOWEST, 39.0, xtol=TIGHT))
