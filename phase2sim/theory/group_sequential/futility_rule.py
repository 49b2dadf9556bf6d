"""Base of every futility rule: what it says of its limits and of the error that it spends."""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from phase2sim.core.arrays import Floats
from phase2sim.theory.group_sequential.conditional_power import Numbers
from phase2sim.theory.group_sequential.spending import Spending


class FutilityRule(ABC):
    """A rule that says when a look shows futility; each kind is a subclass.

    Most rules stop below a limit at each interim look, on some scale.
    """

    __slots__ = ()
    title: ClassVar[str]
    spends_error: ClassVar[bool] = False  # by a spending function, so that there is no limit
    binding: bool  # whether the efficacy bounds rely on the stop

    @property
    def limits(self) -> tuple[float, ...]:
        """One limit for all interim looks, or one limit per look; nan if the rule has none."""
        return (float("nan"),)

    @property
    def type_two_error(self) -> float:
        """Type II error of all looks together; nan if the rule spends none."""
        return float("nan")

    @property
    def judges_estimate(self) -> bool:
        """Whether the limit is compared with the estimated benefit itself instead of z."""
        return False

    @property
    def needs_information(self) -> bool:
        """Whether the maximum information must be known to express the limits on z."""
        return False

    @abstractmethod
    def z(self, fraction: Floats, final: Numbers, drift_per_effect: Numbers) -> Floats:
        """Limits on the scale of z.

        Parameters
        ----------
        fraction : ndarray of float, (..., interim look)
            Information fractions of the interim looks.
        final : float or ndarray of float
            Critical z of the last look.
        drift_per_effect : float or ndarray of float
            Square root of the maximum information, in 1 / unit of the effect; nan if unknown.

        Returns
        -------
        ndarray of float, (..., interim look)
            Lower bounds on z.
        """

    def increments(self, fraction: Floats, spending: Spending | None) -> Floats | None:
        """Type II error that each look alone spends.

        Parameters
        ----------
        fraction : ndarray of float, (..., look)
            Information fractions, rising; the last is taken as 1.
        spending : Spending or None
            Error-spending function, if the rule names one.

        Returns
        -------
        ndarray of float, (..., look), or None
            Errors, 0 or more; None if the rule does not spend error.
        """
        del fraction, spending
        return None

    def check_several_arms(self) -> None:  # noqa: B027 - a limit on z fits several arms
        """Raise ``BadValue`` if the rule cannot drop arms, as its limits are not on z."""


def futility_limits(limit: FutilityRule, looks: int) -> Floats:
    """Limits of a rule on its own scale, one per interim look.

    Parameters
    ----------
    limit : FutilityRule
        Rule with one limit for all looks, or one limit per look.
    looks : int
        Number of interim looks.

    Returns
    -------
    ndarray of float, (interim look,)
        Limits, in the unit of the rule.

    Examples
    --------
    >>> from phase2sim.theory.group_sequential.futility import ConditionalPowerLimit
    >>> futility_limits(ConditionalPowerLimit((0.1,)), 2).tolist()
    [0.1, 0.1]
    """
    return np.broadcast_to(np.array(limit.limits), (looks,))
