"""Multiple completions of an ongoing trial, drawn from a model fitted to its own data.

Each visit's outcome is regressed on arm, baseline and the visits before it; every completion has
its own draw of each regression from the posterior under a flat prior of slopes and log SD, so that
the uncertainty of the model is included. Patients in follow-up are predicted from their own early
visits, patients yet to enrol from a baseline drawn among those enrolled. Dropout is as frequent as
among the patients whose last visit is due.
"""

from dataclasses import dataclass

import numpy as np

from phase2sim.core.arrays import Arms, Bools, Floats, Ints

_SPARE = 3  # degrees of freedom that a regression must leave


class TooFewToPredict(ValueError):
    """Too few patients have reached a visit to predict the others' values there."""


@dataclass(frozen=True, slots=True)
class OngoingTrial:
    """One endpoint of a trial at a look; patients in order of enrolment, model scale."""

    arm: Arms  # (patient,)
    baseline: Floats  # (patient,), nan where not known
    value: Floats  # (visit, patient) after baseline, nan where not seen
    pending: Bools  # same shape: not due yet
    planned: tuple[int, ...]  # patients by arm at the end


@dataclass(frozen=True, slots=True)
class Completions:
    """Many completions of one trial."""

    patient: Ints  # (completion, patient): whose baseline, age and stratum it has
    arm: Arms  # (completion, patient)
    value: Floats  # (completion, visit, patient), nan where lost or missed


def complete_trial(trial: OngoingTrial, completions: int, rng: np.random.Generator) -> Completions:
    """Complete a trial; raises ``TooFewToPredict`` naming the visit."""
    new_arms = _arms_to_enrol(trial)
    enrolled = np.arange(trial.arm.size)
    with_baseline = np.flatnonzero(np.isfinite(trial.baseline))
    with_baseline = with_baseline if with_baseline.size else enrolled
    new_patients = with_baseline[rng.integers(0, with_baseline.size, (completions, new_arms.size))]
    patient = np.concatenate([np.tile(enrolled, (completions, 1)), new_patients], axis=1)
    arm = np.concatenate([trial.arm, new_arms])
    pending = np.concatenate(
        [trial.pending, np.ones((len(trial.value), new_arms.size), bool)], axis=1
    )
    observed = np.concatenate(
        [trial.value, np.full((len(trial.value), new_arms.size), np.nan)], axis=1
    )
    baseline = _fill_baselines(trial)[:, patient]
    values = _draw_values(trial, arm, baseline, observed, rng)
    lost = rng.random((completions, arm.size)) < _share_lost(trial, completions, rng)[:, None]
    value = np.where(pending[None] & ~lost[:, None], values, observed)
    return Completions(patient, np.tile(arm, (completions, 1)), value)


def _fill_baselines(trial: OngoingTrial) -> Floats:
    """Baselines, the mean where one is missing, (1, patient); (0, patient) where none is known."""
    is_known = np.isfinite(trial.baseline)
    if not is_known.any():
        return np.empty((0, trial.baseline.size))
    return np.where(is_known, trial.baseline, trial.baseline[is_known].mean())[None]


def _arms_to_enrol(trial: OngoingTrial) -> Arms:
    """Arms of the patients who are yet to enrol."""
    enrolled = np.bincount(trial.arm, minlength=len(trial.planned))
    remaining = np.maximum(np.array(trial.planned) - enrolled, 0)
    return np.repeat(np.arange(len(remaining)), remaining).astype(np.int8)


def _draw_values(
    trial: OngoingTrial, arm: Arms, baseline: Floats, observed: Floats, rng: np.random.Generator
) -> Floats:
    """All values, observed or drawn, (completion, visit, patient)."""
    completions = baseline.shape[1]
    value = np.broadcast_to(observed, (completions, *observed.shape)).copy()
    arms = np.equal.outer(np.arange(1, len(trial.planned)), arm).astype(np.float64)
    for visit in range(len(observed)):
        fit = _fit_visit(trial, visit)
        columns = [np.ones(arm.size), *arms]
        x = np.concatenate(
            [np.broadcast_to(np.stack(columns), (completions, len(columns), arm.size)),
             baseline.transpose(1, 0, 2), value[:, :visit]], axis=1,
        )  # fmt: skip
        sd = np.sqrt(fit.squares / rng.chisquare(fit.df, completions))
        slopes = fit.slopes + sd[:, None] * (
            rng.standard_normal((completions, fit.slopes.size)) @ fit.root.T
        )
        noise = sd[:, None] * rng.standard_normal((completions, arm.size))
        predicted = np.einsum("ck,ckp->cp", slopes, x) + noise
        value[:, visit] = np.where(np.isnan(value[:, visit]), predicted, value[:, visit])
    return value


@dataclass(frozen=True, slots=True)
class _Fit:
    """Least squares at one visit: slopes, a root of their covariance over the variance."""

    slopes: Floats
    root: Floats
    squares: float  # sum of squared residuals
    df: int


def _fit_visit(trial: OngoingTrial, visit: int) -> _Fit:
    is_complete = np.isfinite(trial.value[: visit + 1]).all(axis=0)
    arms = np.equal.outer(np.arange(1, len(trial.planned)), trial.arm).astype(np.float64)
    x = np.stack(
        [np.ones(trial.arm.size), *arms, *_fill_baselines(trial), *trial.value[:visit]]
    )[:, is_complete].T  # fmt: skip
    if is_complete.sum() < x.shape[1] + _SPARE or np.linalg.matrix_rank(x) < x.shape[1]:
        raise TooFewToPredict(
            f"{is_complete.sum()} patients have every visit up to number {visit + 1}; a prediction"
            f" needs at least {x.shape[1] + _SPARE}, in each arm"
        )
    inverse = np.linalg.inv(x.T @ x)
    slopes = inverse @ (x.T @ trial.value[visit, is_complete])
    residual = trial.value[visit, is_complete] - x @ slopes
    root = np.linalg.cholesky(inverse)
    return _Fit(slopes, root, float(residual @ residual), int(is_complete.sum()) - x.shape[1])


def _share_lost(trial: OngoingTrial, completions: int, rng: np.random.Generator) -> Floats:
    """Dropout probability, one posterior draw per completion, (completion,)."""
    due = ~trial.pending[-1]
    lost = int((due & np.isnan(trial.value[-1])).sum())
    if lost == 0:
        return np.zeros(completions)  # no dropout so far
    return rng.beta(lost + 0.5, due.sum() - lost + 0.5, completions)
