"""Power of Welch's test of two means with unequal SDs."""

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from phase2sim.core.arrays import Floats
from phase2sim.theory.power.noncentral_t import noncentral_t_tail, t_critical_value

_NEGLIGIBLE = 1e-14  # probability beyond the outermost nodes


def power_welch(  # noqa: PLR0917  a test has this many parameters
    effect: float,
    sd: tuple[float, float],
    n_treated: ArrayLike,
    n_control: ArrayLike,
    one_sided_alpha: float,
    null_effect: float = 0.0,
) -> Floats:
    """Power of Welch's one-sided test of two means.

    Given how the sampled sum of squares splits between the arms, a beta distribution, Welch's
    statistic is a multiple of a noncentral t and its critical value is fixed: one integral is left.

    Parameters
    ----------
    effect : float
        True effect in the direction of benefit, in the unit of the outcome.
    sd : tuple of (float, float)
        Between-patient SD of the treated arm and of the control arm, above 0.
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
        Power, between 0 and 1; nan where an arm has no more than one patient.

    References
    ----------
    Welch (1938), Biometrika 29: 350-362. Satterthwaite (1946), Biometrics Bulletin 2: 110-114.

    Examples
    --------
    Many patients make it a z test: an effect of 5 standard errors, ``Phi(5 - 1.959964)``, and the
    level without an effect.

    >>> se = np.sqrt(1 / 20_000 + 4 / 20_000)
    >>> powers = [float(power_welch(5 * se, (1.0, 2.0), 20_000, 20_000, 0.025)),
    ...           float(power_welch(0.0, (1.0, 2.0), 20_000, 20_000, 0.025))]
    >>> [round(power, 4) for power in powers]
    [0.9988, 0.025]
    """
    treated, control = np.broadcast_arrays(np.asarray(n_treated, float), n_control)
    power = np.full(treated.shape, np.nan)
    for index in np.ndindex(treated.shape):
        sizes = float(treated[index]), float(control[index])
        if min(sizes) > 1.0:
            power[index] = _power_at_sizes(effect - null_effect, sd, sizes, one_sided_alpha)
    return power


def _power_at_sizes(
    effect: float, sd: tuple[float, float], sizes: tuple[float, float], one_sided_alpha: float
) -> float:
    """Power at one pair of sizes, by quadrature over the treated share of the sum of squares."""
    df = sizes[0] - 1.0, sizes[1] - 1.0
    share, rest, weight = _beta_rule_in_log_odds(df[0] / 2.0, df[1] / 2.0)
    total_df = df[0] + df[1]
    # The estimated variance of each mean, when the pooled chi-square takes its expectation.
    treated = sd[0] ** 2 / (df[0] * sizes[0]) * share * total_df
    control = sd[1] ** 2 / (df[1] * sizes[1]) * rest * total_df
    satterthwaite = (treated + control) ** 2 / (treated**2 / df[0] + control**2 / df[1])
    variance = sd[0] ** 2 / sizes[0] + sd[1] ** 2 / sizes[1]
    bound = t_critical_value(satterthwaite, one_sided_alpha) * np.sqrt(
        (treated + control) / variance
    )
    shift = np.full(share.shape, effect / np.sqrt(variance))
    return float(noncentral_t_tail(np.full(share.shape, total_df), shift, bound) @ weight)


def _beta_rule_in_log_odds(a: float, b: float) -> tuple[Floats, Floats, Floats]:
    """Nodes x, 1 - x and weights for the expectation over a Beta(a, b) variable.

    Equal steps of log odds: the estimated variances may differ by orders of magnitude, and the
    integrand is smooth on this scale, so the error falls exponentially in 1 / step.
    """
    step = min(0.2, 0.6 * np.sqrt(1.0 / a + 1.0 / b))
    lowest = special.logit(special.betaincinv(a, b, _NEGLIGIBLE))
    highest = -special.logit(special.betaincinv(b, a, _NEGLIGIBLE))
    odds = np.arange(lowest, highest + step, step)
    density: Floats = a * special.log_expit(odds) + b * special.log_expit(-odds)
    weight = np.exp(density - density.max())
    return _expit(odds), _expit(-odds), weight / weight.sum()


def _expit(odds: Floats) -> Floats:
    """Inverse of the log odds, as an array."""
    return np.asarray(special.expit(odds), np.float64)
