"""Exit probabilities of a sequence of z statistics, by recursive numerical integration.

Armitage, McPherson and Rowe (1969); Jennison and Turnbull (1999), chapter 19. Under a true effect,
``Z_k sqrt(I_k)`` has independent normal increments with mean ``effect * (I_k - I_{k-1})`` and
variance ``I_k - I_{k-1}``. The density of the trials that continue is stored at Gauss-Legendre
nodes; the panels are as narrow as the increments on either side of the look require.
"""

import math

import numpy as np

from phase2sim.core.arrays import Floats
from phase2sim.core.kernels import kernel

_REACH = 9.0  # standard deviations; the tail beyond has probability below 2e-19
_PANEL = 3.0  # width of a panel in standard deviations of an increment
_FURTHEST = 38.0  # z beyond which a normal tail is 0 in double precision
_CLOSE, _STEPS = 1e-13, 200
_ABSCISSAE, _WEIGHTS = np.polynomial.legendre.leggauss(16)
_ROOT_2, _DENSITY_AT_0 = math.sqrt(2.0), 1.0 / math.sqrt(2.0 * math.pi)


@kernel
def _tail(x: float) -> float:
    """Probability that a standard normal variable exceeds x."""
    return 0.5 * math.erfc(x / _ROOT_2)


@kernel
def tail_probability(
    nodes: Floats,
    mass: Floats,
    before: float,
    now: float,
    effect: float,
    bound: float,
    side: float,
) -> float:
    """Probability of continuing to a look and lying beyond a bound there.

    Parameters
    ----------
    nodes : ndarray of float, (node,)
        Values of z at the look before; ``[0.0]`` before the first look.
    mass : ndarray of float, (node,)
        Probability attached to each node; ``[1.0]`` before the first look.
    before : float
        Information at the look before, 0 before the first look.
    now : float
        Information at this look, above ``before``.
    effect : float
        True effect; the mean of z is ``effect * sqrt(information)``.
    bound : float
        Bound on z at this look; may be infinite.
    side : {1.0, -1.0}
        1.0 for the probability above the bound, -1.0 for the one below it.

    Returns
    -------
    float
        Probability, between 0 and the sum of ``mass``.

    References
    ----------
    Jennison and Turnbull (1999), Group Sequential Methods, section 19.2.

    Examples
    --------
    At a first look nothing has been lost, so this is a normal tail:

    >>> start = np.zeros(1), np.ones(1)
    >>> round(tail_probability(*start, 0.0, 1.0, 0.0, 1.959964, 1.0), 6)
    0.025
    """
    if math.isinf(bound):
        bound = _FURTHEST * (1.0 if bound > 0.0 else -1.0)
    sd = math.sqrt(now - before)
    total = 0.0
    for i in range(nodes.size):
        step = bound * math.sqrt(now) - nodes[i] * math.sqrt(before) - effect * (now - before)
        total += mass[i] * _tail(side * step / sd)
    return total


