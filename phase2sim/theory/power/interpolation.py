"""Interpolation of power from a few Chebyshev points; their number follows from its smoothness."""

from functools import lru_cache

import numpy as np
from numpy.polynomial import chebyshev
from scipy import special

from phase2sim.core.arrays import Floats

_NEGLIGIBLE = 1e-14  # error of an interpolated power


def interpolation_weights(values: Floats, points: int) -> tuple[Floats, Floats]:
    """Nodes at which to evaluate a smooth function, and weights that interpolate it.

    Parameters
    ----------
    values : ndarray of float, (value,)
        Arguments at which the function is needed.
    points : int
        Number of Chebyshev points; 1 or more.

    Returns
    -------
    nodes : ndarray of float, (node,)
        Chebyshev points over the range of the arguments, or the distinct arguments themselves if
        there are no more of these.
    weights : ndarray of float, (value, node)
        The function at the arguments is ``weights`` times the function at the nodes.

    References
    ----------
    Trefethen (2019), Approximation Theory and Approximation Practice, chapters 7 and 8.

    Examples
    --------
    Four points reproduce a cubic:

    >>> values = np.linspace(-1.0, 3.0, 9)
    >>> nodes, weights = interpolation_weights(values, 4)
    >>> bool(np.allclose(weights @ nodes**3, values**3))
    True
    """
    distinct, index = np.unique(values, return_inverse=True)
    if points >= distinct.size:
        return distinct, np.eye(distinct.size)[index]
    low, half = distinct[0], (distinct[-1] - distinct[0]) / 2.0
    nodes, to_coefficients = _chebyshev_points(points)
    polynomials = chebyshev.chebvander((values - low) / half - 1.0, points - 1)
    return low + half * (1.0 + nodes), polynomials @ to_coefficients


@lru_cache(maxsize=64)
def _chebyshev_points(points: int) -> tuple[Floats, Floats]:
    """Points in [-1, 1], and the matrix from values there to coefficients of a polynomial."""
    nodes = chebyshev.chebpts1(points)
    polynomials = chebyshev.chebvander(nodes, points - 1)
    to_coefficients = np.linalg.inv(polynomials).astype(np.float64, copy=False)
    nodes.flags.writeable = to_coefficients.flags.writeable = False
    return nodes, to_coefficients


def enough_shifts(shift: Floats) -> int:
    """Chebyshev points that interpolate power at every noncentrality with an error below 1e-14.

    As a function of the noncentrality, power is close to a normal distribution function: its n-th
    derivative is at most about ``sqrt(n!)``, from which the error of n points follows.

    Parameters
    ----------
    shift : ndarray of float, (value,)
        Noncentralities.

    Returns
    -------
    int
        Number of points, at most the number of values if more than 199 would be needed.

    References
    ----------
    Trefethen (2019), Approximation Theory and Approximation Practice, chapters 7 and 8.

    Examples
    --------
    Equal values need one point:

    >>> enough_shifts(np.full(5, 2.8))
    1
    """
    half = float(np.ptp(shift)) / 2.0
    n = np.arange(1, 200)
    error = n * np.log(max(half, _NEGLIGIBLE) / 2.0) - special.gammaln(n + 1) / 2.0
    enough = n[error < np.log(_NEGLIGIBLE)]
    return int(enough[0]) if enough.size else shift.size


def enough_sizes(total: Floats, no_df: float) -> int:
    """Chebyshev points that interpolate power, at a fixed noncentrality, at every sample size.

    Power is analytic except where no degree of freedom is left, so that every point reduces the
    error by the factor of the Bernstein ellipse through that size.

    Parameters
    ----------
    total : ndarray of float, (value,)
        Patients in both arms.
    no_df : float
        Number of patients that leaves no degree of freedom, below all values.

    Returns
    -------
    int
        Number of points; 1 if all values are equal.

    References
    ----------
    Trefethen (2019), Approximation Theory and Approximation Practice, chapters 7 and 8.

    Examples
    --------
    From 52 to 102 patients with a singularity at 2: the ellipse has parameter
    ``exp(acosh(75 / 25))`` = 5.828, and ``14 ln(10) / ln(5.828)`` = 18.3.

    >>> enough_sizes(np.array([52.0, 102.0]), 2.0)
    19
    """
    low, high = float(total.min()), float(total.max())
    if low == high:
        return 1
    distance = (low + high - 2.0 * no_df) / (high - low)
    return int(np.ceil(-np.log(_NEGLIGIBLE) / np.arccosh(max(distance, 1.0 + _NEGLIGIBLE))))
