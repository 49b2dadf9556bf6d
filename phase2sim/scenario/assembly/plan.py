"""A scenario's plan: arms, visits, who enrols, where, and what may happen to them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from phase2sim.core.analysis import Analysis
from phase2sim.core.contracts import AGE, SITE, Counted, Plan
from phase2sim.core.endpoints import ENDPOINTS, EVENTS, drawn_for
from phase2sim.core.entry_times import SINCE_DIAGNOSIS, EntryTime
from phase2sim.core.errors import BadScenario, BadValue
from phase2sim.core.estimands import STRATEGIES, TREATMENT_POLICY
from phase2sim.core.io.entry_tables import entry_time, message_after_key
from phase2sim.core.io.validation import join_key, nearest
from phase2sim.core.patient_parts import Intercurrent, Missingness, Randomisation, Recruitment
from phase2sim.core.units import unit_that_fits
from phase2sim.scenario.assembly.background_therapy import background_of
from phase2sim.scenario.assembly.registry import TABLES, build
from phase2sim.scenario.scenario_file import Scenario
from phase2sim.scenario.tables import Cuts, Limits, Population
from phase2sim.trial.designs.design import Design
from phase2sim.trial.patients.intercurrent import INTERCURRENT


@dataclass(frozen=True, slots=True)
class IntercurrentEvents:
    """The intercurrent events of a scenario, in the order in which they act."""

    names: tuple[str, ...]
    parts: tuple[Intercurrent, ...]
    strategies: tuple[str, ...]  # of every analysis that does not say otherwise


def intercurrent_events(scenario: Scenario, path: Path) -> IntercurrentEvents:
    """Build the events, each with its strategy."""
    names = [name for name in INTERCURRENT if name in scenario.intercurrent]
    for name in scenario.intercurrent:
        if name not in INTERCURRENT:
            raise BadScenario(
                f"{path}: {join_key('intercurrent', name)} is no event."
                f" {nearest(name, INTERCURRENT)}"
            )
    parts, strategies = [], []
    for name in names:
        table = dict(scenario.intercurrent[name])
        strategy = table.pop("strategy", TREATMENT_POLICY)
        check_strategy(strategy, f"{path}: intercurrent.{name}.strategy")
        key_path = f"intercurrent.{name}"
        parts.append(
            build("intercurrent", {"kind": name, **table}, key_path, path, also=("strategy",))
        )
        strategies.append(strategy)
    return IntercurrentEvents(tuple(names), tuple(parts), tuple(strategies))


def check_strategy(strategy: object, key_path: str) -> None:
    """Raise ``BadScenario`` unless there is such a strategy."""
    if not isinstance(strategy, str) or strategy not in STRATEGIES:
        raise BadScenario(
            f"{key_path} is {strategy!r}; there is no such strategy. Use one of:"
            f" {', '.join(STRATEGIES)}."
        )


def plan_of(
    scenario: Scenario, design: Design, analyses: Iterable[Analysis], reads: Iterable[str]
) -> Plan:
    """What is fixed of every simulated trial; ``reads`` are endpoints that other parts need."""
    population, target = scenario.population, scenario.truth.target
    named = {part for a in analyses for part in drawn_for(a.endpoint) if part not in EVENTS}
    modifiers = {name for effect in target.values() for name in effect.modified_by}
    tied = {events.tied_to for events in scenario.events.values() if events.tied_to}
    named |= {*target, *reads, *_eligible_endpoints(population), *population.baseline_strata, *tied}
    named |= modifiers - {AGE}
    normal = population.age_mean is not None and population.age_sd is not None
    return Plan(
        seed=scenario.seed,
        arms=design.arms,
        patients=design.patients,
        endpoints=tuple(name for name in ENDPOINTS if name in named),
        visits_months=design.visits_months,
        months_since_diagnosis=_entry(scenario),
        age_years=population.age_years or (np.nan, np.nan),
        age_strata=population.age_strata,
        per_year_of_age=population.per_year_of_age,
        age_normal=(population.age_mean or 0.0, population.age_sd or 0.0) if normal else None,
        sites=population.sites,
        site_sd=population.site_sd,
        eligible=_eligible(scenario),
        baseline_strata=_baseline_strata(scenario),
        modifiers=dict.fromkeys(sorted(modifiers), 0.0),
        counted={name: _counted(scenario, name) for name in scenario.events},
        background=background_of(scenario),
    )


def _baseline_strata(scenario: Scenario) -> Mapping[str, tuple[float, ...]]:
    """Cut points of baseline strata on the model scale."""
    strata = {}
    for name, given in scenario.population.baseline_strata.items():
        cuts = given.at if isinstance(given, Cuts) else given
        for cut in cuts:
            key_path = f"{scenario.path}: population.baseline_strata.{name}"
            _check_plausible(cut, name, key_path, "{ at, unit }")
            limits = scenario.population.eligible.get(name, Limits())
            if not (limits.at_least or -np.inf) < cut <= (limits.at_most or np.inf):
                raise BadScenario(
                    f"{key_path} is {list(cuts)}; nobody who is eligible (population.eligible."
                    f"{name}) is on both sides of {cut:g}. Correct one of them."
                )
        if list(cuts) != sorted(set(cuts)):
            raise BadScenario(f"{key_path} is {list(cuts)}; let the baselines rise.")
        strata[name] = tuple(map(ENDPOINTS[name].to_model, cuts))
    return strata


def _check_plausible(value: float, name: str, key_path: str, written: str = "") -> None:
    """Refuse a limit that no patient is near: most often a wrong unit."""
    endpoint = ENDPOINTS[name]
    low, high = endpoint.plausible
    if not low <= value <= high:
        remedy = unit_that_fits(endpoint, value) or " Correct it, or leave it out."
        remedy = remedy.replace("write", f"write {written} with") if written else remedy
        raise BadScenario(
            f"{key_path} is {value:g}; {endpoint.label} lies between {low:g} and {high:g}"
            f" {endpoint.unit}.{remedy}"
        )


def _entry(scenario: Scenario) -> EntryTime:
    """When after diagnosis patients enter: those whom eligibility lets in."""
    population, path = scenario.population, scenario.path
    try:
        entry = entry_time(population.months_since_diagnosis)
    except ValueError as error:
        raise BadScenario(
            f"{path}: population.{SINCE_DIAGNOSIS} {message_after_key(error)}"
        ) from None
    limits = population.eligible.get(SINCE_DIAGNOSIS)
    if limits is None:
        return entry
    key_path = f"{path}: population.eligible.{SINCE_DIAGNOSIS}"
    low, high = limits.at_least or 0.0, np.inf if limits.at_most is None else limits.at_most
    if limits.unit is not None:
        raise BadScenario(f"{key_path}.unit is {limits.unit!r}; it is in months. Leave unit out.")
    if limits.at_least is None and limits.at_most is None:
        raise BadScenario(f"{key_path} is empty; give at_least, at_most or both.")
    try:
        return entry.cut(low, high)
    except ValueError as error:
        raise BadScenario(
            f"{key_path}: {error}, as population.{SINCE_DIAGNOSIS} is {entry.words}. Correct one of"
            " them."
        ) from None


def _eligible_endpoints(population: Population) -> Iterable[str]:
    """Endpoints whose baseline decides who may enrol."""
    return (name for name in population.eligible if name != SINCE_DIAGNOSIS)


def _eligible(scenario: Scenario) -> Mapping[str, tuple[float, float]]:
    """Limits of eligibility on the model scale."""
    limits_by_endpoint = {}
    for name in _eligible_endpoints(scenario.population):
        limits = scenario.population.eligible[name]
        to_model, key_path = ENDPOINTS[name].to_model, f"population.eligible.{name}"
        for key, limit in (("at_least", limits.at_least), ("at_most", limits.at_most)):
            if limit is not None:
                _check_plausible(limit, name, f"{scenario.path}: {key_path}.{key}")
        low = -np.inf if limits.at_least is None else to_model(limits.at_least)
        high = np.inf if limits.at_most is None else to_model(limits.at_most)
        if not low < high:
            raise BadScenario(
                f"{scenario.path}: {key_path} is at_least {limits.at_least:g} and at_most"
                f" {limits.at_most:g}; nobody is between them. Correct one of them."
            )
        if np.isinf(low) and np.isinf(high):
            raise BadScenario(
                f"{scenario.path}: {key_path} is empty; give at_least, at_most or both."
            )
        limits_by_endpoint[name] = (low, high)
    return limits_by_endpoint


def _counted(scenario: Scenario, name: str) -> Counted:
    events, key_path = scenario.events[name], f"{scenario.path}: events.{name}"
    if events.tied_to is None:
        if events.per_unit or events.at is not None:
            raise BadScenario(f"{key_path}.tied_to is missing; per_unit and at need it. Add it.")
        return Counted(events.per_month, events.dispersion)
    if events.tied_to not in ENDPOINTS:
        raise BadScenario(
            f"{key_path}.tied_to is {events.tied_to!r}. {nearest(events.tied_to, ENDPOINTS)}"
        )
    if events.at is None:
        raise BadScenario(
            f"{key_path}.at is missing; say at which {events.tied_to} the rate is per_month."
            " Add it."
        )
    _check_plausible(events.at, events.tied_to, f"{key_path}.at")
    at = ENDPOINTS[events.tied_to].to_model(events.at)
    return Counted(events.per_month, events.dispersion, events.tied_to, events.per_unit, at)


def widen_plan(scenario: Scenario, plan: Plan) -> Plan | None:
    """The plan with what ``shared`` adds, None where that is nothing."""
    shared = scenario.shared
    endpoints = {*plan.endpoints, *shared.endpoints}
    months = {*plan.visits_months, *shared.months}
    if endpoints == set(plan.endpoints) and months == set(plan.visits_months):
        return None
    return replace(
        plan,
        endpoints=tuple(name for name in ENDPOINTS if name in endpoints),
        visits_months=tuple(sorted(months)),
    )


def randomisation_of(design: Design, plan: Plan, path: Path) -> Randomisation:
    """Build the method of randomisation from its name or its table."""
    table = design.randomisation_table
    key_path = "design.randomisation"
    elsewhere = {}
    if design.block_size is not None and "block_size" not in table:
        table["block_size"] = design.block_size
        elsewhere["block_size"] = "design.block_size"
    if "ratio" in table:
        raise BadScenario(f"{path}: {key_path}.ratio is that of design.allocation. Leave it out.")
    method = table.get("method")
    if not isinstance(method, str) or method not in TABLES["randomisations"]:
        raise BadScenario(
            f"{path}: {key_path} is {method!r}; there is no such method."
            f" {nearest(str(method), TABLES['randomisations'])}"
        )
    table["ratio"] = list(design.allocation)
    randomisation: Randomisation = build(
        "randomisations", table, key_path, path, elsewhere=elsewhere
    )
    _check_over(randomisation, plan, path)
    return randomisation


def _check_over(randomisation: Randomisation, plan: Plan, path: Path) -> None:
    known = {AGE: plan.age_strata, **plan.baseline_strata, SITE: plan.sites > 1}
    needs = {AGE: "population.age_strata", SITE: "population.sites"}
    for name in randomisation.over:
        if not known.get(name):
            need = needs.get(name, f"population.baseline_strata.{name}")
            raise BadScenario(
                f"{path}: design.randomisation.over names {name!r}, but {need} is missing. Add it."
            )


def recruitment_of(scenario: Scenario, plan: Plan, path: Path) -> Recruitment:
    """Build the process by which patients come."""
    recruitment: Recruitment = build("recruitments", scenario.recruitment, "recruitment", path)
    try:
        recruitment.check(plan)
    except BadValue as error:
        raise BadScenario(f"{path}: {error.under('recruitment')}.") from None
    return recruitment


def missingness_of(scenario: Scenario, path: Path) -> tuple[Missingness, Missingness | None]:
    """Build dropout, and gaps where there are any."""
    missing = scenario.missing
    dropout: Missingness = build("dropouts", missing.dropout, "missing.dropout", path)
    gaps: Missingness = build("gaps", missing.gaps, "missing.gaps", path)
    return dropout, None if missing.gaps.get("mechanism") == "none" else gaps