@kernel
def bound_for_probability(
    nodes: Floats,
    mass: Floats,
    before: float,
    now: float,
    effect: float,
    probability: float,
    side: float,
) -> float:
    """Bound beyond which a trial lies with a stated probability; inverts ``tail_probability``.

    Parameters
    ----------
    nodes : ndarray of float, (node,)
        Values of z at the look before; ``[0.0]`` before the first look.
    mass : ndarray of float, (node,)
        Probability attached to each node; ``[1.0]`` before the first look.
    before : float
        Information at the look before, 0 before the first look.
    now : float
        Information at this look, above ``before``.
    effect : float
        True effect; the mean of z is ``effect * sqrt(information)``.
    probability : float
        Probability of lying beyond the bound.
    side : {1.0, -1.0}
        1.0 for an upper bound, -1.0 for a lower one.

    Returns
    -------
    float
        Bound on z. ``side * inf`` if the probability is 0 or less, ``-side * inf`` if it is at
        least the sum of ``mass``.

    References
    ----------
    Jennison and Turnbull (1999), Group Sequential Methods, section 19.2.

    Examples
    --------
    At a first look this is a normal quantile:

    >>> start = np.zeros(1), np.ones(1)
    >>> round(bound_for_probability(*start, 0.0, 1.0, 0.0, 0.025, 1.0), 6)
    1.959964
    """
    if probability <= 0.0:
        return side * np.inf
    if probability >= mass.sum():
        return -side * np.inf
    low, high = -_FURTHEST, _FURTHEST
    sd = math.sqrt(now - before)
    bound = effect * math.sqrt(now)
    for _ in range(_STEPS):
        tail, slope = 0.0, 0.0
        for i in range(nodes.size):
            step = bound * math.sqrt(now) - nodes[i] * math.sqrt(before) - effect * (now - before)
            tail += mass[i] * _tail(side * step / sd)
            slope += mass[i] * math.exp(-0.5 * (step / sd) ** 2)
        if (tail > probability) == (side > 0.0):
            low = bound
        else:
            high = bound
        slope *= _DENSITY_AT_0 * math.sqrt(now) / sd
        # On the log scale: far out a Newton step on the probability itself would overshoot.
        distance = np.inf
        if tail > 0.0 and slope > 0.0:
            distance = math.log(tail / probability) * tail / slope
        following = bound + side * distance
        if not low < following < high:
            following = 0.5 * (low + high)
        if abs(following - bound) < _CLOSE * max(1.0, abs(bound)):
            return following
        bound = following
    return bound


