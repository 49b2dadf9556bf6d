"""What every analysis would find in endless data, by its own estimand: from potential outcomes."""

from dataclasses import replace

import numpy as np

from phase2sim.analyses.readings import read_endpoint, worst_values
from phase2sim.core.arrays import Floats
from phase2sim.core.contracts import Truth, TruthSource
from phase2sim.core.endpoints import EVENTS
from phase2sim.core.estimands import HYPOTHETICAL, counted_outcomes
from phase2sim.scenario.assembly.assemble import AssembledScenario
from phase2sim.scenario.assembly.pilot import piloted
from phase2sim.trial.engine import follow, is_stated, shift_lost, true_effect
from phase2sim.trial.study import Study, TrueValues

_TRIALS, _PATIENTS, _BATCH = 200, 1000, 20


def with_known_values(assembled: AssembledScenario) -> AssembledScenario:
    """The study with the true value behind each analysis, wherever a fixed truth has one."""
    known = {
        source.label: _known(assembled.study, source)
        for source in assembled.sources
        if source.is_fixed
    }
    return replace(assembled, study=replace(assembled.study, known=known))


def _known(study: Study, source: TruthSource) -> TrueValues:
    truth = source.truth(0, 1)
    stated = [true_effect(study, truth, number)[0] for number in range(len(study.analyses))]
    value, mcse = np.array(stated), np.zeros(len(stated))
    for number in range(len(study.analyses)):
        if not is_stated(study, number) and study.analyses[number].compares_means:
            value[number], mcse[number] = _from_pairs(study, source, number)
    return TrueValues(value, mcse)


def _from_pairs(study: Study, source: TruthSource, number: int) -> tuple[float, float]:
    """Treated minus control, the same patients in both arms, with its Monte Carlo error.

    Events that the strategies set aside do not happen; of the others each strategy says what they
    make of an outcome. Patients that a real trial would lose are followed.
    """
    pilot, arm = piloted(study, _PATIENTS), study.aim(number).arm
    sums = np.zeros(5)  # of treated, control, their squares and their product
    for first in range(0, _TRIALS, _BATCH):
        truth = source.truth(first, _BATCH)
        treated, control = (
            _outcomes(pilot, truth, (first, _BATCH), number, all_in) for all_in in (arm, 0)
        )
        sums += [
            treated.sum(),
            control.sum(),
            (treated**2).sum(),
            (control**2).sum(),
            (treated * control).sum(),
        ]
    return _contrast(sums, _TRIALS * _PATIENTS, ratio=study.analyses[number].endpoint in EVENTS)


def _contrast(sums: Floats, n: int, *, ratio: bool) -> tuple[float, float]:
    """Difference of two paired means, or the log of their ratio, with its standard error."""
    treated, control = sums[0] / n, sums[1] / n
    var_treated, var_control = sums[2] / n - treated**2, sums[3] / n - control**2
    covariance = sums[4] / n - treated * control
    if not ratio:
        variance = max(var_treated + var_control - 2 * covariance, 0.0)
        return float(treated - control), float(np.sqrt(variance / n))
    if treated <= 0 or control <= 0:
        return float("nan"), float("nan")
    variance = var_treated / treated**2 + var_control / control**2
    variance -= 2 * covariance / (treated * control)
    return float(np.log(treated / control)), float(np.sqrt(max(variance, 0.0) / n))


def _outcomes(
    study: Study, truth: Truth, trials: tuple[int, int], number: int, all_in: int
) -> Floats:
    """What counts of each patient, (trial, patient), were all of them in one arm."""
    analysis, aim, plan = study.analyses[number], study.aim(number), study.plan
    active = tuple(strategy != HYPOTHETICAL for strategy in aim.strategies)
    world = follow(study, truth, *trials, all_in=all_in, active=active)
    if analysis.endpoint in EVENTS:
        counts: Floats = world.counts[analysis.endpoint].astype(np.float64)
        return counts[:, plan.visits_months.index(analysis.month)]
    value = world.value
    if study.after_loss:
        shift_lost(study, value, study.dropout.observe(world, plan))
    counted = counted_outcomes(world, value, aim, worst_values(plan))
    read = read_endpoint(plan, world, counted, analysis.endpoint)
    return analysis.individual_outcomes(read)
