"""Scenario -> a study ready to run and its truths; refuses what does not fit together."""

from dataclasses import dataclass, replace

from phase2sim.core.contracts import (
    Plan,
    TruthSource,
)
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
from phase2sim.scenario.assembly.parts import Parts
from phase2sim.scenario.assembly.pilot import eligible_share, set_rates
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
from phase2sim.trial.engine import PatientModel, Study
from phase2sim.trial.patients.counts import add_events
from phase2sim.trial.patients.entrants import enrol
from phase2sim.trial.patients.missingness.hazards import Complete
from phase2sim.trial.patients.outcomes import draw, gains

_FEWEST_ELIGIBLE = 0.01  # of candidates: below it a trial is hardly ever filled


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
    found = build_analyses(scenario, design, events, path)
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
        shapes=shapes_of(scenario),
    )
    _check(built)
    return built


def _check(built: Parts) -> None:
    check_decision(built.decision, built.hypotheses, built.path)
    check_recruited(built.design, built.recruitment, built.path)
    check_reestimation_level(built.schedule, built.decision.one_sided_alpha, built.path)
    check_months(built.analyses, built.plan.visits_months, built.path)
    check_watched(built.safety, built.design, built.plan, built.path)
    check_targets(built)
    check_covariates(built.analyses, built.scenario, built.path)
    check_truths(built)


def assemble(built: Parts, prior: PriorDraws | None) -> Assembled:
    """Join the parts with a fitted prior, or with the scenario's own outcome tables."""
    scenario, plan = built.scenario, built.plan
    check_simulated(built.analyses, scenario, built.path)
    drawn = widen_plan(scenario, plan) or plan
    if prior is not None:
        _check_prior(built, prior, drawn)
    control = untreated_control(built, prior, drawn)
    null = fixed_truth("null", drawn, control, {})
    study = Study(
        plan=plan,
        population=PatientModel(built.recruitment, enrol, draw, gains, add_events),
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
    study = set_rates(study, null.fixed, built.dropout, built.gaps, built.path)
    sources = truth_sources(built, prior, control, study.drawn)
    sources.insert(1 if scenario.truth.target else 0, null)
    return Assembled(built, study, control, tuple(sources))


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
