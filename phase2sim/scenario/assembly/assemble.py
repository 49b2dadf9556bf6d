"""Scenario -> a study ready to run and its truths; refuses what does not fit together."""

from dataclasses import dataclass, replace

from phase2sim.core.contracts import AGE, Plan, TruthSource
from phase2sim.core.decision import Decision
from phase2sim.core.errors import BadScenario
from phase2sim.prior.draws import PriorDraws
from phase2sim.prior.truth_sources import (
    Control,
    FixedTruth,
    fixed_truth,
)
from phase2sim.scenario.assembly.analysis_set import (
    build_analyses,
    check_covariates,
    check_decision,
    check_months,
    check_simulated,
    check_watched,
    safety_of,
)
from phase2sim.scenario.assembly.arm_dropping import rule_of
from phase2sim.scenario.assembly.care import prior_under_care
from phase2sim.scenario.assembly.meaningless_values import refuse_meaningless
from phase2sim.scenario.assembly.parts import BuiltScenario
from phase2sim.scenario.assembly.pilot import eligible_share, set_rates, stratum_shares
from phase2sim.scenario.assembly.plan import (
    intercurrent_events,
    missingness_of,
    plan_of,
    randomisation_of,
    recruitment_of,
    widen_plan,
)
from phase2sim.scenario.assembly.registry import build
from phase2sim.scenario.assembly.stopping import (
    check_recruited,
    check_reestimation_level,
    with_reestimation,
)
from phase2sim.scenario.assembly.truths import (
    check_targets,
    check_truths,
    shapes_of,
    truth_sources,
    untreated_control,
)
from phase2sim.scenario.assumptions import lost_more
from phase2sim.scenario.scenario_file import Scenario
from phase2sim.trial.designs.design import Design
from phase2sim.trial.interim.rules import Interim
from phase2sim.trial.patients.counts import add_events
from phase2sim.trial.patients.entrants import enrol
from phase2sim.trial.patients.missingness.hazards import Complete
from phase2sim.trial.patients.outcomes import draw, gains
from phase2sim.trial.study import PatientModel, Study

_FEWEST_ELIGIBLE = 0.01  # of candidates: below it a trial is hardly ever filled


@dataclass(frozen=True, slots=True)
class AssembledScenario:
    """A study and every truth it is to be run under."""

    built: BuiltScenario
    study: Study
    control: Control
    sources: tuple[TruthSource, ...]


def build_scenario(scenario: Scenario) -> BuiltScenario:
    """Build and check every part of a scenario; raises ``BadScenario``."""
    path = scenario.path
    scenario = lost_more(scenario)
    design: Design = build("designs", scenario.design, "design", path)
    events = intercurrent_events(scenario, path)
    analysis_set = build_analyses(scenario, design, events, path)
    dropout, gaps = missingness_of(scenario, path)
    reads = [*dropout.endpoints, *(gaps.endpoints if gaps else ())]
    reads += [name for part in events.parts for name in part.endpoints]
    reads += list(scenario.missing.delta)
    plan = plan_of(scenario, design, analysis_set.analyses, reads)
    schedule = with_reestimation(design, analysis_set.analyses, path)
    if schedule.reestimation is not None:
        plan = replace(plan, patients=schedule.reestimation.most_patients)
    decision: Decision = build("decisions", scenario.decision, "decision", path)
    rule = rule_of(scenario, design, decision, analysis_set, path)
    study = Study(
        plan=plan,
        population=PatientModel(
            recruitment_of(scenario, plan, path), enrol, draw, gains, add_events
        ),
        randomisation=randomisation_of(design, plan, path),
        dropout=Complete(),
        analyses=analysis_set.analyses,
        names=analysis_set.names,
        decision=decision,
        events=events.parts,
        aims=analysis_set.aims,
        after_loss=scenario.missing.delta,
        safety=safety_of(scenario, path),
        interim=None if rule is None else Interim(schedule, rule),
        allocation=design.allocation,
    )
    built = BuiltScenario(scenario, design, study, dropout, gaps, events.names, shapes_of(scenario))
    _check(built)
    return built


def _check(built: BuiltScenario) -> None:
    study, path = built.study, built.path
    check_decision(study.decision, study.hypotheses, path)
    check_recruited(built.design, study.population.recruitment, path)
    check_reestimation_level(study.reestimation, study.decision.one_sided_alpha, path)
    check_months(study.analyses, study.plan.visits_months, path)
    check_watched(study.safety, built.design, study.plan, path)
    check_targets(built)
    check_covariates(study.analyses, built.scenario, path)
    check_truths(built)


def assemble(built: BuiltScenario, prior: PriorDraws | None) -> AssembledScenario:
    """Join the parts with a fitted prior, or with the scenario's own outcome tables."""
    scenario, plan = built.scenario, built.study.plan
    check_simulated(built.study.analyses, scenario, built.path)
    drawn = widen_plan(scenario, plan) or plan
    prior = prior_under_care(built, prior, drawn.endpoints)
    if prior is not None:
        _check_prior(built, prior, drawn)
    control = untreated_control(built, prior, drawn)
    null = fixed_truth("null", drawn, control, {})
    study = replace(built.study, wide=None if drawn is plan else drawn)
    _check_eligible(built, study, null)
    _check_strata(built, study, null)
    study = set_rates(study, null.fixed, built.dropout, built.gaps, built.path)
    refuse_meaningless(built)
    sources = truth_sources(built, prior, control, study.drawn)
    sources.insert(1 if scenario.truth.target else 0, null)
    return AssembledScenario(built, study, control, tuple(sources))


def _check_prior(built: BuiltScenario, prior: PriorDraws, drawn: Plan) -> None:
    """Refuse a trial that the evidence does not reach."""
    plan, path = built.study.plan, built.path
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
    last = plan.months_since_diagnosis.latest + drawn.visits_months[-1]
    if last > prior.knots_months[-1]:
        raise BadScenario(
            f"{path}: design.visits_months and population.months_since_diagnosis reach month"
            f" {last:g} after diagnosis; the fitted natural history ends at"
            f" {prior.knots_months[-1]:g}. Shorten one of them."
        )


def _check_eligible(built: BuiltScenario, study: Study, null: FixedTruth) -> None:
    """Refuse limits that hardly any candidate is within."""
    share = eligible_share(study, null.fixed)
    if share < _FEWEST_ELIGIBLE:
        raise BadScenario(
            f"{built.path}: population.eligible lets {100 * share:.2g} % of candidates in, fewer"
            f" than {100 * _FEWEST_ELIGIBLE:g} %. Widen the limits, or correct their unit."
        )


def _check_strata(built: BuiltScenario, study: Study, null: FixedTruth) -> None:
    """Refuse strata that nobody is in."""
    for name, shares in stratum_shares(study, null.fixed).items():
        for level, share in enumerate(shares):
            if share == 0.0:
                key = "age_strata" if name == AGE else f"baseline_strata.{name}"
                raise BadScenario(
                    f"{built.path}: population.{key}: nobody of 20,000 candidates is in stratum"
                    f" {level + 1} of {len(shares)}. Correct it, or its unit."
                )
