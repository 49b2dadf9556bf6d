"""Keys of a scenario that nothing reads: accepted would be taken for used."""

from collections.abc import Iterable, Iterator, Mapping

from phase2sim.core.contracts import AGE, MODEL_SCALE, SITE
from phase2sim.core.endpoints import EVENTS, drawn_for
from phase2sim.core.entry_times import SINCE_DIAGNOSIS
from phase2sim.core.errors import BadScenario
from phase2sim.core.estimands import TREATMENT_POLICY
from phase2sim.scenario.assembly.parts import BuiltScenario
from phase2sim.scenario.assembly.registry import build

_STRATUM = "stratum"
_NOT_READ = "no analysis, dropout, rescue or event reads {} after baseline"
_SITES_ALIKE = (
    "patients of all sites are alike: population.site_sd, randomisation over 'site' and"
    " recruitment by site (ramp_up_months, most_per_site) are missing"
)


def refuse_unread(built: BuiltScenario, printed: Iterable[str] = ()) -> None:
    """Raise ``BadScenario`` that names every key which changes no output, with the reason.

    ``printed`` are keys that the output says, whether or not the simulation reads them.
    """
    unread = unread_keys(built)
    _refuse({key: why for key, why in unread.items() if key not in printed}, str(built.path))


def refuse_unread_by_all(scenarios: Iterable[BuiltScenario], where: str) -> None:
    """Raise ``BadScenario`` for keys that no scenario reads, such as no cell of a sweep."""
    unread: Mapping[str, str] | None = None
    for built in scenarios:
        keys = unread_keys(built)
        unread = keys if unread is None else {k: v for k, v in unread.items() if k in keys}
        if not unread:
            return
    _refuse(unread or {}, where)


def _refuse(unread: Mapping[str, str], where: str) -> None:
    if not unread:
        return
    (key, reason), *others = unread.items()
    also = f" So are {', '.join(other for other, _ in others)}." if others else ""
    raise BadScenario(f"{where}: {key} is not used: {reason}.{also} Leave out what is not used.")


def unread_keys(built: BuiltScenario) -> dict[str, str]:
    """Key -> why changing it would change nothing; of those that the scenario sets."""
    return {
        key: reason
        for rule in (_population, _endpoints, _background, _events, _analyses, _outcomes, _stopping)
        for key, reason in rule(built)
    }


def _population(built: BuiltScenario) -> Iterator[tuple[str, str]]:
    population, plan = built.scenario.population, built.study.plan
    columns = _columns(built)
    over = built.study.randomisation.over
    strata = "no analysis is within strata (a covariate 'stratum', or a stratified method)"
    if plan.age_strata and not (_STRATUM in columns or AGE in over):
        yield "population.age_strata", f"{strata}, and design.randomisation is not over 'age'"
    for name in plan.baseline_strata:
        if not (_STRATUM in columns or name in over):
            yield (
                f"population.baseline_strata.{name}",
                f"{strata}, and design.randomisation is not over {name!r}",
            )
    reads_age = (
        AGE in columns
        or AGE in over
        or AGE in plan.modifiers
        or any(plan.per_year_of_age.values())
        or bool(plan.age_strata)
    )
    if not reads_age:
        why = "no analysis, randomisation, effect or outcome depends on age"
        for key in ("age_years", "age_mean", "age_sd"):
            if getattr(population, key) is not None:
                yield f"population.{key}", why
    if SINCE_DIAGNOSIS in population.eligible and not built.scenario.evidence:
        why = "without evidence outcomes do not depend on the time since diagnosis"
        yield f"population.eligible.{SINCE_DIAGNOSIS}", why
    if plan.sites > 1 and not _reads_sites(built):
        yield "population.sites", _SITES_ALIKE


def _columns(built: BuiltScenario) -> set[str]:
    """Columns of patients that the analyses read."""
    return {name for a in built.study.analyses for name in (*a.covariates, *a.needs)}


def _reads_sites(built: BuiltScenario) -> bool:
    plan, recruitment = built.study.plan, built.study.population.recruitment
    return (
        recruitment.differs_by_site
        or SITE in built.study.randomisation.over
        or any(plan.site_sd.values())
    )


def _read_after_baseline(built: BuiltScenario) -> set[str]:
    """Endpoints whose values after baseline something reads."""
    study = built.study
    read = {name for a in study.analyses for name in drawn_for(a.endpoint) if name not in EVENTS}
    read |= set(built.dropout.endpoints)
    read |= {name for part in study.events for name in part.watched_endpoints}
    read |= {study.plan.counted[name].tied_to for name in _counted(built)}
    return read - {""}


