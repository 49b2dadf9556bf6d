"""A scenario's parts, built and checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from phase2sim.core.effect_shapes import EffectShape
from phase2sim.core.patient_parts import Missingness
from phase2sim.scenario.scenario_file import Scenario
from phase2sim.trial.designs.design import Design
from phase2sim.trial.study import Study


@dataclass(frozen=True, slots=True)
class BuiltScenario:
    """A scenario with its parts, all checked; nothing here needs the prior.

    ``study`` observes everybody until ``assemble`` has set ``dropout`` and ``gaps`` to their rates.
    """

    scenario: Scenario
    design: Design
    study: Study
    dropout: Missingness
    gaps: Missingness | None
    event_names: tuple[str, ...]  # of the intercurrent events, in the order in which they act
    shapes: Mapping[str, EffectShape]  # of the target effects

    @property
    def path(self) -> Path:
        """The scenario's file, for messages."""
        return self.scenario.path
