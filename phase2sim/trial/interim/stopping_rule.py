"""Stopping at a look for efficacy or futility: the rule, and where it ends each trial."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from phase2sim.core.arrays import Bools, Floats
from phase2sim.core.contracts import GO, STOP, UNDECIDED
from phase2sim.core.decision import AnalysisResults, Decision, Hypothesis, only_p, side_by_side
from phase2sim.theory.group_sequential.actual_information import (
    futility_bounds,
    increasing_information,
    spending_bounds,
)
from phase2sim.theory.group_sequential.boundaries import Boundaries
from phase2sim.theory.group_sequential.efficacy_rule import EfficacyRule
from phase2sim.theory.group_sequential.futility_rule import FutilityRule, futility_limits
from phase2sim.theory.group_sequential.spending import Spending
from phase2sim.trial.interim.look import Look, at_the_end
from phase2sim.trial.interim.rules import InterimRule
from phase2sim.trial.interim.trial_ends import FOR_EFFICACY, FOR_FUTILITY, Course, TrialEnds


@dataclass(frozen=True, slots=True)
class StoppingRule(InterimRule):
    """Bounds of efficacy and futility, and whose verdict they stop the trial for.

    ``planned`` are the bounds of each analysis at the planned fractions; there a limit on effects
    has no place on z, and is nan, where ``maximum_information`` is None: one over the squared
    standard error that an analysis is planned to have at the end. With ``actual`` information the
    bounds of a look follow what its trial has then, not the planned fractions.
    """

    planned: tuple[Boundaries, ...]
    efficacy: EfficacyRule
    futility: FutilityRule | None = None
    beta_spending: Spending | None = None
    actual: bool = False
    maximum_information: tuple[float | None, ...] = (None,)
    verdict: int = 0  # its number

    @property
    def one_sided_alpha(self) -> float:
        """Level of each analysis, over all looks."""
        return self.planned[0].one_sided_alpha

    @property
    def limit(self) -> FutilityRule | None:
        """Futility below a limit on some scale, if it is that."""
        if self.futility is None or self.futility.spends_error:
            return None
        return self.futility

    @property
    def title(self) -> str:
        """In words: what stops the trial, and whether the level counts on it."""
        if self.futility is None:
            return f"{self.efficacy.title}; no stop for futility"
        binding = "binding" if self.futility.binding else "not binding"
        return f"{self.efficacy.title}; futility by {self.futility.title}, {binding}"

    def planned_bounds(self, number: int) -> Boundaries | None:
        """Planned bounds of one analysis."""
        return self.planned[number]

    def end_trials(
        self, decision: Decision, hypotheses: tuple[Hypothesis, ...], looks: Sequence[Look]
    ) -> TrialEnds:
        """Follow every trial to its end; ``looks`` ends with the final analysis."""
        course = follow_course(self, decision, hypotheses, looks)
        look = at_the_end(looks, course.last)
        return TrialEnds(course, look, look.due.min(axis=0))

    def final_verdict(
        self, decision: Decision, results: AnalysisResults, analyses: Sequence[int]
    ) -> NDArray[np.int8]:
        """Verdicts (trial, verdict) of some analyses at the planned end, by the planned bounds."""
        upper = [self.planned[number].efficacy[None, -1] for number in analyses]
        return _judge(self, decision, results, upper)


def follow_course(
    rule: StoppingRule,
    decision: Decision,
    hypotheses: tuple[Hypothesis, ...],
    looks: Sequence[Look],
) -> Course:
    """Follow every trial from look to look; ``looks`` ends with the final analysis.

    A look whose analysis failed stops nobody. A look that would have come after the last readout
    is not held.
    """
    results_at = [side_by_side(look.estimates, hypotheses) for look in looks]
    bounds = [_Bounds.of(rule, looks, number) for number in range(len(hypotheses))]
    final, trials = looks[-1], looks[-1].months.size
    last, why = np.full(trials, len(looks) - 1), np.zeros(trials, np.int8)
    failed = np.zeros((len(looks) - 1, trials), np.bool_)
    verdict = _judge(rule, decision, results_at[-1], [bound.upper[:, -1] for bound in bounds])
    going, taken_back = np.ones(trials, np.bool_), np.zeros(trials, np.bool_)
    for k, look in enumerate(looks[:-1]):
        held_look = going & (look.months < final.months)
        upper = [bound.upper[:, k] for bound in bounds]
        shown = _judge(rule, decision, results_at[k], upper)
        efficacy = held_look & (shown[:, rule.verdict] == GO)
        futile = _is_futile(rule, decision, results_at[k], [bound.lower[:, k] for bound in bounds])
        futile &= held_look & ~efficacy
        failed[k] = held_look & (shown[:, rule.verdict] == UNDECIDED)
        stopped = efficacy | futile
        verdict[stopped], last[stopped] = shown[stopped], k
        why[efficacy], why[futile] = FOR_EFFICACY, FOR_FUTILITY
        going &= ~stopped
        if efficacy.any():
            later = _judge(rule, decision, replace(results_at[k], p=look.overrun_p.T), upper)
            taken_back |= efficacy & (later[:, rule.verdict] == STOP)
    return Course(verdict, last, why, failed, taken_back)


def _judge(
    rule: StoppingRule, decision: Decision, results: AnalysisResults, upper: Sequence[Floats]
) -> NDArray[np.int8]:
    """Verdicts (trial, verdict) of one look, given each analysis's bound on z, (trial or 1,).

    The decision judges at its own alpha: p is stretched so that the bound's nominal level is there.
    """
    nominal = np.broadcast_to(ndtr(-np.stack(upper, axis=-1)), results.p.shape)
    stretched = np.full(nominal.shape, np.inf)
    np.divide(results.p * rule.one_sided_alpha, nominal, out=stretched, where=nominal > 0)
    return decision.decide(replace(results, p=np.where(np.isnan(results.p), np.nan, stretched)))


def _is_futile(
    rule: StoppingRule, decision: Decision, results: AnalysisResults, lower: Sequence[Floats]
) -> Bools:
    """Whether the decision would be a stop though all that is not below its limit were shown."""
    benefit, limits = -ndtri(results.p), np.stack(lower, axis=-1)
    if rule.limit is not None and rule.limit.judges_estimate:
        sign = np.array([hypothesis.benefit_sign for hypothesis in results.hypotheses])
        benefit = sign * (
            results.effect - [hypothesis.null_effect for hypothesis in results.hypotheses]
        )
    below = np.where(np.isnan(results.p), np.nan, benefit < limits)
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
        bounds = cls(planned.efficacy[None], planned.futility[None])
        se = np.stack([look.estimates[number].se for look in looks], axis=1)
        se = np.where(se > 0.0, se, np.nan)  # 0 where rates are 0 or 1, which is no information
        maximum = rule.maximum_information[number]
        fractions = planned.information[None]
        if rule.actual and maximum is not None:
            fractions = increasing_information(se**-2.0 / maximum)
            bounds = _actual(rule, fractions, planned)
        if limit is not None and limit.judges_estimate:
            return replace(bounds, lower=_ended(futility_limits(limit, len(looks) - 1)[None]))
        if limit is not None and (rule.actual or np.isnan(bounds.lower).any()):
            before = fractions[:, :-1]
            # Without a planned maximum, that which follows from the look's own standard error.
            from_standard_error = 1.0 / (se[:, :-1] * np.sqrt(before))
            drift = from_standard_error if maximum is None else np.sqrt(maximum)
            return replace(bounds, lower=_ended(limit.z(before, bounds.upper[:, -1:], drift)))
        return bounds


def _ended(lower: Floats) -> Floats:
    """Limits of the interim looks, and nothing for the final analysis, which looks at none."""
    return np.concatenate([lower, np.full((len(lower), 1), np.nan)], axis=1)


def _actual(rule: StoppingRule, fractions: Floats, planned: Boundaries) -> _Bounds:
    """Bounds that spend by each trial's own fractions (trial, look) of the information."""
    upper = np.broadcast_to(planned.efficacy, fractions.shape)
    spent_alpha = rule.efficacy.increments(fractions, rule.one_sided_alpha)
    if spent_alpha is not None:
        upper = spending_bounds(fractions, spent_alpha)
    lower = np.full(fractions.shape, -np.inf)
    if rule.futility is not None:
        spent_beta = rule.futility.increments(fractions, rule.beta_spending)
        if spent_beta is not None:
            lower = futility_bounds(fractions, upper, spent_beta, planned.drift)
    return _Bounds(upper, lower)
