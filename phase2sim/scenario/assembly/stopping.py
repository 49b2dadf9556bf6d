"""A scenario's rule for stopping at interim looks, built and checked."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from phase2sim.analyses import ANALYSES
from phase2sim.core.analysis import Analysis
from phase2sim.core.decision import Decision
from phase2sim.core.errors import BadScenario, BadValue
from phase2sim.core.io.validation import Table, nearest
from phase2sim.core.patient_parts import Recruitment
from phase2sim.decisions import DECISIONS
from phase2sim.scenario.assembly.registry import TABLES, build
from phase2sim.scenario.scenario_file import Scenario
from phase2sim.scenario.tables import Stopping
from phase2sim.theory.group_sequential.boundaries import Boundaries, boundaries
from phase2sim.theory.group_sequential.efficacy_rule import EfficacyRule
from phase2sim.theory.group_sequential.futility_rule import FutilityRule
from phase2sim.theory.group_sequential.spending import Spending
from phase2sim.trial.designs.design import Design
from phase2sim.trial.interim.reestimation import Reestimation
from phase2sim.trial.interim.schedule import Schedule
from phase2sim.trial.interim.stopping_rule import StoppingRule

_ROUNDED = 1e-3  # of a level, where critical_z has four digits
# What bounds are refused for -> where that stands in a scenario file.
_PLACES = {
    "information": "design.looks: the planned information",
    "looks": "design.looks",
    "one_sided_alpha": "decision.one_sided_alpha",
    "efficacy": "stopping.efficacy",
    "futility": "stopping.futility",
}


def table_of(scenario: Scenario, design: Design, path: Path) -> Stopping | None:
    """Return what a scenario says of stopping, None without looks; raises ``BadScenario``."""
    table = scenario.stopping
    if not design.schedule and table is not None:
        raise BadScenario(
            f"{path}: stopping is given, but design.kind {scenario.design['kind']!r} has no"
            " looks. Use design.kind = 'group_sequential', or leave stopping out."
        )
    if design.schedule and table is None:
        raise BadScenario(
            f"{path}: stopping is missing; design.looks needs a rule. Add one, such as"
            " stopping.efficacy = { kind = 'obrien_fleming_spending' }."
        )
    return table


def stopping_of(
    scenario: Scenario, design: Design, decision: Decision, names: Sequence[str], path: Path
) -> StoppingRule | None:
    """Build the rule of a design with looks, None for one without; raises ``BadScenario``."""
    table = table_of(scenario, design, path)
    if table is None:
        return None
    _check_decision(scenario, decision, path)
    _check_keys(table, path)
    efficacy = build("efficacies", table.efficacy, "stopping.efficacy", path)
    futility, spending = None, None
    if table.futility is not None:
        futility = build("futilities", table.futility, "stopping.futility", path)
        if futility.spends_error:
            spending = _spending(futility.spending, path)
            futility = replace(futility, spending="")  # it is the part now
    maximum = _maximum(table.maximum_information, names, path)
    asked = _Asked(design, decision.one_sided_alpha, efficacy, futility, spending)
    _check_information(asked, table, dict(zip(names, maximum, strict=True)), path)
    return StoppingRule(
        planned=tuple(_bounds(asked, information, path) for information in maximum),
        efficacy=efficacy,
        futility=futility,
        beta_spending=spending,
        actual=table.information == "actual",
        maximum_information=maximum,
        verdict=_verdict(table.verdict, decision.labels(tuple(names)), len(names), path),
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the bounds of every analysis follow from."""

    design: Design
    one_sided_alpha: float
    efficacy: EfficacyRule
    futility: FutilityRule | None
    beta_spending: Spending | None


def refused_bounds(error: ValueError, path: Path) -> BadScenario:
    """What a user is told of bounds that cannot exist: the file, the key and the reason."""
    match error:
        case BadValue():
            part, dot, key = error.key.partition(".")
            message = f"{_PLACES[part]}{dot}{key}{error.joint}{error.reason}"
        case _:  # of a search for a bound
            message = f"stopping: {error}"
    return BadScenario(f"{path}: {message}.")


def _bounds(asked: _Asked, maximum_information: float | None, path: Path) -> Boundaries:
    """Bounds at the planned fractions; refuses, by file and key, those that cannot exist."""
    root = float("nan") if maximum_information is None else maximum_information**0.5
    try:
        return boundaries(
            asked.design.schedule.fractions,
            asked.one_sided_alpha,
            asked.efficacy,
            asked.futility,
            asked.beta_spending,
            drift_per_effect=root,
        )
    except ValueError as error:
        raise refused_bounds(error, path) from None


