"""Where a sequence of z statistics leaves its bounds, by recursive integration.

Armitage, McPherson and Rowe (1969); Jennison and Turnbull (1999), chapter 19. Given what is true,
``Z_k sqrt(I_k)`` has independent normal increments with mean ``effect * (I_k - I_{k-1})`` and
variance ``I_k - I_{k-1}``. The density of trials that go on is kept at the nodes of a rule of Gauss
and Legendre, with panels as narrow as the increments on either side of the look ask for.
"""

import math

import numpy as np

from phase2sim.core.arrays import Floats
from phase2sim.core.kernels import kernel

_REACH = 9.0  # standard deviations: beyond them lies less than 2e-19
_PANEL = 3.0  # width of a panel in standard deviations of an increment
_FURTHEST = 38.0  # bounds: beyond it a normal tail is 0
_CLOSE, _STEPS = 1e-13, 200
_ABSCISSAE, _WEIGHTS = np.polynomial.legendre.leggauss(16)
_ROOT_2, _DENSITY_AT_0 = math.sqrt(2.0), 1.0 / math.sqrt(2.0 * math.pi)


@kernel
def _tail(x: float) -> float:
    """Chance that a standard normal is above x."""
    return 0.5 * math.erfc(x / _ROOT_2)


@kernel
def beyond(
    at: Floats, mass: Floats, before: float, now: float, effect: float, bound: float, side: float
) -> float:
    """Chance to go on to a look and be above the bound there (side 1), or below it (side -1).

    ``at`` and ``mass`` are the nodes of the look before, at information ``before``.
    """
    if math.isinf(bound):
        bound = _FURTHEST * (1.0 if bound > 0.0 else -1.0)
    sd = math.sqrt(now - before)
    total = 0.0
    for i in range(at.size):
        step = bound * math.sqrt(now) - at[i] * math.sqrt(before) - effect * (now - before)
        total += mass[i] * _tail(side * step / sd)
    return total


@kernel
def bound_of(
    at: Floats, mass: Floats, before: float, now: float, effect: float, chance: float, side: float
) -> float:
    """Bound beyond which a trial is with this chance: undoes ``beyond``; infinite for chance 0."""
    if chance <= 0.0:
        return side * np.inf
    if chance >= mass.sum():
        return -side * np.inf
    low, high = -_FURTHEST, _FURTHEST
    sd = math.sqrt(now - before)
    bound = effect * math.sqrt(now)
    for _ in range(_STEPS):
        found, slope = 0.0, 0.0
        for i in range(at.size):
            step = bound * math.sqrt(now) - at[i] * math.sqrt(before) - effect * (now - before)
            found += mass[i] * _tail(side * step / sd)
            slope += mass[i] * math.exp(-0.5 * (step / sd) ** 2)
        if (found > chance) == (side > 0.0):
            low = bound
        else:
            high = bound
        slope *= _DENSITY_AT_0 * math.sqrt(now) / sd
        # On the log scale: far out a Newton step on the chance itself would overshoot.
        away = np.inf
        if found > 0.0 and slope > 0.0:
            away = math.log(found / chance) * found / slope
        following = bound + side * away
        if not low < following < high:
            following = 0.5 * (low + high)
        if abs(following - bound) < _CLOSE * max(1.0, abs(bound)):
            return following
        bound = following
    return bound


@kernel
def onward(
    at: Floats, mass: Floats, information: Floats, k: int, effect: float, lower: float, upper: float
) -> tuple[Floats, Floats]:
    """Nodes and mass of the trials that go on from look ``k``, between its bounds."""
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
    nodes, masses = np.empty(panels * points), np.empty(panels * points)
    sd = math.sqrt(now - before)
    scale = _DENSITY_AT_0 * math.sqrt(now) / sd
    for i in range(nodes.size):
        z = low + half * (2 * (i // points) + 1 + _ABSCISSAE[i % points])
        total = 0.0
        for j in range(at.size):
            step = z * math.sqrt(now) - at[j] * math.sqrt(before) - effect * (now - before)
            total += mass[j] * math.exp(-0.5 * (step / sd) ** 2)
        nodes[i] = z
        masses[i] = half * _WEIGHTS[i % points] * scale * total
    return nodes, masses


@kernel
def exits(information: Floats, lower: Floats, upper: Floats, effect: float) -> Floats:
    """Chances (2, look) to leave at each look: above the upper bound, and below the lower one."""
    looks = information.size
    found = np.zeros((2, looks))
    at, mass = np.zeros(1), np.ones(1)
    for k in range(looks):
        before = information[k - 1] if k > 0 else 0.0
        found[0, k] = beyond(at, mass, before, information[k], effect, upper[k], 1.0)
        found[1, k] = beyond(at, mass, before, information[k], effect, lower[k], -1.0)
        if k + 1 < looks:
            at, mass = onward(at, mass, information, k, effect, lower[k], upper[k])
    return found


@kernel
def upper_bounds(information: Floats, lower: Floats, spent: Floats) -> Floats:
    """Upper bounds that use up ``spent`` (look,), the type I error of each look alone.

    A trial below ``lower`` is taken to have stopped; -inf where it has not.
    """
    looks = information.size
    upper = np.empty(looks)
    at, mass = np.zeros(1), np.ones(1)
    for k in range(looks):
        before = information[k - 1] if k > 0 else 0.0
        upper[k] = bound_of(at, mass, before, information[k], 0.0, spent[k], 1.0)
        if k + 1 < looks:
            at, mass = onward(at, mass, information, k, 0.0, lower[k], upper[k])
    return upper
