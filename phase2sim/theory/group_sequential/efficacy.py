"""Upper bounds of a group sequential test: by error spending, or of a classical shape.

Of one treated arm, or of several that share a control: what differs is the chance to cross.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtri

from phase2sim.core.arrays import Floats
from phase2sim.core.errors import BadValue
from phase2sim.theory.group_sequential.efficacy_rule import (
    LOWEST,
    ONE_ARM,
    TIGHT,
    Crossing,
    CrossingTest,
    EfficacyRule,
    last_bound,
)
from phase2sim.theory.group_sequential.spending import SPENDINGS


@dataclass(frozen=True, slots=True)
class WangTsiatis(EfficacyRule):
    """Bounds in the shape fraction^(delta - 1/2): 0 is O'Brien and Fleming's, 0.5 Pocock's."""

    delta: float
    title: ClassVar[str] = "Wang-Tsiatis bounds"

    def __post_init__(self) -> None:
        if not -2 <= self.delta <= 0.5:  # noqa: PLR2004 - Pocock's
            raise BadValue("delta", f"is {self.delta:g}; it must lie between -2 and 0.5")

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
class OBrienFleming(EfficacyRule):
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
class Pocock(EfficacyRule):
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
class Triangular(EfficacyRule):
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
class HaybittlePeto(EfficacyRule):
    """The same z at every interim look, at the end what the level leaves."""

    z: float = 3.0
    title: ClassVar[str] = "Haybittle-Peto bounds"

    def __post_init__(self) -> None:
        if not 0 < self.z <= 10:  # noqa: PLR2004 - one tail of 1e-23
            raise BadValue("z", f"is {self.z:g}; it must be above 0 and at most 10")

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
            (information, lower, crossing), one_sided_alpha, given, "z", f"is {self.z:g}"
        )


@dataclass(frozen=True, slots=True)
class PosteriorThresholds(EfficacyRule):
    """Stop where the posterior probability of benefit is high enough, look by look; flat prior.

    ``probability`` has one entry an interim look; the end takes what is left of the level.
    """

    probability: tuple[float, ...]
    title: ClassVar[str] = "thresholds of a posterior probability"

    def __post_init__(self) -> None:
        said = list(self.probability)
        if not said or not all(0.5 < one < 1 for one in said):  # noqa: PLR2004 - half would be a coin
            raise BadValue("probability", f"is {said}; each must lie between 0.5 and 1")

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
            raise BadValue(
                "probability", f"is {said}; give one for each of the {interim} interim looks"
            )
        given = ndtri(np.array(said))
        return _with_last(
            (information, lower, crossing), one_sided_alpha, given, "probability", f"is {said}"
        )


@dataclass(frozen=True, slots=True)
class NoEfficacy(EfficacyRule):
    """No look stops for efficacy: all of the level is for the last analysis."""

    title: ClassVar[str] = "no stop for efficacy"
    follows_information: ClassVar[bool] = True

    def bounds(
        self,
        information: Floats,
        one_sided_alpha: float,
        lower: Floats,
        crossing: Crossing = ONE_ARM,
    ) -> Floats:
        """Infinite until the last."""
        upper = np.full(information.size, np.inf)
        upper[-1] = last_bound((information, lower, crossing), one_sided_alpha, upper)
        return upper


# A spending function is a part of its own: its bounds follow the information of every look.
EFFICACIES: dict[str, type[EfficacyRule]] = {
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
    efficacy: EfficacyRule,
    information: Floats,
    one_sided_alpha: float,
    lower: Floats,
    crossing: Crossing = ONE_ARM,
) -> Floats:
    """Upper bounds on z; ``information`` ends at 1, and what it refuses is under ``efficacy``."""
    try:
        return efficacy.bounds(information, one_sided_alpha, lower, crossing)
    except BadValue as error:
        raise error.under("efficacy") from None


def _constant(test: CrossingTest, one_sided_alpha: float, shape: Floats) -> float:
    information, lower, crossing = test

    def excess(constant: float) -> float:
        return float(crossing(information, lower, constant * shape).sum()) - one_sided_alpha

    # One look alone needs no more than this, all of them no more than each at its share.
    low = 0.99 * float(-ndtri(one_sided_alpha)) / shape.max()
    share = one_sided_alpha / (information.size * crossing.arms)
    high = 1.01 * float(-ndtri(share)) / shape.min()
    while excess(low) < 0.0 and low > LOWEST:
        low -= 1.0  # stops for futility that are counted on leave less to cross
    if excess(low) < 0.0:
        return low  # below the limits of futility, which is refused
    return float(brentq(excess, low, high, xtol=TIGHT))


def _with_last(
    test: CrossingTest, one_sided_alpha: float, interim: Floats, key: str, said: str
) -> Floats:
    """Bounds given at the interim looks, and that of the last so that the level is kept."""
    information, lower, crossing = test
    upper = np.append(interim, np.inf)
    spent = crossing(information, lower, upper).sum()
    if spent >= one_sided_alpha:
        raise BadValue(
            key,
            f"{said}; the interim looks then use up {spent:.3g} of {one_sided_alpha:g}. Raise it",
        )
    upper[-1] = last_bound(test, one_sided_alpha, upper)
    return upper
