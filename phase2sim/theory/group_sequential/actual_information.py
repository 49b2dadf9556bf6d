"""Bounds that follow the observed information of each trial instead of the planned one.

Error is spent by the fraction of the planned maximum that a look has reached (Lan and DeMets 1983);
the last look spends the remainder. The correlation between looks follows the observed information
of the trial.
"""

import numpy as np

from phase2sim.core.arrays import Floats
from phase2sim.core.kernels import kernel
from phase2sim.theory.group_sequential.integration import (
    bound_for_probability,
    continuation,
    upper_bounds,
)

_STEP = 1e-3  # of the maximum: the least that a look adds to the one before


def increasing_information(information: Floats) -> Floats:
    """Information fractions of each trial, made to increase from look to look.

    An estimated variance may make a later look seem less informative than the one before; its
    information is then taken to be slightly larger.

    Parameters
    ----------
    information : ndarray of float, (trial, look)
        Observed information as a fraction of the planned maximum; nan at a look that failed.

    Returns
    -------
    ndarray of float, (trial, look)
        Fractions that rise by at least 0.001 from look to look. A look that failed adds no more.

    References
    ----------
    Lan and DeMets (1989), Biometrics 45: 1017-1020.

    Examples
    --------
    The second look seems to have lost information, and the third one failed:

    >>> increasing_information(np.array([[0.5, 0.45, np.nan, 1.0]])).round(3).tolist()
    [[0.5, 0.501, 0.502, 1.0]]
    """
    increasing = np.empty_like(information)
    before = np.zeros(information.shape[0])
    for look in range(information.shape[1]):
        now = np.where(np.isnan(information[:, look]), 0.0, information[:, look])
        increasing[:, look] = before = np.maximum(now, before + _STEP)
    return increasing


@kernel
def spending_bounds(information: Floats, increments: Floats) -> Floats:
    """Upper bounds of each trial at its own information.

    Parameters
    ----------
    information : ndarray of float, (trial, look)
        Fractions of the planned maximum, rising from look to look.
    increments : ndarray of float, (trial, look)
        Type I error that each look alone spends.

    Returns
    -------
    ndarray of float, (trial, look)
        Upper bounds on z. Lower bounds are not relied on.

    References
    ----------
    Lan and DeMets (1983), Biometrika 70: 659-663.

    Examples
    --------
    One trial with 30 %, 70 % and all of its information that spends 2.5 % in the manner of O'Brien
    and Fleming (rpact 4.5.0: 3.928573, 2.438742, 2.000009):

    >>> cumulative = np.array([[4.272578744e-05, 0.007384489333, 0.025]])
    >>> increments = np.diff(cumulative, prepend=0.0)
    >>> spending_bounds(np.array([[0.3, 0.7, 1.0]]), increments).round(4).tolist()
    [[3.9286, 2.4387, 2.0]]
    """
    trials, looks = information.shape
    bounds = np.empty((trials, looks))
    no_lower = np.full(looks, -np.inf)
    for trial in range(trials):
        bounds[trial] = upper_bounds(information[trial], no_lower, increments[trial])
    return bounds


@kernel
def futility_bounds(information: Floats, upper: Floats, increments: Floats, drift: float) -> Floats:
    """Lower bounds of each trial that spend the type II error at its own information.

    Parameters
    ----------
    information : ndarray of float, (trial, look)
        Fractions of the planned maximum, rising from look to look.
    upper : ndarray of float, (trial, look)
        Upper bounds on z; no lower bound lies above them.
    increments : ndarray of float, (trial, look)
        Type II error that each look alone spends.
    drift : float
        True effect times the square root of the planned maximum information, at which the design
        has its power.

    Returns
    -------
    ndarray of float, (trial, look)
        Lower bounds on z. The last look has none: its entry is the upper bound.

    References
    ----------
    Pampallona, Tsiatis and Kim (2001), Drug Information Journal 35: 1113-1121.

    Examples
    --------
    At half of the information the bound spends 5 % where z has mean ``drift sqrt(0.5)`` = 2, so it
    is 2 - 1.6449:

    >>> upper = np.array([[2.963, 1.969]])
    >>> increments = np.array([[0.05, 0.15]])
    >>> lower = futility_bounds(np.array([[0.5, 1.0]]), upper, increments, 2.0 * np.sqrt(2.0))
    >>> lower.round(4).tolist()
    [[0.3551, 1.969]]
    """
    trials, looks = information.shape
    bounds = upper.copy()
    for trial in range(trials):
        nodes, mass = np.zeros(1), np.ones(1)
        for k in range(looks - 1):
            before = information[trial, k - 1] if k > 0 else 0.0
            now = information[trial, k]
            bound = bound_for_probability(
                nodes, mass, before, now, drift, increments[trial, k], -1.0
            )
            bounds[trial, k] = min(bound, upper[trial, k])
            nodes, mass = continuation(
                nodes, mass, information[trial], k, drift, bounds[trial, k], upper[trial, k]
            )
    return bounds
