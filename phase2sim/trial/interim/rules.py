"""Where each trial of a batch ends, whatever the rule that its looks follow."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from phase2sim.core.decision import Decision, Found, Hypothesis
from phase2sim.trial.interim import stopping_times as course
from phase2sim.trial.interim.dropping_rule import Dropping, ended_by_arm, final_certainty
from phase2sim.trial.interim.look import Look
from phase2sim.trial.interim.stopping_rule import Stopping
from phase2sim.trial.interim.stopping_times import Ended

type Rule = Stopping | Dropping


def ended(
    rule: Rule, decision: Decision, hypotheses: tuple[Hypothesis, ...], looks: Sequence[Look]
) -> Ended:
    """Follow every trial to its end; ``looks`` ends with the final analysis."""
    if isinstance(rule, Dropping):
        return ended_by_arm(rule, decision, hypotheses, looks)
    return course.ended(rule, decision, hypotheses, looks)


def final_verdict(
    rule: Rule, decision: Decision, seen: Found, analyses: Sequence[int]
) -> NDArray[np.int8]:
    """Verdicts (trial, verdict) of some analyses at the end, by their planned bounds."""
    if isinstance(rule, Dropping):
        return decision.decide(final_certainty(rule, seen))
    return course.final_verdict(rule, decision, seen, analyses)
