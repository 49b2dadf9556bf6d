"""Power of the t and z tests of two means and of one.

Effects count in the direction of benefit: the one-sided test looks for an ``effect`` above
``null_effect``. Sizes may be arrays, which broadcast, and need not be whole; power is nan where
there are too few patients for the test. Outcomes are normal.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from phase2sim.core.arrays import Floats
from phase2sim.theory.power.noncentral_t import (
    noncentral_t_tail,
    positive_or_nan,
    t_critical_value,
    unit_standard_error,
)


def power_z(  # noqa: PLR0917  a test has this many parameters
    effect: float,
    sd: float,
    n_treated: ArrayLike,
    n_control: ArrayLike,
    one_sided_alpha: float,
    null_effect: float = 0.0,
) -> Floats:
    """Power of the one-sided z test of two means with known SD.

    Parameters
    ----------
    effect : float
        True effect in the direction of benefit, in the unit of the outcome.
    sd : float
        Between-patient SD of the outcome in either arm, above 0.
    n_treated : array_like of float, (...)
        Patients in the treated arm; need not be whole numbers.
    n_control : array_like of float, (...)
        Patients in the control arm.
    one_sided_alpha : float
        One-sided level, between 0 and 1.
    null_effect : float, default 0.0
        Effect under the null hypothesis; negative for a non-inferiority margin.

    Returns
    -------
    ndarray of float, (...)
        Power, between 0 and 1; nan where the sizes leave no degree of freedom.

    References
    ----------
    Julious (2004), Statistics in Medicine 23: 1921-1986.

    Examples
    --------
    An effect of 0.5 SD with 63 patients per arm is ``0.5 / sqrt(2 / 63)`` = 2.806243 standard
    errors, so power is ``Phi(2.806243 - 1.959964)``:

    >>> round(float(power_z(0.5, 1.0, 63, 63, 0.025)), 6)
    0.801301
    """
    shift = (effect - null_effect) / (sd * unit_standard_error(n_treated, n_control))
    return np.asarray(special.ndtr(shift + special.ndtri(one_sided_alpha)))


def power_z_two_sided(  # noqa: PLR0917  a test has this many parameters
    effect: float,
    sd: float,
    n_treated: ArrayLike,
    n_control: ArrayLike,
    two_sided_alpha: float,
    null_effect: float = 0.0,
) -> Floats:
    """Power of the two-sided z test of two means, with rejections in the wrong direction included.

    Parameters
    ----------
    effect : float
        True effect in the direction of benefit, in the unit of the outcome.
    sd : float
        Between-patient SD of the outcome in either arm, above 0.
    n_treated : array_like of float, (...)
        Patients in the treated arm; need not be whole numbers.
    n_control : array_like of float, (...)
        Patients in the control arm.
    two_sided_alpha : float
        Two-sided level, between 0 and 1.
    null_effect : float, default 0.0
        Effect under the null hypothesis; negative for a non-inferiority margin.

    Returns
    -------
    ndarray of float, (...)
        Power, between 0 and 1; nan where the sizes leave no degree of freedom.

    References
    ----------
    Julious (2004), Statistics in Medicine 23: 1921-1986.

    Examples
    --------
    Without an effect the test rejects with probability alpha:

    >>> round(float(power_z_two_sided(0.0, 1.0, 63, 63, 0.05)), 6)
    0.05
    """
    right = power_z(effect, sd, n_treated, n_control, two_sided_alpha / 2, null_effect)
    return right + power_z(-effect, sd, n_treated, n_control, two_sided_alpha / 2, -null_effect)


def power_t(  # noqa: PLR0917  a test has this many parameters
    effect: float,
    sd: float,
    n_treated: ArrayLike,
    n_control: ArrayLike,
    one_sided_alpha: float,
    null_effect: float = 0.0,
) -> Floats:
    """Power of the one-sided pooled t test of two means.

    Parameters
    ----------
    effect : float
        True effect in the direction of benefit, in the unit of the outcome.
    sd : float
        Between-patient SD of the outcome in either arm, above 0.
    n_treated : array_like of float, (...)
        Patients in the treated arm; need not be whole numbers.
    n_control : array_like of float, (...)
        Patients in the control arm.
    one_sided_alpha : float
        One-sided level, between 0 and 1.
    null_effect : float, default 0.0
        Effect under the null hypothesis; negative for a non-inferiority margin.

    Returns
    -------
    ndarray of float, (...)
        Power, between 0 and 1; nan where the sizes leave no degree of freedom.

    References
    ----------
    Johnson, Kotz and Balakrishnan (1995), Continuous Univariate Distributions, volume 2, chapter
    31, on the noncentral t distribution.

    Examples
    --------
    An effect of 1.1 SD with 12 patients per arm (rpact 4.5.0, ``power.t.test`` of R 4.2.2 and pwr
    1.3.0: 0.730851):

    >>> round(float(power_t(1.1, 1.0, 12, 12, 0.025)), 6)
    0.730851
    """
    df = positive_or_nan(np.add(n_treated, n_control) - 2.0)
    shift = (effect - null_effect) / (sd * unit_standard_error(n_treated, n_control))
    return noncentral_t_tail(df, shift, t_critical_value(df, one_sided_alpha))


def power_t_two_sided(  # noqa: PLR0917  a test has this many parameters
    effect: float,
    sd: float,
    n_treated: ArrayLike,
    n_control: ArrayLike,
    two_sided_alpha: float,
    null_effect: float = 0.0,
) -> Floats:
    """Power of the two-sided pooled t test, with rejections in the wrong direction included.

    Parameters
    ----------
    effect : float
        True effect in the direction of benefit, in the unit of the outcome.
    sd : float
        Between-patient SD of the outcome in either arm, above 0.
    n_treated : array_like of float, (...)
        Patients in the treated arm; need not be whole numbers.
    n_control : array_like of float, (...)
        Patients in the control arm.
    two_sided_alpha : float
        Two-sided level, between 0 and 1.
    null_effect : float, default 0.0
        Effect under the null hypothesis; negative for a non-inferiority margin.

    Returns
    -------
    ndarray of float, (...)
        Power, between 0 and 1; nan where the sizes leave no degree of freedom.

    References
    ----------
    Johnson, Kotz and Balakrishnan (1995), Continuous Univariate Distributions, volume 2, chapter
    31, on the noncentral t distribution.

    Examples
    --------
    Without an effect the test rejects with probability alpha:

    >>> round(float(power_t_two_sided(0.0, 1.0, 12, 12, 0.05)), 6)
    0.05
    """
    right = power_t(effect, sd, n_treated, n_control, two_sided_alpha / 2, null_effect)
    return right + power_t(-effect, sd, n_treated, n_control, two_sided_alpha / 2, -null_effect)


def power_t_one_sample(
    effect: float, sd: float, patients: ArrayLike, one_sided_alpha: float, null_effect: float = 0.0
) -> Floats:
    """Power of the one-sided t test that the mean of one arm exceeds ``null_effect``.

    Parameters
    ----------
    effect : float
        True mean, in the direction of benefit.
    sd : float
        Between-patient SD of the outcome, above 0.
    patients : array_like of float, (...)
        Patients; need not be whole numbers.
    one_sided_alpha : float
        One-sided level, between 0 and 1.
    null_effect : float, default 0.0
        Mean under the null hypothesis.

    Returns
    -------
    ndarray of float, (...)
        Power, between 0 and 1; nan where the sizes leave no degree of freedom.

    References
    ----------
    Johnson, Kotz and Balakrishnan (1995), Continuous Univariate Distributions, volume 2, chapter
    31, on the noncentral t distribution.

    Examples
    --------
    A mean of 1 SD with 8 patients (rpact 4.5.0 and pwr 1.3.0: 0.680830):

    >>> round(float(power_t_one_sample(1.0, 1.0, 8, 0.025)), 5)
    0.68083
    """
    n = np.asarray(patients, float)
    df = positive_or_nan(n - 1.0)
    shift = (effect - null_effect) / sd * np.sqrt(n)
    return noncentral_t_tail(df, shift, t_critical_value(df, one_sided_alpha))


def critical_difference(
    sd: float, n_treated: ArrayLike, n_control: ArrayLike, one_sided_alpha: float
) -> Floats:
    """Smallest difference that the one-sided pooled t test calls significant.

    Parameters
    ----------
    sd : float
        Pooled SD of the sample, above 0.
    n_treated : array_like of float, (...)
        Patients in the treated arm; need not be whole numbers.
    n_control : array_like of float, (...)
        Patients in the control arm.
    one_sided_alpha : float
        One-sided level, between 0 and 1.

    Returns
    -------
    ndarray of float, (...)
        Difference of means, in the unit of ``sd``; nan where no degree of freedom is left.

    References
    ----------
    Julious (2004), Statistics in Medicine 23: 1921-1986.

    Examples
    --------
    SD 1.5 and 140.499532 patients per arm at a one-sided 5 % (rpact 4.5.0: 0.295352):

    >>> round(float(critical_difference(1.5, 140.499532, 140.499532, 0.05)), 6)
    0.295352
    """
    df = positive_or_nan(np.add(n_treated, n_control) - 2.0)
    return sd * unit_standard_error(n_treated, n_control) * t_critical_value(df, one_sided_alpha)
