"""Bounds of a group sequential design on z, and what follows from them under any truth."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from phase2sim.core.arrays import Floats
from phase2sim.core.errors import BadValue
from phase2sim.theory.group_sequential import futility as futilities
from phase2sim.theory.group_sequential.efficacy import efficacy_bounds
from phase2sim.theory.group_sequential.efficacy_rule import EfficacyRule
from phase2sim.theory.group_sequential.integration import beyond, bound_of, exits, onward
from phase2sim.theory.group_sequential.spending import Spending

_MOST_LOOKS = 50
_CLOSEST = 1e-3  # of two fractions: closer looks see the same data
_APART = 2e-3  # of both bounds on z, or a look is the last one of all but a few trials
_TIGHT = 1e-12
_ROUNDS = 200  # binding limits on a scale of power follow the bound that follows them


@dataclass(frozen=True, slots=True)
class Boundaries:
    """Bounds on z at every look, the last being the final analysis."""

    information: Floats  # (look,) fractions, rising to 1
    efficacy: Floats  # (look,)
    futility: Floats  # (look,), -inf where a look does not stop for it; the last is efficacy's
    one_sided_alpha: float
    drift: float = float("nan")  # of beta-spending: with it the design has its power
    is_binding: bool = False  # the efficacy bounds count on stops for futility

    @property
    def nominal(self) -> Floats:
        """One-sided p with which each look shows efficacy."""
        levels: Floats = ndtr(-self.efficacy)
        return levels

    @property
    def crossing_spent(self) -> Floats:
        """Type I error spent up to each look, if nobody stops for futility."""
        nobody = np.full(self.information.size, -np.inf)
        spent: Floats = exits(self.information, nobody, self.efficacy, 0.0)[0].cumsum()
        return spent

    @property
    def alpha_spent(self) -> Floats:
        """Type I error spent up to each look, counting on futility only where it is binding."""
        spent: Floats = self.exits(0.0)[0].cumsum()
        return spent if self.is_binding else self.crossing_spent

    def with_futility(self, lower: Floats) -> "Boundaries":
        """Return the same with other futility bounds, not binding, of the interim looks."""
        return replace(self, futility=np.append(lower, self.efficacy[-1]), is_binding=False)

    def exits(self, drift: float) -> Floats:
        """Chances (2, look) to stop for efficacy, and for futility or without success.

        ``drift`` is the true effect times the square root of all information.
        """
        return exits(self.information, self.futility, self.efficacy, drift)

    def power(self, drift: float) -> float:
        """Chance of success."""
        return float(self.exits(drift)[0].sum())

    def expected_information(self, drift: float) -> float:
        """Mean share of the information at the end of the trial."""
        stops = self.exits(drift)[:, :-1].sum(axis=0)
        return float(1 - (stops * (1 - self.information[:-1])).sum())

    def drift_for(self, power: float) -> float:
        """Drift with which the design has a power; raises ``ValueError`` where none has."""
        low, high = float(ndtri(power) - ndtri(self.one_sided_alpha)), 40.0
        if self.power(high) < power:
            raise ValueError(
                f"no effect gives a power of {power:g}: futility stops too many trials"
            )
        return float(brentq(lambda d: self.power(d) - power, low - 1e-9, high, xtol=_TIGHT))

    def inflation(self, power: float) -> float:
        """How much more information than a fixed design the same power needs at most."""
        fixed = float(ndtri(power) - ndtri(self.one_sided_alpha))
        return (self.drift_for(power) / fixed) ** 2


def boundaries(
    information: Floats,
    one_sided_alpha: float,
    efficacy: EfficacyRule,
    futility: futilities.FutilityRule | None = None,
    beta_spending: Spending | None = None,
    *,
    drift_per_effect: float = float("nan"),
) -> Boundaries:
    """Bounds at fractions of the information that rise to 1.

    Futility that is not binding leaves the efficacy bounds as they are without it.
    ``beta_spending`` is the function that a ``BetaSpending`` names. Raises ``ValueError`` for what
    cannot exist.
    """
    check_information(information)
    check_one_sided_alpha(one_sided_alpha)
    if futility is not None:
        increments = futility.increments(information, beta_spending)
        if increments is not None:
            return _beta_spent(information, one_sided_alpha, efficacy, futility, increments)
    lower = np.full(information.size, -np.inf)
    upper = efficacy_bounds(efficacy, information, one_sided_alpha, lower)
    if futility is not None:
        check_limits(futility, information)
        for _ in range(_ROUNDS):
            lower[:-1] = futility.z(information[:-1], upper[-1], drift_per_effect)
            if not futility.binding:
                break
            before = upper
            upper = efficacy_bounds(efficacy, information, one_sided_alpha, lower)
            if np.allclose(upper, before, rtol=0, atol=_TIGHT):
                break
    check_crossing(lower[:-1], upper[:-1])
    lower[-1] = upper[-1]
    binding = futility is not None and futility.binding
    return Boundaries(information, upper, lower, one_sided_alpha, is_binding=binding)


def _beta_spent(
    information: Floats,
    one_sided_alpha: float,
    efficacy: EfficacyRule,
    futility: futilities.FutilityRule,
    spent_beta: Floats,
) -> Boundaries:
    """The drift, and with it the lower bounds, at which both bounds meet at the end."""
    _check_beta(futility.type_two_error, one_sided_alpha)
    nobody = np.full(information.size, -np.inf)
    if futility.binding:
        upper = nobody
        spent_alpha = efficacy.increments(information, one_sided_alpha)
        if spent_alpha is None:
            raise BadValue(
                "futility.binding",
                "is true: binding futility that spends the type II error needs efficacy that"
                " spends the type I error. Use a spending function for efficacy, or binding ="
                " false",
            )
    else:
        upper = efficacy_bounds(efficacy, information, one_sided_alpha, nobody)
        spent_alpha = None

    def meet(drift: float) -> tuple[float, Floats, Floats]:
        return _meet(information, drift, upper, spent_alpha, spent_beta)

    low = float(-ndtri(futility.type_two_error) - ndtri(one_sided_alpha))

    def excess(drift: float) -> float:
        return meet(drift)[0]

    high = max(low, 0.0) + 0.5
    while excess(high) > 0 and high < 40.0:  # noqa: PLR2004 - beyond any design
        high *= 1.5
    drift = float(brentq(excess, min(low - 0.1, high), high, xtol=_TIGHT))
    _, lower, upper = meet(drift)
    check_crossing(lower[:-1], upper[:-1])
    lower[-1] = upper[-1]
    return Boundaries(information, upper, lower, one_sided_alpha, drift, futility.binding)


def _meet(
    information: Floats,
    drift: float,
    upper: Floats,
    spent_alpha: Floats | None,
    spent_beta: Floats,
) -> tuple[float, Floats, Floats]:
    """Type II error at the end beyond what is left for it, with the bounds that lead there.

    With ``spent_alpha`` the upper bounds count on the lower ones.
    """
    looks, nobody = information.size, (np.zeros(1), np.ones(1))
    null, true = nobody, nobody
    lower, upper = np.full(looks, -np.inf), upper.copy()
    for k in range(looks):
        before, now = (information[k - 1] if k else 0.0), information[k]
        if spent_alpha is not None:
            upper[k] = bound_of(*null, before, now, 0.0, spent_alpha[k], 1.0)
        if k == looks - 1:
            break
        lower[k] = min(bound_of(*true, before, now, drift, spent_beta[k], -1.0), upper[k])
        if spent_alpha is not None:
            null = onward(*null, information, k, 0.0, lower[k], upper[k])
        true = onward(*true, information, k, drift, lower[k], upper[k])
    missed = beyond(*true, before, now, drift, upper[-1], -1.0)
    return float(missed - spent_beta[-1]), lower, upper


def check_information(information: Floats) -> None:
    """Raise ``ValueError`` unless fractions rise to 1."""
    said = ", ".join(f"{fraction:g}" for fraction in information)
    if not 1 <= information.size <= _MOST_LOOKS:
        raise BadValue(
            "looks", f"there are {information.size} looks; there must be 1 to {_MOST_LOOKS}", ": "
        )
    if not (information > 0).all() or (np.diff(information) <= 0).any():
        raise BadValue("information", f"is {said}; it must be above 0 and rise from look to look")
    if (np.diff(information, prepend=0.0) < _CLOSEST).any():
        raise BadValue("information", f"is {said}; looks must be at least {_CLOSEST:g} apart")
    if abs(information[-1] - 1) > 1e-9:  # noqa: PLR2004 - rounding
        raise BadValue("information", f"is {said}; it must end at 1, the final analysis")


def check_one_sided_alpha(one_sided_alpha: float) -> None:
    """Raise ``ValueError`` unless alpha can be a one-sided level."""
    if not 0 < one_sided_alpha < 0.5:  # noqa: PLR2004 - half would be a coin
        raise BadValue("one_sided_alpha", f"is {one_sided_alpha:g}; it must lie between 0 and 0.5")


def _check_beta(beta: float, one_sided_alpha: float) -> None:
    """Refuse a power that is no more than the level."""
    if beta >= 1 - one_sided_alpha:
        raise BadValue(
            "futility.beta",
            f"is {beta:g}; with one_sided_alpha {one_sided_alpha:g} it must be below"
            f" {1 - one_sided_alpha:g}",
        )


def check_limits(futility: futilities.FutilityRule, information: Floats) -> None:
    """Raise ``ValueError`` unless there is one limit for all interim looks, or one each."""
    given, interim = len(futility.limits), information.size - 1
    if given not in {1, interim}:
        raise BadValue(
            "futility",
            f"futility has {given} limits, but there are {interim} interim looks;"
            " give one for all, or one each",
            ": ",
        )


def check_crossing(lower: Floats, upper: Floats) -> None:
    """Raise ``ValueError`` where a futility bound of an interim look reaches that of efficacy."""
    for k in np.flatnonzero(lower >= upper - _APART):
        raise BadValue(
            "futility",
            f"the futility bound of look {k + 1} is z = {lower[k]:.4g}, not below its efficacy"
            f" bound, {upper[k]:.4g}: every trial would stop there. Spend less at early looks, or"
            " let futility stop fewer trials",
            ": ",
        )
