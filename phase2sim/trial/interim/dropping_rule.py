"""Trials of several arms: looks drop arms, and the first that shows efficacy ends the trial.

Each arm is compared with control on the patients of both alone, so what a look finds of one arm
does not depend on which others are still there: complete trials can be judged afterwards.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtri

from phase2sim.core.arrays import Bools, Floats
from phase2sim.core.decision import AnalysisResults, Decision, Hypothesis
from phase2sim.theory.group_sequential import efficacy as efficacies
from phase2sim.theory.group_sequential import futility as futilities
from phase2sim.theory.group_sequential.multi_arm_boundaries import ArmBoundaries
from phase2sim.trial.interim.look import ArmsSeen, Look, chosen, picked
from phase2sim.trial.interim.stopping_times import (
    FOR_EFFICACY,
    FOR_FUTILITY,
    ArmCourse,
    Course,
    TrialEnds,
)


@dataclass(frozen=True, slots=True)
class DroppingRule:
    """Bounds on each arm's z, and how many arms at most go on after each interim look."""

    bounds: ArmBoundaries
    efficacy: efficacies.EfficacyRule
    futility: futilities.FutilityLimit | None = None
    keep_best: tuple[int, ...] = ()  # one an interim look; as many as are left without it
    verdict: int = 0  # number of that on all arms: at least one
    uninteresting_share: float = 0.0  # of the target: least favourable effect of the other arms

    @property
    def one_sided_alpha(self) -> float:
        """Familywise error, over all arms and looks."""
        return self.bounds.one_sided_alpha

    @property
    def title(self) -> str:
        """In words: what stops the trial, what drops an arm, and what the level counts on."""
        words = f"{self.efficacy.title} for several arms"
        if self.futility is not None:
            binding = "binding" if self.futility.binding else "not binding"
            words += f"; arms dropped by {self.futility.title}, {binding}"
        elif not self.keep_best:
            words += "; no arm is dropped"
        if self.keep_best:
            words += f"; at most {', '.join(map(str, self.keep_best))} arms go on"
        return words


def ended_by_arm(
    rule: DroppingRule,
    decision: Decision,
    hypotheses: tuple[Hypothesis, ...],
    looks: Sequence[Look],
) -> TrialEnds:
    """Follow every trial, and each of its arms, to its end."""
    course, shown = _course(rule, looks)
    course = replace(course, verdict=decision.decide(_certain(shown, hypotheses)))
    assert course.arms is not None  # noqa: S101 - made here
    last, seen = course.arms.last, _seen(looks, course)
    look = Look(
        estimates=tuple(
            chosen([one.estimates[arm] for one in looks], last[arm]) for arm in range(len(last))
        ),
        missing=picked([one.missing for one in looks], last),
        due=seen.due,
        enrolled=seen.enrolled.sum(axis=0) + seen.control_enrolled,
        months=_months(looks, course),
        overrun_p=looks[-1].overrun_p,
        arms=seen,
    )
    return TrialEnds(course, look, seen.due.sum(axis=0) + seen.control_due)


def shows(rule: DroppingRule, p: Floats, look: int) -> Bools:
    """Whether arms with these p-values are beyond their bound at a look."""
    return np.asarray(p <= rule.bounds.nominal[look])


def final_certainty(rule: DroppingRule, seen: AnalysisResults) -> AnalysisResults:
    """Arms of a data set at the planned end, as if each p said for certain what it shows."""
    shown = np.where(shows(rule, seen.p, -1), 0.0, 1.0)
    return _certain(np.where(np.isnan(seen.p), np.nan, shown).T, seen.hypotheses)


