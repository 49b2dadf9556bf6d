"""Scenario -> a study ready to run and its truths; refuses what does not fit together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from pydantic import TypeAdapter

from phase2sim.contracts import (
    MODEL_SCALE,
    Analysis,
    Decision,
    Design,
    Missingness,
    Plan,
    Randomisation,
    TruthSource,
)
from phase2sim.draws import Control, EffectCurve, control_from_prior, fixed_truth, prior_truth
from phase2sim.endpoints import ENDPOINTS, EVENTS
from phase2sim.engine import Study
from phase2sim.errors import BadScenario
from phase2sim.knowledge import PriorDraws
from phase2sim.outcome import overridden, without_age
from phase2sim.parts import TABLES, build, keys_of
from phase2sim.patients.outcomes import draw
from phase2sim.quantification import Limit, Quantified
from phase2sim.scenario import Percent, Scenario, TargetEffect
from phase2sim.shapes import Shape
from phase2sim.toml_files import Table, checked, nearest


@dataclass(frozen=True, slots=True)
class Parts:
    """A scenario's parts, all checked; nothing here needs the prior."""

    scenario: Scenario
    plan: Plan
    design: Design
    randomisation: Randomisation
    dropout: Missingness
    analyses: tuple[Analysis, ...]
    names: tuple[str, ...]
    decision: Decision
    shapes: Mapping[str, Shape]  # of the target effects

    @property
    def path(self) -> Path:
        """The scenario's file, for messages."""
        return self.scenario.path


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
    design: Design = build("designs", scenario.design, "design", path)
    analyses, names = _analyses(scenario, path)
    dropout: Missingness = build("dropouts", scenario.missing.dropout, "missing.dropout", path)
    built = Parts(
        scenario=scenario,
        plan=_plan(scenario, design, analyses, dropout),
        design=design,
        randomisation=_randomisation(design, path),
        dropout=dropout,
        analyses=analyses,
        names=names,
        decision=build("decisions", scenario.decision, "decision", path),
        shapes={
            endpoint: build(
                "shapes",
                _shape_table(target),
                f"truth.target.{endpoint}",
                path,
                also=("effect", "month"),
            )
            for endpoint, target in scenario.truth.target.items()
        },
    )
    _check_names(built)
    _check_months(built)
    _check_covariates(built)
    _check_truths(built)
    return built


def assemble(built: Parts, prior: PriorDraws | None) -> Assembled:
    """Join the parts with a fitted prior, or with the scenario's own outcome tables."""
    scenario, plan = built.scenario, built.plan
    _check_factors(built)
    _check_counts(built)
    if prior is not None:
        _check_prior(built, prior)
    given = None if prior is None else control_from_prior(prior, plan)
    control = without_age(overridden(given, scenario, plan, built.path), scenario, plan, built.path)
    sources: list[TruthSource] = []
    if scenario.truth.target:
        effects = {e: _target(built, control, e) for e in scenario.truth.target}
        sources.append(fixed_truth("target", plan, control, effects))
    null = fixed_truth("null", plan, control, {})
    sources.append(null)
    if scenario.truth.prior is not None and prior is not None:
        weight = scenario.truth.prior.robust_weight
        sources.append(prior_truth("prior", plan, control, prior, weight))
        sources.append(prior_truth("sceptical", plan, control, prior, 0.0))
    study = Study(
        plan=plan,
        randomisation=built.randomisation,
        draw=draw,
        missingness=built.dropout.prepare(plan, null.fixed),
        analyses=built.analyses,
        names=built.names,
        decision=built.decision,
    )
    return Assembled(built, study, control, tuple(sources))


def _plan(
    scenario: Scenario, design: Design, analyses: tuple[Analysis, ...], dropout: Missingness
) -> Plan:
    named = {analysis.endpoint for analysis in analyses} | set(scenario.truth.target)
    named.add(getattr(dropout, "endpoint", analyses[0].endpoint))
    population = scenario.population
    return Plan(
        seed=scenario.seed,
        arms=design.arms,
        patients=design.patients,
        endpoints=tuple(name for name in ENDPOINTS if name in named),
        visits_months=design.visits_months,
        months_since_diagnosis=population.months_since_diagnosis,
        age_years=population.age_years or (np.nan, np.nan),
        age_strata=population.age_strata,
        per_year_of_age=population.per_year_of_age,
    )


