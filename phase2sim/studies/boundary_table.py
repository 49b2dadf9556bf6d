"""Bounds of a scenario's looks on every scale, and their exact stopping probabilities."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from phase2sim.core.arrays import Floats
from phase2sim.core.contracts import TruthSource
from phase2sim.core.errors import BadScenario
from phase2sim.core.measured import Measured, mean_of
from phase2sim.scenario.assembly.assemble import AssembledScenario
from phase2sim.theory.group_sequential.boundaries import Boundaries
from phase2sim.theory.group_sequential.conditional_power import conditional_power, predictive_power
from phase2sim.trial.engine import analyse_trials, draw_trials, true_effect
from phase2sim.trial.interim.dropping_rule import DroppingRule
from phase2sim.trial.interim.rules import Interim
from phase2sim.trial.interim.stopping_rule import StoppingRule

_TRIALS = 1_000  # for the standard error at the end
_USUAL_POWER = 0.8


@dataclass(frozen=True, slots=True)
class Bound:
    """One bound of one look, on every scale; None where a scale does not apply."""

    z: float
    p: float  # one-sided
    effect: float | None  # on the analysis's scale
    conditional_power: float | None  # if the effect is the one observed
    predictive_power: float | None


@dataclass(frozen=True, slots=True)
class LookBounds:
    """Bounds of one look, None where it does not stop, and the errors spent so far."""

    number: int
    information: float
    patients: int | None  # due at the visit of the look; None where the calendar says when
    efficacy: Bound | None
    futility: Bound | None
    alpha_spent: float
    beta_spent: float | None


@dataclass(frozen=True, slots=True)
class StoppingUnderTruth:
    """Stopping probabilities under one truth, (look,) each, power and expected size."""

    truth: str  # null | half | target
    drift: float  # the effect over its standard error at the end
    efficacy: tuple[float, ...]
    futility: tuple[float, ...]  # the last: not shown at the end
    power: float
    expected_information: float
    expected_patients: float


@dataclass(frozen=True, slots=True)
class AnalysisBounds:
    """Bounds of one analysis, and their operating characteristics."""

    analysis: str
    looks: tuple[LookBounds, ...]
    truths: tuple[StoppingUnderTruth, ...]
    information: Measured  # at the end: one over the squared standard error
    inflation: float
    power: float  # that the inflation factor is for


def interim_rule(assembled: AssembledScenario) -> StoppingRule | DroppingRule:
    """Return the rule that looks follow; raises ``BadScenario`` for a scenario without looks."""
    match assembled.study.interim:
        case Interim(rule=StoppingRule() | DroppingRule() as rule):
            return rule
    raise BadScenario(
        f"{assembled.built.path}: design.kind {assembled.built.scenario.design['kind']!r} has no"
        " looks, and so no boundaries. Use design.kind = 'group_sequential'."
    )


def boundary_table(assembled: AssembledScenario, rule: StoppingRule) -> tuple[AnalysisBounds, ...]:
    """Bounds of every analysis.

    The information at the end is that of simulated trials, unless the scenario states it.
    """
    source = assembled.sources[0]
    squared = squared_errors(assembled, source)
    return tuple(
        _analysis_bounds(assembled, rule, number, squared[number])
        for number in range(len(assembled.built.study.analyses))
    )


def squared_errors(assembled: AssembledScenario, source: TruthSource) -> Floats:
    """Squared standard errors at the end (analysis, trial)."""
    study = assembled.study
    batches = []
    for first in range(0, _TRIALS, study.batch):
        trials = min(study.batch, _TRIALS - first)
        complete = draw_trials(study, source.truth(first, trials), first, trials)
        batches.append(np.stack([estimate.se**2 for estimate in analyse_trials(study, complete)]))
    return np.concatenate(batches, axis=1)


def _analysis_bounds(
    assembled: AssembledScenario, rule: StoppingRule, number: int, squared: Floats
) -> AnalysisBounds:
    bounds = rule.planned[number]
    information = information_at_end(rule.maximum_information[number], squared)
    se = float(information.estimate**-0.5)
    hypothesis = assembled.study.hypotheses[number]
    sign, null = hypothesis.benefit_sign, hypothesis.null_effect
    power = _USUAL_POWER
    if rule.futility is not None and rule.futility.spends_error:
        power = 1 - rule.futility.type_two_error
    if rule.limit is not None and np.isnan(bounds.futility).any():
        lower = rule.limit.z(bounds.information[:-1], bounds.efficacy[-1], 1 / se)
        bounds = bounds.with_futility(lower)
    return AnalysisBounds(
        analysis=assembled.built.study.names[number],
        looks=tuple(_looks(assembled, bounds, null=null, se=sign * se)),
        truths=tuple(_truths(assembled, bounds, number, null=null, se=sign * se)),
        information=information,
        inflation=bounds.inflation(power),
        power=power,
    )


def information_at_end(stated: float | None, squared: Floats) -> Measured:
    """One over the mean squared standard error, with its Monte Carlo error; exact if stated."""
    if stated is not None:
        return Measured(stated, 0.0, 0, 0, 0)
    used = squared[np.isfinite(squared) & (squared > 0)]
    mean = mean_of(used.sum(), (used**2).sum(), used.size, squared.size, squared.size)
    slope = mean.estimate**-2.0
    return Measured(1 / mean.estimate, slope * mean.mcse, squared.size, used.size, mean.failed)


def _looks(
    assembled: AssembledScenario, bounds: Boundaries, *, null: float, se: float
) -> Iterator[LookBounds]:
    design, total = assembled.built.design, assembled.built.design.patients
    patients = [
        None if look.is_by_calendar else look.patients_of(total) for look in design.schedule.looks
    ]
    alpha_spent = bounds.alpha_spent
    beta_spent = None if np.isnan(bounds.drift) else bounds.exits(bounds.drift)[1].cumsum()
    for k, due in enumerate([*patients, total]):
        is_last = k == len(patients)
        yield LookBounds(
            number=k + 1,
            information=float(bounds.information[k]),
            patients=due,
            efficacy=_bound(bounds, bounds.efficacy[k], k, null=null, se=se),
            futility=None if is_last else _bound(bounds, bounds.futility[k], k, null=null, se=se),
            alpha_spent=float(alpha_spent[k]),
            beta_spent=None if beta_spent is None else float(beta_spent[k]),
        )


def _bound(bounds: Boundaries, z: float, k: int, *, null: float, se: float) -> Bound | None:
    """One bound on every scale; ``se`` is the standard error at the end, signed by benefit."""
    if not np.isfinite(z):
        return None
    fraction, final = float(bounds.information[k]), float(bounds.efficacy[-1])
    conditional = predictive = None
    if fraction < 1:
        conditional = float(conditional_power(z, fraction, final))
        predictive = float(predictive_power(z, fraction, final))
    effect = null + se * z / fraction**0.5
    return Bound(
        z=float(z),
        p=float(ndtr(-z)),
        effect=effect if np.isfinite(effect) else None,
        conditional_power=conditional,
        predictive_power=predictive,
    )


def _truths(
    assembled: AssembledScenario, bounds: Boundaries, number: int, *, null: float, se: float
) -> Iterator[StoppingUnderTruth]:
    """Stopping probabilities under no effect, half the target effect and the target effect."""
    target = target_effect(assembled, number)
    drift = (target - null) / se
    yield _truth_outcome(assembled, bounds, "null", 0.0)
    if np.isfinite(drift):
        half = (target / 2 - null) / se
        yield _truth_outcome(assembled, bounds, "half", half)
        yield _truth_outcome(assembled, bounds, "target", drift)


def _truth_outcome(
    assembled: AssembledScenario, bounds: Boundaries, truth: str, drift: float
) -> StoppingUnderTruth:
    efficacy, futility = bounds.exits(drift)
    expected = bounds.expected_information(drift)
    return StoppingUnderTruth(
        truth=truth,
        drift=drift,
        efficacy=tuple(efficacy.tolist()),
        futility=tuple(futility.tolist()),
        power=float(efficacy.sum()),
        expected_information=expected,
        expected_patients=assembled.built.design.patients * expected,
    )


def target_effect(assembled: AssembledScenario, number: int) -> float:
    """True effect under the target; nan where there is none, or it is unknown."""
    study = assembled.study
    for source in assembled.sources:
        if source.label == "target":
            if source.label in study.known:
                return float(study.known[source.label].value[number])
            return float(true_effect(study, source.truth(0, 1), number)[0])
    return float("nan")
