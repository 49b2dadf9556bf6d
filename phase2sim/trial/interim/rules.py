"""Where each trial of a batch ends, whatever the rule that its looks follow."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from phase2sim.core.decision import AnalysisResults, Decision, Hypothesis
from phase2sim.trial.interim import stopping_times as course
from phase2sim.trial.interim.dropping_rule import DroppingRule, ended_by_arm, final_certainty
from phase2sim.trial.interim.look import Look
from phase2sim.trial.interim.stopping_rule import StoppingRule
from phase2sim.trial.interim.stopping_times import TrialEnds

type InterimRule = StoppingRule | DroppingRule


def ended(
    rule: InterimRule, decision: Decision, hypotheses: tuple[Hypothesis, ...], looks: Sequence[Look]
) -> TrialEnds:
    """Follow every trial to its end; ``looks`` ends with the final analysis."""
    if isinstance(rule, DroppingRule):
        return ended_by_arm(rule, decision, hypotheses, looks)
    return course.end_trials(rule, decision, hypotheses, looks)


def final_verdict(
    rule: InterimRule, decision: Decision, seen: AnalysisResults, analyses: Sequence[int]
) -> NDArray[np.int8]:
    """Verdicts (trial, verdict) of some analyses at the end, by their planned bounds."""
    if isinstance(rule, DroppingRule):
        return decision.decide(final_certainty(rule, seen))
    return course.planned_verdict(rule, decision, seen, analyses)
