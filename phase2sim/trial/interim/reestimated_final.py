"""The final analysis of trials whose number of patients was re-estimated at the last look."""

from dataclasses import replace

import numpy as np
from scipy.special import ndtr, ndtri

from phase2sim.analyses.readings import counted_reading, first_patients_by_trial
from phase2sim.core.analysis import Analysis
from phase2sim.core.arrays import Bools, Floats, Ints
from phase2sim.core.contracts import Estimates, Plan, Reading, Trials
from phase2sim.core.estimands import Aim
from phase2sim.trial.interim.look import Look
from phase2sim.trial.interim.reestimation import FirstStage, Reestimation, total_patients
from phase2sim.trial.interim.schedule import Schedule

_TWO_ARMS = 2  # more are refused


def reestimated_final(
    schedule: Schedule,
    part: Reestimation,
    analysis: Analysis,
    aim: Aim,
    *,
    plan: Plan,
    trials: Trials,
    observed: Floats,
    last: Look,
) -> Look:
    """Each trial at its end, with the patients that its ``last`` interim look leads to.

    Nobody beyond the planned number enrols before the decision. Where stages are combined p is
    that of the combination; estimate and standard error are those of all patients together.
    """
    whole = counted_reading(analysis, plan, trials, observed, aim)
    first = schedule.looks[-1].patients_of(schedule.patients)
    stage = FirstStage(
        first=first,
        planned=schedule.patients,
        ratio=schedule.ratio,
        z=-ndtri(last.estimates[0].p),
        blinded_variance=_blinded_variance(analysis, whole.of_first(first)),
    )
    patients = total_patients(part, stage)
    estimates = first_patients_by_trial(analysis, whole, patients, _TWO_ARMS, aim.arm)
    if part.combines:
        later = first_patients_by_trial(
            analysis, _after(whole, first), patients - first, _TWO_ARMS, aim.arm
        )
        estimates = _combined(part, stage, estimates, (last.estimates[0], later))
    months = _last_enrolment(trials, patients, schedule.patients, last.months)
    return _at_end(plan, analysis, trials, estimates, patients=patients, last_enrolment=months)


def _combined(
    part: Reestimation, stage: FirstStage, all_in: Estimates, stages: tuple[Estimates, Estimates]
) -> Estimates:
    """Estimates of all patients, with the p of both stages; failed where a stage failed."""
    first, second = stages
    reason = np.where(first.failed, first.reason, second.reason).astype(np.int8)
    reason = np.where(reason > 0, reason, all_in.reason).astype(np.int8)
    p = np.where(reason > 0, np.nan, ndtr(-part.combined(stage, -ndtri(second.p))))
    gone = reason > 0
    return replace(
        all_in,
        effect=np.where(gone, np.nan, all_in.effect),
        se=np.where(gone, np.nan, all_in.se),
        df=np.where(gone, np.nan, all_in.df),
        p=p,
        reason=reason,
    )


def _after(whole: Reading, first: int) -> Reading:
    """Return what is read of all patients but the first."""
    at_risk = whole.months_at_risk
    return replace(
        whole,
        arm=np.ascontiguousarray(whole.arm[:, first:]),
        baseline=np.ascontiguousarray(whole.baseline[:, first:]),
        value=np.ascontiguousarray(whole.value[..., first:]),
        age_years=np.ascontiguousarray(whole.age_years[:, first:]),
        stratum=np.ascontiguousarray(whole.stratum[:, first:]),
        months_at_risk=None if at_risk is None else np.ascontiguousarray(at_risk[..., first:]),
    )


def _blinded_variance(analysis: Analysis, reading: Reading) -> Floats:
    """Variance (trial,) of the analysed values, as if there were one arm.

    Given the baseline where the analysis is; of the change where it analyses that.
    """
    value = reading.value[:, reading.visits_months.index(analysis.month)]
    if analysis.of == "change":
        value = value - reading.baseline
    known = ~np.isnan(value) & ~np.isnan(reading.baseline)
    count = known.sum(axis=1)
    baseline = _centred(reading.baseline, known)
    value = _centred(value, known)
    squares = (value**2).sum(axis=1)
    df = count - 1
    if "baseline" in analysis.covariates:
        spread = (baseline**2).sum(axis=1)
        slope = (baseline * value).sum(axis=1) / np.where(spread > 0, spread, 1.0)
        squares, df = squares - slope**2 * spread, df - 1
    variance: Floats = np.where(df > 0, squares / np.maximum(df, 1), np.nan)
    return variance


def _centred(values: Floats, known: Bools) -> Floats:
    """Values less their mean in each trial, 0 where they are not known."""
    zeroed = np.where(known, values, 0.0)
    mean = zeroed.sum(axis=1, keepdims=True) / np.maximum(known.sum(axis=1, keepdims=True), 1)
    return np.where(known, values - mean, 0.0)


def _last_enrolment(trials: Trials, patients: Ints, planned: int, decided: Floats) -> Floats:
    """Months (trial,) to the last enrolment.

    Patients beyond the planned number enrol after the decision on the size at the earliest.
    """
    last = np.take_along_axis(trials.enrolment_months, patients[:, None] - 1, axis=1)[:, 0]
    return np.where(patients > planned, np.maximum(last, decided), last)


def _at_end(
    plan: Plan,
    analysis: Analysis,
    trials: Trials,
    estimates: Estimates,
    *,
    patients: Ints,
    last_enrolment: Floats,
) -> Look:
    """The final analysis as a look: who was enrolled, and when it is."""
    seen = trials.seen[:, 0, plan.visits_months.index(analysis.month)]
    enrolled = np.arange(seen.shape[1]) < patients[:, None]
    return Look(
        estimates=(estimates,),
        missing=1.0 - (seen & enrolled).sum(axis=1)[None] / patients,
        due=patients[None],
        enrolled=patients,
        months=last_enrolment + plan.visits_months[-1],
        overrun_p=np.full((1, patients.size), np.nan),
    )
