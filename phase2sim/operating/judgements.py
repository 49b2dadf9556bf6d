"""Judgements behind results: elicited inputs, and trials that drew the fitted part of a prior."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from phase2sim.core.contracts import GO
from phase2sim.core.draws_error import DrawSums, Picks
from phase2sim.evidence.elicited import (
    NO_REASON,
    ElicitedInput,
    care_inputs,
    elicited_inputs,
    robust_weight_input,
)
from phase2sim.evidence.reported import Evidence
from phase2sim.operating.measures import TrialSums, by_end
from phase2sim.prior.truth_sources import drew_fitted
from phase2sim.scenario.assembly.parts import BuiltScenario
from phase2sim.scenario.scenario_file import Scenario


def elicited_of(scenario: Scenario, evidence: Evidence | None) -> tuple[ElicitedInput, ...]:
    """Every elicited input behind the results of a scenario: of its evidence, and its own."""
    fitted: tuple[ElicitedInput, ...] = ()
    if evidence is not None:
        population = scenario.population
        care = care_inputs(evidence, population.care, population.care_why)
        fitted = (*elicited_inputs(evidence), *care)
    if (therapy := scenario.population.background) is not None:
        value = f"{therapy.name} in {100 * therapy.share:g} % of every arm"
        given = ElicitedInput("population.background", value, therapy.why or NO_REASON)
        fitted = (*fitted, given)
    if (mixed := scenario.truth.prior) is None:
        return fitted
    return (*fitted, robust_weight_input(mixed.robust_weight, mixed.why))


def with_fitted(
    sums: TrialSums,
    built: BuiltScenario,
    truth: str,
    verdict: NDArray[np.int8],
    *,
    first: int,
    picks: Picks | None,
) -> TrialSums:
    """Add how the trials under the truth ``prior`` with a fitted effect ended.

    ``verdict`` (trial, verdict) is of consecutive trials from ``first`` on, ``picks`` their draws.
    Nothing is added under any other truth.
    """
    mixed = built.scenario.truth.prior
    if truth != "prior" or mixed is None:
        return sums
    drew = drew_fitted(built.study.plan.seed, mixed.robust_weight, first, len(verdict))
    by_draw = DrawSums.of(picks, {"fitted": drew[None], "fitted go": (verdict == GO).T & drew})
    totals = {**sums.by_draw.totals, **by_draw.totals}
    return replace(sums, fitted=by_end(verdict, drew), by_draw=replace(sums.by_draw, totals=totals))
