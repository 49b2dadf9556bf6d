"""Where each trial of a batch stops, and why: looks that are stored can be judged again."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from phase2sim.core.arrays import Bools, Floats, Ints
from phase2sim.core.contracts import GO, STOP, UNDECIDED
from phase2sim.core.decision import AnalysisResults, Decision, Hypothesis, only_p, side_by_side
from phase2sim.theory.group_sequential.actual_information import (
    futility_bounds,
    rising,
    spending_bounds,
)
from phase2sim.theory.group_sequential.boundaries import Boundaries
from phase2sim.theory.group_sequential.efficacy import spent_at
from phase2sim.theory.group_sequential.futility import BetaSpending, EffectLimit, futility_limits
from phase2sim.theory.group_sequential.spending import Spending
from phase2sim.trial.interim.look import Look, at_the_end
from phase2sim.trial.interim.stopping_rule import StoppingRule

TO_THE_END, FOR_EFFICACY, FOR_FUTILITY, FOR_HARM = range(4)
REASONS = ("", "efficacy", "futility", "harm")


@dataclass(frozen=True, slots=True)
class ArmCourse:
    """What became of each arm of a batch of trials, in the order of the analyses."""

    last: Ints  # (arm, trial) number of its last look, from 0: dropped there, or the trial ended
    dropped: Bools  # (arm, trial)
    best: Ints  # (trial,) the arm with the smallest p of those that are a go, -1 without any


@dataclass(frozen=True, slots=True)
class Course:
    """How a batch of trials went under one rule."""

    verdict: NDArray[np.int8]  # (trial, verdict), of the look that was the last
    last: Ints  # (trial,) its number, from 0; the final analysis is the highest. For harm: the next
    why: NDArray[np.int8]  # (trial,) an index into ``REASONS``
    failed: Bools  # (interim look, trial): it was held, and could not be answered
    reversed: Bools  # (trial,): a stop for efficacy that those on their way take back
    arms: ArmCourse | None = None  # where arms are dropped at looks


@dataclass(frozen=True, slots=True)
class TrialEnds:
    """How a batch of trials went, and what each had come to at its own last look."""

    course: Course
    look: Look
    in_full: Ints  # (trial,) patients whose data that look had in full


def end_trials(
    rule: StoppingRule,
    decision: Decision,
    hypotheses: tuple[Hypothesis, ...],
    looks: Sequence[Look],
) -> TrialEnds:
    """Follow every trial to its end; ``looks`` ends with the final analysis."""
    went = course(rule, decision, hypotheses, looks)
    look = at_the_end(looks, went.last)
    return TrialEnds(went, look, look.due.min(axis=0))


def course(
    rule: StoppingRule,
    decision: Decision,
    hypotheses: tuple[Hypothesis, ...],
    looks: Sequence[Look],
) -> Course:
    """Follow every trial from look to look; ``looks`` ends with the final analysis.

    A look whose analysis failed stops nobody. A look that would have come after the last readout
    is not held.
    """
    found_at = [side_by_side(look.estimates, hypotheses) for look in looks]
    bounds = [_Bounds.of(rule, looks, number) for number in range(len(hypotheses))]
    final, trials = looks[-1], looks[-1].months.size
    last, why = np.full(trials, len(looks) - 1), np.zeros(trials, np.int8)
    failed = np.zeros((len(looks) - 1, trials), np.bool_)
    verdict = _decided(rule, decision, found_at[-1], [one.upper[:, -1] for one in bounds])
    going, taken_back = np.ones(trials, np.bool_), np.zeros(trials, np.bool_)
    for k, look in enumerate(looks[:-1]):
        held = going & (look.months < final.months)
        upper = [one.upper[:, k] for one in bounds]
        shown = _decided(rule, decision, found_at[k], upper)
        efficacy = held & (shown[:, rule.verdict] == GO)
        futile = _is_futile(rule, decision, found_at[k], [one.lower[:, k] for one in bounds])
        futile &= held & ~efficacy
        failed[k] = held & (shown[:, rule.verdict] == UNDECIDED)
        stopped = efficacy | futile
        verdict[stopped], last[stopped] = shown[stopped], k
        why[efficacy], why[futile] = FOR_EFFICACY, FOR_FUTILITY
        going &= ~stopped
        if efficacy.any():
            later = _decided(rule, decision, replace(found_at[k], p=look.overrun_p.T), upper)
            taken_back |= efficacy & (later[:, rule.verdict] == STOP)
    return Course(verdict, last, why, failed, taken_back)


def planned_verdict(
    rule: StoppingRule, decision: Decision, seen: AnalysisResults, analyses: Sequence[int]
) -> NDArray[np.int8]:
    """Verdicts (trial, verdict) of some analyses at the end, by their planned bounds."""
    upper = [rule.planned[number].efficacy[None, -1] for number in analyses]
    return _decided(rule, decision, seen, upper)


def _decided(
    rule: StoppingRule, decision: Decision, seen: AnalysisResults, upper: Sequence[Floats]
) -> NDArray[np.int8]:
    """Verdicts (trial, verdict) of one look, given each analysis's bound on z, (trial or 1,).

    The decision judges at its own alpha: p is stretched so that the bound's nominal level is there.
    """
    nominal = np.broadcast_to(ndtr(-np.stack(upper, axis=-1)), seen.p.shape)
    stretched = np.full(nominal.shape, np.inf)
    np.divide(seen.p * rule.one_sided_alpha, nominal, out=stretched, where=nominal > 0)
    return decision.decide(replace(seen, p=np.where(np.isnan(seen.p), np.nan, stretched)))


def _is_futile(
    rule: StoppingRule, decision: Decision, seen: AnalysisResults, lower: Sequence[Floats]
) -> Bools:
    """Whether the decision would be a stop though all that is not below its limit were shown."""
    at, limits = -ndtri(seen.p), np.stack(lower, axis=-1)
    if isinstance(rule.limit, EffectLimit) and not rule.limit.binding:
        sign = np.array([one.benefit_sign for one in seen.hypotheses])
        at = sign * (seen.effect - [one.null_effect for one in seen.hypotheses])
    below = np.where(np.isnan(seen.p), np.nan, at < limits)
    futile: Bools = decision.decide(only_p(below))[:, rule.verdict] == STOP
    return futile


@dataclass(frozen=True, slots=True)
class _Bounds:
    """Bounds of one analysis, (trial or 1, look), the final analysis last.

    On z; but a limit on effects that is not binding is left on the scale of benefit.
    """

    upper: Floats
    lower: Floats

    @classmethod
    def of(cls, rule: StoppingRule, looks: Sequence[Look], number: int) -> "_Bounds":
        """Planned, or those of each trial's own information."""
        planned, limit = rule.planned[number], rule.limit
        made = cls(planned.efficacy[None], planned.futility[None])
        se = np.stack([look.estimates[number].se for look in looks], axis=1)
        maximum = rule.maximum_information[number]
        fractions = planned.information[None]
        if rule.actual and maximum is not None:
            fractions = rising(se**-2.0 / maximum)
            made = _actual(rule, fractions, planned)
        if isinstance(limit, EffectLimit) and not limit.binding:
            return replace(made, lower=_ended(futility_limits(limit, len(looks) - 1)[None]))
        if limit is not None and (rule.actual or np.isnan(made.lower).any()):
            before = fractions[:, :-1]
            # Without a planned maximum, that which follows from the look's own standard error.
            own = 1.0 / (se[:, :-1] * np.sqrt(before))
            drift = own if maximum is None else np.sqrt(maximum)
            return replace(made, lower=_ended(limit.z(before, made.upper[:, -1:], drift)))
        return made


def _ended(lower: Floats) -> Floats:
    """Limits of the interim looks, and nothing for the final analysis, which looks at none."""
    return np.concatenate([lower, np.full((len(lower), 1), np.nan)], axis=1)


def _actual(rule: StoppingRule, fractions: Floats, planned: Boundaries) -> _Bounds:
    """Bounds that spend by each trial's own fractions (trial, look) of the information."""
    upper = np.broadcast_to(planned.efficacy, fractions.shape)
    if isinstance(rule.efficacy, Spending):
        spent = spent_at(rule.efficacy, fractions, rule.one_sided_alpha)
        upper = spending_bounds(fractions, spent)
    lower = np.full(fractions.shape, -np.inf)
    if isinstance(rule.futility, BetaSpending) and rule.beta_spending is not None:
        spent = spent_at(rule.beta_spending, fractions, rule.futility.beta)
        lower = futility_bounds(fractions, upper, spent, planned.drift)
    return _Bounds(upper, lower)
