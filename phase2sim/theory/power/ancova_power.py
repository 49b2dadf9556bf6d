"""Power of ANCOVA with covariates that are as random as the outcome (Shieh 2020)."""

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from phase2sim.core.arrays import Floats
from phase2sim.theory.power.interpolation import enough_shifts, enough_sizes, interpolation_weights
from phase2sim.theory.power.noncentral_t import (
    noncentral_t_tail,
    t_critical_value,
    unit_standard_error,
)
from phase2sim.theory.power.t_and_z_power import power_t

# Nodes of the quadrature over imbalance, for trials below and from a number of patients.
_NODES, _NODES_OF_LARGE_TRIALS, _LARGE_TRIAL = 20, 10, 50


def power_ancova(  # noqa: PLR0917  a test has this many parameters
    effect: float,
    residual_sd: float,
    n_treated: ArrayLike,
    n_control: ArrayLike,
    one_sided_alpha: float,
    null_effect: float = 0.0,
    covariates: int = 1,
) -> Floats:
    """Power of the one-sided ANCOVA of two arms with normal covariates.

    Chance imbalance of p covariates multiplies the variance of the effect by 1 + p F / (N - p - 1),
    F on p and N - p - 1 degrees of freedom; power is averaged over it.

    Parameters
    ----------
    effect : float
        True effect in the direction of benefit, in the unit of the outcome.
    residual_sd : float
        SD given the covariates, above 0: ``sd * sqrt(1 - correlation**2)`` for one covariate.
    n_treated : array_like of float, (...)
        Patients in the treated arm; need not be whole numbers.
    n_control : array_like of float, (...)
        Patients in the control arm.
    one_sided_alpha : float
        One-sided level, between 0 and 1.
    null_effect : float, default 0.0
        Effect under the null hypothesis; negative for a non-inferiority margin.
    covariates : int, default 1
        Number of covariates beside the arm.

    Returns
    -------
    ndarray of float, (...)
        Power, between 0 and 1; nan where the sizes leave no degree of freedom.

    References
    ----------
    Shieh (2020), Psychometrika 85: 101-120.

    Examples
    --------
    With many patients imbalance is negligible and power is that of a z test, ``Phi(5 - 1.959964)``:

    >>> round(float(power_ancova(0.025, 1.0, 80_000, 80_000, 0.025)), 4)
    0.9988

    Adaptive integration by scipy of ``nct.sf`` over the distribution of the imbalance:

    >>> from scipy import integrate, stats
    >>> bound, shift = stats.t.isf(0.025, 13), 0.7 / np.sqrt(2 / 8)
    >>> expected, _ = integrate.quad(
    ...     lambda u: stats.nct.sf(bound, 13, shift / np.sqrt(1 + stats.f.ppf(u, 1, 14) / 14)),
    ...     0, 1, epsabs=1e-9,
    ... )
    >>> bool(abs(power_ancova(0.7, 1.0, 8, 8, 0.025) - expected) < 1e-8)
    True
    """
    if covariates == 0:
        return power_t(effect, residual_sd, n_treated, n_control, one_sided_alpha, null_effect)
    treated, control = np.broadcast_arrays(np.asarray(n_treated, float), n_control)
    total = treated + control
    shift = (effect - null_effect) / (residual_sd * unit_standard_error(treated, control))
    is_defined = (total > 2.0 + covariates) & ~np.isnan(shift)
    power = np.full(total.shape, np.nan)
    if effect == null_effect:  # for any imbalance
        power[is_defined] = one_sided_alpha
    elif is_defined.any():
        power[is_defined] = _power_of_pairs(
            total[is_defined], shift[is_defined], one_sided_alpha, covariates
        )
    return power


def _power_of_pairs(
    total: Floats, shift: Floats, one_sided_alpha: float, covariates: int
) -> Floats:
    """Power at pairs (pair,) of patients and shift, from a grid of both where that is smaller."""
    no_df = 2.0 + covariates
    sizes, size_weights = interpolation_weights(total, enough_sizes(total, no_df))
    shifts, shift_weights = interpolation_weights(shift, enough_shifts(shift))
    if sizes.size * shifts.size > total.size:
        distinct, index = np.unique(total, return_inverse=True)
        powers = np.empty(total.size)
        for number, n in enumerate(distinct):
            pairs = index == number
            powers[pairs] = _power_at_size(float(n), shift[pairs], one_sided_alpha, covariates)
        return powers
    grid = [_power_at_size(float(n), shifts, one_sided_alpha, covariates) for n in sizes]
    interpolated: Floats = ((size_weights @ np.stack(grid)) * shift_weights).sum(axis=1)
    return interpolated


def _power_at_size(n: float, shift: Floats, one_sided_alpha: float, covariates: int) -> Floats:
    """Power at each shift for n patients in both arms."""
    efficiency, weight = _efficiency_rule(n, covariates)
    df = np.array(n - 2.0 - covariates)
    bound = t_critical_value(df, one_sided_alpha)
    power: Floats = noncentral_t_tail(df, shift[:, None] * efficiency, bound) @ weight
    return power


def _efficiency_rule(total: float, covariates: int) -> tuple[Floats, Floats]:
    """Quadrature for c, where imbalance leaves the effect c**2 of its information.

    c**2 is Beta((N - p - 1) / 2, p / 2); in c itself the integrand is smooth at both ends.
    """
    nodes = _NODES if total < _LARGE_TRIAL else _NODES_OF_LARGE_TRIALS
    c, weight = _beta_rule(total - covariates - 1.0, covariates / 2.0, nodes)
    weight = weight * (1.0 + c) ** (covariates / 2.0 - 1.0)
    return c, weight / weight.sum()


@lru_cache(maxsize=4096)  # trials of neighbouring sizes lose patients to the same numbers
def _beta_rule(a: float, b: float, nodes: int) -> tuple[Floats, Floats]:
    """Gauss-Jacobi nodes and weights for the expectation over a Beta(a, b) variable.

    Golub and Welsch, Mathematics of Computation 1969: no overflow for any ``a`` and ``b``.
    """
    k = np.arange(1.0, nodes)
    s = 2.0 * k + a + b
    diagonal = np.append(a / (a + b), 0.5 + (a - b) * (a + b - 2.0) / (2.0 * s * (s - 2.0)))
    k, s = k[1:], s[1:]
    square = k * (k + a - 1.0) * (k + b - 1.0) * (k + a + b - 2.0)
    square = square / ((s - 2.0) ** 2 * (s - 1.0) * (s - 3.0))
    off_diagonal = np.sqrt(np.append(a * b / ((a + b) ** 2 * (a + b + 1.0)), square))
    values, vectors = np.linalg.eigh(np.diag(diagonal) + np.diag(off_diagonal, -1))
    weights = vectors[0] ** 2
    values.flags.writeable = weights.flags.writeable = False
    return values, weights
