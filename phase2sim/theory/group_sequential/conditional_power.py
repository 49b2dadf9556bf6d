"""Probability of success at the end given a look: conditional and predictive power, and inverses.

The last analysis alone is considered; looks in between are ignored. Drift is the true effect times
the square root of the maximum information. Jennison and Turnbull (1999), sections 10.2 and 10.3;
Spiegelhalter, Freedman and Blackburn (1986).
"""

import numpy as np
from scipy.special import ndtr, ndtri

from phase2sim.core.arrays import Floats

type Numbers = Floats | float


def conditional_power(
    z: Numbers, fraction: Numbers, final: Numbers, drift: Numbers | None = None
) -> Floats:
    """Probability of success at the end, given z at a look and a true effect.

    Parameters
    ----------
    z : float or ndarray of float, (...)
        Statistic at the look.
    fraction : float or ndarray of float, (...)
        Information fraction of the look, above 0 and below 1.
    final : float or ndarray of float, (...)
        Critical z of the last analysis.
    drift : float or ndarray of float, optional
        True effect times the square root of the maximum information. If omitted, the effect
        estimated at the look is taken as true (current trend).

    Returns
    -------
    ndarray of float, (...)
        Probability; all arguments broadcast.

    References
    ----------
    Lan, Simon and Halperin (1982), Communications in Statistics C 1: 207-219. Jennison and Turnbull
    (1999), Group Sequential Methods, section 10.2.

    Examples
    --------
    z = 1.2 at half of the information, 1.96 critical at the end (closed form by R 4.2.2:
    0.3549990719):

    >>> round(float(conditional_power(1.2, 0.5, 1.96)), 8)
    0.35499907
    """
    trend = np.divide(z, np.sqrt(fraction)) if drift is None else drift
    expected = np.sqrt(fraction) * z + (1 - np.asarray(fraction)) * trend
    power: Floats = ndtr((expected - final) / np.sqrt(1 - np.asarray(fraction)))
    return power


def predictive_power(
    z: Numbers,
    fraction: Numbers,
    final: Numbers,
    prior: tuple[float, float] | None = None,
) -> Floats:
    """Conditional power averaged over the posterior of the effect at the look.

    Parameters
    ----------
    z : float or ndarray of float, (...)
        Statistic at the look.
    fraction : float or ndarray of float, (...)
        Information fraction of the look, above 0 and below 1.
    final : float or ndarray of float, (...)
        Critical z of the last analysis.
    prior : tuple of (float, float), optional
        Mean and SD of a normal prior of the drift. A flat prior if omitted.

    Returns
    -------
    ndarray of float, (...)
        Probability; ``z``, ``fraction`` and ``final`` broadcast.

    References
    ----------
    Spiegelhalter, Freedman and Blackburn (1986), Controlled Clinical Trials 7: 8-17. Jennison and
    Turnbull (1999), Group Sequential Methods, section 10.3.

    Examples
    --------
    z = 1.2 at half of the information, 1.96 critical at the end (closed form by R 4.2.2:
    0.396296977):

    >>> round(float(predictive_power(1.2, 0.5, 1.96)), 8)
    0.39629698

    A very narrow prior fixes the drift, here at 2.8, so predictive power is conditional power,
    ``Phi((sqrt(0.5) 1.2 + 0.5 2.8 - 1.96) / sqrt(0.5))``:

    >>> round(float(predictive_power(1.2, 0.5, 1.96, prior=(2.8, 1e-9))), 6)
    0.658378
    >>> round(float(conditional_power(1.2, 0.5, 1.96, drift=2.8)), 6)
    0.658378
    """
    t = np.asarray(fraction, dtype=np.float64)
    mean, variance = np.divide(z, np.sqrt(t)), 1 / t
    if prior is not None:
        variance = 1 / (t + prior[1] ** -2)
        mean = variance * (np.sqrt(t) * z + prior[0] * prior[1] ** -2)
    expected = np.sqrt(t) * z + (1 - t) * mean
    spread = np.sqrt((1 - t) + (1 - t) ** 2 * variance)
    power: Floats = ndtr((expected - final) / spread)
    return power


def z_for_conditional_power(
    power: Numbers, fraction: Numbers, final: Numbers, drift: Numbers | None = None
) -> Floats:
    """Value of z at a look that has a stated conditional power; inverts ``conditional_power``.

    Parameters
    ----------
    power : float or ndarray of float, (...)
        Conditional power, between 0 and 1.
    fraction : float or ndarray of float, (...)
        Information fraction of the look, above 0 and below 1.
    final : float or ndarray of float, (...)
        Critical z of the last analysis.
    drift : float or ndarray of float, optional
        True effect times the square root of the maximum information. If omitted, the effect
        estimated at the look is taken as true (current trend).

    Returns
    -------
    ndarray of float, (...)
        Statistic at the look; all arguments broadcast.

    References
    ----------
    Jennison and Turnbull (1999), Group Sequential Methods, section 10.2.

    Examples
    --------
    >>> round(float(z_for_conditional_power(0.3549990719, 0.5, 1.96)), 8)
    1.2
    """
    t = np.asarray(fraction, dtype=np.float64)
    needed = final + np.sqrt(1 - t) * ndtri(power)
    if drift is None:
        return np.asarray(np.sqrt(t) * needed)
    return np.asarray((needed - (1 - t) * drift) / np.sqrt(t))


def z_for_predictive_power(power: Numbers, fraction: Numbers, final: Numbers) -> Floats:
    """Value of z at a look that has a stated predictive power under a flat prior.

    Parameters
    ----------
    power : float or ndarray of float, (...)
        Predictive power, between 0 and 1.
    fraction : float or ndarray of float, (...)
        Information fraction of the look, above 0 and below 1.
    final : float or ndarray of float, (...)
        Critical z of the last analysis.

    Returns
    -------
    ndarray of float, (...)
        Statistic at the look; all arguments broadcast.

    References
    ----------
    Spiegelhalter, Freedman and Blackburn (1986), Controlled Clinical Trials 7: 8-17.

    Examples
    --------
    >>> round(float(z_for_predictive_power(0.396296977, 0.5, 1.96)), 8)
    1.2
    """
    t = np.asarray(fraction, dtype=np.float64)
    return np.asarray(np.sqrt(t) * (final + np.sqrt((1 - t) / t) * ndtri(power)))