@kernel
def continuation(
    nodes: Floats,
    mass: Floats,
    information: Floats,
    k: int,
    effect: float,
    lower: float,
    upper: float,
) -> tuple[Floats, Floats]:
    """Distribution of z among the trials that continue past look ``k``.

    Parameters
    ----------
    nodes : ndarray of float, (node,)
        Values of z at the look before; ``[0.0]`` before the first look.
    mass : ndarray of float, (node,)
        Probability attached to each node; ``[1.0]`` before the first look.
    information : ndarray of float, (look,)
        Information at every look, rising.
    k : int
        Index of the look, from 0.
    effect : float
        True effect; the mean of z is ``effect * sqrt(information)``.
    lower : float
        Lower bound on z at look ``k``; -inf for none.
    upper : float
        Upper bound on z at look ``k``; inf for none.

    Returns
    -------
    nodes : ndarray of float, (node,)
        Values of z between the bounds.
    mass : ndarray of float, (node,)
        Probability attached to each; the sum is the probability to continue.

    References
    ----------
    Jennison and Turnbull (1999), Group Sequential Methods, section 19.2.

    Examples
    --------
    A first look at Pocock's bounds of a two-sided level of 5 % (table 2.1: 2.178 for two looks);
    the probability to continue is ``2 Phi(2.178) - 1`` = 0.970594:

    >>> start = np.zeros(1), np.ones(1)
    >>> _, mass = continuation(*start, np.array([0.5, 1.0]), 0, 0.0, -2.178, 2.178)
    >>> round(float(mass.sum()), 6)
    0.970594
    """
    before = information[k - 1] if k > 0 else 0.0
    now = information[k]
    mean = effect * math.sqrt(now)
    low, high = max(lower, mean - _REACH), min(upper, mean + _REACH)
    if not low < high:
        return np.zeros(1), np.zeros(1)
    narrowest = min(now - before, now)
    if k + 1 < information.size:
        narrowest = min(narrowest, information[k + 1] - now)
    width = _PANEL * math.sqrt(narrowest / now)
    panels = math.ceil((high - low) / width)
    half = 0.5 * (high - low) / panels
    points = _ABSCISSAE.size
    next_nodes, next_mass = np.empty(panels * points), np.empty(panels * points)
    sd = math.sqrt(now - before)
    scale = _DENSITY_AT_0 * math.sqrt(now) / sd
    for i in range(next_nodes.size):
        z = low + half * (2 * (i // points) + 1 + _ABSCISSAE[i % points])
        total = 0.0
        for j in range(nodes.size):
            step = z * math.sqrt(now) - nodes[j] * math.sqrt(before) - effect * (now - before)
            total += mass[j] * math.exp(-0.5 * (step / sd) ** 2)
        next_nodes[i] = z
        next_mass[i] = half * _WEIGHTS[i % points] * scale * total
    return next_nodes, next_mass


@kernel
def exit_probabilities(information: Floats, lower: Floats, upper: Floats, effect: float) -> Floats:
    """Probabilities of leaving the bounds at each look.

    Parameters
    ----------
    information : ndarray of float, (look,)
        Information at every look, rising.
    lower : ndarray of float, (look,)
        Lower bounds on z; -inf where a look has none.
    upper : ndarray of float, (look,)
        Upper bounds on z; inf where a look has none.
    effect : float
        True effect; the mean of z is ``effect * sqrt(information)``. With information as a fraction
        of the maximum this is the drift.

    Returns
    -------
    ndarray of float, (2, look)
        Probability of first lying above the upper bound at each look, and below the lower one.

    References
    ----------
    Armitage, McPherson and Rowe (1969), Journal of the Royal Statistical Society A 132: 235-244.
    Jennison and Turnbull (1999), Group Sequential Methods, section 19.2.

    Examples
    --------
    Five looks at z = 1.96 on either side inflate a two-sided level of 5 % to 14.2 % (Armitage,
    McPherson and Rowe 1969):

    >>> bounds = np.full(5, 1.959964)
    >>> chances = exit_probabilities(np.arange(1, 6) / 5, -bounds, bounds, 0.0)
    >>> round(float(chances.sum()), 3)
    0.142
    """
    looks = information.size
    chances = np.zeros((2, looks))
    nodes, mass = np.zeros(1), np.ones(1)
    for k in range(looks):
        before = information[k - 1] if k > 0 else 0.0
        chances[0, k] = tail_probability(nodes, mass, before, information[k], effect, upper[k], 1.0)
        chances[1, k] = tail_probability(
            nodes, mass, before, information[k], effect, lower[k], -1.0
        )
        if k + 1 < looks:
            nodes, mass = continuation(nodes, mass, information, k, effect, lower[k], upper[k])
    return chances


@kernel
def upper_bounds(information: Floats, lower: Floats, increments: Floats) -> Floats:
    """Upper bounds that spend a stated type I error at each look.

    Parameters
    ----------
    information : ndarray of float, (look,)
        Information at every look, rising.
    lower : ndarray of float, (look,)
        Lower bounds on z; a trial below its bound is taken to have stopped. -inf where lower
        bounds are not to be relied on.
    increments : ndarray of float, (look,)
        Type I error that each look alone spends.

    Returns
    -------
    ndarray of float, (look,)
        Upper bounds on z; inf at a look that spends nothing.

    References
    ----------
    Lan and DeMets (1983), Biometrika 70: 659-663.

    Examples
    --------
    O'Brien-Fleming-type spending of 2.5 % at half of the information and at the end (rpact 4.5.0:
    0.001525322758 spent at the first look, bounds 2.962588 and 1.968596):

    >>> increments = np.array([0.001525322758, 0.025 - 0.001525322758])
    >>> upper = upper_bounds(np.array([0.5, 1.0]), np.full(2, -np.inf), increments)
    >>> upper.round(6).tolist()
    [2.962588, 1.968596]
    """
    looks = information.size
    upper = np.empty(looks)
    nodes, mass = np.zeros(1), np.ones(1)
    for k in range(looks):
        before = information[k - 1] if k > 0 else 0.0
        upper[k] = bound_for_probability(
            nodes, mass, before, information[k], 0.0, increments[k], 1.0
        )
        if k + 1 < looks:
            nodes, mass = continuation(nodes, mass, information, k, 0.0, lower[k], upper[k])
    return upper
