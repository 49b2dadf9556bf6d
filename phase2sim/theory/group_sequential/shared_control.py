"""Exit probabilities of several treated arms that share a control, by integrating over the control.

Magirr, Jaki and Whitehead (Biometrika 2012): given the path of the control arm, the treated arms
are independent. With ``W_0`` and ``W_k`` independent Brownian motions over the fraction t of the
information, arm k has ``Z_k(t) = (a W_k(t) - b W_0(t)) / sqrt(t) + drift sqrt(t)``, where ``b`` is
its loading, sqrt(n_k / (n_k + n_0)), and ``a^2 = 1 - b^2``. The outer integral runs over the
increments of the control, look by look, with a Gauss-Hermite rule. The inner integral follows each
arm as a single group sequential test (``integration``), with bounds that move with the control.
"""

import math

import numpy as np

from phase2sim.core.arrays import Floats, Ints
from phase2sim.core.kernels import kernel

_REACH = 6.5  # standard deviations; the tail beyond has probability below 1e-10
_PANEL = 4.0  # width of a panel in standard deviations of an increment
_MOST_NODES = 400
_ABSCISSAE, _WEIGHTS = np.polynomial.legendre.leggauss(12)
_ROOT_2, _DENSITY_AT_0 = math.sqrt(2.0), 1.0 / math.sqrt(2.0 * math.pi)
# Probabilities of each arm at each look: to cross the upper bound, to fall to the lower one.
CROSSED, FELL = 0, 1


@kernel
def _tail_above(nodes: Floats, mass: Floats, count: int, bound: float, sd: float) -> float:
    """Probability of continuing to a look and lying above ``bound`` there."""
    if bound == np.inf:
        return 0.0
    total = 0.0
    for i in range(count):
        total += mass[i] * 0.5 * math.erfc((bound - nodes[i]) / (sd * _ROOT_2))
    return total


