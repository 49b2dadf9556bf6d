"""Scenario -> a study ready to run and its truths; refuses what does not fit together."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import repeat
from pathlib import Path

import numpy as np

from phase2sim.core.contracts import (
    AGE,
    Analysis,
    Floats,
    Missingness,
    Plan,
    Randomisation,
    Recruitment,
    TruthSource,
)
from phase2sim.core.decision import Decision, Hypothesis, hypothesis
from phase2sim.core.effect_shapes import Shape
from phase2sim.core.endpoints import ENDPOINTS, EVENTS, drawn_for
from phase2sim.core.errors import BadScenario
from phase2sim.core.estimands import Aim
from phase2sim.core.io.toml_files import Table
from phase2sim.evidence.reported import PriorDraws
from phase2sim.prior.truth_sources import (
    Control,
    EffectCurve,
    FixedTruth,
    Treated,
    control_from_prior,
    fixed_truth,
    prior_truth,
)
from phase2sim.scenario.assembly.analysis_set import (
    analysed,
    check_covariates,
    check_decision,
    check_months,
    check_simulated,
    check_watched,
    safety_of,
)
from phase2sim.scenario.assembly.arm_dropping import rule_of
from phase2sim.scenario.assembly.pilot import calibrated, eligible_share
from phase2sim.scenario.assembly.plan import (
    Events,
    intercurrent_events,
    missingness_of,
    plan_of,
    randomisation_of,
    recruitment_of,
    widened,
)
from phase2sim.scenario.assembly.registry import build
from phase2sim.scenario.assembly.stopping import check_level, check_recruited, with_reestimation
from phase2sim.scenario.assembly.untreated_outcomes import overridden, without_covariates
from phase2sim.scenario.assumptions import ASSUMPTIONS, lost_more
from phase2sim.scenario.scenario_file import Scenario
from phase2sim.scenario.tables import Percent, TargetEffect
from phase2sim.trial.designs.design import Design
from phase2sim.trial.engine import Population, Study
from phase2sim.trial.interim.rules import Rule
from phase2sim.trial.interim.schedule import Schedule
from phase2sim.trial.patients.counts import count
from phase2sim.trial.patients.entrants import enrol
from phase2sim.trial.patients.missingness.hazards import Complete
from phase2sim.trial.patients.outcomes import draw, gains
from phase2sim.trial.safety.monitoring import SafetyRule

_FEWEST_ELIGIBLE = 0.01  # of candidates: below it a trial is hardly ever filled


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
    events: Events
    analyses: tuple[Analysis, ...]
    names: tuple[str, ...]
    aims: tuple[Aim, ...]
    decision: Decision
    safety: SafetyRule | None
    stopping: Rule | None
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


@dataclass(frozen=True, slots=True)
class Assembled:
    """A study and every truth it is to be run under."""

    parts: Parts
    study: Study
    control: Control
    sources: tuple[TruthSource, ...]


def parts(scenario: Scenario) -> Parts:
    """Build and check every part of a scenario; raises ``BadScenario``."""
    path = scenario.path
    scenario = lost_more(scenario)
    design: Design = build("designs", scenario.design, "design", path)
    events = intercurrent_events(scenario, path)
    found = analysed(scenario, design, events, path)
    dropout, gaps = missingness_of(scenario, path)
    reads = [getattr(part, "endpoint", None) for part in (dropout, gaps)]
    reads += [name for part in events.parts for name in part.endpoints]
    reads += list(scenario.missing.delta)
    plan = plan_of(scenario, design, found.analyses, [name for name in reads if name])
    schedule = with_reestimation(design, found.analyses, path)
    if schedule.reestimation is not None:
        plan = replace(plan, patients=schedule.reestimation.most_patients)
    decision: Decision = build("decisions", scenario.decision, "decision", path)
    built = Parts(
        scenario=scenario,
        plan=plan,
        design=design,
        randomisation=randomisation_of(design, plan, path),
        recruitment=recruitment_of(scenario, plan, path),
        dropout=dropout,
        gaps=gaps,
        events=events,
        analyses=found.analyses,
        names=found.names,
        aims=found.aims,
        decision=decision,
        safety=safety_of(scenario, path),
        stopping=rule_of(scenario, design, decision, found, path),
        schedule=schedule,
        shapes=_shapes(scenario),
    )
    _check(built)
    return built


def _shapes(scenario: Scenario) -> Mapping[str, Shape]:
    """How each target effect comes and goes over the months."""
    return {
        endpoint: build(
            "shapes",
            _shape_table(target),
            f"truth.target.{endpoint}",
            scenario.path,
            also=("effect", "month", "modified_by"),
        )
        for endpoint, target in scenario.truth.target.items()
    }


def _check(built: Parts) -> None:
    check_decision(built.decision, built.hypotheses, built.path)
    check_recruited(built.design, built.recruitment, built.path)
    check_level(built.schedule, built.decision.one_sided_alpha, built.path)
    check_months(built.analyses, built.plan.visits_months, built.path)
    check_watched(built.safety, built.design, built.plan, built.path)
    _check_targets(built)
    check_covariates(built.analyses, built.scenario, built.path)
    _check_truths(built)


def assemble(built: Parts, prior: PriorDraws | None) -> Assembled:
    """Join the parts with a fitted prior, or with the scenario's own outcome tables."""
    scenario, plan = built.scenario, built.plan
    check_simulated(built.analyses, scenario, built.path)
    drawn = widened(scenario, plan) or plan
    if prior is not None:
        _check_prior(built, prior, drawn)
    control = _control(built, prior, drawn)
    null = fixed_truth("null", drawn, control, {})
    study = Study(
        plan=plan,
        population=Population(built.recruitment, enrol, draw, gains, count),
        randomisation=built.randomisation,
        dropout=Complete(),
        analyses=built.analyses,
        names=built.names,
        decision=built.decision,
        events=built.events.parts,
        safety=built.safety,
        allocation=built.design.allocation,
        aims=built.aims,
        after_loss=scenario.missing.delta,
        wide=None if drawn is plan else drawn,
        schedule=built.schedule,
        stopping=built.stopping,
    )
    _check_eligible(built, study, null)
    study = calibrated(study, null.fixed, built.dropout, built.gaps, built.path)
    sources = _sources(built, prior, control, study.drawn)
    sources.insert(1 if scenario.truth.target else 0, null)
    return Assembled(built, study, control, tuple(sources))