def _counted(built: BuiltScenario) -> set[str]:
    """Events that something counts."""
    study = built.study
    counted = {a.endpoint for a in study.analyses if a.endpoint in EVENTS}
    if study.safety is not None:
        counted.add(study.safety.event)
    return counted & set(study.plan.counted)


def _endpoints(built: BuiltScenario) -> Iterator[tuple[str, str]]:
    """Effects on endpoints that nothing reads after baseline."""
    scenario, read = built.scenario, _read_after_baseline(built)
    why = _NOT_READ
    for name in scenario.truth.target:
        # Where only events are analysed, a target of anything is what asks for power.
        if name not in read and any(other in read for other in scenario.truth.target):
            yield f"truth.target.{name}", why.format(name)
        elif "full_at_months" in (scenario.truth.target[name].model_extra or {}):
            yield (
                f"truth.target.{name}.full_at_months",
                "a linear effect is set by its size at month, before and after",
            )
    for event, table in scenario.intercurrent.items():
        for name in table.get("effect", ()):
            if name not in read:
                yield f"intercurrent.{event}.effect.{name}", why.format(name)
    analysed = {name for a in built.study.analyses for name in drawn_for(a.endpoint)}
    for name, shift in scenario.missing.delta.items():
        if built.dropout.loses_nobody and shift:
            yield f"missing.delta.{name}", "nobody drops out (missing.dropout)"
        elif name not in analysed:
            yield f"missing.delta.{name}", f"no analysis reads {name}"


def _background(built: BuiltScenario) -> Iterator[tuple[str, str]]:
    therapy = built.scenario.population.background
    if therapy is None:
        return
    read = _read_after_baseline(built)
    for name, effect in therapy.effect.items():
        if name not in read:
            yield f"population.background.effect.{name}", _NOT_READ.format(name)
        elif "full_at_months" in (effect.model_extra or {}):
            yield (
                f"population.background.effect.{name}.full_at_months",
                "a linear effect is set by its size at month, before and after",
            )


def _events(built: BuiltScenario) -> Iterator[tuple[str, str]]:
    counted = _counted(built)
    for name, events in built.scenario.events.items():
        if name not in counted:
            yield f"events.{name}", f"no analysis or safety rule counts {name}"
        elif events.tied_to is not None and events.per_unit == 0:
            yield (
                f"events.{name}.tied_to",
                f"events.{name}.per_unit is 0: the rate does not depend on {events.tied_to}",
            )


def _analyses(built: BuiltScenario) -> Iterator[tuple[str, str]]:
    scenario, analyses = built.scenario, built.study.analyses
    for number, (analysis, table) in enumerate(
        zip(analyses, scenario.analysis, strict=True), start=1
    ):
        if analysis.endpoint in EVENTS and not _is_policy(table.get("estimand")):
            yield (
                f"analysis[{number}].estimand",
                f"events are counted whatever happened, as under {TREATMENT_POLICY!r}",
            )
        ranks_alone = analysis.by_ranks and analysis.scale != MODEL_SCALE
        if "below_lloq" in table and ranks_alone and analysis.of == "value":
            yield (
                f"analysis[{number}].below_lloq",
                "ranks are the same whatever a value below lloq becomes",
            )
    only_counts = all(analysis.endpoint in EVENTS for analysis in analyses)
    for event, table in scenario.intercurrent.items():
        if only_counts and not _is_policy(table.get("strategy")):
            yield f"intercurrent.{event}.strategy", "events are counted whatever happened"


def _is_policy(estimand: object) -> bool:
    """Whether outcomes count whatever happened, as they do where nothing is said."""
    match estimand:
        case dict() as by_event:
            return {*by_event.values()} <= {TREATMENT_POLICY}
        case _:
            return estimand in {None, TREATMENT_POLICY}


def _outcomes(built: BuiltScenario) -> Iterator[tuple[str, str]]:
    scenario, plan = built.scenario, built.study.plan
    drawn = {*plan.endpoints, *scenario.shared.endpoints}
    if scenario.endpoint_correlation is not None and len(drawn) == 1:
        yield "endpoint_correlation", f"{next(iter(drawn))} is the only endpoint"
    for name in scenario.population.site_sd:
        if name not in drawn:
            yield f"population.site_sd.{name}", f"no analysis or target reads {name}"


def _stopping(built: BuiltScenario) -> Iterator[tuple[str, str]]:
    stopping, interim = built.scenario.stopping, built.study.interim
    if stopping is None or interim is None or not stopping.maximum_information:
        return
    on_effect = False
    if stopping.futility is not None:
        futility = build("futilities", stopping.futility, "stopping.futility", built.path)
        on_effect = futility.needs_information
    if stopping.information == "planned" and not on_effect:
        yield (
            "stopping.maximum_information",
            "with information = 'planned' the bounds follow the planned fractions alone",
        )
