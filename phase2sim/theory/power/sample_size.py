"""Sample size of the t and z tests of two means."""

from collections.abc import Callable

import numpy as np
from scipy import optimize, special

from phase2sim.core.arrays import Floats
from phase2sim.theory.power.t_and_z_power import power_t

LARGEST_ARM = 1e9  # patients, where a search for a sample size gives up


def patients_z(  # noqa: PLR0917  a test has this many parameters
    effect: float,
    sd: float,
    target_power: float,
    one_sided_alpha: float,
    treated_per_control: float = 1.0,
    null_effect: float = 0.0,
) -> tuple[float, float]:
    """Sample size of the one-sided z test of two means with known SD.

    Parameters
    ----------
    effect : float
        True effect in the direction of benefit, in the unit of the outcome.
    sd : float
        Between-patient SD of the outcome in either arm, above 0.
    target_power : float
        Power, above ``one_sided_alpha`` and below 1.
    one_sided_alpha : float
        One-sided level, between 0 and 1.
    treated_per_control : float, default 1.0
        Allocation ratio, above 0.
    null_effect : float, default 0.0
        Effect under the null hypothesis; negative for a non-inferiority margin.

    Returns
    -------
    treated : float
        Patients in the treated arm, not rounded.
    control : float
        Patients in the control arm, not rounded.

    Raises
    ------
    ValueError
        If the effect is not above the null effect.

    References
    ----------
    Julious (2004), Statistics in Medicine 23: 1921-1986.

    Examples
    --------
    Half an SD with 80 % power at one-sided 2.5 %: ``2 (1.959964 + 0.841621)**2 / 0.5**2`` per arm.

    >>> treated, control = patients_z(0.5, 1.0, 0.8, 0.025)
    >>> round(treated, 4), round(control, 4)
    (62.791, 62.791)
    """
    _check_direction(effect, null_effect)
    needed = special.ndtri(target_power) - special.ndtri(one_sided_alpha)
    control = (1 + 1 / treated_per_control) * float(needed * sd / (effect - null_effect)) ** 2
    return treated_per_control * control, control


def patients_t(  # noqa: PLR0917  a test has this many parameters
    effect: float,
    sd: float,
    target_power: float,
    one_sided_alpha: float,
    treated_per_control: float = 1.0,
    null_effect: float = 0.0,
) -> tuple[float, float]:
    """Sample size of the one-sided pooled t test of two means.

    There are never fewer than three patients in both arms together, for one degree of freedom.

    Parameters
    ----------
    effect : float
        True effect in the direction of benefit, in the unit of the outcome.
    sd : float
        Between-patient SD of the outcome in either arm, above 0.
    target_power : float
        Power, above ``one_sided_alpha`` and below 1.
    one_sided_alpha : float
        One-sided level, between 0 and 1.
    treated_per_control : float, default 1.0
        Allocation ratio, above 0.
    null_effect : float, default 0.0
        Effect under the null hypothesis; negative for a non-inferiority margin.

    Returns
    -------
    treated : float
        Patients in the treated arm, not rounded.
    control : float
        Patients in the control arm, not rounded.

    Raises
    ------
    ValueError
        If the effect is not above the null effect, or if an arm of 1e9 patients is not
        enough.

    References
    ----------
    Johnson, Kotz and Balakrishnan (1995), Continuous Univariate Distributions, volume 2, chapter
    31, on the noncentral t distribution.

    Examples
    --------
    0.35 SD with 90 % power at one-sided 5 % (``power.t.test`` of R 4.2.2: 280.999027 patients):

    >>> round(sum(patients_t(0.525, 1.5, 0.9, 0.05)), 5)
    280.99903
    """
    _check_direction(effect, null_effect)

    def short_of_target(control: float) -> float:
        treated = treated_per_control * control
        power = power_t(effect, sd, treated, control, one_sided_alpha, null_effect)
        return float(power) - target_power

    smallest = 3.0 / (1.0 + treated_per_control)  # one degree of freedom
    if short_of_target(smallest) >= 0.0:
        return treated_per_control * smallest, smallest
    # The z test needs fewer and the t test a few more; doubling finds a size that is enough.
    args = (effect, sd, target_power, one_sided_alpha, treated_per_control, null_effect)
    largest = max(2.0 * smallest, patients_z(*args)[1])
    while short_of_target(largest) < 0.0:
        largest *= 2.0
        if largest > LARGEST_ARM:
            raise ValueError(f"no trial below {LARGEST_ARM:g} patients an arm has this power.")
    control = float(optimize.brentq(short_of_target, smallest, largest, xtol=1e-11, rtol=1e-14))
    return treated_per_control * control, control


def whole_patients(
    power: Callable[[Floats, Floats], Floats],
    control: float,
    target_power: float,
    treated_per_control: float = 1.0,
) -> tuple[int, int]:
    """Smallest whole sample size near a fractional one that has the power.

    Parameters
    ----------
    power : callable
        Power for arrays of treated and of control patients.
    control : float
        Fractional number of control patients, as from ``patients_t`` or ``patients_z``.
    target_power : float
        Power, between 0 and 1.
    treated_per_control : float, default 1.0
        Allocation ratio, above 0.

    Returns
    -------
    treated : int
        Patients in the treated arm: the ratio times control, rounded up.
    control : int
        Patients in the control arm.

    References
    ----------
    Julious (2004), Statistics in Medicine 23: 1921-1986.

    Examples
    --------
    ``power.t.test`` of R 4.2.2 needs 141 patients per arm for 0.35 SD with 90 % power:

    >>> from functools import partial
    >>> power = partial(power_t, 0.525, 1.5, one_sided_alpha=0.05)
    >>> whole_patients(power, patients_t(0.525, 1.5, 0.9, 0.05)[1], 0.9)
    (141, 141)
    """
    n = max(1, int(np.ceil(control)) - 1)
    while True:
        treated = int(np.ceil(treated_per_control * n - 1e-9))
        if power(np.asarray(float(treated)), np.asarray(float(n))) >= target_power:
            return treated, n
        n += 1


def _check_direction(effect: float, null_effect: float) -> None:
    """Raise ``ValueError`` unless the effect exceeds the null effect."""
    if not effect > null_effect:
        raise ValueError(
            f"effect is {effect:g}, not above the null effect {null_effect:g}; no size is enough."
        )
