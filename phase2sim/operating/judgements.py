"""Judgements behind results: elicited inputs, and trials that drew the fitted part of a prior."""

import numpy as np
from numpy.typing import NDArray

from phase2sim.core.arrays import Ints
from phase2sim.evidence.elicited import ElicitedInput, elicited_inputs, robust_weight_input
from phase2sim.evidence.reported import Evidence
from phase2sim.operating.measures import by_end
from phase2sim.prior.truth_sources import drew_fitted
from phase2sim.scenario.assembly.parts import BuiltScenario
from phase2sim.scenario.scenario_file import Scenario


def elicited_of(scenario: Scenario, evidence: Evidence | None) -> tuple[ElicitedInput, ...]:
    """Every elicited input behind the results of a scenario: of its evidence, and its own."""
    fitted = () if evidence is None else elicited_inputs(evidence)
    if (mixed := scenario.truth.prior) is None:
        return fitted
    return (*fitted, robust_weight_input(mixed.robust_weight, mixed.why))


def fitted_ends(built: BuiltScenario, truth: str, verdict: NDArray[np.int8], first: int) -> Ints:
    """Count, by verdict and end, the trials under the truth ``prior`` with a fitted effect.

    ``verdict`` (trial, verdict) is of consecutive trials from ``first`` on. No rows under any
    other truth.
    """
    mixed = built.scenario.truth.prior
    if truth != "prior" or mixed is None:
        return np.zeros((0, 0), np.int64)
    drew = drew_fitted(built.study.plan.seed, mixed.robust_weight, first, len(verdict))
    return by_end(verdict, drew)
