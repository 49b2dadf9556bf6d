"""A trial that is under way, completed many times by what its own data say of the rest.

Each visit's outcome is regressed on arm, baseline and the visits before it; every completion has
its own draw of each regression from the posterior under a flat prior of slopes and log SD, so that
it is uncertain of the model too. Who is in follow-up is predicted from the own early visits, who is
yet to enrol from a baseline drawn among those enrolled. A completed patient is lost as often as
those were whose last visit is due.
"""

from dataclasses import dataclass

import numpy as np

from phase2sim.core.arrays import Arms, Bools, Floats, Ints

_SPARE = 3  # degrees of freedom that a regression must leave


class TooFewToPredict(ValueError):
    """A visit that too few patients have reached to say what the others will have there."""


@dataclass(frozen=True, slots=True)
class UnderWay:
    """One endpoint of a trial at a look; patients in order of enrolment, model scale."""

    arm: Arms  # (patient,)
    baseline: Floats  # (patient,), nan where not known
    value: Floats  # (visit, patient) after baseline, nan where not seen
    pending: Bools  # same shape: not due yet
    planned: tuple[int, ...]  # patients by arm at the end


@dataclass(frozen=True, slots=True)
class Completed:
    """Many completions of one trial."""

    patient: Ints  # (completion, patient): whose baseline, age and stratum it has
    arm: Arms  # (completion, patient)
    value: Floats  # (completion, visit, patient), nan where lost or missed


def complete_trial(trial: UnderWay, completions: int, rng: np.random.Generator) -> Completed:
    """Complete a trial; raises ``TooFewToPredict`` naming the visit."""
    new = _enrolled_later(trial)
    enrolled = np.arange(trial.arm.size)
    known = np.flatnonzero(np.isfinite(trial.baseline))
    known = known if known.size else enrolled
    later = known[rng.integers(0, known.size, (completions, new.size))]
    patient = np.concatenate([np.tile(enrolled, (completions, 1)), later], axis=1)
    arm = np.concatenate([trial.arm, new])
    pending = np.concatenate([trial.pending, np.ones((len(trial.value), new.size), bool)], axis=1)
    observed = np.concatenate([trial.value, np.full((len(trial.value), new.size), np.nan)], axis=1)
    baseline = _filled(trial)[:, patient]
    drawn = _drawn(trial, arm, baseline, observed, rng)
    lost = rng.random((completions, arm.size)) < _share_lost(trial, completions, rng)[:, None]
    value = np.where(pending[None] & ~lost[:, None], drawn, observed)
    return Completed(patient, np.tile(arm, (completions, 1)), value)


def _filled(trial: UnderWay) -> Floats:
    """Baselines, the mean where one is missing, (1, patient); (0, patient) where none is known."""
    known = np.isfinite(trial.baseline)
    if not known.any():
        return np.empty((0, trial.baseline.size))
    return np.where(known, trial.baseline, trial.baseline[known].mean())[None]


def _enrolled_later(trial: UnderWay) -> Arms:
    """Arms of the patients who are yet to enrol, spread over the rest of the trial."""
    there = np.bincount(trial.arm, minlength=len(trial.planned))
    left = np.maximum(np.array(trial.planned) - there, 0)
    return np.repeat(np.arange(len(left)), left).astype(np.int8)


def _drawn(
    trial: UnderWay, arm: Arms, baseline: Floats, observed: Floats, rng: np.random.Generator
) -> Floats:
    """Every value, seen or drawn, (completion, visit, patient)."""
    completions = baseline.shape[1]
    value = np.broadcast_to(observed, (completions, *observed.shape)).copy()
    arms = np.equal.outer(np.arange(1, len(trial.planned)), arm).astype(np.float64)
    for visit in range(len(observed)):
        fit = _fit(trial, visit)
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
        foretold = np.einsum("ck,ckp->cp", slopes, x) + noise
        value[:, visit] = np.where(np.isnan(value[:, visit]), foretold, value[:, visit])
    return value


@dataclass(frozen=True, slots=True)
class _Fit:
    """Least squares at one visit: slopes, a root of their covariance over the variance."""

    slopes: Floats
    root: Floats
    squares: float  # sum of squared residuals
    df: int


def _fit(trial: UnderWay, visit: int) -> _Fit:
    there = np.isfinite(trial.value[: visit + 1]).all(axis=0)
    arms = np.equal.outer(np.arange(1, len(trial.planned)), trial.arm).astype(np.float64)
    x = np.stack(
        [np.ones(trial.arm.size), *arms, *_filled(trial), *trial.value[:visit]]
    )[:, there].T  # fmt: skip
    if there.sum() < x.shape[1] + _SPARE or np.linalg.matrix_rank(x) < x.shape[1]:
        raise TooFewToPredict(
            f"{there.sum()} patients have every visit up to number {visit + 1}; a prediction needs"
            f" at least {x.shape[1] + _SPARE}, in each arm"
        )
    inverse = np.linalg.inv(x.T @ x)
    slopes = inverse @ (x.T @ trial.value[visit, there])
    residual = trial.value[visit, there] - x @ slopes
    root = np.linalg.cholesky(inverse)
    return _Fit(slopes, root, float(residual @ residual), int(there.sum()) - x.shape[1])


def _share_lost(trial: UnderWay, completions: int, rng: np.random.Generator) -> Floats:
    """Chance that a patient is lost, a draw a completion, from those whose last visit is due."""
    due = ~trial.pending[-1]
    lost = int((due & np.isnan(trial.value[-1])).sum())
    if lost == 0:
        return np.zeros(completions)  # as nobody was lost so far
    return rng.beta(lost + 0.5, due.sum() - lost + 0.5, completions)
