"""A scenario's parts, built and checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path

from phase2sim.core.contracts import Analysis, Missingness, Plan, Randomisation, Recruitment
from phase2sim.core.decision import Decision, Hypothesis, hypothesis
from phase2sim.core.effect_shapes import Shape
from phase2sim.core.estimands import Aim
from phase2sim.scenario.assembly.plan import IntercurrentEvents
from phase2sim.scenario.scenario_file import Scenario
from phase2sim.trial.designs.design import Design
from phase2sim.trial.interim.rules import InterimRule
from phase2sim.trial.interim.schedule import Schedule
from phase2sim.trial.safety.monitoring import SafetyRule


@dataclass(frozen=True, slots=True)
class Parts:
    """A scenario's parts, all checked; nothing here needs the prior."""

    scenario: Scenario
    plan: Plan
    design: Design
    randomisation: Randomisation
    recruitment: Recruitment
    dropout: Missingness
    gaps: Missingness | None
    events: IntercurrentEvents
    analyses: tuple[Analysis, ...]
    names: tuple[str, ...]
    aims: tuple[Aim, ...]
    decision: Decision
    safety: SafetyRule | None
    stopping: InterimRule | None
    schedule: Schedule
    shapes: Mapping[str, Shape]  # of the target effects

    @property
    def path(self) -> Path:
        """The scenario's file, for messages."""
        return self.scenario.path

    @property
    def hypotheses(self) -> tuple[Hypothesis, ...]:
        """What each analysis is to show."""
        arms = (aim.arm for aim in self.aims)
        ratio = repeat(self.design.allocation)
        return tuple(map(hypothesis, self.names, self.analyses, arms, ratio))