def _control(built: Parts, prior: PriorDraws | None, drawn: Plan) -> Control:
    """Untreated patients: fitted, or as the scenario says, and as varied as is assumed."""
    given = None if prior is None else control_from_prior(prior, drawn)
    control = overridden(given, built.scenario, drawn, built.plan.visits_months, built.path)
    more = ASSUMPTIONS[built.scenario.assume].sd
    if more != 1.0:
        control = replace(control, sd=control.sd * more)
    return without_covariates(control, drawn, built.path)


def _sources(
    built: Parts, prior: PriorDraws | None, control: Control, drawn: Plan
) -> list[TruthSource]:
    """Every truth but the null: the target first, then those drawn from a fitted prior."""
    scenario, assumed = built.scenario, ASSUMPTIONS[built.scenario.assume]
    shares = np.array([scenario.truth.share_of_effect.get(arm, 1.0) for arm in drawn.arms[1:]])
    shares = shares * assumed.adherence
    ratios = np.log([scenario.events[name].rate_ratio for name in drawn.counted])
    of_events = np.concatenate([np.zeros((1, ratios.size)), shares[:, None] * ratios])
    sources: list[TruthSource] = []
    if scenario.truth.target:
        effects = {e: _target(built, control, drawn, e) for e in scenario.truth.target}
        treated = Treated(shares, _modification(built, drawn, effects, shares), of_events)
        sources.append(fixed_truth("target", drawn, control, effects, treated))
    if scenario.truth.prior is not None and prior is not None:
        weight = scenario.truth.prior.robust_weight
        treated = Treated(shares, None, of_events)
        for label, fitted in (("prior", weight), ("sceptical", 0.0)):
            made = prior_truth(label, drawn, control, prior, fitted)
            sources.append(made.with_assumptions(treated, assumed.heterogeneity))
    return sources


def _modification(
    built: Parts, drawn: Plan, effects: Mapping[str, EffectCurve], shares: Floats
) -> Floats | None:
    """What a unit of each modifier adds to the effect, (arm, endpoint, visit, modifier)."""
    if not drawn.modifiers:
        return None
    months = np.array(drawn.visits_months)
    added = np.zeros((len(shares) + 1, len(drawn.endpoints), len(months), len(drawn.modifiers)))
    for name, curve in effects.items():
        growth = replace(curve, size=1.0).at(months)
        for m, modifier in enumerate(drawn.modifiers):
            size = built.scenario.truth.target[name].modified_by.get(modifier, 0.0)
            e = drawn.endpoints.index(name)
            added[1:, e, :, m] = size * shares[:, None] * growth
    return added


def _shape_table(target: TargetEffect) -> Table:
    return {"shape": target.shape, **(target.model_extra or {})}


def _target(built: Parts, control: Control, drawn: Plan, endpoint: str) -> EffectCurve:
    """Effect of one endpoint under the target; a percentage is of the typical untreated value."""
    target = built.scenario.truth.target[endpoint]
    size = target.effect
    if isinstance(size, Percent):
        measure, e = ENDPOINTS[endpoint], drawn.endpoints.index(endpoint)
        mean = control.mean_at(drawn, e, target.month)
        typical = measure.from_model(mean)
        size = measure.to_model(typical * (1 + size.percent / 100)) - mean
    curve = EffectCurve(size, target.month, built.shapes[endpoint])
    _check_curve(built, endpoint, curve)
    return curve


