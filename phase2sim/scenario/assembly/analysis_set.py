"""A scenario's analyses: what each reads, what it is called, and what it is to estimate."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from phase2sim.analyses.quantification_limit import QuantificationLimit
from phase2sim.core.analysis import Analysis
from phase2sim.core.contracts import MODEL_SCALE, Plan
from phase2sim.core.decision import Decision, Hypothesis
from phase2sim.core.endpoints import DERIVED, EVENTS, MEASURES, RESPONSES
from phase2sim.core.errors import BadScenario, BadValue
from phase2sim.core.estimands import COMPOSITE, TREATMENT_POLICY, Aim
from phase2sim.core.io.validation import Table, join_key, nearest, validate
from phase2sim.scenario.assembly.limited_analysis import LimitedAnalysis
from phase2sim.scenario.assembly.plan import IntercurrentEvents, check_strategy
from phase2sim.scenario.assembly.registry import TABLES, build, keys_of
from phase2sim.scenario.scenario_file import Scenario
from phase2sim.trial.designs.design import Design
from phase2sim.trial.safety.monitoring import SafetyRule

_OURS = ("name", "arm", "estimand", "unit")  # keys of an analysis that are not its part's


@dataclass(frozen=True, slots=True)
class AnalysisSet:
    """The analyses of a scenario, their names and their aims."""

    analyses: tuple[Analysis, ...]
    names: tuple[str, ...]
    aims: tuple[Aim, ...]


def build_analyses(
    scenario: Scenario, design: Design, events: IntercurrentEvents, path: Path
) -> AnalysisSet:
    """Build each analysis; one is called by its endpoint, and by what tells it from others."""
    tables = [dict(table) for table in scenario.analysis]
    keys_by_analysis = [{key: table.pop(key) for key in _OURS if key in table} for table in tables]
    analyses = [_analysis(table, number, path) for number, table in enumerate(tables, start=1)]
    _check_null_effects(analyses, path)
    arms = [
        _arm(keys.get("arm"), n, design, path) for n, keys in enumerate(keys_by_analysis, start=1)
    ]
    aims = []
    for number, (keys, arm) in enumerate(zip(keys_by_analysis, arms, strict=True), start=1):
        key_path = f"{path}: analysis[{number}]"
        strategies = _strategies(keys.get("estimand"), events, f"{key_path}.estimand")
        method = str(tables[number - 1].get("method"))
        _check_composite(strategies, analyses[number - 1], method, key_path)
        if analyses[number - 1].endpoint in EVENTS:  # counted whatever happened
            strategies = (TREATMENT_POLICY,) * len(strategies)
        aims.append(Aim(strategies, arm))
    usual = _usual_names(analyses, [design.arms[arm] for arm in arms])
    names = []
    for number, (keys, name) in enumerate(zip(keys_by_analysis, usual, strict=True), start=1):
        name_in_file = keys.get("name")
        if name_in_file is not None and not (
            isinstance(name_in_file, str) and name_in_file.strip()
        ):
            raise BadScenario(
                f"{path}: analysis[{number}].name is {name_in_file!r}; it must be text that is not"
                " empty. Correct it or leave it out."
            )
        names.append(name_in_file or name)
    return AnalysisSet(tuple(analyses), tuple(names), tuple(aims))


def _usual_names(analyses: Sequence[Analysis], arms: Sequence[str]) -> list[str]:
    """Endpoints; with the month and the arm where these tell analyses of one endpoint apart."""
    names = []
    for analysis, arm in zip(analyses, arms, strict=True):
        alike = [
            (other.month, other_arm)
            for other, other_arm in zip(analyses, arms, strict=True)
            if other.endpoint == analysis.endpoint
        ]
        name = analysis.endpoint
        if len(alike) > 1 and (len({arm for _, arm in alike}) == 1 or len(set(alike)) < len(alike)
                               or len({month for month, _ in alike}) > 1):  # fmt: skip
            name += f"_month_{analysis.month:g}"
        if len({other for _, other in alike}) > 1:
            name += f"_{arm}"
        names.append(name)
    return names


def _arm(given: object, number: int, design: Design, path: Path) -> int:
    """Which treated arm an analysis compares with control."""
    treated = design.arms[1:]
    if given is None:
        if len(treated) > 1:
            raise BadScenario(
                f"{path}: analysis[{number}].arm is missing; design.arms has several treated arms."
                f" Use one of: {', '.join(treated)}."
            )
        return 1
    if not isinstance(given, str) or given not in treated:
        raise BadScenario(
            f"{path}: analysis[{number}].arm is {given!r}; it must be a treated arm of"
            f" design.arms. Use one of: {', '.join(treated)}."
        )
    return design.arms.index(given)


def _strategies(estimand: object, events: IntercurrentEvents, key_path: str) -> tuple[str, ...]:
    """Strategy of one analysis for each event: its own where it says one, else the event's."""
    if estimand is None:
        return events.strategies
    by_event: dict[str, str] = (
        estimand if isinstance(estimand, dict) else dict.fromkeys(events.names, str(estimand))
    )
    if not isinstance(estimand, str | dict) or not events.names:
        raise BadScenario(
            f"{key_path} is {estimand!r}; it must be a strategy for the events of [intercurrent],"
            f" or a"
            " table of them by event. Correct it or leave it out."
        )
    for name, strategy in by_event.items():
        if name not in events.names:
            where = join_key(key_path, name)
            raise BadScenario(f"{where} is no event. {nearest(name, events.names)}")
        check_strategy(strategy, f"{key_path}.{name}")
    return tuple(
        by_event.get(name, usual)
        for name, usual in zip(events.names, events.strategies, strict=True)
    )


