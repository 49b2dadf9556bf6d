"""Base of every efficacy rule, and the probability that a trial without an effect crosses bounds.

One treated arm and several arms with a shared control differ in that probability alone.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from scipy.optimize import brentq

from phase2sim.core.arrays import Floats
from phase2sim.theory.group_sequential.integration import exit_probabilities

TIGHT = 1e-13  # of a root
LOWEST = -9.0  # z: every trial is above it


class Crossing(Protocol):
    """Probability (look,) that a trial without an effect first crosses an upper bound at a look.

    One treated arm and several arms with a shared control differ in this probability alone, so
    every efficacy rule serves both.
    """

    @property
    def arms(self) -> int:
        """Number of treated arms that may cross."""
        ...

    def __call__(self, information: Floats, lower: Floats, upper: Floats) -> Floats:
        """Probability (look,) of crossing ``upper``; an arm below ``lower`` has stopped."""
        ...


type CrossingTest = tuple[Floats, Floats, Crossing]  # information, lower bounds, crossing


@dataclass(frozen=True, slots=True)
class OneArm:
    """Crossing of the one treated arm of a trial, by recursive integration.

    Parameters
    ----------
    arms : int, default 1
        Number of treated arms, always 1.

    References
    ----------
    Jennison and Turnbull (1999), Group Sequential Methods, section 19.2.

    Examples
    --------
    Pocock's constant for two looks at a one-sided level of 5 % is 1.875 (Jennison and Turnbull
    1999, table 2.1, two-sided level 10 %):

    >>> chances = OneArm()(np.array([0.5, 1.0]), np.full(2, -np.inf), np.full(2, 1.875))
    >>> round(float(chances.sum()), 3)
    0.05
    """

    arms: int = 1

    def __call__(self, information: Floats, lower: Floats, upper: Floats) -> Floats:
        """Probability (look,) of crossing ``upper``; an arm below ``lower`` has stopped."""
        chances: Floats = exit_probabilities(information, lower, upper, 0.0)[0]
        return chances


ONE_ARM = OneArm()


class EfficacyRule(ABC):
    """A rule that says when a look shows efficacy; each kind is a subclass."""

    __slots__ = ()
    title: ClassVar[str]
    follows_information: ClassVar[bool] = False  # observed information may replace the planned one

    @abstractmethod
    def bounds(
        self,
        information: Floats,
        one_sided_alpha: float,
        lower: Floats,
        crossing: Crossing = ONE_ARM,
    ) -> Floats:
        """Upper bounds on z at each look, with a stated level over all looks.

        Parameters
        ----------
        information : ndarray of float, (look,)
            Information at every look, rising.
        one_sided_alpha : float
            One-sided type I error of all looks together, between 0 and 0.5. With several arms,
            the familywise error.
        lower : ndarray of float, (look,)
            Lower bounds on z, below which a trial has stopped; -inf where a stop for futility is
            not to be relied on.
        crossing : Crossing, default ONE_ARM
            Probability to cross without an effect: of one arm, or of any of several.

        Returns
        -------
        ndarray of float, (look,)
            Upper bounds on z; inf at a look that never shows efficacy.

        Raises
        ------
        BadValue
            If the rule cannot have this level at these looks.
        """

    def increments(self, fraction: Floats, total: float) -> Floats | None:
        """Error that each look alone spends, for a rule that is a spending function.

        Parameters
        ----------
        fraction : ndarray of float, (..., look)
            Information fractions, rising; the last is taken as 1.
        total : float
            Error of all looks together.

        Returns
        -------
        ndarray of float, (..., look), or None
            Errors, 0 or more, that sum to ``total``; None if the rule does not spend error.
        """
        del fraction, total
        return None


def last_bound(
    test: CrossingTest, one_sided_alpha: float, upper: Floats, look: int | None = None
) -> float:
    """Upper bound of the last look that uses up the level left by the earlier looks.

    Parameters
    ----------
    test : tuple of (ndarray, ndarray, Crossing)
        Information (look,), lower bounds (look,), and the probability to cross.
    one_sided_alpha : float
        One-sided level; of all looks, or of the last one alone if ``look`` is stated.
    upper : ndarray of float, (look,) or longer
        Upper bounds on z of the earlier looks; later entries are not read.
    look : int, optional
        Index of the last look, if ``one_sided_alpha`` is the error that it alone may spend.

    Returns
    -------
    float
        Bound on z; -9 if even this bound spends less than the level, because binding futility
        stops too many trials.

    References
    ----------
    Haybittle (1971), British Journal of Radiology 44: 793-797, for a last look that spends the
    remainder.

    Examples
    --------
    Looks at z = 3 after each third of the information leave 1.975098 for the end (rpact 4.5.0):

    >>> test = np.array([1, 2, 3]) / 3, np.full(3, -np.inf), ONE_ARM
    >>> round(last_bound(test, 0.025, np.array([3.0, 3.0, np.inf])), 5)
    1.9751
    """
    information, lower, crossing = test
    looks = slice(look, None)

    def excess(bound: float) -> float:
        bounds = np.append(upper[: information.size - 1], bound)
        return float(crossing(information, lower, bounds)[looks].sum()) - one_sided_alpha

    if excess(LOWEST) < 0.0:
        return LOWEST  # below the limits of futility, which is refused
    return float(brentq(excess, LOWEST, 39.0, xtol=TIGHT))
