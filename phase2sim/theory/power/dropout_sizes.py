"""Arm sizes that random dropout may leave, and power averaged over them."""

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from phase2sim.core.arrays import Floats, Ints

_NEGLIGIBLE = 1e-14  # probability of a size left out of an average
_NEGLIGIBLE_PAIR = 1e-10  # of a pair, over all allocations
_MOST_PAIRS = 100_000
_REACH = 20.0  # SDs, and as many patients: farther out no binomial size is likelier than 1e-14


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
    first_treated, treated = _likely_sizes(n_treated, completing[0])
    first_control, control = _likely_sizes(n_control, completing[1])
    joint = _joint(treated, control)
    places = np.argwhere(joint > 0.0)
    sizes = places.astype(np.int64) + np.array([first_treated, first_control])
    return sizes, joint[places[:, 0], places[:, 1]]


def sizes_after_allocation(
    patients: int, allocations: Sequence[tuple[int, float]], completing: tuple[float, float]
) -> tuple[Ints, Floats]:
    """Pairs of arm sizes that random allocation and dropout may leave, and their probabilities.

    Of more than 100,000 pairs every k-th size of each arm is kept: a smooth power averaged over
    them with these weights is the same, as the trapezium rule is for a normal density.

    Parameters
    ----------
    patients : int
        Patients enrolled in both arms.
    allocations : sequence of (int, float)
        Numbers of treated patients that may be allocated, each with its probability.
    completing : tuple of (float, float)
        Probability that a treated, and a control, patient is measured; between 0 and 1.

    Returns
    -------
    sizes : ndarray of int, (size, 2)
        Treated and control patients measured, without pairs of probability 1e-10 or less.
    weights : ndarray of float, (size,)
        Probability of each pair; they need not sum to 1.

    References
    ----------
    Johnson, Kemp and Kotz (2005), Univariate Discrete Distributions, chapter 3, on the binomial
    distribution.

    Examples
    --------
    One or two of three patients treated, and nobody lost:

    >>> sizes, weights = sizes_after_allocation(3, [(1, 0.5), (2, 0.5)], (1.0, 1.0))
    >>> sizes.tolist(), weights.tolist()
    ([[1, 2], [2, 1]], [0.5, 0.5])
    """
    chances = [chance for _, chance in allocations]
    of_treated = [_likely_sizes(n, completing[0]) for n, _ in allocations]
    of_control = [_likely_sizes(patients - n, completing[1]) for n, _ in allocations]
    low = [min(first for first, _ in arm) for arm in (of_treated, of_control)]
    high = [max(first + p.size for first, p in arm) for arm in (of_treated, of_control)]
    weights = np.zeros(np.subtract(high, low))
    for chance, (t, treated), (c, control) in zip(chances, of_treated, of_control, strict=True):
        rows = slice(t - low[0], t - low[0] + treated.size)
        columns = slice(c - low[1], c - low[1] + control.size)
        weights[rows, columns] += chance * _joint(treated, control)
    likely = weights > _NEGLIGIBLE_PAIR
    stride = math.ceil(math.sqrt(np.count_nonzero(likely) / _MOST_PAIRS))
    places = np.argwhere(likely[::stride, ::stride]) * stride
    return places.astype(np.int64) + np.array(low), weights[places[:, 0], places[:, 1]]


def _joint(treated: Floats, control: Floats) -> Floats:
    """Probabilities of pairs; negligible ones are 0."""
    joint = treated[:, None] * control
    joint[joint <= _NEGLIGIBLE] = 0.0
    return joint


def _likely_sizes(n: int, completing: float) -> tuple[int, Floats]:
    """First size that is not negligible, and the probabilities from it to the last such one."""
    mean, sd = n * completing, math.sqrt(n * completing * (1 - completing))
    first = max(math.floor(mean - _REACH * (sd + 1)), 0)
    last = min(math.ceil(mean + _REACH * (sd + 1)), n)
    chances = _binomial_at(np.arange(first, last + 1), n, completing)
    likely = np.flatnonzero(chances > _NEGLIGIBLE)
    return first + int(likely[0]), chances[likely[0] : likely[-1] + 1]


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
    return _binomial_at(np.arange(n + 1), n, chance)


def _binomial_at(k: Ints, n: int, chance: float) -> Floats:
    ways = special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)
    return np.asarray(np.exp(ways + special.xlogy(k, chance) + special.xlog1py(n - k, -chance)))
