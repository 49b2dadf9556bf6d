"""Bounds of several treated arms against one control, and what follows from them.

The generalised Dunnett test of Magirr, Jaki and Whitehead (Biometrika 2012): the bounds keep the
chance that any arm without an effect crosses, which is largest where none has one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
from scipy.optimize import newton
from scipy.special import ndtr

from phase2sim.core.arrays import Floats, Ints
from phase2sim.core.errors import BadValue
from phase2sim.theory.group_sequential import futility as futilities
from phase2sim.theory.group_sequential.boundaries import (
    check_crossing,
    check_information,
    check_limits,
    check_one_sided_alpha,
)
from phase2sim.theory.group_sequential.efficacy import efficacy_bounds
from phase2sim.theory.group_sequential.efficacy_rule import EfficacyRule
from phase2sim.theory.group_sequential.shared_control import fates

# Nodes of the outer integral by number of looks: each look multiplies the work by them.
_NODES = {1: 64, 2: 40, 3: 20, 4: 12}
MOST_LOOKS = max(_NODES)
_TIGHT = 1e-11


@dataclass(frozen=True, slots=True)
class Fates:
    """What becomes of a trial and of its arms under one truth: chances."""

    efficacy: Floats  # (look,) that the trial stops there because an arm crosses
    futility: Floats  # (look,) because no arm is left; at the last look without success
    crossed: Floats  # (arm, look) that the arm crosses where the trial stops
    dropped: Floats  # (arm, look) that it is at its lower bound or below while the trial goes
    going: Floats  # (arm, look) that it goes on after the look

    @property
    def any_go(self) -> float:
        """Chance that at least one arm crosses."""
        return float(self.efficacy.sum())

    def expected_patients(self, information: Floats, sizes: Floats) -> float:
        """Mean patients of a trial with ``sizes`` at its end, control first, no one on the way."""
        running = 1.0 - (self.efficacy + self.futility).cumsum()[:-1]
        each = np.concatenate([running[None], self.going[:, :-1]])
        shares = information[0] + each @ np.diff(information)
        return float(shares @ sizes)


@dataclass(frozen=True, slots=True)
class SharedControl:
    """Crossing by any of several arms that share a control."""

    loadings: tuple[float, ...]

    @property
    def arms(self) -> int:
        """How many treated arms may cross."""
        return len(self.loadings)

    def __call__(self, information: Floats, lower: Floats, upper: Floats) -> Floats:
        """Chance (look,) that a trial without an effect stops for efficacy."""
        nothing = np.zeros(len(self.loadings))
        return self.fates(information, lower, upper, nothing).efficacy

    def fates(self, information: Floats, lower: Floats, upper: Floats, drifts: Floats) -> Fates:
        """What becomes of the arms whose effects over their final standard errors are given."""
        arms, rule = np.column_stack([self.loadings, drifts]), _rule(_NODES[information.size])
        bounds = np.stack([lower, upper])
        stops, ends, going = fates(information, bounds, arms, _first_alike(arms), rule)
        return Fates(stops[0], stops[1], ends[0], ends[1], going)


@dataclass(frozen=True, slots=True)
class ArmBoundaries:
    """Bounds on the z of each arm at every look, the last being the final analysis."""

    information: Floats  # (look,) fractions, rising to 1
    efficacy: Floats  # (look,)
    futility: Floats  # (look,), -inf where no arm is dropped; the last is efficacy's
    one_sided_alpha: float  # of any arm, over all looks
    crossing: SharedControl
    is_binding: bool = False  # the efficacy bounds count on arms that are dropped

    @property
    def nominal(self) -> Floats:
        """One-sided p with which an arm shows efficacy at each look."""
        levels: Floats = ndtr(-self.efficacy)
        return levels

    def fates(self, drifts: Floats) -> Fates:
        """What becomes of the arms; ``drifts`` are effects over their final standard errors."""
        return self.crossing.fates(self.information, self.futility, self.efficacy, drifts)

    def spent(self, *, dropping: bool) -> Floats:
        """Familywise error used up to each look if no arm has an effect.

        Without ``dropping`` every arm goes on, as if futility were overruled.
        """
        nobody = np.full(self.information.size, -np.inf)
        lower = self.futility if dropping else nobody
        return self.crossing(self.information, lower, self.efficacy).cumsum()


def arm_boundaries(
    information: Floats,
    one_sided_alpha: float,
    efficacy: EfficacyRule,
    futility: futilities.FutilityRule | None,
    loadings: tuple[float, ...],
) -> ArmBoundaries:
    """Bounds at fractions of the information that rise to 1.

    Each arm's loading is sqrt(n / (n + n control)). Futility that is not binding leaves the
    efficacy bounds as they are without it. Raises ``ValueError`` for what cannot exist.
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
    return _solved(_Asked(fractions, one_sided_alpha, efficacy, futility, loadings))


@dataclass(frozen=True, slots=True)
class _Asked:
    fractions: tuple[float, ...]
    one_sided_alpha: float
    efficacy: EfficacyRule
    futility: futilities.FutilityRule | None
    loadings: tuple[float, ...]


@lru_cache(maxsize=64)
def _solved(asked: _Asked) -> ArmBoundaries:
    """As ``arm_boundaries``: the cells of a sweep ask for the same bounds."""
    information, crossing = np.array(asked.fractions), SharedControl(asked.loadings)
    one_sided_alpha, efficacy, futility = asked.one_sided_alpha, asked.efficacy, asked.futility

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
        upper = bounds(limits(_final(limits, bounds, float(upper[-1]))))
    lower = limits(float(upper[-1]))
    check_crossing(lower[:-1], upper[:-1])
    lower[-1] = upper[-1]
    return ArmBoundaries(information, upper, lower, one_sided_alpha, crossing, is_binding)


def _final(
    limits: Callable[[float], Floats], bounds: Callable[[Floats], Floats], at: float
) -> float:
    """Final bound with which limits that depend on it lead back to it; ``at`` is near it."""

    def apart(final: float) -> float:
        return float(bounds(limits(final))[-1]) - final

    following = at + apart(at)
    if np.array_equal(limits(following), limits(at)):
        return following
    try:
        return float(newton(apart, at, x1=following, tol=_TIGHT))
    except RuntimeError:
        raise BadValue(
            "futility.binding",
            "is true: binding futility: no final bound fits limits that follow from it. Use limits"
            " on z or p, or binding = false",
        ) from None


def _first_alike(arms: Floats) -> Ints:
    """Number of the first arm with the same loading and drift."""
    return np.array([int(np.argmax((arms == one).all(axis=1))) for one in arms])


@cache
def _rule(nodes: int) -> Floats:
    """Nodes and weights (2, node) of the mean over a standard normal."""
    x, w = np.polynomial.hermite_e.hermegauss(nodes)
    return np.stack([x, w / np.sqrt(2.0 * np.pi)])
