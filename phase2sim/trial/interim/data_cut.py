"""What the looks at a batch of trials find: each analysis on the data that are due by then.

Analyses that use pipeline patients (mixed models, counts) read what everybody
enrolled has shown so far. All others read the patients whose analysed visit was due, lost or not:
so nobody counts as missing who only had no time to come.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import itemgetter

import numpy as np

from phase2sim.analyses.readings import (
    compare_arms,
    counted_reading,
    estimate,
    estimate_first,
    first_patients_by_trial,
)
from phase2sim.core.analysis import Analysis
from phase2sim.core.arrays import Bools, Floats, Ints
from phase2sim.core.contracts import Estimates, Plan, Trials
from phase2sim.core.endpoints import EVENTS
from phase2sim.core.estimands import Aim
from phase2sim.core.estimates import map_estimates
from phase2sim.trial.interim.look import ArmsSeen, Look
from phase2sim.trial.interim.reestimated_final import reestimated_final
from phase2sim.trial.interim.schedule import PlannedLook, Schedule

_TWO_ARMS = 2


@dataclass(frozen=True, slots=True)
class LookAnalyses:
    """The analyses of a trial, each with what it is to estimate."""

    plan: Plan
    analyses: tuple[Analysis, ...]
    aims: tuple[Aim, ...]


def looks_at(
    schedule: Schedule, analysed: LookAnalyses, trials: Trials, observed: Floats
) -> tuple[Look, ...]:
    """Every look at complete trials, the final analysis last.

    ``observed`` holds the values seen by the end, nan elsewhere, in the shape of ``trials.value``.
    """
    plan, arrivals = analysed.plan, trials.enrolment_months
    last_readout = arrivals.max(axis=1) + plan.visits_months[-1]
    cuts = [_months(look, arrivals, schedule) for look in schedule.looks]
    due = [_due(months, arrivals, plan) for months in cuts]
    everybody = np.ones(due[0].shape, np.bool_)
    by_analysis = [
        _by_look(schedule, analysed, number, trials=trials, observed=observed, due=due)
        for number in range(len(analysed.analyses))
    ]
    looks = []
    for k, due_by_visit in enumerate((*due, everybody)):
        at_end = k == len(cuts)
        months = last_readout if at_end else cuts[k] + schedule.months_to_decide
        look = _look(schedule, analysed, trials, due_by_visit, months=months, at_end=at_end)
        if schedule.analyse_overrun and not at_end:
            look = replace(look, overrun_p=_overrun_p(analysed, trials, observed, look.enrolled))
        looks.append(replace(look, estimates=tuple(by_look[k] for by_look in by_analysis)))
    if schedule.reestimation is not None:
        looks[-1] = reestimated_final(
            schedule,
            schedule.reestimation,
            analysed.analyses[0],
            analysed.aims[0],
            plan=plan,
            trials=trials,
            observed=observed,
            last=looks[-2],
        )
    return tuple(looks)


def _look(
    schedule: Schedule,
    analysed: LookAnalyses,
    trials: Trials,
    due_by_visit: Bools,
    *,
    months: Floats,
    at_end: bool,
) -> Look:
    """What a look has of the patients; its estimates are added."""
    reached, with_value = _reached(schedule, analysed, trials, due_by_visit)
    planned = trials.enrolment_months[:, : schedule.patients]
    arms = None
    if schedule.drops_arms:
        arms = _arms(analysed, trials, due_by_visit, months, at_end=at_end)
    return Look(
        estimates=(),
        missing=1.0 - with_value / np.maximum(reached, 1),
        due=reached,
        enrolled=(planned <= months[:, None]).sum(axis=1),
        months=months,
        overrun_p=np.full(reached.shape, np.nan),
        arms=arms,
    )


def _reached(
    schedule: Schedule, analysed: LookAnalyses, trials: Trials, due_by_visit: Bools
) -> tuple[Ints, Ints]:
    """Patients (analysis, trial) whose analysed visit was due, and those of them seen there.

    Of all arms; where arms are dropped, of an analysis's own two, as others may never have come.
    """
    reached, with_value = [], []
    for analysis, aim in zip(analysed.analyses, analysed.aims, strict=True):
        visit = analysed.plan.visits_months.index(analysis.month)
        due = due_by_visit[:, visit]
        if schedule.drops_arms:
            due = due & ((trials.arm == 0) | (trials.arm == aim.arm))
        reached.append(due.sum(axis=1))
        with_value.append((due & trials.seen[:, 0, visit]).sum(axis=1))
    return np.stack(reached), np.stack(with_value)


def _arms(
    analysed: LookAnalyses, trials: Trials, due_by_visit: Bools, months: Floats, *, at_end: bool
) -> ArmsSeen:
    """What a look has of each arm; ``due_by_visit`` (trial, visit, patient) was due by then."""
    arrivals, plan = trials.enrolment_months, analysed.plan
    treated = [trials.arm == aim.arm for aim in analysed.aims]
    control, enrolled = trials.arm == 0, arrivals <= months[:, None]
    due = due_by_visit[:, plan.visits_months.index(analysed.analyses[0].month)]
    until = [months] * len(treated)
    if at_end:
        last = [np.where(control | arm, arrivals, 0.0).max(axis=1) for arm in treated]
        until = [month + plan.visits_months[-1] for month in last]
    return ArmsSeen(
        enrolled=np.stack([(enrolled & arm).sum(axis=1) for arm in treated]),
        due=np.stack([(due & arm).sum(axis=1) for arm in treated]),
        months=np.stack(until),
        control_enrolled=(enrolled & control).sum(axis=1),
        control_due=(due & control).sum(axis=1),
    )


def _overrun_p(analysed: LookAnalyses, trials: Trials, observed: Floats, enrolled: Ints) -> Floats:
    """P (analysis, trial) of the first patients with everything that they will have shown."""
    plan = analysed.plan
    p_values = []
    for analysis, aim in zip(analysed.analyses, analysed.aims, strict=True):
        whole = counted_reading(analysis, plan, trials, observed, aim)
        p_values.append(
            first_patients_by_trial(analysis, whole, enrolled, len(plan.arms), aim.arm).p
        )
    return np.stack(p_values)


def _months(look: PlannedLook, arrivals: Floats, schedule: Schedule) -> Floats:
    """Months (trial,) from the trial's opening to the data of a look."""
    if look.calendar_months is not None:
        return np.full(len(arrivals), look.calendar_months)
    months: Floats = arrivals[:, look.patients_of(schedule.patients) - 1] + (look.month or 0.0)
    return months


