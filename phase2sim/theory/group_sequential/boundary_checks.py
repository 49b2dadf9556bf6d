"""What a group sequential design may be: information, level and bounds that fit one another."""

import numpy as np

from phase2sim.core.arrays import Floats
from phase2sim.core.errors import BadValue
from phase2sim.theory.group_sequential.futility_rule import FutilityRule

_MOST_LOOKS = 50
_CLOSEST = 1e-3  # of two fractions: closer looks see the same data
_APART = 2e-3  # of both bounds on z, or a look is the last one of all but a few trials


def check_information(information: Floats) -> None:
    """Check that information fractions rise to 1.

    Parameters
    ----------
    information : ndarray of float, (look,)
        Information fractions: 1 to 50 of them, above 0, at least 0.001 apart, ending at 1.

    Raises
    ------
    BadValue
        If they are not.

    Examples
    --------
    >>> check_information(np.array([0.5, 1.0]))
    >>> check_information(np.array([0.5, 0.9]))
    Traceback (most recent call last):
    phase2sim.core.errors.BadValue: information is 0.5, 0.9; it must end at 1, the final analysis
    """
    fractions = ", ".join(f"{fraction:g}" for fraction in information)
    if not 1 <= information.size <= _MOST_LOOKS:
        raise BadValue(
            "looks", f"there are {information.size} looks; there must be 1 to {_MOST_LOOKS}", ": "
        )
    if not (information > 0).all() or (np.diff(information) <= 0).any():
        raise BadValue(
            "information", f"is {fractions}; it must be above 0 and rise from look to look"
        )
    if (np.diff(information, prepend=0.0) < _CLOSEST).any():
        raise BadValue("information", f"is {fractions}; looks must be at least {_CLOSEST:g} apart")
    if abs(information[-1] - 1) > 1e-9:  # noqa: PLR2004 - rounding
        raise BadValue("information", f"is {fractions}; it must end at 1, the final analysis")


def check_one_sided_alpha(one_sided_alpha: float) -> None:
    """Check that a number can be a one-sided significance level.

    Parameters
    ----------
    one_sided_alpha : float
        Level, between 0 and 0.5.

    Raises
    ------
    BadValue
        If it lies outside these limits.

    Examples
    --------
    >>> check_one_sided_alpha(0.025)
    >>> check_one_sided_alpha(0.5)
    Traceback (most recent call last):
    phase2sim.core.errors.BadValue: one_sided_alpha is 0.5; it must lie between 0 and 0.5
    """
    if not 0 < one_sided_alpha < 0.5:  # noqa: PLR2004 - at half a test is a coin toss
        raise BadValue("one_sided_alpha", f"is {one_sided_alpha:g}; it must lie between 0 and 0.5")


def check_beta(beta: float, one_sided_alpha: float) -> None:
    """Check that the power exceeds the level.

    Parameters
    ----------
    beta : float
        Type II error, 1 minus power.
    one_sided_alpha : float
        One-sided level.

    Raises
    ------
    BadValue
        If ``beta`` is not below ``1 - one_sided_alpha``.

    Examples
    --------
    >>> check_beta(0.2, 0.025)
    >>> check_beta(0.98, 0.025)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    phase2sim.core.errors.BadValue: futility.beta is 0.98; ... it must be below 0.975
    """
    if beta >= 1 - one_sided_alpha:
        raise BadValue(
            "futility.beta",
            f"is {beta:g}; with one_sided_alpha {one_sided_alpha:g} it must be below"
            f" {1 - one_sided_alpha:g}",
        )


def check_limits(futility: FutilityRule, information: Floats) -> None:
    """Check that there is one futility limit for all interim looks, or one per look.

    Parameters
    ----------
    futility : FutilityRule
        Futility rule.
    information : ndarray of float, (look,)
        Information fractions, the last look included.

    Raises
    ------
    BadValue
        If the number of limits does not fit the number of looks.

    Examples
    --------
    >>> from phase2sim.theory.group_sequential.futility import ZLimit
    >>> check_limits(ZLimit((0.0,)), np.array([0.3, 0.6, 1.0]))
    >>> check_limits(ZLimit((0.0, 0.5, 1.0)), np.array([0.3, 0.6, 1.0]))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    phase2sim.core.errors.BadValue: futility: futility has 3 limits, but there are 2 interim ...
    """
    limits, looks = len(futility.limits), information.size - 1
    if limits not in {1, looks}:
        raise BadValue(
            "futility",
            f"futility has {limits} limits, but there are {looks} interim looks;"
            " give one for all, or one each",
            ": ",
        )


def check_crossing(lower: Floats, upper: Floats) -> None:
    """Check that every futility bound lies below the efficacy bound of its look.

    Parameters
    ----------
    lower : ndarray of float, (interim look,)
        Futility bounds on z.
    upper : ndarray of float, (interim look,)
        Efficacy bounds on z.

    Raises
    ------
    BadValue
        If a futility bound is less than 0.002 below the efficacy bound: nearly every trial would
        stop at this look.

    Examples
    --------
    >>> check_crossing(np.array([0.5]), np.array([2.8]))
    >>> check_crossing(np.array([2.9]), np.array([2.8]))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    phase2sim.core.errors.BadValue: futility: the futility bound of look 1 is z = 2.9, not ...
    """
    for k in np.flatnonzero(lower >= upper - _APART):
        raise BadValue(
            "futility",
            f"the futility bound of look {k + 1} is z = {lower[k]:.4g}, not below its efficacy"
            f" bound, {upper[k]:.4g}: every trial would stop there. Spend less at early looks, or"
            " let futility stop fewer trials",
            ": ",
        )
