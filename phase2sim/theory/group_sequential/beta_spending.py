"""Futility bounds that spend the type II error, and the drift at which the design has its power."""

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtri

from phase2sim.core.arrays import Floats
from phase2sim.core.errors import BadValue
from phase2sim.theory.group_sequential.boundary_checks import check_beta
from phase2sim.theory.group_sequential.efficacy import efficacy_bounds
from phase2sim.theory.group_sequential.efficacy_rule import EfficacyRule
from phase2sim.theory.group_sequential.futility_rule import FutilityRule
from phase2sim.theory.group_sequential.integration import (
    bound_for_probability,
    continuation,
    tail_probability,
)

_TIGHT = 1e-12


def beta_spending_bounds(
    information: Floats,
    one_sided_alpha: float,
    efficacy: EfficacyRule,
    futility: FutilityRule,
    beta_increments: Floats,
) -> tuple[Floats, Floats, float]:
    """Bounds of a design that spends its type II error, and the drift at which it has its power.

    The drift is the one at which both bounds meet at the last look.

    Parameters
    ----------
    information : ndarray of float, (look,)
        Information fractions, rising to 1.
    one_sided_alpha : float
        One-sided type I error, between 0 and 0.5.
    efficacy : EfficacyRule
        Efficacy rule; a spending function if futility is binding.
    futility : FutilityRule
        Rule that spends the type II error; whether it is binding.
    beta_increments : ndarray of float, (look,)
        Type II error that each look alone spends.

    Returns
    -------
    lower : ndarray of float, (look,)
        Futility bounds on z; that of the last look is not meaningful.
    upper : ndarray of float, (look,)
        Efficacy bounds on z.
    drift : float
        Effect times the square root of the maximum information, with power ``1 - beta``.

    Raises
    ------
    BadValue
        If the type II error is not below ``1 - one_sided_alpha``, or if binding futility stands
        beside efficacy bounds that do not spend.

    References
    ----------
    Pampallona, Tsiatis and Kim (2001), Drug Information Journal 35: 1113-1121.

    Examples
    --------
    O'Brien-Fleming-type spending of 2.5 % and of 20 %, binding (rpact 4.5.0: futility at 0.537696,
    efficacy at 2.962588 and 1.937597, inflation factor 1.033611):

    >>> from phase2sim.theory.group_sequential.spending import OBrienFlemingType
    >>> from phase2sim.theory.group_sequential.futility import BetaSpending
    >>> information, spending = np.array([0.5, 1.0]), OBrienFlemingType()
    >>> lower, upper, drift = beta_spending_bounds(
    ...     information, 0.025, spending, BetaSpending(0.2, binding=True),
    ...     spending.increments(information, 0.2),
    ... )
    >>> round(float(lower[0]), 6), upper.round(6).tolist()
    (0.537696, [2.962588, 1.937597])
    >>> fixed = ndtri(0.8) - ndtri(0.025)
    >>> round(float((drift / fixed) ** 2), 6)
    1.033611
    """
    check_beta(futility.type_two_error, one_sided_alpha)
    no_futility = np.full(information.size, -np.inf)
    if futility.binding:
        upper = no_futility
        alpha_increments = efficacy.increments(information, one_sided_alpha)
        if alpha_increments is None:
            raise BadValue(
                "futility.binding",
                "is true: binding futility that spends the type II error needs efficacy that"
                " spends the type I error. Use a spending function for efficacy, or binding ="
                " false",
            )
    else:
        upper = efficacy_bounds(efficacy, information, one_sided_alpha, no_futility)
        alpha_increments = None

    def bounds_at(drift: float) -> tuple[float, Floats, Floats]:
        return _bounds_at_drift(information, drift, upper, alpha_increments, beta_increments)

    def excess(drift: float) -> float:
        return bounds_at(drift)[0]

    low = float(-ndtri(futility.type_two_error) - ndtri(one_sided_alpha))
    high = max(low, 0.0) + 0.5
    while excess(high) > 0 and high < 40.0:  # noqa: PLR2004 - beyond any design
        high *= 1.5
    drift = float(brentq(excess, min(low - 0.1, high), high, xtol=_TIGHT))
    _, lower, upper = bounds_at(drift)
    return lower, upper, drift


def _bounds_at_drift(
    information: Floats,
    drift: float,
    upper: Floats,
    alpha_increments: Floats | None,
    beta_increments: Floats,
) -> tuple[float, Floats, Floats]:
    """Type II error at the end in excess of what is left for it, with lower and upper bounds.

    With ``alpha_increments`` the upper bounds rely on the lower ones.
    """
    looks, start = information.size, (np.zeros(1), np.ones(1))
    null, alternative = start, start
    lower, upper = np.full(looks, -np.inf), upper.copy()
    for k in range(looks):
        before, now = (information[k - 1] if k else 0.0), information[k]
        if alpha_increments is not None:
            upper[k] = bound_for_probability(*null, before, now, 0.0, alpha_increments[k], 1.0)
        if k == looks - 1:
            break
        bound = bound_for_probability(*alternative, before, now, drift, beta_increments[k], -1.0)
        lower[k] = min(bound, upper[k])
        if alpha_increments is not None:
            null = continuation(*null, information, k, 0.0, lower[k], upper[k])
        alternative = continuation(*alternative, information, k, drift, lower[k], upper[k])
    type_two_error = tail_probability(*alternative, before, now, drift, upper[-1], -1.0)
    return float(type_two_error - beta_increments[-1]), lower, upper
