"""Upper bounds of a classical shape: a constant times a shape, or interim bounds fixed in advance.

``EfficacyRule`` documents ``bounds``.
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


@dataclass(frozen=True, slots=True)
class WangTsiatis(EfficacyRule):
    """Bounds in the shape fraction^(delta - 1/2): 0 is O'Brien and Fleming's, 0.5 Pocock's.

    Parameters
    ----------
    delta : float
        Exponent of the shape, from -2 to 0.5. Smaller values stop less often at early looks.

    Raises
    ------
    BadValue
        If ``delta`` lies outside -2 to 0.5.

    References
    ----------
    Wang and Tsiatis (1987), Biometrics 43: 193-199. Jennison and Turnbull (1999), section 2.7.

    Examples
    --------
    Three looks with ``delta`` = 0.4 and a one-sided level of 2.5 % (rpact 4.5.0: 2.439505,
    2.276139, 2.185695):

    >>> information = np.array([1, 2, 3]) / 3
    >>> no_futility = np.full(3, -np.inf)
    >>> WangTsiatis(0.4).bounds(information, 0.025, no_futility).round(5).tolist()
    [2.4395, 2.27614, 2.1857]
    """

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
        """Constant times ``fraction**(delta - 0.5)``, (look,)."""
        shape = (information / information[-1]) ** (self.delta - 0.5)
        constant = _shape_constant((information, lower, crossing), one_sided_alpha, shape)
        upper: Floats = constant * shape
        return upper


@dataclass(frozen=True, slots=True)
class OBrienFleming(EfficacyRule):
    """O'Brien and Fleming's bounds: the same on the scale of the score at every look.

    Notes
    -----
    The bound on z is a constant over the square root of the information fraction.

    References
    ----------
    O'Brien and Fleming (1979), Biometrics 35: 549-556. Jennison and Turnbull (1999), section 2.5.

    Examples
    --------
    Five looks at a one-sided level of 2.5 %: the constant is 2.040 (Jennison and Turnbull 1999,
    table 2.3, two-sided level 5 %):

    >>> no_futility = np.full(5, -np.inf)
    >>> upper = OBrienFleming().bounds(np.arange(1, 6) / 5, 0.025, no_futility)
    >>> round(float(upper[-1]), 3)
    2.04
    """

    title: ClassVar[str] = "O'Brien-Fleming bounds"

    def bounds(
        self,
        information: Floats,
        one_sided_alpha: float,
        lower: Floats,
        crossing: Crossing = ONE_ARM,
    ) -> Floats:
        """Constant over the square root of the fraction, (look,)."""
        return WangTsiatis(0.0).bounds(information, one_sided_alpha, lower, crossing)


@dataclass(frozen=True, slots=True)
class Pocock(EfficacyRule):
    """Pocock's bounds: the same z at every look.

    References
    ----------
    Pocock (1977), Biometrika 64: 191-199. Jennison and Turnbull (1999), section 2.4.

    Examples
    --------
    Five looks at a one-sided level of 2.5 %: the constant is 2.413 (Jennison and Turnbull 1999,
    table 2.1, two-sided level 5 %):

    >>> no_futility = np.full(5, -np.inf)
    >>> upper = Pocock().bounds(np.arange(1, 6) / 5, 0.025, no_futility)
    >>> upper.round(3).tolist()
    [2.413, 2.413, 2.413, 2.413, 2.413]
    """

    title: ClassVar[str] = "Pocock bounds"

    def bounds(
        self,
        information: Floats,
        one_sided_alpha: float,
        lower: Floats,
        crossing: Crossing = ONE_ARM,
    ) -> Floats:
        """Constant, (look,)."""
        return WangTsiatis(0.5).bounds(information, one_sided_alpha, lower, crossing)


@dataclass(frozen=True, slots=True)
class Triangular(EfficacyRule):
    """Whitehead's triangular test: high at first, with ``triangular`` futility meeting it.

    Notes
    -----
    The bound on z is a constant times ``(1 + fraction) / sqrt(fraction)``.

    References
    ----------
    Whitehead (1997), The Design and Analysis of Sequential Clinical Trials. Magirr, Jaki and
    Whitehead (2012), Biometrika 99: 494-501.

    Examples
    --------
    Three looks of one arm at a one-sided level of 5 %, with binding triangular futility (R package
    MAMS: 2.132, 1.885, 1.847, from a search that stops within 0.001):

    >>> from phase2sim.theory.group_sequential.boundaries import boundaries
    >>> from phase2sim.theory.group_sequential.futility import TriangularLimit
    >>> information = np.array([1, 2, 3]) / 3
    >>> design = boundaries(information, 0.05, Triangular(), TriangularLimit(binding=True))
    >>> bool(abs(design.efficacy - [2.132, 1.885, 1.847]).max() < 0.001)
    True
    """

    title: ClassVar[str] = "triangular bounds"

    def bounds(
        self,
        information: Floats,
        one_sided_alpha: float,
        lower: Floats,
        crossing: Crossing = ONE_ARM,
    ) -> Floats:
        """Constant times ``(1 + fraction) / sqrt(fraction)``, (look,)."""
        fraction = information / information[-1]
        shape = (1.0 + fraction) / (2.0 * np.sqrt(fraction))
        test = information, lower, crossing
        upper: Floats = _shape_constant(test, one_sided_alpha, shape) * shape
        return upper


@dataclass(frozen=True, slots=True)
class HaybittlePeto(EfficacyRule):
    """The same z at every interim look, at the end what the level leaves.

    Parameters
    ----------
    z : float, default 3.0
        Bound on z of every interim look, above 0 and at most 10.

    Raises
    ------
    BadValue
        If ``z`` lies outside these limits.

    References
    ----------
    Haybittle (1971), British Journal of Radiology 44: 793-797. Peto et al. (1976), British Journal
    of Cancer 34: 585-612.

    Examples
    --------
    Three looks at a one-sided level of 2.5 % (rpact 4.5.0: 3, 3, 1.975098):

    >>> no_futility = np.full(3, -np.inf)
    >>> HaybittlePeto().bounds(np.array([1, 2, 3]) / 3, 0.025, no_futility).round(5).tolist()
    [3.0, 3.0, 1.9751]
    """

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
        """Interim looks at ``z``, the last with the level that is left, (look,)."""
        interim = np.full(information.size - 1, self.z)
        test = information, lower, crossing
        return _with_last(test, one_sided_alpha, interim, "z", f"is {self.z:g}")


@dataclass(frozen=True, slots=True)
class PosteriorThresholds(EfficacyRule):
    """Stop where the posterior probability of benefit is high enough, look by look; flat prior.

    ``probability`` has one entry an interim look; the end takes what is left of the level.

    Parameters
    ----------
    probability : tuple of float, (interim look,)
        Posterior probability of benefit that stops each interim look, between 0.5 and 1.

    Raises
    ------
    BadValue
        If ``probability`` is empty or holds a value outside 0.5 to 1.

    Notes
    -----
    With a flat prior the posterior probability of benefit is ``Phi(z)``, so that each interim bound
    is a normal quantile. The last look takes the level that is left.

    References
    ----------
    Spiegelhalter, Freedman and Parmar (1994), Journal of the Royal Statistical Society A 157:
    357-416.

    Examples
    --------
    A probability of 0.998650102 is ``Phi(3)``, so the bounds are Haybittle and Peto's (rpact 4.5.0:
    3, 3, 1.975098):

    >>> no_futility = np.full(3, -np.inf)
    >>> part = PosteriorThresholds((0.998650102, 0.998650102))
    >>> part.bounds(np.array([1, 2, 3]) / 3, 0.025, no_futility).round(5).tolist()
    [3.0, 3.0, 1.9751]
    """

    probability: tuple[float, ...]
    title: ClassVar[str] = "thresholds of a posterior probability"

    def __post_init__(self) -> None:
        thresholds = list(self.probability)
        # At 0.5 the posterior favours neither arm.
        if not thresholds or not all(0.5 < threshold < 1 for threshold in thresholds):  # noqa: PLR2004
            raise BadValue("probability", f"is {thresholds}; each must lie between 0.5 and 1")

    def bounds(
        self,
        information: Floats,
        one_sided_alpha: float,
        lower: Floats,
        crossing: Crossing = ONE_ARM,
    ) -> Floats:
        """Normal quantiles of the probabilities, the last with the level that is left, (look,)."""
        thresholds, looks = list(self.probability), information.size - 1
        if len(thresholds) != looks:
            raise BadValue(
                "probability", f"is {thresholds}; give one for each of the {looks} interim looks"
            )
        interim = ndtri(np.array(thresholds))
        test = information, lower, crossing
        return _with_last(test, one_sided_alpha, interim, "probability", f"is {thresholds}")


@dataclass(frozen=True, slots=True)
class NoEfficacy(EfficacyRule):
    """No look stops for efficacy: all of the level is for the last analysis.

    References
    ----------
    Snapinn, Chen, Jiang and Koutsoukos (2006), Pharmaceutical Statistics 5: 273-281, on trials that
    stop for futility alone.

    Examples
    --------
    The last look is a fixed test, z = 1.959964:

    >>> NoEfficacy().bounds(np.array([0.5, 1.0]), 0.025, np.full(2, -np.inf)).round(6).tolist()
    [inf, 1.959964]
    """

    title: ClassVar[str] = "no stop for efficacy"
    follows_information: ClassVar[bool] = True

    def bounds(
        self,
        information: Floats,
        one_sided_alpha: float,
        lower: Floats,
        crossing: Crossing = ONE_ARM,
    ) -> Floats:
        """Infinite at the interim looks, the last with all of the level, (look,)."""
        upper = np.full(information.size, np.inf)
        upper[-1] = last_bound((information, lower, crossing), one_sided_alpha, upper)
        return upper


def _shape_constant(test: CrossingTest, one_sided_alpha: float, shape: Floats) -> float:
    """Constant with which bounds of this shape have the level."""
    information, lower, crossing = test

    def excess(constant: float) -> float:
        return float(crossing(information, lower, constant * shape).sum()) - one_sided_alpha

    # One look alone needs no more than this, all of them no more than each at its share.
    low = 0.99 * float(-ndtri(one_sided_alpha)) / shape.max()
    share = one_sided_alpha / (information.size * crossing.arms)
    high = 1.01 * float(-ndtri(share)) / shape.min()
    while excess(low) < 0.0 and low > LOWEST:
        low -= 1.0  # binding futility leaves fewer trials to cross
    if excess(low) < 0.0:
        return low  # below the limits of futility, which is refused
    return float(brentq(excess, low, high, xtol=TIGHT))


def _with_last(
    test: CrossingTest, one_sided_alpha: float, interim: Floats, key: str, value: str
) -> Floats:
    """Bounds fixed at the interim looks, and the bound of the last look that keeps the level."""
    information, lower, crossing = test
    upper = np.append(interim, np.inf)
    spent = crossing(information, lower, upper).sum()
    if spent >= one_sided_alpha:
        raise BadValue(
            key,
            f"{value}; the interim looks then use up {spent:.3g} of {one_sided_alpha:g}. Raise it",
        )
    upper[-1] = last_bound(test, one_sided_alpha, upper)
    return upper
