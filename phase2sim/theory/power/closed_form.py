"""Exact power of the t, z, ANCOVA and Welch tests, and the sample sizes that follow from it.

Effects count in the direction of benefit: a positive ``effect`` beyond ``null_effect`` is what the
one-sided test looks for. Sizes may be arrays, which broadcast, and need not be whole; where a test
does not exist for want of patients its power is nan. Outcomes are normal.
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, special

from phase2sim.core.arrays import Floats, Ints
from phase2sim.theory.power.interpolation import enough_shifts, enough_sizes, interpolation_weights

_NODES, NODES_OF_MANY, MANY = 20, 10, 50  # of the ANCOVA quadrature, below and from 50 patients
LARGEST_ARM = 1e9  # a search for a sample size gives up here
_NEGLIGIBLE = 1e-14  # probability of a size left out of an average


def power_z(  # noqa: PLR0917  a test has this many parameters
    effect: float,
    sd: float,
    n_treated: ArrayLike,
    n_control: ArrayLike,
    one_sided_alpha: float,
    null_effect: float = 0.0,
) -> Floats:
    """Power of the one-sided z test of two means whose SD is known."""
    shift = (effect - null_effect) / (sd * _root_of_sizes(n_treated, n_control))
    return np.asarray(special.ndtr(shift + special.ndtri(one_sided_alpha)))


def power_z_two_sided(  # noqa: PLR0917  a test has this many parameters
    effect: float,
    sd: float,
    n_treated: ArrayLike,
    n_control: ArrayLike,
    two_sided_alpha: float,
    null_effect: float = 0.0,
) -> Floats:
    """Power of the two-sided z test, rejections in the wrong direction included."""
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
    """Power of the one-sided pooled t test of two means, from the noncentral t distribution."""
    df = _or_nan(np.add(n_treated, n_control) - 2.0)
    shift = (effect - null_effect) / (sd * _root_of_sizes(n_treated, n_control))
    return _t_exceeds(df, shift, _t_quantile(df, one_sided_alpha))


def power_t_two_sided(  # noqa: PLR0917  a test has this many parameters
    effect: float,
    sd: float,
    n_treated: ArrayLike,
    n_control: ArrayLike,
    two_sided_alpha: float,
    null_effect: float = 0.0,
) -> Floats:
    """Power of the two-sided pooled t test, rejections in the wrong direction included."""
    right = power_t(effect, sd, n_treated, n_control, two_sided_alpha / 2, null_effect)
    return right + power_t(-effect, sd, n_treated, n_control, two_sided_alpha / 2, -null_effect)


def power_t_one_sample(
    effect: float, sd: float, patients: ArrayLike, one_sided_alpha: float, null_effect: float = 0.0
) -> Floats:
    """Power of the one-sided t test that the mean of one arm exceeds ``null_effect``."""
    n = np.asarray(patients, float)
    df = _or_nan(n - 1.0)
    shift = (effect - null_effect) / sd * np.sqrt(n)
    return _t_exceeds(df, shift, _t_quantile(df, one_sided_alpha))


def power_ancova(  # noqa: PLR0917  a test has this many parameters
    effect: float,
    residual_sd: float,
    n_treated: ArrayLike,
    n_control: ArrayLike,
    one_sided_alpha: float,
    null_effect: float = 0.0,
    covariates: int = 1,
) -> Floats:
    """Power of ANCOVA with normal covariates that are as random as the outcome.

    ``residual_sd`` is the SD given the covariates: ``sd * sqrt(1 - correlation**2)`` for one.
    Chance imbalance of p covariates multiplies the effect's variance by 1 + p F / (N - p - 1), F
    on p and N - p - 1 degrees of freedom (Shieh, Psychometrika 2020); power is averaged over it.
    """
    if covariates == 0:
        return power_t(effect, residual_sd, n_treated, n_control, one_sided_alpha, null_effect)
    treated, control = np.broadcast_arrays(np.asarray(n_treated, float), n_control)
    total = treated + control
    shift = (effect - null_effect) / (residual_sd * _root_of_sizes(treated, control))
    ok = (total > 2.0 + covariates) & ~np.isnan(shift)
    power = np.full(total.shape, np.nan)
    if effect == null_effect:  # whatever the imbalance
        power[ok] = one_sided_alpha
    elif ok.any():
        power[ok] = _ancova_exceeds(total[ok], shift[ok], one_sided_alpha, covariates)
    return power


def _ancova_exceeds(
    total: Floats, shift: Floats, one_sided_alpha: float, covariates: int
) -> Floats:
    """Power at pairs (pair,) of patients and shift, from a grid of both where that is smaller."""
    no_df = 2.0 + covariates
    sizes, of_size = interpolation_weights(total, enough_sizes(total, no_df))
    shifts, of_shift = interpolation_weights(shift, enough_shifts(shift))
    if sizes.size * shifts.size > total.size:
        distinct, place = np.unique(total, return_inverse=True)
        found = np.empty(total.size)
        for number, n in enumerate(distinct):
            here = place == number
            found[here] = _ancova_at(float(n), shift[here], one_sided_alpha, covariates)
        return found
    grid = [_ancova_at(float(n), shifts, one_sided_alpha, covariates) for n in sizes]
    together: Floats = ((of_size @ np.stack(grid)) * of_shift).sum(axis=1)
    return together


def _ancova_at(n: float, shift: Floats, one_sided_alpha: float, covariates: int) -> Floats:
    """Power at each shift for n patients in all."""
    share, weight = _efficiency(n, covariates)
    df = np.array(n - 2.0 - covariates)
    needed = _t_quantile(df, one_sided_alpha)
    power: Floats = _t_exceeds(df, shift[:, None] * share, needed) @ weight
    return power


def power_welch(  # noqa: PLR0917  a test has this many parameters
    effect: float,
    sd: tuple[float, float],
    n_treated: ArrayLike,
    n_control: ArrayLike,
    one_sided_alpha: float,
    null_effect: float = 0.0,
) -> Floats:
    """Power of Welch's one-sided test; ``sd`` is that of treatment, then of control.

    Given how the sampled sum of squares splits between the arms, a beta distribution, Welch's
    statistic is a multiple of a noncentral t and its critical value is fixed: one integral is left.
    """
    treated, control = np.broadcast_arrays(np.asarray(n_treated, float), n_control)
    power = np.full(treated.shape, np.nan)
    for at in np.ndindex(treated.shape):
        sizes = float(treated[at]), float(control[at])
        if min(sizes) > 1.0:
            power[at] = _welch(effect - null_effect, sd, sizes, one_sided_alpha)
    return power


def patients_z(  # noqa: PLR0917  a test has this many parameters
    effect: float,
    sd: float,
    target_power: float,
    one_sided_alpha: float,
    treated_per_control: float = 1.0,
    null_effect: float = 0.0,
) -> tuple[float, float]:
    """Treated and control patients, not rounded, that give the one-sided z test its power.

    Raises ``ValueError`` if the effect is not beyond the null effect.
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
    """Treated and control patients, not rounded, that give the one-sided t test its power.

    Never fewer than three in all, for one degree of freedom. Raises ``ValueError`` if the effect is
    not beyond the null effect, or if no size is enough.
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
    """Fewest whole control patients, near ``control``, with power at the target; and treated.

    ``control`` is the size that ``patients_t`` or ``patients_z`` found; treated patients are
    rounded up.
    """
    n = max(1, int(np.ceil(control)) - 1)
    while True:
        treated = int(np.ceil(treated_per_control * n - 1e-9))
        if power(np.asarray(float(treated)), np.asarray(float(n))) >= target_power:
            return treated, n
        n += 1


def critical_difference(
    sd: float, n_treated: ArrayLike, n_control: ArrayLike, one_sided_alpha: float
) -> Floats:
    """Smallest difference that the pooled t test calls significant when the sample SD is ``sd``."""
    df = _or_nan(np.add(n_treated, n_control) - 2.0)
    return sd * _root_of_sizes(n_treated, n_control) * _t_quantile(df, one_sided_alpha)


def sizes_after_dropout(
    n_treated: int, n_control: int, completing: tuple[float, float]
) -> tuple[Ints, Floats]:
    """Every (treated, control) that independent dropout may leave, and its probability.

    ``completing`` is the chance that a treated, and a control, patient is measured. Returns sizes
    (size, 2) and probabilities (size,), without those whose probability is negligible.
    """
    treated = binomial(n_treated, completing[0])
    control = binomial(n_control, completing[1])
    joint = treated[:, None] * control
    sizes = np.argwhere(joint > _NEGLIGIBLE)
    return sizes.astype(np.int64), joint[sizes[:, 0], sizes[:, 1]]


def average_over_sizes(
    power: Callable[[Floats, Floats], Floats], sizes: ArrayLike, weights: ArrayLike
) -> float:
    """Power averaged over random arm sizes, among the trials that the test can answer.

    ``power`` takes arrays of treated and control patients; ``sizes`` is (size, 2), treated first;
    ``weights`` (size,) need not add to 1. Returns nan if no size can be answered.
    """
    treated, control = np.asarray(sizes, float).T
    weight = np.asarray(weights, float)
    at_size = power(treated, control)
    answered = ~np.isnan(at_size)
    if not answered.any():
        return float("nan")
    return float(at_size[answered] @ weight[answered] / weight[answered].sum())


def _or_nan(df: ArrayLike) -> Floats:
    """Degrees of freedom, nan unless above zero."""
    return np.where(np.asarray(df) > 0.0, df, np.nan)


def _root_of_sizes(n_treated: ArrayLike, n_control: ArrayLike) -> Floats:
    """Give the standard error of a difference for an SD of 1; nan for an empty arm."""
    treated, control = _or_nan(n_treated), _or_nan(n_control)
    return np.sqrt(1.0 / treated + 1.0 / control)


def _t_quantile(df: Floats, one_sided_alpha: float) -> Floats:
    return np.asarray(-special.stdtrit(df, one_sided_alpha))


def _t_exceeds(df: Floats, shift: Floats, bound: Floats) -> Floats:
    """Chance that a noncentral t exceeds a bound."""
    if not np.any(shift):  # a central one, which takes a fiftieth of the time
        return np.asarray(1.0 - special.stdtr(df, bound) + shift)
    return np.asarray(1.0 - special.nctdtr(df, shift, bound))


def _expit(odds: Floats) -> Floats:
    return np.asarray(special.expit(odds), np.float64)


def _check_direction(effect: float, null_effect: float) -> None:
    if not effect > null_effect:
        raise ValueError(
            f"effect is {effect:g}, not above the null effect {null_effect:g}; no size is enough."
        )


def binomial(n: int, chance: float) -> Floats:
    """Probability of 0 to n."""
    k = np.arange(n + 1)
    ways = special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)
    return np.asarray(np.exp(ways + special.xlogy(k, chance) + special.xlog1py(n - k, -chance)))


def _efficiency(total: float, covariates: int) -> tuple[Floats, Floats]:
    """Quadrature for c, where imbalance leaves the effect c**2 of its information.

    c**2 is Beta((N - p - 1) / 2, p / 2); in c itself the integrand is smooth at both ends.
    """
    nodes = _NODES if total < MANY else NODES_OF_MANY
    c, weight = _beta_rule(total - covariates - 1.0, covariates / 2.0, nodes)
    weight = weight * (1.0 + c) ** (covariates / 2.0 - 1.0)
    return c, weight / weight.sum()


@lru_cache(maxsize=4096)  # trials of neighbouring sizes lose patients to the same numbers
def _beta_rule(a: float, b: float, nodes: int) -> tuple[Floats, Floats]:
    """Gauss-Jacobi nodes and weights for the expectation over a Beta(a, b) variable.

    Golub and Welsch, Mathematics of Computation 1969: no overflow whatever ``a`` and ``b``.
    """
    k = np.arange(1.0, nodes)
    s = 2.0 * k + a + b
    diagonal = np.append(a / (a + b), 0.5 + (a - b) * (a + b - 2.0) / (2.0 * s * (s - 2.0)))
    k, s = k[1:], s[1:]
    square = k * (k + a - 1.0) * (k + b - 1.0) * (k + a + b - 2.0)
    square = square / ((s - 2.0) ** 2 * (s - 1.0) * (s - 3.0))
    beside = np.sqrt(np.append(a * b / ((a + b) ** 2 * (a + b + 1.0)), square))
    values, vectors = np.linalg.eigh(np.diag(diagonal) + np.diag(beside, -1))
    weights = vectors[0] ** 2
    values.flags.writeable = weights.flags.writeable = False
    return values, weights


def _welch(
    beyond: float, sd: tuple[float, float], sizes: tuple[float, float], one_sided_alpha: float
) -> float:
    """Power at one pair of sizes, by quadrature over the treated share of the sum of squares."""
    df = sizes[0] - 1.0, sizes[1] - 1.0
    share, rest, weight = _beta_by_log_odds(df[0] / 2.0, df[1] / 2.0)
    both = df[0] + df[1]
    # The estimated variance of each mean, when the pooled chi-square takes its expectation.
    treated = sd[0] ** 2 / (df[0] * sizes[0]) * share * both
    control = sd[1] ** 2 / (df[1] * sizes[1]) * rest * both
    satterthwaite = (treated + control) ** 2 / (treated**2 / df[0] + control**2 / df[1])
    variance = sd[0] ** 2 / sizes[0] + sd[1] ** 2 / sizes[1]
    bound = _t_quantile(satterthwaite, one_sided_alpha) * np.sqrt((treated + control) / variance)
    shift = np.full(share.shape, beyond / np.sqrt(variance))
    return float(_t_exceeds(np.full(share.shape, both), shift, bound) @ weight)


def _beta_by_log_odds(a: float, b: float) -> tuple[Floats, Floats, Floats]:
    """Nodes x, 1 - x and weights for the expectation over a Beta(a, b) variable.

    Equal steps of log odds: the estimated variances may differ by orders of magnitude, and on
    this scale nothing that depends on them is abrupt, so the error falls exponentially in 1 / step.
    """
    step = min(0.2, 0.6 * np.sqrt(1.0 / a + 1.0 / b))
    lowest = special.logit(special.betaincinv(a, b, _NEGLIGIBLE))
    highest = -special.logit(special.betaincinv(b, a, _NEGLIGIBLE))
    odds = np.arange(lowest, highest + step, step)
    density: Floats = a * special.log_expit(odds) + b * special.log_expit(-odds)
    weight = np.exp(density - density.max())
    return _expit(odds), _expit(-odds), weight / weight.sum()
