"""Trials with interim looks that are watched for harm too: whichever stops them first counts."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from phase2sim.core.contracts import STOP
from phase2sim.trial.interim.look import Look
from phase2sim.trial.interim.trial_ends import FOR_HARM, TrialEnds
from phase2sim.trial.safety.harm_counts import HarmSums, harm_sums
from phase2sim.trial.safety.monitoring import HarmMonitoring, SafetyRule


def with_harm(end: TrialEnds, looks: Sequence[Look], watched: HarmMonitoring | None) -> TrialEnds:
    """End trials that cross the safety boundary by the day on which they would have ended.

    ``looks`` ends with the final analysis. On one day harm comes before what a look decides. Until
    then a trial has gone on as it would have, so that its course need not be followed again. A
    trial that is stopped for harm is not analysed: the estimates stay those of the look at which it
    would have ended, as without the rule.
    """
    if watched is None:
        return end
    course, look = end.course, end.look
    harmed = watched.months <= look.months
    held_before = np.stack([interim_look.months < watched.months for interim_look in looks[:-1]])
    course = replace(
        course,
        verdict=np.where(harmed[:, None], STOP, course.verdict).astype(np.int8),
        last=np.where(harmed, held_before.sum(axis=0), course.last),
        why=np.where(harmed, FOR_HARM, course.why).astype(np.int8),
        failed=course.failed & held_before,
        reversed=course.reversed & ~harmed,
    )
    look = replace(
        look,
        due=np.where(harmed, watched.due, look.due),
        enrolled=np.where(harmed, watched.enrolled, look.enrolled),
        months=np.where(harmed, watched.months, look.months),
    )
    in_full = np.where(harmed, watched.due, end.in_full)
    return TrialEnds(course, look, in_full)


def sums_of_harm(
    rule: SafetyRule | None, watched: HarmMonitoring | None, end: TrialEnds | None, patients: int
) -> HarmSums | None:
    """Sum a batch, with interim looks (``end``) or without; None where there is no safety rule."""
    if rule is None or watched is None:
        return None
    if end is not None:
        stopped = end.course.why == FOR_HARM
        return harm_sums(watched, stopped, end.course.last, end.look.enrolled, rule.looks)
    enrolled = np.where(watched.crossed, watched.enrolled, patients)
    only = np.zeros_like(watched.look)
    return harm_sums(watched, watched.crossed, only, enrolled, rule.looks)
