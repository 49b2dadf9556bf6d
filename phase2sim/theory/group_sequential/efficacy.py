"""Upper bounds of a group sequential test: by error spending, or of a classical shape.

Of one treated arm, or of several that share a control: what differs is the chance to cross.
"""

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtri

from phase2sim.core.arrays import Floats
from phase2sim.theory.group_sequential.integration import exits, upper_bounds
from phase2sim.theory.group_sequential.spending import SPENDINGS, Spending

_TIGHT = 1e-13  # of a root
_LOWEST = -9.0  # z: every trial is above it


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


class Efficacy(Protocol):
    """A part that says when a look shows efficacy."""

    title: ClassVar[str]

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
        ...


@dataclass(frozen=True, slots=True)
class WangTsiatis:
    """Bounds in the shape fraction^(delta - 1/2): 0 is O'Brien and Fleming's, 0.5 Pocock's."""

    delta: float
    title: ClassVar[str] = "Wang-Tsiatis bounds"

    def __post_init__(self) -> None:
        if not -2 <= self.delta <= 0.5:  # noqa: PLR2004 - Pocock's
            raise ValueError(f"delta is {self.delta:g}; it must lie between -2 and 0.5")

    def bounds(
        self,
        information: Floats,
        one_sided_alpha: float,
        lower: Floats,
        crossing: Crossing = ONE_ARM,
    ) -> Floats:
        """Constant times the shape."""
        shape = (information / information[-1]) ** (self.delta - 0.5)
        constant = _constant((information, lower, crossing), one_sided_alpha, shape)
        upper: Floats = constant * shape
        return upper


@dataclass(frozen=True, slots=True)
class OBrienFleming:
    """O'Brien and Fleming's bounds: the same on the scale of the score at every look."""

    title: ClassVar[str] = "O'Brien-Fleming bounds"

    def bounds(
        self,
        information: Floats,
        one_sided_alpha: float,
        lower: Floats,
        crossing: Crossing = ONE_ARM,
    ) -> Floats:
        """Constant over the square root of the fraction."""
        return WangTsiatis(0.0).bounds(information, one_sided_alpha, lower, crossing)


@dataclass(frozen=True, slots=True)
class Pocock:
    """Pocock's bounds: the same z at every look."""

    title: ClassVar[str] = "Pocock bounds"

    def bounds(
        self,
        information: Floats,
        one_sided_alpha: float,
        lower: Floats,
        crossing: Crossing = ONE_ARM,
    ) -> Floats:
        """Constant."""
        return WangTsiatis(0.5).bounds(information, one_sided_alpha, lower, crossing)


@dataclass(frozen=True, slots=True)
class Triangular:
    """Whitehead's triangular test: high at first, with ``triangular`` futility meeting it."""

    title: ClassVar[str] = "triangular bounds"

    def bounds(
        self,
        information: Floats,
        one_sided_alpha: float,
        lower: Floats,
        crossing: Crossing = ONE_ARM,
    ) -> Floats:
        """Constant times (1 + fraction) / sqrt(fraction)."""
        fraction = information / information[-1]
        shape = (1.0 + fraction) / (2.0 * np.sqrt(fraction))
        upper: Floats = _constant((information, lower, crossing), one_sided_alpha, shape) * shape
        return upper


@dataclass(frozen=True, slots=True)
class HaybittlePeto:
    """The same z at every interim look, at the end what the level leaves."""

    z: float = 3.0
    title: ClassVar[str] = "Haybittle-Peto bounds"

    def __post_init__(self) -> None:
        if not 0 < self.z <= 10:  # noqa: PLR2004 - one tail of 1e-23
            raise ValueError(f"z is {self.z:g}; it must be above 0 and at most 10")

    def bounds(
        self,
        information: Floats,
        one_sided_alpha: float,
        lower: Floats,
        crossing: Crossing = ONE_ARM,
    ) -> Floats:
        """Interim looks at ``z``, the last so that the level is kept."""
        given = np.full(information.size - 1, self.z)
        return _with_last(
            (information, lower, crossing), one_sided_alpha, given, f"z is {self.z:g}"
        )


@dataclass(frozen=True, slots=True)
class PosteriorThresholds:
    """Stop where the posterior probability of benefit is high enough, look by look; flat prior.

    ``probability`` has one entry an interim look; the end takes what is left of the level.
    """

    probability: tuple[float, ...]
    title: ClassVar[str] = "thresholds of a posterior probability"

    def __post_init__(self) -> None:
        said = list(self.probability)
        if not said or not all(0.5 < one < 1 for one in said):  # noqa: PLR2004 - half would be a coin
            raise ValueError(f"probability is {said}; each must lie between 0.5 and 1")

    def bounds(
        self,
        information: Floats,
        one_sided_alpha: float,
        lower: Floats,
        crossing: Crossing = ONE_ARM,
    ) -> Floats:
        """Interim looks where the flat posterior has the probability, the end what is left."""
        said, interim = list(self.probability), information.size - 1
        if len(said) != interim:
            raise ValueError(
                f"probability is {said}; give one for each of the {interim} interim looks"
            )
        given = ndtri(np.array(said))
        return _with_last(
            (information, lower, crossing), one_sided_alpha, given, f"probability is {said}"
        )


