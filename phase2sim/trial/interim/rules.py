"""Interim looks of a trial: when they are due, and the rule that says where a trial ends."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from phase2sim.core.arrays import Floats
from phase2sim.core.decision import AnalysisResults, Decision, Hypothesis
from phase2sim.theory.group_sequential.boundaries import Boundaries
from phase2sim.theory.group_sequential.multi_arm_boundaries import Fates
from phase2sim.trial.interim.look import Look
from phase2sim.trial.interim.schedule import Schedule
from phase2sim.trial.interim.trial_ends import TrialEnds


class InterimRule(ABC):
    """Says where each trial ends: at a look, or at the final analysis."""

    __slots__ = ()

    drops_arms: ClassVar[bool] = False  # looks may drop arms, one analysis per arm
    verdict: int  # number of the verdict that stops a trial

    @property
    @abstractmethod
    def one_sided_alpha(self) -> float:
        """Type I error over all looks."""

    @property
    @abstractmethod
    def title(self) -> str:
        """What stops the trial, and whether the level counts on it, in words."""

    def planned_bounds(self, number: int) -> Boundaries | None:
        """Planned bounds of one analysis; None where an analysis has none of its own."""
        del number
        return None

    def fates(self, drift: Floats) -> Fates | None:
        """What becomes of each arm by theory, ``drift`` (arm,); None where theory cannot say."""
        del drift
        return None

    @abstractmethod
    def end_trials(
        self, decision: Decision, hypotheses: tuple[Hypothesis, ...], looks: Sequence[Look]
    ) -> TrialEnds:
        """Follow every trial to its end; ``looks`` ends with the final analysis."""

    @abstractmethod
    def final_verdict(
        self, decision: Decision, results: AnalysisResults, analyses: Sequence[int]
    ) -> NDArray[np.int8]:
        """Verdicts (trial, verdict) of some analyses at the planned end, by the planned bounds."""


@dataclass(frozen=True, slots=True)
class Interim[Rule: InterimRule]:
    """The interim looks of a design: when they are due, and the rule that they follow."""

    schedule: Schedule
    rule: Rule