def _analyses(scenario: Scenario, path: Path) -> tuple[tuple[Analysis, ...], tuple[str, ...]]:
    """Build each analysis; one is called by its endpoint, or with its month where two share it."""
    tables = [dict(table) for table in scenario.analysis]
    given = [table.pop("name", None) for table in tables]
    analyses = [_analysis(table, number, path) for number, table in enumerate(tables, start=1)]
    _check_null_effects(analyses, path)
    endpoints = [analysis.endpoint for analysis in analyses]
    names = []
    for number, (analysis, name) in enumerate(zip(analyses, given, strict=True), start=1):
        if name is not None and not (isinstance(name, str) and name.strip()):
            raise BadScenario(
                f"{path}: analysis[{number}].name is {name!r}; it must be text that is not empty."
                " Correct it or leave it out."
            )
        alone = endpoints.count(analysis.endpoint) == 1
        usual = analysis.endpoint if alone else f"{analysis.endpoint}_month_{analysis.month:g}"
        names.append(name or usual)
    return tuple(analyses), tuple(names)


def _analysis(table: Table, number: int, path: Path) -> Analysis:
    """Build one analysis, behind the assay's limit if it has one and does not read it itself."""
    place = f"analysis[{number}]"
    _check_reads(table, place, path)
    if "lloq" in keys_of("analyses", table):
        made: Analysis = build("analyses", table, place, path, also=("name",))
        return made
    options = {key: table.pop(key) for key in ("lloq", "below_lloq") if key in table}
    made = build("analyses", table, place, path, also=("name", "lloq", "below_lloq"))
    if not options:
        return made
    if made.endpoint in EVENTS:
        raise BadScenario(f"{path}: {place}.lloq: counts have no such limit. Leave it out.")
    if "lloq" not in options:
        raise BadScenario(f"{path}: {place}.below_lloq needs lloq, the limit. Add it.")
    limit = checked(
        TypeAdapter(Limit), {"endpoint": made.endpoint} | options, place, path, BadScenario
    )
    # Class variables of the analysis itself show through.
    return cast("Analysis", Quantified(made, limit))


def _check_reads(table: Table, place: str, path: Path) -> None:
    """Refuse counts to an analysis of measured values, and the reverse, naming those that fit."""
    parts_, method = TABLES["analyses"], str(table.get("method"))
    endpoint = str(table.get("endpoint"))
    if method not in parts_ or endpoint not in {*ENDPOINTS, *EVENTS}:
        return
    counted = endpoint in EVENTS
    if (parts_[method].reads == "count") != counted:
        fitting = [name for name, part in parts_.items() if (part.reads == "count") == counted]
        raise BadScenario(
            f"{path}: {place}.method is {method!r}, but {endpoint} is"
            f" {'counted' if counted else 'measured'}. Use one of: {', '.join(fitting)}."
        )


def _check_names(built: Parts) -> None:
    """Refuse two verdicts with one name: nobody could tell their numbers apart."""
    labels = built.decision.labels(built.names)
    for number, name in enumerate(built.names, start=1):
        if labels.count(name) > 1 and labels.index(name) != number - 1:
            clash = f"as analysis[{labels.index(name) + 1}]"
        elif name in labels[len(built.names) :]:
            clash = "as the verdict on all analyses together"
        else:
            continue
        raise BadScenario(
            f"{built.path}: analysis[{number}].name is {name!r}, {clash}; give it one of its own."
        )


def _check_null_effects(analyses: Sequence[Analysis], path: Path) -> None:
    for number, analysis in enumerate(analyses, start=1):
        if analysis.scale != MODEL_SCALE:
            continue  # the part knows its own limits
        endpoint = ENDPOINTS[analysis.endpoint]
        limit = endpoint.largest_effect
        if abs(analysis.null_effect) > limit:
            raise BadScenario(
                f"{path}: analysis[{number}].null_effect is {analysis.null_effect:g}; on the"
                f" {endpoint.model_unit} scale an effect lies between -{limit:g} and {limit:g}."
                " Correct it."
            )


def _randomisation(design: Design, path: Path) -> Randomisation:
    table = TABLES["randomisations"]
    if design.randomisation not in table:
        raise BadScenario(
            f"{path}: design.randomisation is {design.randomisation!r}; there is no such method."
            f" {nearest(design.randomisation, table)}"
        )
    options = {} if design.block_size is None else {"block_size": design.block_size}
    try:
        made: Randomisation = table[design.randomisation](ratio=design.allocation, **options)
    except TypeError:
        raise BadScenario(
            f"{path}: design.block_size is {design.block_size};"
            f" {design.randomisation} has no blocks. Leave it out."
        ) from None
    except ValueError as error:
        raise BadScenario(f"{path}: design.{error}.") from None
    return made


