"""A scenario's rule for dropping arms at interim looks, built and checked."""

from pathlib import Path

from phase2sim.core.decision import Decision
from phase2sim.core.errors import BadScenario, BadValue
from phase2sim.core.io.validation import Table
from phase2sim.scenario.assembly.analysis_set import AnalysisSet
from phase2sim.scenario.assembly.registry import build
from phase2sim.scenario.assembly.stopping import refused_bounds, stopping_of, table_of
from phase2sim.scenario.scenario_file import Scenario
from phase2sim.scenario.tables import Stopping
from phase2sim.theory.group_sequential.efficacy_rule import EfficacyRule
from phase2sim.theory.group_sequential.futility_rule import FutilityRule
from phase2sim.theory.group_sequential.multi_arm_boundaries import ArmBoundaries, arm_boundaries
from phase2sim.trial.designs.design import Design
from phase2sim.trial.interim.dropping_rule import DroppingRule
from phase2sim.trial.interim.rules import InterimRule


def rule_of(
    scenario: Scenario, design: Design, decision: Decision, analysis_set: AnalysisSet, path: Path
) -> InterimRule | None:
    """Build the rule of a design with looks, None for one without; raises ``BadScenario``."""
    table = table_of(scenario, design, path)
    if table is None:
        return None
    if not design.schedule.drops_arms:
        return stopping_of(scenario, design, decision, analysis_set.names, path)
    _check_decision(scenario, decision, path)
    _check_analyses(scenario, design, analysis_set, path)
    _check_keys(table, len(design.schedule.looks), path)
    efficacy = build("efficacies", table.efficacy, "stopping.efficacy", path)
    futility = None
    if table.futility is not None:
        futility = _futility(table.futility, path)
    return DroppingRule(
        bounds=_bounds(design, decision, analysis_set, path, efficacy=efficacy, futility=futility),
        efficacy=efficacy,
        futility=futility,
        keep_best=table.keep_best,
        verdict=len(analysis_set.analyses),
        uninteresting_share=table.uninteresting_share,
    )


def _futility(table: Table, path: Path) -> FutilityRule:
    """Build the rule of futility; refuses one that has no place on z before the trial."""
    futility: FutilityRule = build("futilities", table, "stopping.futility", path)
    try:
        futility.check_several_arms()
    except BadValue as error:
        raise BadScenario(f"{path}: {error.under('stopping.futility')}.") from None
    return futility


def _bounds(
    design: Design,
    decision: Decision,
    analysis_set: AnalysisSet,
    path: Path,
    *,
    efficacy: EfficacyRule,
    futility: FutilityRule | None,
) -> ArmBoundaries:
    """Bounds at the planned fractions and ratio; refuses those that cannot exist."""
    control, treated = (
        design.allocation[0],
        [design.allocation[aim.arm] for aim in analysis_set.aims],
    )
    loadings = tuple((ratio / (ratio + control)) ** 0.5 for ratio in treated)
    try:
        return arm_boundaries(
            design.schedule.fractions, decision.one_sided_alpha, efficacy, futility, loadings
        )
    except ValueError as error:
        raise refused_bounds(error, path) from None


def _check_decision(scenario: Scenario, decision: Decision, path: Path) -> None:
    if decision.adjustment_for_arms == "none":
        raise BadScenario(
            f"{path}: decision.kind is {scenario.decision['kind']!r}; the bounds of several arms"
            " at looks are those of a one-step Dunnett test. Use decision = { kind = 'dunnett',"
            " step_down = false, one_sided_alpha = 0.025 }."
        )
    if decision.adjustment_for_arms == "step down":
        raise BadScenario(
            f"{path}: decision.step_down is true (as if left out); at looks all arms have the same"
            " bounds, in one step. Write step_down = false."
        )


def _check_analyses(
    scenario: Scenario, design: Design, analysis_set: AnalysisSet, path: Path
) -> None:
    """Refuse arms without an analysis, or with one that the others' bounds do not fit."""
    analysed = {design.arms[aim.arm] for aim in analysis_set.aims}
    for arm in design.arms[1:]:
        if arm not in analysed:
            raise BadScenario(
                f"{path}: analysis: none is of arm {arm!r}; at a look every treated arm is judged."
                f' Add one with arm = "{arm}".'
            )
    methods = [str(table.get("method")) for table in scenario.analysis]
    for number, method in enumerate(methods, start=1):
        if method != methods[0]:
            raise BadScenario(
                f"{path}: analysis[{number}].method is {method!r} and that of analysis[1]"
                f" {methods[0]!r}; arms that share bounds are analysed alike. Use one method."
            )


def _check_keys(table: Stopping, looks: int, path: Path) -> None:
    if table.information == "actual":
        raise BadScenario(
            f"{path}: stopping.information is 'actual', which is for one treated arm. Use"
            " 'planned', or leave it out."
        )
    if table.maximum_information:
        raise BadScenario(
            f"{path}: stopping.maximum_information does nothing where arms are dropped. Leave it"
            " out."
        )
    if table.verdict not in {None, "at_least_one"}:
        raise BadScenario(
            f"{path}: stopping.verdict is {table.verdict!r}; the first arm to show efficacy stops"
            " a trial of several. Leave it out."
        )
    if table.keep_best and len(table.keep_best) != looks:
        raise BadScenario(
            f"{path}: stopping.keep_best is {list(table.keep_best)}; give one number for each of"
            f" the {looks} interim looks."
        )
    if list(table.keep_best) != sorted(table.keep_best, reverse=True):
        raise BadScenario(
            f"{path}: stopping.keep_best is {list(table.keep_best)}; arms that are dropped do not"
            " come back, so it must not rise."
        )