def _due(months: Floats, arrivals: Floats, plan: Plan) -> Bools:
    """Whether each visit (trial, visit, patient) was due by then."""
    visits = np.array(plan.visits_months)
    due: Bools = arrivals[:, None] + visits[:, None] <= months[:, None, None]
    return due


def _by_look(
    schedule: Schedule,
    analysed: LookAnalyses,
    number: int,
    *,
    trials: Trials,
    observed: Floats,
    due: Sequence[Bools],
) -> tuple[Estimates, ...]:
    """Estimates of one analysis at every look, the final analysis last."""
    analysis, aim, plan = analysed.analyses[number], analysed.aims[number], analysed.plan
    sizes = tuple(look.patients_of(schedule.patients) for look in schedule.looks)
    if _in_one_pass(schedule, analysis, plan):
        sizes = (*sizes, plan.patients)
        whole = estimate_first(analysis, plan, trials, observed, aim, sizes=sizes)
        return tuple(map_estimates(whole, itemgetter(size)) for size in range(len(sizes)))
    interim = [_at_look(analysed, number, trials, observed, due_at_look) for due_at_look in due]
    return *interim, estimate(analysis, plan, trials, observed, aim)


def _in_one_pass(schedule: Schedule, analysis: Analysis, plan: Plan) -> bool:
    """Whether every look is the trial of its first patients, for an analysis that sees one visit.

    Only such analyses are ``in_one_pass``.
    """
    return (
        analysis.in_one_pass
        and len(plan.arms) == _TWO_ARMS
        and all(look.month == analysis.month for look in schedule.looks)
    )


def _at_look(
    analysed: LookAnalyses, number: int, trials: Trials, observed: Floats, due: Bools
) -> Estimates:
    """Estimates of one analysis from what was due (trial, visit, patient)."""
    analysis, aim, plan = analysed.analyses[number], analysed.aims[number], analysed.plan
    so_far = replace(trials, seen=trials.seen & due[:, None])
    whole = counted_reading(analysis, plan, so_far, np.where(due[:, None], observed, np.nan), aim)
    if analysis.endpoint not in EVENTS:
        # What an event makes of later visits is not known before they are due.
        value = np.where(due[:, 1:], whole.value, np.nan)
        whole = replace(whole, baseline=np.where(due[:, 0], whole.baseline, np.nan), value=value)
    if analysis.uses_pipeline_patients:
        return compare_arms(analysis, whole, len(plan.arms), aim.arm)
    reached: Ints = due[:, plan.visits_months.index(analysis.month)].sum(axis=1)
    return first_patients_by_trial(analysis, whole, reached, len(plan.arms), aim.arm)
