"""Where several arms leave their bounds who share one control, by integration over the control.

Magirr, Jaki and Whitehead (Biometrika 2012): given the path of the control arm, the treated arms
are independent. With ``W_0`` and ``W_k`` independent Brownian motions over the fraction t of the
information, arm k has ``Z_k(t) = (a W_k(t) - b W_0(t)) / sqrt(t) + drift sqrt(t)``, where ``b`` is
its loading, sqrt(n_k / (n_k + n_0)), and ``a^2 = 1 - b^2``. The outer integral runs over the
control's increments by Gauss and Hermite's rule, look by look, so that what happens up to a look
needs the control's path up to there; the inner one follows each arm as a single group sequential
test is followed (``integration``), with bounds that move with the control.
"""

import math

import numpy as np

from phase2sim.core.arrays import Floats, Ints
from phase2sim.core.kernels import kernel

_REACH = 6.5  # standard deviations: beyond them lies less than 1e-10
_PANEL = 4.0  # width of a panel in standard deviations of an increment
_MOST_NODES = 400
_ABSCISSAE, _WEIGHTS = np.polynomial.legendre.leggauss(12)
_ROOT_2, _DENSITY_AT_0 = math.sqrt(2.0), 1.0 / math.sqrt(2.0 * math.pi)
# Chances of each arm at each look: to cross above, to fall to the lower bound or below.
CROSSED, FELL = 0, 1


@kernel
def _above(at: Floats, mass: Floats, count: int, bound: float, sd: float) -> float:
    """Chance to go on to a look and be above ``bound`` there."""
    if bound == np.inf:
        return 0.0
    total = 0.0
    for i in range(count):
        total += mass[i] * 0.5 * math.erfc((bound - at[i]) / (sd * _ROOT_2))
    return total


@kernel
def _onward(
    at: Floats, mass: Floats, count: int, steps: Floats, low: float, high: float, to: Floats,
    masses: Floats,
) -> int:  # fmt: skip
    """Fill the nodes of those between two bounds at a look; return how many there are.

    ``steps`` holds the look's information, its increment and that of the look after it.
    """
    now, step, following = steps
    low, high = max(low, -_REACH * math.sqrt(now)), min(high, _REACH * math.sqrt(now))
    if not low < high:
        return 0
    width = _PANEL * math.sqrt(min(step, following))
    points = _ABSCISSAE.size
    panels = min(math.ceil((high - low) / width), _MOST_NODES // points)
    half, sd = 0.5 * (high - low) / panels, math.sqrt(step)
    for i in range(panels * points):
        y = low + half * (2 * (i // points) + 1 + _ABSCISSAE[i % points])
        total = 0.0
        for j in range(count):
            total += mass[j] * math.exp(-0.5 * ((y - at[j]) / sd) ** 2)
        to[i] = y
        masses[i] = half * _WEIGHTS[i % points] * _DENSITY_AT_0 / sd * total
    return panels * points


@kernel
def _follow(
    k: int, information: Floats, bounds: Floats, arm: Floats, control: float, past: Floats,
    at: Floats, mass: Floats, count: Ints,
) -> None:  # fmt: skip
    """Take one arm to look ``k``, given what the control has come to there.

    ``past`` (look + 1, 2) is filled with its chances to have crossed, and fallen, by then;
    ``at``, ``mass`` (look + 1, node) and ``count`` (look + 1,) with the nodes of those who go on.
    """
    before, now = (information[k - 1] if k > 0 else 0.0), information[k]
    loading, drift = arm
    own, sd = math.sqrt(1.0 - loading * loading), math.sqrt(now - before)
    shift = loading * control - drift * now
    low, high = (bounds[0, k] * math.sqrt(now) + shift) / own, np.inf
    if bounds[1, k] < np.inf:
        high = (bounds[1, k] * math.sqrt(now) + shift) / own
    y, m, size = at[k], mass[k], count[k]
    past[k + 1, CROSSED] = past[k, CROSSED] + _above(y, m, size, high, sd)
    past[k + 1, FELL] = past[k, FELL] + _above(-y, m, size, -low, sd)
    if k + 1 < information.size:
        steps = np.array([now, now - before, information[k + 1] - now])
        count[k + 1] = _onward(y, m, size, steps, low, high, at[k + 1], mass[k + 1])


@kernel
def fates(
    information: Floats, bounds: Floats, arms: Floats, like: Ints, rule: Floats
) -> tuple[Floats, Floats, Floats]:
    """Chances of what becomes of the trial and of its arms.

    ``bounds`` (2, look) are lower and upper; ``arms`` (arm, 2) loadings and drifts, ``like`` the
    first arm with the same of each; ``rule`` (2, node) nodes and weights of the outer integral. The
    trial stops at the first look at which an arm crosses its upper bound, or no arm is left.
    Returned are stops (2, look), for efficacy and because no arm is left; ends (2, arm, look), of
    arms that cross where the trial stops, and that fall to their lower bound while the trial goes;
    and of arms (arm, look) that go on after a look. At the last look an arm that does not cross
    falls.
    """
    looks, many, nodes = information.size, arms.shape[0], rule.shape[1]
    stops, ends = np.zeros((2, looks)), np.zeros((2, many, looks))
    going = np.zeros((many, looks))
    at, mass = np.zeros((many, looks, _MOST_NODES)), np.zeros((many, looks, _MOST_NODES))
    count = np.ones((many, looks), np.int64)
    mass[:, 0, 0] = 1.0  # everybody starts at 0
    past = np.zeros((many, looks + 1, 2))
    control, weight = np.zeros(looks + 1), np.ones(looks + 1)
    digit = np.full(looks, -1)  # which node of each look's rule: they are gone through as a tree
    k = 0
    while k >= 0:
        digit[k] += 1
        if digit[k] == nodes:
            digit[k] = -1
            k -= 1
            continue
        step = information[k] - (information[k - 1] if k > 0 else 0.0)
        control[k + 1] = control[k] + math.sqrt(step) * rule[0, digit[k]]
        weight[k + 1] = weight[k] * rule[1, digit[k]]
        for a in range(many):
            if like[a] < a:
                past[a, k + 1] = past[like[a], k + 1]
            else:
                _follow(k, information, bounds, arms[a], control[k + 1], past[a], at[a], mass[a],
                        count[a])  # fmt: skip
        _add(past[:, k], past[:, k + 1], weight[k + 1], k, stops, ends, going)
        if k + 1 < looks:
            k += 1
    return stops, ends, going


@kernel
def _add(
    before: Floats, after: Floats, weight: float, k: int, stops: Floats, ends: Floats,
    going: Floats,
) -> None:  # fmt: skip
    """Add what one path of the control up to look ``k`` leads to."""
    many = before.shape[0]
    uncrossed, still, fallen, fell = 1.0, 1.0, 1.0, 1.0
    for arm in range(many):
        uncrossed *= 1.0 - before[arm, CROSSED]
        still *= 1.0 - after[arm, CROSSED]
        fallen *= before[arm, FELL]
        fell *= after[arm, FELL]
    stops[0, k] += weight * (uncrossed - still)
    stops[1, k] += weight * (fell - (fallen if k > 0 else 0.0))
    for arm in range(many):
        others_before, others_after = 1.0, 1.0
        for other in range(many):
            if other != arm:
                others_before *= 1.0 - before[other, CROSSED]
                others_after *= 1.0 - after[other, CROSSED]
        for end in range(2):
            ends[end, arm, k] += weight * others_before * (after[arm, end] - before[arm, end])
        on = 1.0 - after[arm, CROSSED] - after[arm, FELL]
        going[arm, k] += weight * others_after * on