@kernel
def _continue_arm(
    nodes: Floats, mass: Floats, count: int, steps: Floats, low: float, high: float,
    next_nodes: Floats, next_mass: Floats,
) -> int:  # fmt: skip
    """Fill the nodes between two bounds at a look and return their number.

    ``steps`` holds the information of the look, its increment and that of the look after it.
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
            total += mass[j] * math.exp(-0.5 * ((y - nodes[j]) / sd) ** 2)
        next_nodes[i] = y
        next_mass[i] = half * _WEIGHTS[i % points] * _DENSITY_AT_0 / sd * total
    return panels * points


@kernel
def _follow_arm(
    k: int, information: Floats, bounds: Floats, arm: Floats, control: float, past: Floats,
    nodes: Floats, mass: Floats, count: Ints,
) -> None:  # fmt: skip
    """Take one arm to look ``k``, given the value of the control's Brownian motion there.

    ``past`` (look + 1, 2) is filled with the probabilities to have crossed, and fallen, by then;
    ``nodes``, ``mass`` (look + 1, node) and ``count`` (look + 1,) with the arm if it continues.
    """
    before, now = (information[k - 1] if k > 0 else 0.0), information[k]
    loading, drift = arm
    arm_sd, sd = math.sqrt(1.0 - loading * loading), math.sqrt(now - before)
    shift = loading * control - drift * now
    low, high = (bounds[0, k] * math.sqrt(now) + shift) / arm_sd, np.inf
    if bounds[1, k] < np.inf:
        high = (bounds[1, k] * math.sqrt(now) + shift) / arm_sd
    y, m, size = nodes[k], mass[k], count[k]
    past[k + 1, CROSSED] = past[k, CROSSED] + _tail_above(y, m, size, high, sd)
    past[k + 1, FELL] = past[k, FELL] + _tail_above(-y, m, size, -low, sd)
    if k + 1 < information.size:
        steps = np.array([now, now - before, information[k + 1] - now])
        count[k + 1] = _continue_arm(y, m, size, steps, low, high, nodes[k + 1], mass[k + 1])


@kernel
def shared_control_outcomes(
    information: Floats, bounds: Floats, arms: Floats, first_alike: Ints, rule: Floats
) -> tuple[Floats, Floats, Floats]:
    """Probabilities of what happens to the trial and to each arm, look by look.

    The trial stops at the first look at which an arm crosses its upper bound, or at which no arm
    is left. At the last look an arm that does not cross counts as fallen.

    Parameters
    ----------
    information : ndarray of float, (look,)
        Information fractions, rising to 1; the same for every arm.
    bounds : ndarray of float, (2, look)
        Lower bounds on z, then upper ones.
    arms : ndarray of float, (arm, 2)
        Loading and drift of each arm. The loading is ``sqrt(n / (n + n_control))``, the drift the
        true effect over the standard error of the final comparison.
    first_alike : ndarray of int, (arm,)
        Index of the first arm with the same loading and drift, which is computed once.
    rule : ndarray of float, (2, node)
        Nodes and weights of the mean over a standard normal variable, for each increment of the
        control.

    Returns
    -------
    stops : ndarray of float, (2, look)
        Probability that the trial stops at a look for efficacy, and because no arm is left.
    ends : ndarray of float, (2, arm, look)
        Probability that an arm crosses where the trial stops, and that it falls to its lower bound
        while the trial continues.
    going : ndarray of float, (arm, look)
        Probability that an arm continues after a look.

    References
    ----------
    Magirr, Jaki and Whitehead (2012), Biometrika 99: 494-501.

    Examples
    --------
    One look and three arms as large as control is Dunnett's test: z = 2.062 has a familywise error
    of 5 % (R package MAMS, Journal of Statistical Software 88(4), 2019):

    >>> x, w = np.polynomial.hermite_e.hermegauss(64)
    >>> rule = np.stack([x, w / np.sqrt(2.0 * np.pi)])
    >>> arms = np.column_stack([np.full(3, np.sqrt(0.5)), np.zeros(3)])
    >>> bounds = np.array([[2.062], [2.062]])
    >>> first_alike = np.zeros(3, dtype=np.int64)
    >>> stops, _, _ = shared_control_outcomes(np.ones(1), bounds, arms, first_alike, rule)
    >>> round(float(stops[0, 0]), 3)
    0.05
    """
    looks, arm_count, points = information.size, arms.shape[0], rule.shape[1]
    stops, ends = np.zeros((2, looks)), np.zeros((2, arm_count, looks))
    going = np.zeros((arm_count, looks))
    nodes, mass = (
        np.zeros((arm_count, looks, _MOST_NODES)),
        np.zeros((arm_count, looks, _MOST_NODES)),
    )
    count = np.ones((arm_count, looks), np.int64)
    mass[:, 0, 0] = 1.0  # every arm starts at 0
    past = np.zeros((arm_count, looks + 1, 2))
    control, weight = np.zeros(looks + 1), np.ones(looks + 1)
    digit = np.full(looks, -1)  # node of the rule at each look: the paths of the control are a tree
    k = 0
    while k >= 0:
        digit[k] += 1
        if digit[k] == points:
            digit[k] = -1
            k -= 1
            continue
        step = information[k] - (information[k - 1] if k > 0 else 0.0)
        control[k + 1] = control[k] + math.sqrt(step) * rule[0, digit[k]]
        weight[k + 1] = weight[k] * rule[1, digit[k]]
        for a in range(arm_count):
            if first_alike[a] < a:
                past[a, k + 1] = past[first_alike[a], k + 1]
            else:
                _follow_arm(k, information, bounds, arms[a], control[k + 1], past[a], nodes[a],
                            mass[a], count[a])  # fmt: skip
        _add_path(past[:, k], past[:, k + 1], weight[k + 1], k, stops, ends, going)
        if k + 1 < looks:
            k += 1
    return stops, ends, going


@kernel
def _add_path(
    before: Floats, after: Floats, weight: float, k: int, stops: Floats, ends: Floats,
    going: Floats,
) -> None:  # fmt: skip
    """Add the contribution of one path of the control up to look ``k``."""
    arm_count = before.shape[0]
    uncrossed, still, fallen, fell = 1.0, 1.0, 1.0, 1.0
    for arm in range(arm_count):
        uncrossed *= 1.0 - before[arm, CROSSED]
        still *= 1.0 - after[arm, CROSSED]
        fallen *= before[arm, FELL]
        fell *= after[arm, FELL]
    stops[0, k] += weight * (uncrossed - still)
    stops[1, k] += weight * (fell - (fallen if k > 0 else 0.0))
    for arm in range(arm_count):
        others_before, others_after = 1.0, 1.0
        for other in range(arm_count):
            if other != arm:
                others_before *= 1.0 - before[other, CROSSED]
                others_after *= 1.0 - after[other, CROSSED]
        for end in range(2):
            ends[end, arm, k] += weight * others_before * (after[arm, end] - before[arm, end])
        on = 1.0 - after[arm, CROSSED] - after[arm, FELL]
        going[arm, k] += weight * others_after * on