def _course(rule: DroppingRule, looks: Sequence[Look]) -> tuple[Course, Floats]:
    """How trials went, and what each arm showed: (arm, trial), 0 a go, 1 a stop, nan unknown."""
    p = np.stack([[one.p for one in look.estimates] for look in looks])  # (look, arm, trial)
    final, (arms, trials) = len(looks) - 1, p.shape[1:]
    there, running = np.ones((arms, trials), np.bool_), np.ones(trials, np.bool_)
    arm_last, dropped = np.full((arms, trials), final), np.zeros((arms, trials), np.bool_)
    last, why = np.full(trials, final), np.zeros(trials, np.int8)
    failed = np.zeros((final, trials), np.bool_)
    for k, look in enumerate(looks[:-1]):
        held = running & (look.months < _last_readout(looks[-1], there))
        at_look = there & held
        above = at_look & shows(rule, p[k], k)
        wins = above.any(axis=0)
        out = at_look & ~above & _falls(rule, p[k], k, at_look & ~above)
        failed[k] = (at_look & np.isnan(p[k])).any(axis=0)
        there = there & ~out
        empty = held & ~wins & ~there.any(axis=0)
        over = wins | empty
        arm_last[at_look & (out | over)], last[over] = k, k
        why[wins], why[empty] = FOR_EFFICACY, FOR_FUTILITY
        dropped |= out
        running &= ~over
    at_end = np.take_along_axis(p, arm_last[None], axis=0)[0]
    level = rule.bounds.nominal[arm_last]
    go = ~dropped & (arm_last == last) & (at_end <= level)
    shown = np.where(np.isnan(at_end), np.nan, np.where(go, 0.0, 1.0))
    best = np.where(go.any(axis=0), np.where(go, at_end, np.inf).argmin(axis=0), -1)
    course = ArmCourse(arm_last, dropped, best)
    nothing = np.zeros((trials, 0), np.int8)
    return Course(nothing, last, why, failed, np.zeros(trials, np.bool_), course), shown


def _falls(rule: DroppingRule, p: Floats, look: int, judged: Bools) -> Bools:
    """Whether each of the judged arms is at its lower bound or below, or not among the best.

    One whose analysis failed stays, and takes no other's place.
    """
    lower = rule.bounds.futility[look]
    falls = -ndtri(p) <= lower if np.isfinite(lower) else np.zeros(p.shape, np.bool_)
    falls &= judged
    if rule.keep_best:
        left = judged & ~falls & ~np.isnan(p)
        rank = np.where(left, p, np.inf).argsort(axis=0, kind="stable").argsort(axis=0)
        falls |= left & (rank >= rule.keep_best[look])
    return np.asarray(falls)


def _last_readout(final: Look, there: Bools) -> Floats:
    """Months (trial,) to the last readout of control and the arms that are there (arm, trial)."""
    assert final.arms is not None  # noqa: S101 - such a design has them
    months: Floats = np.where(there, final.arms.months, -np.inf).max(axis=0)
    return months


def _months(looks: Sequence[Look], course: Course) -> Floats:
    """Months (trial,) to the decision that ended each trial, or to its last readout."""
    assert course.arms is not None  # noqa: S101 - made here
    there = course.arms.last == len(looks) - 1
    by_look = np.stack([look.months for look in looks])
    at_look: Floats = np.take_along_axis(by_look, course.last[None], axis=0)[0]
    is_last = course.last == len(looks) - 1
    return np.where(is_last, _last_readout(looks[-1], there), at_look)


def _seen(looks: Sequence[Look], course: Course) -> ArmsSeen:
    """What was had of each arm at its own last look, and of control at the trial's."""
    arms, own = [look.arms for look in looks], course.arms
    assert own is not None  # noqa: S101 - made here
    known = [one for one in arms if one is not None]
    return ArmsSeen(
        enrolled=picked([one.enrolled for one in known], own.last),
        due=picked([one.due for one in known], own.last),
        months=picked([one.months for one in known], own.last),
        control_enrolled=picked([one.control_enrolled for one in known], course.last),
        control_due=picked([one.control_due for one in known], course.last),
    )


def _certain(shown: Floats, hypotheses: tuple[Hypothesis, ...]) -> AnalysisResults:
    """What arms (arm, trial) show, as p of 0 and 1 that any rule judges alike."""
    p = np.ascontiguousarray(shown.T)
    unknown = np.full(p.shape, np.nan)
    return AnalysisResults(unknown, unknown, np.full(p.shape, np.inf), p, hypotheses)