def with_reestimation(design: Design, analyses: Sequence[Analysis], path: Path) -> Schedule:
    """Looks of a design, with the part that re-estimates its size at the last one if it has one."""
    schedule, table = design.schedule, design.reestimation
    if table is None:
        return schedule
    key_path = f"{path}: design.reestimation"
    part: Reestimation = build("reestimations", table, "design.reestimation", path)
    if part.most_patients <= design.patients:
        raise BadScenario(
            f"{key_path}.most_patients is {part.most_patients}; it must be more than the"
            f" {design.patients} of design.patients."
        )
    if schedule.looks[-1].is_by_calendar:
        raise BadScenario(
            f"{key_path} needs a last look after a number of patients; design.looks are by"
            " calendar."
            " Use share or patients."
        )
    if len(analyses) > 1 or len(design.arms) > 2:  # noqa: PLR2004 - control and treatment
        raise BadScenario(
            f"{key_path} is for one analysis of two arms; the scenario has {len(analyses)} analyses"
            f" of"
            f" {len(design.arms)} arms. Leave it out, or the others."
        )
    if not part.combines and not analyses[0].allows_blinded_variance:
        *others, last = (name for name, kind in ANALYSES.items() if kind.allows_blinded_variance)
        raise BadScenario(
            f"{key_path}.kind is 'blinded_variance', which is for means by {', '.join(others)} or"
            f" {last}. Use 'promising_zone', or one of these methods."
        )
    return replace(schedule, reestimation=part)


def check_reestimation_level(part: Reestimation | None, one_sided_alpha: float, path: Path) -> None:
    """Refuse a size that is estimated again for a test at another level than the decision's.

    Stops for efficacy leave the promising zone's final test less than all of alpha, never more.
    """
    if part is None:
        return
    above = part.level > one_sided_alpha * (1.0 + _ROUNDED)
    below = part.level < one_sided_alpha * (1.0 - _ROUNDED)
    if above or (below and not part.combines):
        raise BadScenario(
            f"{path}: design.reestimation is for a final test at a level of {part.level:.6g}; that"
            f" of decision.one_sided_alpha is {one_sided_alpha:g}. Say"
            f" {'critical_z' if part.combines else 'one_sided_alpha'} so that they agree."
        )


def check_recruited(design: Design, recruitment: Recruitment, path: Path) -> None:
    """Refuse looks at a trial whose patients all enrol on one day."""
    if design.schedule and not recruitment.takes_time:
        raise BadScenario(
            f"{path}: recruitment.kind is 'at_once', so that a look finds all patients at the same"
            " visit or none. Say how they come, such as recruitment = { kind = 'steady',"
            " per_month = 6 }."
        )


def _check_decision(scenario: Scenario, decision: Decision, path: Path) -> None:
    if not decision.is_for_looks:
        fitting = [repr(kind) for kind, rule in DECISIONS.items() if rule.is_for_looks]
        raise BadScenario(
            f"{path}: decision.kind is {scenario.decision['kind']!r}, which judges"
            " analyses at shares of alpha or by more than their p: the bounds of a look are for one"
            " level. Use"
            f" {' or '.join(fitting)} in a design with looks."
        )


def _check_keys(table: Stopping, path: Path) -> None:
    """Refuse what is for designs that drop arms."""
    for key in ("keep_best", "uninteresting_share"):
        if getattr(table, key):
            raise BadScenario(
                f"{path}: stopping.{key} is for several arms that are dropped at looks. Use"
                " design.kind = 'multi_arm_multi_stage', or leave it out."
            )


def _spending(name_or_table: str | dict[str, Any], path: Path) -> Spending:
    table: Table = {"kind": name_or_table} if isinstance(name_or_table, str) else name_or_table
    spending: Spending = build("spendings", table, "stopping.futility.spending", path)
    return spending


def _maximum(given: dict[str, float], names: Sequence[str], path: Path) -> tuple[float | None, ...]:
    for name in given:
        if name not in names:
            raise BadScenario(
                f"{path}: stopping.maximum_information.{name} is no analysis."
                f" {nearest(name, names)}"
            )
    return tuple(given.get(name) for name in names)


def _verdict(given: str | None, verdicts: tuple[str, ...], analyses: int, path: Path) -> int:
    """Number of the verdict that stops the trial: the one on all if there is one."""
    if given is None:
        if len(verdicts) == 1 or len(verdicts) > analyses:
            return len(verdicts) - 1
        raise BadScenario(
            f"{path}: stopping.verdict is missing; say which verdict stops the trial:"
            f" {', '.join(verdicts)}."
        )
    if given not in verdicts:
        raise BadScenario(
            f"{path}: stopping.verdict is {given!r}; there is no such verdict."
            f" {nearest(given, verdicts)}"
        )
    return verdicts.index(given)


def _check_information(
    asked: _Asked, table: Stopping, maximum: dict[str, float | None], path: Path
) -> None:
    """Refuse bounds for which the information at the end must be planned, and is not."""
    actual, futility = table.information == "actual", asked.futility
    binding = futility is not None and futility.binding
    if actual and not asked.efficacy.follows_information:
        spend = ", ".join(f"{name}_spending" for name in TABLES["spendings"])
        raise BadScenario(
            f"{path}: stopping.information is 'actual', but the bounds of stopping.efficacy are"
            f" made for planned looks. Use one of: none, {spend}."
        )
    if actual and binding:
        raise BadScenario(
            f"{path}: stopping.futility.binding is true, which is for planned information. Use"
            " stopping.information = 'planned', or binding = false."
        )
    lacking = [name for name, known in maximum.items() if known is None]
    if lacking and (actual or (binding and futility is not None and futility.needs_information)):
        what = "stopping.information = 'actual'" if actual else "a binding limit on the effect"
        raise BadScenario(
            f"{path}: stopping.maximum_information.{lacking[0]} is missing; {what} needs it."
            " `phase2sim boundaries` prints the one that the scenario leads to."
        )
