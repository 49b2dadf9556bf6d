"""Trials of several arms: looks drop arms, and the first that shows efficacy ends the trial.

Each arm is compared with control on the patients of both alone, so what a look finds of one arm
does not depend on which others are still there: complete trials can be judged afterwards.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from phase2sim.core.arrays import Bools, Floats
from phase2sim.core.decision import AnalysisResults, Decision, Hypothesis
from phase2sim.theory.group_sequential.efficacy_rule import EfficacyRule
from phase2sim.theory.group_sequential.futility_rule import FutilityRule
from phase2sim.theory.group_sequential.multi_arm_boundaries import ArmBoundaries, Fates
from phase2sim.trial.interim.look import ArmsSeen, Look, estimates_at, pick_look
from phase2sim.trial.interim.rules import InterimRule
from phase2sim.trial.interim.trial_ends import (
    FOR_EFFICACY,
    FOR_FUTILITY,
    ArmCourse,
    Course,
    TrialEnds,
)


@dataclass(frozen=True, slots=True)
class DroppingRule(InterimRule):
    """Bounds on each arm's z, and how many arms at most go on after each interim look."""

    drops_arms: ClassVar[bool] = True

    bounds: ArmBoundaries
    efficacy: EfficacyRule
    futility: FutilityRule | None = None
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

    def fates(self, drift: Floats) -> Fates | None:
        """What becomes of each arm by theory; None where only the best go on."""
        return None if self.keep_best else self.bounds.fates(drift)

    def end_trials(
        self, decision: Decision, hypotheses: tuple[Hypothesis, ...], looks: Sequence[Look]
    ) -> TrialEnds:
        """Follow every trial, and each of its arms, to its end; the final analysis is last."""
        course, arms, shown = _course(self, looks)
        course = replace(course, verdict=decision.decide(_certain(shown, hypotheses)))
        seen = _arms_at_the_end(looks, course, arms)
        look = Look(
            estimates=tuple(
                estimates_at([look.estimates[arm] for look in looks], last)
                for arm, last in enumerate(arms.last)
            ),
            missing=pick_look([look.missing for look in looks], arms.last),
            due=seen.due,
            enrolled=seen.enrolled.sum(axis=0) + seen.control_enrolled,
            months=_months(looks, course, arms),
            overrun_p=looks[-1].overrun_p,
            arms=seen,
        )
        return TrialEnds(course, look, seen.due.sum(axis=0) + seen.control_due)

    def final_verdict(
        self, decision: Decision, results: AnalysisResults, analyses: Sequence[int]
    ) -> NDArray[np.int8]:
        """Verdicts (trial, verdict) at the planned end, each p taken for certain."""
        del analyses  # the bounds of all arms are alike
        shown = np.where(shows(self, results.p, -1), 0.0, 1.0)
        shown = np.where(np.isnan(results.p), np.nan, shown).T
        return decision.decide(_certain(shown, results.hypotheses))


def shows(rule: DroppingRule, p: Floats, look: int) -> Bools:
    """Whether arms with these p-values are beyond their bound at a look."""
    return np.asarray(p <= rule.bounds.nominal[look])


def _course(rule: DroppingRule, looks: Sequence[Look]) -> tuple[Course, ArmCourse, Floats]:
    """How trials went, and what each arm showed: (arm, trial), 0 a go, 1 a stop, nan unknown."""
    p = np.stack(
        [[estimates.p for estimates in look.estimates] for look in looks]
    )  # (look, arm, trial)
    final, (arms, trials) = len(looks) - 1, p.shape[1:]
    staying, running = np.ones((arms, trials), np.bool_), np.ones(trials, np.bool_)
    arm_last, dropped = np.full((arms, trials), final), np.zeros((arms, trials), np.bool_)
    last, why = np.full(trials, final), np.zeros(trials, np.int8)
    failed = np.zeros((final, trials), np.bool_)
    for k, look in enumerate(looks[:-1]):
        held = running & (look.months < _last_readout(looks[-1], staying))
        at_look = staying & held
        above = at_look & shows(rule, p[k], k)
        wins = above.any(axis=0)
        out = at_look & ~above & _falls(rule, p[k], k, at_look & ~above)
        failed[k] = (at_look & np.isnan(p[k])).any(axis=0)
        staying = staying & ~out
        empty = held & ~wins & ~staying.any(axis=0)
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
    arms_of = ArmCourse(arm_last, dropped, best)
    no_verdict, never = np.zeros((trials, 0), np.int8), np.zeros(trials, np.bool_)
    return Course(no_verdict, last, why, failed, never, arms_of), arms_of, shown


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


def _last_readout(final: Look, staying: Bools) -> Floats:
    """Months (trial,) to the last readout of control and the arms that stay (arm, trial)."""
    (arms,) = _arms_of([final])
    months: Floats = np.where(staying, arms.months, -np.inf).max(axis=0)
    return months


def _months(looks: Sequence[Look], course: Course, arms: ArmCourse) -> Floats:
    """Months (trial,) to the decision that ended each trial, or to its last readout."""
    final = len(looks) - 1
    by_look = np.stack([look.months for look in looks])
    at_look: Floats = np.take_along_axis(by_look, course.last[None], axis=0)[0]
    return np.where(course.last == final, _last_readout(looks[-1], arms.last == final), at_look)


def _arms_of(looks: Sequence[Look]) -> list[ArmsSeen]:
    """Arms at each look; a design that drops arms has them at all."""
    return [look.arms for look in looks if look.arms is not None]


def _arms_at_the_end(looks: Sequence[Look], course: Course, arms: ArmCourse) -> ArmsSeen:
    """Patients of each arm at the arm's own last look, and of control at the trial's."""
    by_look = _arms_of(looks)
    return ArmsSeen(
        enrolled=pick_look([seen.enrolled for seen in by_look], arms.last),
        due=pick_look([seen.due for seen in by_look], arms.last),
        months=pick_look([seen.months for seen in by_look], arms.last),
        control_enrolled=pick_look([seen.control_enrolled for seen in by_look], course.last),
        control_due=pick_look([seen.control_due for seen in by_look], course.last),
    )


def _certain(shown: Floats, hypotheses: tuple[Hypothesis, ...]) -> AnalysisResults:
    """What arms (arm, trial) show, as p of 0 and 1 that any rule judges alike."""
    p = np.ascontiguousarray(shown.T)
    unknown = np.full(p.shape, np.nan)
    return AnalysisResults(unknown, unknown, np.full(p.shape, np.inf), p, hypotheses)
