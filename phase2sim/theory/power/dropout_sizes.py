"""Arm sizes that random dropout may leave, and power averaged over them."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from phase2sim.core.arrays import Floats, Ints

_NEGLIGIBLE = 1e-14  # probability of a size left out of an average


def sizes_after_dropout(
    n_treated: int, n_control: int, completing: tuple[float, float]
) -> tuple[Ints, Floats]:
    """Pairs of arm sizes that independent dropout may leave, and their probabilities.

    Parameters
    ----------
    n_treated : int
        Patients enrolled in the treated arm.
    n_control : int
        Patients enrolled in the control arm.
    completing : tuple of (float, float)
        Probability that a treated, and a control, patient is measured; between 0 and 1.

    Returns
    -------
    sizes : ndarray of int, (size, 2)
        Treated and control patients measured, without pairs of probability 1e-14 or less.
    probabilities : ndarray of float, (size,)
        Probability of each pair.

    References
    ----------
    Johnson, Kemp and Kotz (2005), Univariate Discrete Distributions, chapter 3, on the binomial
    distribution.

    Examples
    --------
    One patient per arm, measured with probability 0.8 and 0.5:

    >>> sizes, probabilities = sizes_after_dropout(1, 1, (0.8, 0.5))
    >>> sizes.tolist(), probabilities.round(6).tolist()
    ([[0, 0], [0, 1], [1, 0], [1, 1]], [0.1, 0.1, 0.4, 0.4])
    """
    treated = binomial(n_treated, completing[0])
    control = binomial(n_control, completing[1])
    joint = treated[:, None] * control
    sizes = np.argwhere(joint > _NEGLIGIBLE)
    return sizes.astype(np.int64), joint[sizes[:, 0], sizes[:, 1]]


def average_over_sizes(
    power: Callable[[Floats, Floats], Floats], sizes: ArrayLike, weights: ArrayLike
) -> float:
    """Power averaged over random arm sizes, among the sizes at which the test exists.

    Parameters
    ----------
    power : callable
        Power for arrays of treated and of control patients; nan where the test does not exist.
    sizes : array_like of float, (size, 2)
        Treated and control patients.
    weights : array_like of float, (size,)
        Probabilities of the sizes; they need not sum to 1.

    Returns
    -------
    float
        Power; nan if the test exists at no size.

    References
    ----------
    Julious (2004), Statistics in Medicine 23: 1921-1986.

    Examples
    --------
    A power of 0.8 or 0.6 with probability 3/4 and 1/4:

    >>> round(average_over_sizes(lambda n, _: n / 100, [[80, 80], [60, 60]], [0.75, 0.25]), 6)
    0.75
    """
    treated, control = np.asarray(sizes, float).T
    weight = np.asarray(weights, float)
    powers = power(treated, control)
    is_defined = ~np.isnan(powers)
    if not is_defined.any():
        return float("nan")
    return float(powers[is_defined] @ weight[is_defined] / weight[is_defined].sum())


def binomial(n: int, chance: float) -> Floats:
    """Binomial probabilities of 0 to n events.

    Parameters
    ----------
    n : int
        Number of patients, 0 or more.
    chance : float
        Probability of an event, between 0 and 1.

    Returns
    -------
    ndarray of float, (n + 1,)
        Probability of each number of events.

    References
    ----------
    Johnson, Kemp and Kotz (2005), Univariate Discrete Distributions, chapter 3.

    Examples
    --------
    >>> binomial(2, 0.5).round(12).tolist()
    [0.25, 0.5, 0.25]
    """
    k = np.arange(n + 1)
    ways = special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)
    return np.asarray(np.exp(ways + special.xlogy(k, chance) + special.xlog1py(n - k, -chance)))