@dataclass(frozen=True, slots=True)
class NoEfficacy:
    """No look stops for efficacy: all of the level is for the last analysis."""

    title: ClassVar[str] = "no stop for efficacy"

    def bounds(
        self,
        information: Floats,
        one_sided_alpha: float,
        lower: Floats,
        crossing: Crossing = ONE_ARM,
    ) -> Floats:
        """Infinite until the last."""
        upper = np.full(information.size, np.inf)
        upper[-1] = _last((information, lower, crossing), one_sided_alpha, upper)
        return upper


type EfficacyRule = Efficacy | Spending

# A spending function is a part of its own: its bounds follow the information of every look.
EFFICACIES: dict[str, type[Efficacy] | type[Spending]] = {
    **{f"{name}_spending": part for name, part in SPENDINGS.items()},
    "obrien_fleming": OBrienFleming,
    "pocock": Pocock,
    "wang_tsiatis": WangTsiatis,
    "triangular": Triangular,
    "haybittle_peto": HaybittlePeto,
    "posterior": PosteriorThresholds,
    "none": NoEfficacy,
}


def efficacy_bounds(
    part: EfficacyRule,
    information: Floats,
    one_sided_alpha: float,
    lower: Floats,
    crossing: Crossing = ONE_ARM,
) -> Floats:
    """Upper bounds on z of any efficacy part; ``information`` ends at 1."""
    if not isinstance(part, Spending):
        return part.bounds(information, one_sided_alpha, lower, crossing)
    increments = spent_at(part, information, one_sided_alpha)
    if crossing.arms == 1:
        return upper_bounds(information, lower, increments)
    upper = np.full(information.size, np.inf)
    for k, spent in enumerate(increments):
        if spent > 0.0:
            upper[k] = _last((information[: k + 1], lower[: k + 1], crossing), spent, upper, k)
    return upper


def spent_at(part: Spending, fraction: Floats, total: float) -> Floats:
    """Error spent at each look alone; the last one spends what is left."""
    spent = part.spent(fraction, total)
    spent[..., -1] = total
    return np.maximum(np.diff(spent, prepend=0.0), 0.0)


type _Test = tuple[Floats, Floats, Crossing]  # information, lower bounds, and chance to cross


def _constant(test: _Test, one_sided_alpha: float, shape: Floats) -> float:
    information, lower, crossing = test

    def excess(constant: float) -> float:
        return float(crossing(information, lower, constant * shape).sum()) - one_sided_alpha

    # One look alone needs no more than this, all of them no more than each at its share.
    low = 0.99 * float(-ndtri(one_sided_alpha)) / shape.max()
    share = one_sided_alpha / (information.size * crossing.arms)
    high = 1.01 * float(-ndtri(share)) / shape.min()
    while excess(low) < 0.0 and low > _LOWEST:
        low -= 1.0  # stops for futility that are counted on leave less to cross
    if excess(low) < 0.0:
        return low  # below the limits of futility, which is refused
    return float(brentq(excess, low, high, xtol=_TIGHT))


def _with_last(test: _Test, one_sided_alpha: float, interim: Floats, said: str) -> Floats:
    """Bounds given at the interim looks, and that of the last so that the level is kept."""
    information, lower, crossing = test
    upper = np.append(interim, np.inf)
    spent = crossing(information, lower, upper).sum()
    if spent >= one_sided_alpha:
        raise ValueError(
            f"{said}; the interim looks then use up {spent:.3g} of {one_sided_alpha:g}. Raise it"
        )
    upper[-1] = _last(test, one_sided_alpha, upper)
    return upper


def _last(test: _Test, one_sided_alpha: float, upper: Floats, alone: int | None = None) -> float:
    """Bound of the last look that uses up what the others leave of the level.

    With ``alone`` it is the bound of that look, and the level that of the look by itself.
    """
    information, lower, crossing = test
    counted = slice(alone, None)

    def excess(bound: float) -> float:
        bounds = np.append(upper[: information.size - 1], bound)
        return float(crossing(information, lower, bounds)[counted].sum()) - one_sided_alpha

    if excess(_LOWEST) < 0.0:
        return _LOWEST  # below the limits of futility, which is refused
    return float(brentq(excess, _LOWEST, 39.0, xtol=_TIGHT))