def _check_composite(
    strategies: tuple[str, ...], analysis: Analysis, method: str, key_path: str
) -> None:
    ranked = analysis.by_ranks  # a bad outcome is then only the worst
    if COMPOSITE in strategies and analysis.reads != "binary" and not ranked:
        raise BadScenario(
            f"{key_path}: strategy 'composite' makes an event a bad outcome, which {method!r}"
            f" cannot"
            " average with values. Analyse responders or ranks, or choose another strategy in"
            f" {key_path.rsplit(': ', 1)[-1]}.estimand."
        )


def _analysis(table: Table, number: int, path: Path) -> Analysis:
    """Build one analysis, behind the assay's limit if it has one and does not read it itself."""
    key_path = f"analysis[{number}]"
    _name_response(table, key_path, path)
    _check_reads(table, key_path, path)
    also = (*_OURS, "lloq", "below_lloq")
    if "lloq" in keys_of("analyses", table):
        analysis: Analysis = build("analyses", table, key_path, path, also=_OURS)
        return analysis
    options = {key: table.pop(key) for key in ("lloq", "below_lloq") if key in table}
    analysis = build("analyses", table, key_path, path, also=also)
    if not options:
        return analysis
    if analysis.endpoint in {*EVENTS, *DERIVED}:
        what = "counts have" if analysis.endpoint in EVENTS else f"{analysis.endpoint} has"
        raise BadScenario(f"{path}: {key_path}.lloq: {what} no such limit. Leave it out.")
    if "lloq" not in options:
        raise BadScenario(f"{path}: {key_path}.below_lloq needs lloq, the limit. Add it.")
    limit = validate(
        TypeAdapter(QuantificationLimit),
        {"endpoint": analysis.endpoint} | options,
        key_path,
        path,
        BadScenario,
    )
    return LimitedAnalysis(analysis, limit)


def _name_response(table: Table, key_path: str, path: Path) -> None:
    """Replace a named response by its endpoint and its rule, in place."""
    name = table.get("responder")
    if not isinstance(name, str):
        return
    if name not in RESPONSES:
        raise BadScenario(
            f"{path}: {key_path}.responder is {name!r}; there is no such response."
            f" {nearest(name, RESPONSES)}"
        )
    response = RESPONSES[name]
    if table.setdefault("endpoint", response.endpoint) != response.endpoint:
        raise BadScenario(
            f"{path}: {key_path}.endpoint is {table['endpoint']!r}, but {name} is a response of"
            f" {response.endpoint}. Leave endpoint out."
        )
    table["responder"] = dict(response.rule)


def _check_reads(table: Table, key_path: str, path: Path) -> None:
    """Refuse counts to an analysis of measured values, and the reverse, naming those that fit."""
    parts_, method = TABLES["analyses"], str(table.get("method"))
    endpoint = str(table.get("endpoint"))
    if method not in parts_ or endpoint not in {*MEASURES, *EVENTS}:
        return
    counted = endpoint in EVENTS
    if (parts_[method].reads == "count") != counted:
        fitting = [name for name, part in parts_.items() if (part.reads == "count") == counted]
        raise BadScenario(
            f"{path}: {key_path}.method is {method!r}, but {endpoint} is"
            f" {'counted' if counted else 'measured'}. Use one of: {', '.join(fitting)}."
        )


def check_decision(decision: Decision, hypotheses: tuple[Hypothesis, ...], path: Path) -> None:
    """Refuse two verdicts with one name, and a decision that does not fit the analyses."""
    names = tuple(hypothesis.name for hypothesis in hypotheses)
    try:
        decision.check(hypotheses)
        labels = decision.labels(names)
    except BadValue as error:
        raise BadScenario(f"{path}: {error.under('decision')}.") from None
    for number, name in enumerate(names, start=1):
        if labels.count(name) > 1 and labels.index(name) != number - 1:
            clash = f"as analysis[{labels.index(name) + 1}]"
        elif name in labels[len(names) :]:
            clash = "as the verdict on all analyses together"
        else:
            continue
        raise BadScenario(
            f"{path}: analysis[{number}].name is {name!r}, {clash}; give it one of its own."
        )


