"""Chance of success at the end, given a look: conditional and predictive power, and their inverse.

``fraction`` is the look's share of the information and ``final`` the critical z at the end; looks
in between are not looked at. ``drift`` is an effect times the square root of all information.
Jennison and Turnbull (1999), sections 10.2 and 10.3; Spiegelhalter, Freedman and Blackburn (1986).
"""

import numpy as np
from scipy.special import ndtr, ndtri

from phase2sim.core.arrays import Floats

type Numbers = Floats | float


def conditional_power(
    z: Numbers, fraction: Numbers, final: Numbers, drift: Numbers | None = None
) -> Floats:
    """Chance of success given z at a look, if the effect is ``drift``, or the one observed."""
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
    """Conditional power averaged over what is believed of the effect at the look.

    ``prior`` is the mean and the SD of the drift before the trial; flat if not given.
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
    """Z at a look with this conditional power."""
    t = np.asarray(fraction, dtype=np.float64)
    needed = final + np.sqrt(1 - t) * ndtri(power)
    if drift is None:
        return np.asarray(np.sqrt(t) * needed)
    return np.asarray((needed - (1 - t) * drift) / np.sqrt(t))


def z_for_predictive_power(power: Numbers, fraction: Numbers, final: Numbers) -> Floats:
    """Z at a look with this predictive power under a flat prior."""
    t = np.asarray(fraction, dtype=np.float64)
    return np.asarray(np.sqrt(t) * (final + np.sqrt((1 - t) / t) * ndtri(power)))