def _check_curve(built: Parts, endpoint: str, curve: EffectCurve) -> None:
    """Refuse a percentage, or growth to a later visit, beyond what any treatment does."""
    limit, unit = ENDPOINTS[endpoint].largest_effect, ENDPOINTS[endpoint].model_unit
    key = f"{built.path}: truth.target.{endpoint}"
    target = built.scenario.truth.target[endpoint]
    if abs(curve.size) > limit and isinstance(target.effect, Percent):
        raise BadScenario(
            f"{key}.effect.percent is {target.effect.percent:g}, an effect of {curve.size:.3g} on"
            f" the {unit} scale; it must lie between -{limit:g} and {limit:g}. Correct it."
        )
    months = built.plan.visits_months
    effects = curve.at(np.array(months))
    largest = int(np.abs(effects).argmax())
    if abs(effects[largest]) > limit:
        raise BadScenario(
            f"{key}.month is {curve.month:g}; with shape {target.shape!r} the effect then grows to"
            f" {effects[largest]:.3g} at month {months[largest]:g}, beyond {limit:g} on the {unit}"
            " scale. Correct effect, month or shape."
        )


def _check_targets(built: Parts) -> None:
    scenario, path = built.scenario, built.path
    for endpoint, target in scenario.truth.target.items():
        if built.shapes[endpoint].at(np.array([target.month]))[0] == 0:
            raise BadScenario(
                f"{path}: truth.target.{endpoint}.month is {target.month:g}, when shape"
                f" {target.shape!r} still has no effect; choose a later month."
            )
        if AGE in target.modified_by and scenario.population.age_years is None:
            raise BadScenario(
                f"{path}: truth.target.{endpoint}.modified_by names 'age', but"
                " population.age_years is missing. Add it."
            )
    for arm in scenario.truth.share_of_effect:
        if arm not in built.design.arms[1:]:
            raise BadScenario(
                f"{path}: truth.share_of_effect.{arm} is no treated arm of design.arms. Use one of:"
                f" {', '.join(built.design.arms[1:])}."
            )


def _check_truths(built: Parts) -> None:
    scenario, path = built.scenario, built.path
    if scenario.truth.prior is not None and not scenario.evidence:
        raise BadScenario(
            f"{path}: truth.prior needs a fitted prior, but evidence is missing."
            ' Name evidence files, such as evidence = ["gxipc1"].'
        )
    if not scenario.truth.target and scenario.truth.prior is None:
        raise BadScenario(
            f"{path}: truth is empty; give truth.target (for power) or truth.prior (for assurance)."
        )
    if not scenario.truth.target:
        return
    for number, analysis in enumerate(built.analyses, start=1):
        if analysis.endpoint in EVENTS or set(drawn_for(analysis.endpoint)) & set(
            scenario.truth.target
        ):
            continue
        needed = " or ".join(f"truth.target.{name}" for name in drawn_for(analysis.endpoint))
        raise BadScenario(
            f"{path}: {needed} is missing, but analysis[{number}]"
            " reads it. Add the effect that power is for."
        )


def _check_prior(built: Parts, prior: PriorDraws, drawn: Plan) -> None:
    """Refuse a trial that the evidence does not reach."""
    plan, path = built.plan, built.path
    for endpoint in drawn.endpoints:
        if endpoint not in prior.endpoints:
            raise BadScenario(
                f"{path}: {endpoint} is not in the fitted evidence, which has"
                f" {', '.join(prior.endpoints)}. Leave it out or add evidence."
            )
        if built.scenario.truth.prior is not None and endpoint not in prior.effects:
            raise BadScenario(
                f"{path}: truth.prior: the evidence has no treated arm for {endpoint}."
                " Add a single-arm evidence file or leave truth.prior out."
            )
    last = plan.months_since_diagnosis[1] + drawn.visits_months[-1]
    if last > prior.knots_months[-1]:
        raise BadScenario(
            f"{path}: design.visits_months and population.months_since_diagnosis reach month"
            f" {last:g} after diagnosis; the fitted natural history ends at"
            f" {prior.knots_months[-1]:g}. Shorten one of them."
        )


def _check_eligible(built: Parts, study: Study, null: FixedTruth) -> None:
    """Refuse limits that hardly any candidate is within."""
    share = eligible_share(study, null.fixed)
    if share < _FEWEST_ELIGIBLE:
        raise BadScenario(
            f"{built.path}: population.eligible lets {100 * share:.2g} % of candidates in, fewer"
            f" than {100 * _FEWEST_ELIGIBLE:g} %. Widen the limits, or correct their unit."
        )
