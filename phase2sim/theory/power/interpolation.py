"""Power at many sizes from its values at few: Chebyshev points, as many as its smoothness asks."""

from functools import lru_cache

import numpy as np
from numpy.polynomial import chebyshev
from scipy import special

from phase2sim.core.arrays import Floats

_NEGLIGIBLE = 1e-14  # error of an interpolated power


def interpolation_weights(at: Floats, points: int) -> tuple[Floats, Floats]:
    """Where to know a smooth function, (node,), and how that gives it ``at`` points (at, node)."""
    distinct, place = np.unique(at, return_inverse=True)
    if points >= distinct.size:
        return distinct, np.eye(distinct.size)[place]
    low, half = distinct[0], (distinct[-1] - distinct[0]) / 2.0
    nodes, to_coefficients = _chebyshev(points)
    polynomials = chebyshev.chebvander((at - low) / half - 1.0, points - 1)
    return low + half * (1.0 + nodes), polynomials @ to_coefficients


@lru_cache(maxsize=64)
def _chebyshev(points: int) -> tuple[Floats, Floats]:
    """Points in [-1, 1], and how values there give the coefficients of a polynomial."""
    nodes = chebyshev.chebpts1(points)
    polynomials = chebyshev.chebvander(nodes, points - 1)
    to_coefficients = np.linalg.inv(polynomials).astype(np.float64, copy=False)
    nodes.flags.writeable = to_coefficients.flags.writeable = False
    return nodes, to_coefficients


def enough_shifts(shift: Floats) -> int:
    """Chebyshev points that give power at every shift.

    As a function of its shift, power is about a normal distribution's: its n-th derivative is
    at most about the root of n!, and so the error of n points follows.
    """
    half = float(np.ptp(shift)) / 2.0
    n = np.arange(1, 200)
    error = n * np.log(max(half, _NEGLIGIBLE) / 2.0) - special.gammaln(n + 1) / 2.0
    enough = n[error < np.log(_NEGLIGIBLE)]
    return int(enough[0]) if enough.size else shift.size


def enough_sizes(total: Floats, no_df: float) -> int:
    """Chebyshev points that give power, at a fixed shift, at every number of patients.

    It is analytic but where no degree of freedom is left, so the error falls by the factor of
    the Bernstein ellipse through there with every point.
    """
    low, high = float(total.min()), float(total.max())
    if low == high:
        return 1
    away = (low + high - 2.0 * no_df) / (high - low)
    return int(np.ceil(-np.log(_NEGLIGIBLE) / np.arccosh(max(away, 1.0 + _NEGLIGIBLE))))