def _shape_table(target: TargetEffect) -> Table:
    return {"shape": target.shape, **(target.model_extra or {})}


def _target(built: Parts, control: Control, endpoint: str) -> EffectCurve:
    """Effect of one endpoint under the target; a percentage is of the typical untreated value."""
    target = built.scenario.truth.target[endpoint]
    size = target.effect
    if isinstance(size, Percent):
        measure, e = ENDPOINTS[endpoint], built.plan.endpoints.index(endpoint)
        mean = control.mean_at(built.plan, e, target.month)
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


def _check_months(built: Parts) -> None:
    visits = built.plan.visits_months
    for number, analysis in enumerate(built.analyses, start=1):
        if analysis.month not in visits[1:]:
            raise BadScenario(
                f"{built.path}: analysis[{number}].month is {analysis.month:g}; it must be one of"
                f" design.visits_months after baseline: {', '.join(f'{m:g}' for m in visits[1:])}."
            )
        first = getattr(analysis, "averaged_from", None)
        if first is not None and first not in visits[1:]:
            raise BadScenario(
                f"{built.path}: analysis[{number}].averaged_from is {first:g}; it must be one of"
                f" design.visits_months after baseline: {', '.join(f'{m:g}' for m in visits[1:])}."
            )
    for endpoint, target in built.scenario.truth.target.items():
        if built.shapes[endpoint].at(np.array([target.month]))[0] == 0:
            raise BadScenario(
                f"{built.path}: truth.target.{endpoint}.month is {target.month:g}, when shape"
                f" {target.shape!r} still has no effect; choose a later month."
            )


def _check_covariates(built: Parts) -> None:
    population = built.scenario.population
    needs = {"age": population.age_years, "stratum": population.age_strata}
    keys = {"age": "age_years", "stratum": "age_strata"}
    for number, analysis in enumerate(built.analyses, start=1):
        for covariate in getattr(analysis, "covariates", ()):
            if covariate in needs and not needs[covariate]:
                raise BadScenario(
                    f"{built.path}: analysis[{number}].covariates names {covariate!r}, but"
                    f" population.{keys[covariate]} is missing. Add it."
                )
        for column in getattr(analysis, "needs", ()):
            if not needs[column]:
                raise BadScenario(
                    f"{built.path}: analysis[{number}] reads {column!r}, but"
                    f" population.{keys[column]} is missing. Add it."
                )


def _check_factors(built: Parts) -> None:
    """Refuse to simulate what only a data file can have; `analyse` does not come here."""
    for number, analysis in enumerate(built.analyses, start=1):
        for factor in getattr(analysis, "factors", ()):
            raise BadScenario(
                f"{built.path}: analysis[{number}].factors names {factor!r}, a column of a data"
                " file; simulated patients do not have it. Leave it out to simulate."
            )


def _check_counts(built: Parts) -> None:
    """Refuse to simulate what only a data file can have; `analyse` does not come here."""
    for number, analysis in enumerate(built.analyses, start=1):
        if analysis.endpoint in EVENTS:
            raise BadScenario(
                f"{built.path}: analysis[{number}].endpoint is {analysis.endpoint!r}; simulated"
                " patients have no events yet, only a data file does. Leave it out to simulate."
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
        if analysis.endpoint not in {*scenario.truth.target, *EVENTS}:
            raise BadScenario(
                f"{path}: truth.target.{analysis.endpoint} is missing, but analysis[{number}]"
                " reads it. Add the effect that power is for."
            )


def _check_prior(built: Parts, prior: PriorDraws) -> None:
    """Refuse a trial that the evidence does not reach."""
    plan, path = built.plan, built.path
    for endpoint in plan.endpoints:
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
    last = plan.months_since_diagnosis[1] + plan.visits_months[-1]
    if last > prior.knots_months[-1]:
        raise BadScenario(
            f"{path}: design.visits_months and population.months_since_diagnosis reach month"
            f" {last:g} after diagnosis; the fitted natural history ends at"
            f" {prior.knots_months[-1]:g}. Shorten one of them."
        )
