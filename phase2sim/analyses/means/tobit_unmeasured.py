"""Score test and limit of the effect in a Tobit model where an arm was never measured.

With every value of an arm below the limit the likelihood rises all the way as that arm's mean
falls, so the effect has no estimate. Its score needs only the fit in which the effect is given, and
that exists as soon as the other arm has been measured.
"""

from typing import NamedTuple

import numpy as np

from phase2sim.analyses.means.tobit_fit import restricted_score
from phase2sim.analyses.responders.design_matrices import varying_covariates
from phase2sim.core.arrays import Arms, Bools, Floats, Ints
from phase2sim.core.contracts import COLLINEAR, TOO_FEW
from phase2sim.core.kernels import kernel

_STEPS = 40  # SDs of the measured values; a limit of the effect that is further out is none
_HALVINGS = 40


class _Trial(NamedTuple):
    """One trial in SDs of its measured values, which are all of one arm."""

    x: Floats  # (column, patient): 1, and the covariates that vary
    z: Floats  # (patient,) value, or the limit
    below: Bools  # (patient,)
    silent: Bools  # (patient,) in the arm that was never measured
    scale: float


@kernel
def unmeasured_score(
    value: Floats, arm: Arms, covariates: Floats, needed: int, limit: float, null_effect: float
) -> tuple[Floats, Floats, Floats, Ints]:
    """Score z of ``null_effect`` in every trial, patients, coefficients, and the failure.

    As ``tobit_fit.tobit``, for trials with an arm whose values are all below the limit. z is 0
    where neither arm was measured.
    """
    trials = arm.shape[0]
    score, patients = np.full(trials, np.nan), np.full(trials, np.nan)
    used, reason = np.full(trials, np.nan), np.zeros(trials, np.int64)
    for trial in range(trials):
        prepared, side, reason[trial] = _trial(value, arm, covariates, needed, limit, trial)
        if reason[trial] == 0 and side != 0.0:
            score[trial], reason[trial] = _score(prepared, side * null_effect)
            score[trial] *= side
        if reason[trial] == 0:
            patients[trial], used[trial] = prepared.z.size, 1.0 + prepared.x.shape[0]
            score[trial] = 0.0 if side == 0.0 else score[trial]
    return score, patients, used, reason


@kernel
def unmeasured_limits(
    value: Floats, arm: Arms, covariates: Floats, needed: int, limit: float, reach: Floats
) -> tuple[Floats, Floats, Floats]:
    """Effect without bound, -inf or inf, and its limits, where z is ``reach`` (trial,).

    Where neither arm was measured there is no effect (nan), and no limit.
    """
    trials = arm.shape[0]
    effect = np.full(trials, np.nan)
    lower, upper = np.full(trials, -np.inf), np.full(trials, np.inf)
    for trial in range(trials):
        if np.isnan(reach[trial]):
            lower[trial] = upper[trial] = np.nan
            continue
        prepared, side, _ = _trial(value, arm, covariates, needed, limit, trial)
        if side == 0.0:
            continue
        effect[trial] = side * np.inf
        shift = _least_shift(prepared, reach[trial]) * side
        if side < 0.0:
            upper[trial] = shift
        else:
            lower[trial] = shift
    return effect, lower, upper


@kernel
def _trial(
    value: Floats, arm: Arms, covariates: Floats, needed: int, limit: float, trial: int
) -> tuple[_Trial, float, int]:
    """Make a trial; the side on which its effect has no bound, 0 for neither; and a reason."""
    complete = ~np.isnan(value[trial])
    for j in range(covariates.shape[0]):
        complete &= ~np.isnan(covariates[j, trial])
    rows = np.flatnonzero(complete)
    y, treated = value[trial][rows], arm[trial][rows] == 1
    below = y < limit
    columns, still = varying_covariates(covariates, trial, rows, needed)
    x = np.ones((1 + columns.shape[0], rows.size))
    x[1:] = columns
    seen = y[~below]
    side, mean, scale = 0.0, limit, 1.0
    silent = np.ones(rows.size, np.bool_)
    if seen.size > 0:
        side = 1.0 if treated[~below][0] else -1.0
        silent = treated != treated[~below][0]
        mean = seen.mean()
        spread = np.sqrt(((seen - mean) ** 2).mean())
        scale = spread if spread > 0.0 else 1.0
    z = (np.where(below, limit, y) - mean) / scale
    return _Trial(x, z, below, silent, scale), side, COLLINEAR if still > 0 else 0


@kernel
def _score(trial: _Trial, shift: float) -> tuple[float, int]:
    """Score z for more than ``shift`` to the side without bound; a reason if there is none."""
    if (~trial.below).sum() <= trial.x.shape[0]:
        return np.nan, TOO_FEW
    z = trial.z + np.where(trial.silent, shift / trial.scale, 0.0)
    score, reason = restricted_score(trial.x, z, trial.below, trial.silent)
    return -score, reason


@kernel
def _least_shift(trial: _Trial, reach: float) -> float:
    """First shift from the side without bound that the score rejects; -inf if it rejects none."""
    high = 0.0
    while _score(trial, high)[0] > reach and high < _STEPS * trial.scale:
        high += trial.scale
    low = high
    while not _score(trial, low)[0] > reach:
        high = low
        low -= trial.scale
        if low < -_STEPS * trial.scale:
            return -np.inf
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        if _score(trial, middle)[0] > reach:
            low = middle
        else:
            high = middle
    return high
