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

from phase2sim.contracts import Floats, Ints
from phase2sim.kernels import kernel

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
def _onward(  # noqa: PLR0913 - a kernel takes arrays, not objects
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
def fates(  # noqa: PLR0913 - a kernel takes arrays, not objects
    information: Floats, lower: Floats, upper: Floats, arms: Floats, like: Ints, rule: Floats
) -> tuple[Floats, Floats, Floats]:
    """Chances of what becomes of the trial and of its arms.

    ``arms`` (2, arm) holds loadings and drifts; ``like`` the first arm with the same of each;
    ``rule`` (2, node) nodes and weights of the outer integral. The trial stops at the first look
    at which an arm crosses its upper bound, or no arm is left. Returned are stops (2, look), for
    efficacy and because no arm is left; ends (2, arm, look), of arms that cross where the trial
    stops, and that fall to their lower bound while the trial goes; and of arms (arm, look) that go
    on after a look. At the last look an arm that does not cross falls.
    """
    looks, many, nodes = information.size, arms.shape[1], rule.shape[1]
    stops, ends = np.zeros((2, looks)), np.zeros((2, many, looks))
    going = np.zeros((many, looks))
    at = np.zeros((looks, many, _MOST_NODES))
    mass = np.zeros((looks, many, _MOST_NODES))
    count = np.zeros((looks, many), np.int64)
    control, weight = np.zeros(looks + 1), np.ones(looks + 1)
    past = np.zeros((looks + 1, 2, many))  # crossed, and fallen, up to before each look
    digit = np.full(looks, -1)
    start, whole = np.zeros(1), np.ones(1)
    k = 0
    while k >= 0:
        digit[k] += 1
        if digit[k] == nodes:
            digit[k] = -1
            k -= 1
            continue
        before = information[k - 1] if k > 0 else 0.0
        now = information[k]
        step = now - before
        following = information[k + 1] - now if k + 1 < looks else now
        control[k + 1] = control[k] + math.sqrt(step) * rule[0, digit[k]]
        weight[k + 1] = weight[k] * rule[1, digit[k]]
        for arm in range(many):
            if like[arm] < arm:
                past[k + 1, :, arm] = past[k + 1, :, like[arm]]
                continue
            b, drift = arms[0, arm], arms[1, arm]
            a, sd = math.sqrt(1.0 - b * b), math.sqrt(step)
            shift = b * control[k + 1] - drift * now
            high = (upper[k] * math.sqrt(now) + shift) / a
            low = (lower[k] * math.sqrt(now) + shift) / a
            y, m, size = start, whole, 1
            if k > 0:
                y, m, size = at[k - 1, arm], mass[k - 1, arm], count[k - 1, arm]
            past[k + 1, CROSSED, arm] = past[k, CROSSED, arm] + _above(y, m, size, high, sd)
            fell = _above(-y, m, size, -low, sd)
            past[k + 1, FELL, arm] = past[k, FELL, arm] + fell
            if k + 1 < looks:
                steps = np.array([now, step, following])
                count[k, arm] = _onward(y, m, size, steps, low, high, at[k, arm], mass[k, arm])
        _add(past[k], past[k + 1], weight[k + 1], k, stops, ends, going)
        if k + 1 < looks:
            k += 1
    return stops, ends, going


@kernel
def _add(  # noqa: PLR0913 - a kernel takes arrays, not objects
    before: Floats, after: Floats, weight: float, k: int, stops: Floats, ends: Floats,
    going: Floats,
) -> None:  # fmt: skip
    """Add what one path of the control up to look ``k`` leads to."""
    many = before.shape[1]
    uncrossed, still, fallen, fell = 1.0, 1.0, 1.0, 1.0
    for arm in range(many):
        uncrossed *= 1.0 - before[CROSSED, arm]
        still *= 1.0 - after[CROSSED, arm]
        fallen *= before[FELL, arm]
        fell *= after[FELL, arm]
    stops[0, k] += weight * (uncrossed - still)
    stops[1, k] += weight * (fell - (fallen if k > 0 else 0.0))
    for arm in range(many):
        others_before, others_after = 1.0, 1.0
        for other in range(many):
            if other != arm:
                others_before *= 1.0 - before[CROSSED, other]
                others_after *= 1.0 - after[CROSSED, other]
        for end in range(2):
            ends[end, arm, k] += weight * others_before * (after[end, arm] - before[end, arm])
        on = 1.0 - after[CROSSED, arm] - after[FELL, arm]
        going[arm, k] += weight * others_after * on
