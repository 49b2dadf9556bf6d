"""Bounds of several treated arms against one control, and their properties.

The generalised Dunnett test of Magirr, Jaki and Whitehead (Biometrika 2012): the bounds control the
probability that any arm without an effect crosses, which is largest where no arm has an effect.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
from scipy.optimize import newton
from scipy.special import ndtr

from phase2sim.core.arrays import Floats, Ints
from phase2sim.core.errors import BadValue
from phase2sim.theory.group_sequential.boundary_checks import (
    check_crossing,
    check_information,
    check_limits,
    check_one_sided_alpha,
)
from phase2sim.theory.group_sequential.efficacy import efficacy_bounds
from phase2sim.theory.group_sequential.efficacy_rule import EfficacyRule
from phase2sim.theory.group_sequential.futility_rule import FutilityRule
from phase2sim.theory.group_sequential.shared_control import shared_control_outcomes

# Nodes of the outer integral by number of looks: each look multiplies the work by this number.
_NODES = {1: 64, 2: 40, 3: 20, 4: 12}
MOST_LOOKS = max(_NODES)
_TIGHT = 1e-11


@dataclass(frozen=True, slots=True)
class Fates:
    """Probabilities of what happens to a trial and to its arms under one set of true effects.

    Parameters
    ----------
    efficacy : ndarray of float, (look,)
        Probability that the trial stops at a look because an arm crosses its efficacy bound.
    futility : ndarray of float, (look,)
        Probability that the trial stops because no arm is left; at the last look, without success.
    crossed : ndarray of float, (arm, look)
        Probability that the arm crosses at the look at which the trial stops.
    dropped : ndarray of float, (arm, look)
        Probability that the arm is at its futility bound or below while the trial continues.
    going : ndarray of float, (arm, look)
        Probability that the arm continues after the look.

    References
    ----------
    Magirr, Jaki and Whitehead (2012), Biometrika 99: 494-501.

    Examples
    --------
    A Dunnett test of three arms as large as control, whose bound has a familywise error of 5 %. A
    trial of 25 patients per arm with one look always enrols 100:

    >>> from phase2sim.theory.group_sequential.classical_bounds import NoEfficacy
    >>> design = arm_boundaries(np.ones(1), 0.05, NoEfficacy(), None, (0.5**0.5,) * 3)
    >>> fates = design.fates(np.zeros(3))
    >>> round(fates.any_go, 6)
    0.05
    >>> round(fates.expected_patients(np.ones(1), np.full(4, 25.0)), 6)
    100.0
    """

    efficacy: Floats
    futility: Floats
    crossed: Floats
    dropped: Floats
    going: Floats

    @property
    def any_go(self) -> float:
        """Probability that at least one arm crosses."""
        return float(self.efficacy.sum())

    def expected_patients(self, information: Floats, sizes: Floats) -> float:
        """Mean number of patients in all arms, with every enrolled patient observed at a look.

        Parameters
        ----------
        information : ndarray of float, (look,)
            Information fractions, rising to 1.
        sizes : ndarray of float, (arm + 1,)
            Patients per arm at the end of the trial, control first.

        Returns
        -------
        float
            Patients.
        """
        running = 1.0 - (self.efficacy + self.futility).cumsum()[:-1]
        each = np.concatenate([running[None], self.going[:, :-1]])
        shares = information[0] + each @ np.diff(information)
        return float(shares @ sizes)


@dataclass(frozen=True, slots=True)
class SharedControl:
    """Crossing by any of several arms that share a control.

    Parameters
    ----------
    loadings : tuple of float, (arm,)
        ``sqrt(n / (n + n_control))`` of each arm with n patients, between 0 and 1.

    References
    ----------
    Magirr, Jaki and Whitehead (2012), Biometrika 99: 494-501.

    Examples
    --------
    Three arms as large as control, one look: z = 2.062 has a familywise error of 5 % (R package
    MAMS, Journal of Statistical Software 88(4), 2019):

    >>> crossing = SharedControl((0.5**0.5,) * 3)
    >>> chances = crossing(np.ones(1), np.full(1, -np.inf), np.array([2.062]))
    >>> crossing.arms, round(float(chances[0]), 3)
    (3, 0.05)
    """

    loadings: tuple[float, ...]

    @property
    def arms(self) -> int:
        """Number of treated arms that may cross."""
        return len(self.loadings)

    def __call__(self, information: Floats, lower: Floats, upper: Floats) -> Floats:
        """Probability (look,) that a trial without an effect stops for efficacy."""
        no_drift = np.zeros(len(self.loadings))
        return self.fates(information, lower, upper, no_drift).efficacy

    def fates(self, information: Floats, lower: Floats, upper: Floats, drifts: Floats) -> Fates:
        """Probabilities of what happens to the trial and to its arms.

        Parameters
        ----------
        information : ndarray of float, (look,)
            Information fractions, rising to 1; 1 to 4 looks.
        lower : ndarray of float, (look,)
            Futility bounds on z.
        upper : ndarray of float, (look,)
            Efficacy bounds on z.
        drifts : ndarray of float, (arm,)
            True effect of each arm over the standard error of its final comparison.

        Returns
        -------
        Fates
            Probabilities, by look and arm.
        """
        arms, rule = np.column_stack([self.loadings, drifts]), _rule(_NODES[information.size])
        bounds = np.stack([lower, upper])
        stops, ends, going = shared_control_outcomes(
            information, bounds, arms, _first_alike(arms), rule
        )
        return Fates(stops[0], stops[1], ends[0], ends[1], going)


@dataclass(frozen=True, slots=True)
class ArmBoundaries:
    """Bounds on the z of each arm at every look; the last look is the final analysis.

    ``arm_boundaries`` computes them.

    Parameters
    ----------
    information : ndarray of float, (look,)
        Information fractions, rising to 1; the same for every arm.
    efficacy : ndarray of float, (look,)
        Efficacy bounds on z.
    futility : ndarray of float, (look,)
        Futility bounds on z; -inf at a look that drops no arm. The last is the efficacy bound.
    one_sided_alpha : float
        Familywise type I error over all looks.
    crossing : SharedControl
        Arms and their sizes relative to control.
    is_binding : bool, default False
        Whether the efficacy bounds rely on arms being dropped.

    References
    ----------
    Magirr, Jaki and Whitehead (2012), Biometrika 99: 494-501.

    Examples
    --------
    Four arms as large as control, O'Brien and Fleming's bounds, arms dropped at z of 0 or below (R
    package MAMS 1.2: 3.068 and 2.169, from a search that stops within 0.001):

    >>> from phase2sim.theory.group_sequential.classical_bounds import OBrienFleming
    >>> from phase2sim.theory.group_sequential.futility import ZLimit
    >>> futility = ZLimit((0.0,), binding=True)
    >>> loadings = (0.5**0.5,) * 4
    >>> design = arm_boundaries(np.array([0.5, 1.0]), 0.05, OBrienFleming(), futility, loadings)
    >>> bool(abs(design.efficacy - [3.068, 2.169]).max() < 0.001)
    True
    >>> round(float(design.spent(dropping=True)[-1]), 6)
    0.05
    """

    information: Floats
    efficacy: Floats
    futility: Floats
    one_sided_alpha: float
    crossing: SharedControl
    is_binding: bool = False

    @property
    def nominal(self) -> Floats:
        """One-sided p with which an arm shows efficacy at each look, (look,)."""
        levels: Floats = ndtr(-self.efficacy)
        return levels

    def fates(self, drifts: Floats) -> Fates:
        """Probabilities of what happens to the trial and to its arms.

        Parameters
        ----------
        drifts : ndarray of float, (arm,)
            True effect of each arm over the standard error of its final comparison.

        Returns
        -------
        Fates
            Probabilities, by look and arm.
        """
        return self.crossing.fates(self.information, self.futility, self.efficacy, drifts)

    def spent(self, *, dropping: bool) -> Floats:
        """Familywise error spent up to each look if no arm has an effect.

        Parameters
        ----------
        dropping : bool
            Whether arms are dropped at their futility bounds. If not, every arm continues, as if
            futility were overruled.

        Returns
        -------
        ndarray of float, (look,)
            Cumulative error.
        """
        no_futility = np.full(self.information.size, -np.inf)
        lower = self.futility if dropping else no_futility
        return self.crossing(self.information, lower, self.efficacy).cumsum()


def arm_boundaries(
    information: Floats,
    one_sided_alpha: float,
    efficacy: EfficacyRule,
    futility: FutilityRule | None,
    loadings: tuple[float, ...],
) -> ArmBoundaries:
    """Bounds of a multi-arm multi-stage design with one control.

    Futility that is not binding leaves the efficacy bounds as they are without it.

    Parameters
    ----------
    information : ndarray of float, (look,)
        Information fractions, rising to 1; 1 to 4 looks.
    one_sided_alpha : float
        Familywise type I error over all looks, between 0 and 0.5.
    efficacy : EfficacyRule
        Efficacy rule of classical shape, or an error-spending function.
    futility : FutilityRule or None
        Rule by which an arm is dropped; none is dropped if None.
    loadings : tuple of float, (arm,)
        ``sqrt(n / (n + n_control))`` of each arm with n patients.

    Returns
    -------
    ArmBoundaries
        Efficacy and futility bounds on z.

    Raises
    ------
    BadValue
        If there are more than 4 looks, if information, level or limits are not valid, or if a
        futility bound reaches the efficacy bound.

    References
    ----------
    Magirr, Jaki and Whitehead (2012), Biometrika 99: 494-501.

    Examples
    --------
    Three arms half as large as control, triangular bounds (R package MAMS, Journal of Statistical
    Software 88(4), 2019: efficacy at 2.359 and 2.225, futility at 0.786, within 0.001):

    >>> from phase2sim.theory.group_sequential.classical_bounds import Triangular
    >>> from phase2sim.theory.group_sequential.futility import TriangularLimit
    >>> futility, loadings = TriangularLimit(binding=True), ((1 / 3) ** 0.5,) * 3
    >>> design = arm_boundaries(np.array([0.5, 1.0]), 0.05, Triangular(), futility, loadings)
    >>> bool(abs(design.efficacy - [2.359, 2.225]).max() < 0.001)
    True
    >>> bool(abs(design.futility[0] - 0.786) < 0.001)
    True
    """
    check_information(information)
    check_one_sided_alpha(one_sided_alpha)
    if information.size > MOST_LOOKS:
        raise BadValue(
            "looks",
            f"there are {information.size} looks with the final analysis; bounds of several arms"
            f" are computed for at most {MOST_LOOKS}",
            ": ",
        )
    if futility is not None:
        check_limits(futility, information)
    fractions = tuple(information.tolist())
    return _solve_bounds(_ArmDesign(fractions, one_sided_alpha, efficacy, futility, loadings))


@dataclass(frozen=True, slots=True)
class _ArmDesign:
    """What bounds of several arms depend on."""

    fractions: tuple[float, ...]
    one_sided_alpha: float
    efficacy: EfficacyRule
    futility: FutilityRule | None
    loadings: tuple[float, ...]


@lru_cache(maxsize=64)
def _solve_bounds(design: _ArmDesign) -> ArmBoundaries:
    """Bounds of a valid design; cached, as the cells of a sweep share them."""
    information, crossing = np.array(design.fractions), SharedControl(design.loadings)
    one_sided_alpha, efficacy, futility = design.one_sided_alpha, design.efficacy, design.futility

    def limits(final: float) -> Floats:
        lower = np.full(information.size, -np.inf)
        if futility is not None:
            lower[:-1] = futility.z(information[:-1], final, float("nan"))
        return lower

    def bounds(lower: Floats) -> Floats:
        return efficacy_bounds(efficacy, information, one_sided_alpha, lower, crossing)

    is_binding = futility is not None and futility.binding
    upper = bounds(np.full(information.size, -np.inf))
    if is_binding:
        upper = bounds(limits(_final_bound(limits, bounds, float(upper[-1]))))
    lower = limits(float(upper[-1]))
    check_crossing(lower[:-1], upper[:-1])
    lower[-1] = upper[-1]
    return ArmBoundaries(information, upper, lower, one_sided_alpha, crossing, is_binding)


def _final_bound(
    limits: Callable[[float], Floats], bounds: Callable[[Floats], Floats], start: float
) -> float:
    """Final bound that agrees with the limits that depend on it; ``start`` is near it."""

    def excess(final: float) -> float:
        return float(bounds(limits(final))[-1]) - final

    following = start + excess(start)
    if np.array_equal(limits(following), limits(start)):
        return following
    try:
        return float(newton(excess, start, x1=following, tol=_TIGHT))
    except RuntimeError:
        raise BadValue(
            "futility.binding",
            "is true: binding futility: no final bound fits limits that follow from it. Use limits"
            " on z or p, or binding = false",
        ) from None


def _first_alike(arms: Floats) -> Ints:
    """Index of the first arm with the same loading and drift, (arm,)."""
    return np.array([int(np.argmax((arms == arm).all(axis=1))) for arm in arms])


@cache
def _rule(nodes: int) -> Floats:
    """Nodes and weights (2, node) of the mean over a standard normal variable."""
    x, w = np.polynomial.hermite_e.hermegauss(nodes)
    return np.stack([x, w / np.sqrt(2.0 * np.pi)])