def _check_null_effects(analyses: Sequence[Analysis], path: Path) -> None:
    for number, analysis in enumerate(analyses, start=1):
        if analysis.scale != MODEL_SCALE:
            continue  # the part knows its own limits
        endpoint = MEASURES[analysis.endpoint]
        limit = endpoint.largest_effect
        if abs(analysis.null_effect) > limit:
            raise BadScenario(
                f"{path}: analysis[{number}].null_effect is {analysis.null_effect:g}; on the"
                f" {endpoint.model_unit} scale an effect lies between -{limit:g} and {limit:g}."
                " Correct it."
            )


def check_months(analyses: Sequence[Analysis], visits: tuple[float, ...], path: Path) -> None:
    """Refuse an analysis at a month without a visit."""
    for number, analysis in enumerate(analyses, start=1):
        if analysis.month not in visits[1:]:
            raise BadScenario(
                f"{path}: analysis[{number}].month is {analysis.month:g}; it must be one of"
                f" design.visits_months after baseline: {', '.join(f'{m:g}' for m in visits[1:])}."
            )
        first = analysis.averaged_from
        if first is not None and first not in visits[1:]:
            raise BadScenario(
                f"{path}: analysis[{number}].averaged_from is {first:g}; it must be one of"
                f" design.visits_months after baseline: {', '.join(f'{m:g}' for m in visits[1:])}."
            )


def check_covariates(analyses: Sequence[Analysis], scenario: Scenario, path: Path) -> None:
    """Refuse a covariate that the population does not have."""
    population = scenario.population
    strata = population.age_strata or population.baseline_strata
    needs = {"age": population.age_years, "stratum": strata}
    keys = {"age": "age_years", "stratum": "age_strata"}
    for number, analysis in enumerate(analyses, start=1):
        for covariate in analysis.covariates:
            if covariate in needs and not needs[covariate]:
                raise BadScenario(
                    f"{path}: analysis[{number}].covariates names {covariate!r}, but"
                    f" population.{keys[covariate]} is missing. Add it."
                )
        for column in analysis.needs:
            if not needs[column]:
                raise BadScenario(
                    f"{path}: analysis[{number}] reads {column!r}, but"
                    f" population.{keys[column]} is missing. Add it."
                )


def safety_of(scenario: Scenario, path: Path) -> SafetyRule | None:
    """Build the rule that stops a trial for harm, where there is one."""
    if scenario.safety is None:
        return None
    rule: SafetyRule = build("safety", scenario.safety, "safety", path)
    return rule


def check_watched(rule: SafetyRule | None, design: Design, plan: Plan, path: Path) -> None:
    """Refuse a safety rule whose events, visit or patients the trial does not have."""
    if rule is None:
        return
    resized = design.reestimation is not None
    if resized or design.schedule.drops_arms:
        what = "design.reestimation" if resized else "this design.kind"
        raise BadScenario(
            f"{path}: safety is set beside {what}, in which who comes, and when, depends on what a"
            " look finds; a trial is not yet watched for harm there. Leave one out."
        )
    if rule.event not in plan.counted:
        raise BadScenario(
            f"{path}: safety.event is {rule.event!r}, but simulated patients have no such events:"
            f" events.{rule.event} is missing. Add it."
        )
    if rule.by_month not in plan.visits_months:
        raise BadScenario(
            f"{path}: safety.by_month is {rule.by_month:g}; it must be one of design.visits_months"
            f" after baseline: {', '.join(f'{month:g}' for month in plan.visits_months[1:])}."
        )
    if rule.looks[-1] >= plan.patients:
        raise BadScenario(
            f"{path}: safety.looks ends at {rule.looks[-1]} treated patients; the trial has"
            f" {plan.patients} patients in all arms. Leave the last out."
        )


def check_simulated(analyses: Sequence[Analysis], scenario: Scenario, path: Path) -> None:
    """Refuse to simulate what only a data file can have; `analyse` does not come here."""
    for number, analysis in enumerate(analyses, start=1):
        for factor in analysis.factors:
            raise BadScenario(
                f"{path}: analysis[{number}].factors names {factor!r}, a column of a data"
                " file; simulated patients do not have it. Leave it out to simulate."
            )
        if analysis.endpoint in EVENTS and analysis.endpoint not in scenario.events:
            raise BadScenario(
                f"{path}: analysis[{number}].endpoint is {analysis.endpoint!r}, but simulated"
                f" patients have no such events: events.{analysis.endpoint} is missing. Add it."
            )
