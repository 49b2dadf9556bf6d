"""Tails and quantiles of the t distribution, and the standard error of a difference."""

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from phase2sim.core.arrays import Floats


def positive_or_nan(df: ArrayLike) -> Floats:
    """Degrees of freedom or sizes, with nan for those that are not above 0.

    Parameters
    ----------
    df : array_like of float, (...)
        Degrees of freedom, or patients.

    Returns
    -------
    ndarray of float, (...)
        The same values, or nan.

    References
    ----------
    Johnson, Kotz and Balakrishnan (1995), Continuous Univariate Distributions, volume 2, chapter
    31, on the noncentral t distribution.

    Examples
    --------
    >>> positive_or_nan([3.0, 0.0, -1.0]).tolist()
    [3.0, nan, nan]
    """
    return np.where(np.asarray(df) > 0.0, df, np.nan)


def unit_standard_error(n_treated: ArrayLike, n_control: ArrayLike) -> Floats:
    """Standard error of a difference of two means for an SD of 1.

    Parameters
    ----------
    n_treated : array_like of float, (...)
        Patients in the treated arm; need not be whole numbers.
    n_control : array_like of float, (...)
        Patients in the control arm.

    Returns
    -------
    ndarray of float, (...)
        ``sqrt(1 / n_treated + 1 / n_control)``; nan for an empty arm.

    References
    ----------
    Julious (2004), Statistics in Medicine 23: 1921-1986.

    Examples
    --------
    >>> round(float(unit_standard_error(50, 50)), 12)
    0.2
    """
    treated, control = positive_or_nan(n_treated), positive_or_nan(n_control)
    return np.sqrt(1.0 / treated + 1.0 / control)


def t_critical_value(df: Floats, one_sided_alpha: float) -> Floats:
    """Upper critical value of the t distribution.

    Parameters
    ----------
    df : ndarray of float, (...)
        Degrees of freedom, above 0 or nan.
    one_sided_alpha : float
        One-sided level, between 0 and 1.

    Returns
    -------
    ndarray of float, (...)
        Value exceeded with probability ``one_sided_alpha``.

    References
    ----------
    Johnson, Kotz and Balakrishnan (1995), Continuous Univariate Distributions, volume 2, chapter
    28.

    Examples
    --------
    Two-sided 5 % with 10 degrees of freedom (any table of t: 2.228):

    >>> round(float(t_critical_value(np.array(10.0), 0.025)), 3)
    2.228
    """
    return np.asarray(-special.stdtrit(df, one_sided_alpha))


def noncentral_t_tail(df: Floats, shift: Floats, bound: Floats) -> Floats:
    """Upper tail probability of the noncentral t distribution.

    Parameters
    ----------
    df : ndarray of float, (...)
        Degrees of freedom, above 0 or nan.
    shift : ndarray of float, (...)
        Noncentrality: effect over the standard error of its estimate with the true SD.
    bound : ndarray of float, (...)
        Bound on t.

    Returns
    -------
    ndarray of float, (...)
        Probability above the bound; all arguments broadcast.

    References
    ----------
    Johnson, Kotz and Balakrishnan (1995), Continuous Univariate Distributions, volume 2, chapter
    31, on the noncentral t distribution.

    Examples
    --------
    The tail of the central distribution, and ``nct.sf`` of scipy.stats:

    >>> from scipy import stats
    >>> df, shift, bound = np.array(22.0), np.array(2.694439), np.array(2.073873)
    >>> round(float(noncentral_t_tail(df, 0.0 * shift, bound)), 6)
    0.025
    >>> bool(abs(noncentral_t_tail(df, shift, bound) - stats.nct.sf(bound, df, shift)) < 1e-9)
    True
    """
    if not np.any(shift):  # the central distribution takes a fiftieth of the time
        return np.asarray(1.0 - special.stdtr(df, bound) + shift)
    return np.asarray(1.0 - special.nctdtr(df, shift, bound))
