"""A trial to be simulated: its plan and its parts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import repeat

import numpy as np

from phase2sim.core.analysis import Analysis
from phase2sim.core.arrays import Arms, Floats
from phase2sim.core.contracts import Arrivals, Entrants, Plan, Trials, Truth
from phase2sim.core.decision import Decision, Hypothesis, hypothesis
from phase2sim.core.estimands import Aim
from phase2sim.core.patient_parts import Intercurrent, Observer, Randomisation, Recruitment
from phase2sim.trial.interim.reestimation import Reestimation
from phase2sim.trial.interim.rules import Interim, InterimRule
from phase2sim.trial.interim.schedule import PlannedLook
from phase2sim.trial.safety.monitoring import SafetyRule

type Enrol = Callable[[Plan, Truth, int, Arrivals], Entrants]
type Draw = Callable[[Plan, Truth, Entrants, Arms], Trials]
type Gains = Callable[[Plan, Truth, Trials], Floats]
type AddEvents = Callable[[Plan, Truth, Trials], Trials]
BATCH_BYTES = 2_000_000  # outcomes of one batch: larger ones leave the processor's cache
_LARGEST_BATCH = 4096


@dataclass(frozen=True, slots=True)
class PatientModel:
    """Where patients come from: how they enrol, and how their outcomes arise."""

    recruitment: Recruitment
    enrol: Enrol
    draw: Draw
    gains: Gains
    add_events: AddEvents


@dataclass(frozen=True, slots=True)
class TrueValues:
    """True values behind the analyses under one fixed truth, with their Monte Carlo errors.

    (analysis,) each; the error is 0 where the value is exact, the value nan where nobody knows it.
    """

    value: Floats
    mcse: Floats


@dataclass(frozen=True, slots=True)
class Study:
    """A trial to be simulated: its plan and its parts."""

    plan: Plan
    population: PatientModel
    randomisation: Randomisation
    dropout: Observer
    analyses: tuple[Analysis, ...]
    names: tuple[str, ...]  # of the analyses
    decision: Decision
    gaps: Observer | None = None
    events: tuple[Intercurrent, ...] = ()  # in the order in which they act
    aims: tuple[Aim, ...] = ()  # one an analysis; none: the one treated arm, no events
    after_loss: Mapping[str, float] = field(default_factory=dict)  # by endpoint, model scale
    wide: Plan | None = None  # endpoints and visits that are drawn, where they are more
    known: Mapping[str, TrueValues] = field(default_factory=dict)  # by label of a fixed truth
    safety: SafetyRule | None = None
    interim: Interim[InterimRule] | None = None  # where there are looks
    allocation: tuple[int, ...] = (1, 1)  # ratio of the arms

    @property
    def drawn(self) -> Plan:
        """What is drawn: the plan, or one with more endpoints and visits."""
        if self.wide is None:
            return self.plan
        return replace(self.wide, patients=self.plan.patients)

    @property
    def hypotheses(self) -> tuple[Hypothesis, ...]:
        """What each analysis is to show."""
        arms = (self.aim(number).arm for number in range(len(self.analyses)))
        ratio = repeat(self.allocation)
        return tuple(map(hypothesis, self.names, self.analyses, arms, ratio))

    @property
    def looks(self) -> tuple[PlannedLook, ...]:
        """Planned interim looks; none in a fixed design."""
        return () if self.interim is None else self.interim.schedule.looks

    @property
    def drops_arms(self) -> bool:
        """Whether looks may drop arms."""
        return self.interim is not None and self.interim.rule.drops_arms

    @property
    def reestimation(self) -> Reestimation | None:
        """How the number of patients is re-estimated at the last look, if it is."""
        return None if self.interim is None else self.interim.schedule.reestimation

    @property
    def verdicts(self) -> tuple[str, ...]:
        """Names of the verdicts."""
        return self.decision.labels(self.names)

    @property
    def batch(self) -> int:
        """Trials in a batch: set by the design alone, so that sums never depend on workers."""
        plan = self.drawn
        bytes_a_trial = 8 * len(plan.endpoints) * len(plan.visits_months) * plan.patients
        return int(np.clip(BATCH_BYTES // bytes_a_trial, 1, _LARGEST_BATCH))

    def aim(self, number: int) -> Aim:
        """What one analysis is to estimate."""
        return self.aims[number] if self.aims else Aim()
