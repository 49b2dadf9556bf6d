"""Truths that a scenario is simulated under: target, null, and draws of the fitted prior."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from phase2sim.core.arrays import Floats
from phase2sim.core.contracts import AGE, Plan, TruthSource
from phase2sim.core.effect_curve import EffectCurve
from phase2sim.core.effect_shapes import EffectShape
from phase2sim.core.endpoints import ENDPOINTS, EVENTS, drawn_for
from phase2sim.core.errors import BadScenario
from phase2sim.core.io.validation import Table
from phase2sim.core.units import unit_of
from phase2sim.prior.draws import PriorDraws
from phase2sim.prior.truth_sources import (
    Control,
    TreatedArms,
    control_from_prior,
    expected_truth,
    fixed_truth,
    prior_truth,
)
from phase2sim.scenario.assembly.parts import BuiltScenario
from phase2sim.scenario.assembly.registry import build
from phase2sim.scenario.assembly.untreated_outcomes import override_outcomes, without_covariates
from phase2sim.scenario.assumptions import ASSUMPTIONS
from phase2sim.scenario.scenario_file import Scenario
from phase2sim.scenario.tables import Percent, TargetEffect


def shapes_of(scenario: Scenario) -> Mapping[str, EffectShape]:
    """How each target effect comes and goes over the months."""
    return {
        endpoint: build(
            "shapes",
            _shape_table(target),
            f"truth.target.{endpoint}",
            scenario.path,
            also=("effect", "unit", "month", "modified_by"),
        )
        for endpoint, target in scenario.truth.target.items()
    }


def untreated_control(built: BuiltScenario, prior: PriorDraws | None, drawn: Plan) -> Control:
    """Untreated patients: fitted, or as the scenario says, and as varied as is assumed."""
    given = None if prior is None else control_from_prior(prior, drawn)
    control = override_outcomes(
        given, built.scenario, drawn, built.study.plan.visits_months, built.path
    )
    more = ASSUMPTIONS[built.scenario.assume].sd
    if more != 1.0:
        control = replace(control, sd=control.sd * more)
    return without_covariates(control, drawn, built.path)


def truth_sources(
    built: BuiltScenario, prior: PriorDraws | None, control: Control, drawn: Plan
) -> list[TruthSource]:
    """Every truth but the null: the target first, then those drawn from a fitted prior."""
    scenario, assumed = built.scenario, ASSUMPTIONS[built.scenario.assume]
    shares = np.array([scenario.truth.share_of_effect.get(arm, 1.0) for arm in drawn.arms[1:]])
    shares = shares * assumed.adherence
    ratios = np.log([scenario.events[name].rate_ratio for name in drawn.counted])
    of_events = np.concatenate([np.zeros((1, ratios.size)), shares[:, None] * ratios])
    sources: list[TruthSource] = []
    expected: list[TruthSource] = []
    if scenario.truth.target:
        effects = {e: _target(built, control, drawn, e) for e in scenario.truth.target}
        treated = TreatedArms(shares, _modification(built, drawn, effects, shares), of_events)
        sources.append(fixed_truth("target", drawn, control, effects, treated))
        if prior is not None:
            source = expected_truth(drawn, control, prior, effects)
            expected.append(source.with_assumptions(treated, assumed.heterogeneity))
    if scenario.truth.prior is not None and prior is not None:
        weight = scenario.truth.prior.robust_weight
        treated = TreatedArms(shares, None, of_events)
        for label, fitted in (("prior", weight), ("sceptical", 0.0)):
            source = prior_truth(label, drawn, control, prior, fitted)
            sources.append(source.with_assumptions(treated, assumed.heterogeneity))
    return sources + expected


def _modification(
    built: BuiltScenario, drawn: Plan, effects: Mapping[str, EffectCurve], shares: Floats
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


def _target(built: BuiltScenario, control: Control, drawn: Plan, endpoint: str) -> EffectCurve:
    """Effect of one endpoint under the target; a percentage is of the typical untreated value."""
    target, measure = built.scenario.truth.target[endpoint], ENDPOINTS[endpoint]
    mean = control.mean_at(drawn, drawn.endpoints.index(endpoint), target.month)
    typical = measure.from_model(mean)
    match target.effect:
        case Percent(percent=percent):
            size = measure.to_model(typical * (1 + percent / 100)) - mean
        case float(difference) if target.unit not in {None, measure.model_unit}:
            treated = typical + unit_of(measure, target.unit).difference(difference)
            size = _treated_on_model_scale(built, endpoint, treated) - mean
        case size:
            pass
    curve = EffectCurve(size, target.month, built.shapes[endpoint])
    _check_curve(built, endpoint, curve)
    return curve


def _treated_on_model_scale(built: BuiltScenario, endpoint: str, treated: float) -> float:
    """Refuse an effect that leaves a typical treated patient with an impossible value."""
    measure = ENDPOINTS[endpoint]
    low, high = measure.plausible
    if not low <= treated <= high:
        target = built.scenario.truth.target[endpoint]
        raise BadScenario(
            f"{built.path}: truth.target.{endpoint}.effect is {target.in_words()}; a typical"
            f" treated patient would then have {treated:.3g} {measure.unit}, and {measure.label}"
            f" lies between {low:g} and {high:g}. Correct effect or unit."
        )
    return measure.to_model(treated)


def _check_curve(built: BuiltScenario, endpoint: str, curve: EffectCurve) -> None:
    """Refuse a percentage, or growth to a later visit, beyond what any treatment does."""
    limit, unit = ENDPOINTS[endpoint].largest_effect, ENDPOINTS[endpoint].model_unit
    key = f"{built.path}: truth.target.{endpoint}"
    target = built.scenario.truth.target[endpoint]
    match target.effect:
        case Percent(percent=percent) if abs(curve.size) > limit:
            raise BadScenario(
                f"{key}.effect.percent is {percent:g}, an effect of {curve.size:.3g} on the {unit}"
                f" scale; it must lie between -{limit:g} and {limit:g}. Correct it."
            )
        case float() if abs(curve.size) > limit:
            raise BadScenario(
                f"{key}.effect is {target.in_words()}, an effect of {curve.size:.3g} on the"
                f" {unit} scale; it must lie between -{limit:g} and {limit:g}. Correct it."
            )
    months = built.study.plan.visits_months
    effects = curve.at(np.array(months))
    largest = int(np.abs(effects).argmax())
    if abs(effects[largest]) > limit:
        raise BadScenario(
            f"{key}.month is {curve.month:g}; with shape {target.shape!r} the effect then grows to"
            f" {effects[largest]:.3g} at month {months[largest]:g}, beyond {limit:g} on the {unit}"
            " scale. Correct effect, month or shape."
        )


def check_targets(built: BuiltScenario) -> None:
    """Refuse a target whose shape, age or arm the trial does not have."""
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


def check_truths(built: BuiltScenario) -> None:
    """Refuse a scenario with no truth, or without one that an analysis reads."""
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
    for number, analysis in enumerate(built.study.analyses, start=1):
        if analysis.endpoint in EVENTS or set(drawn_for(analysis.endpoint)) & set(
            scenario.truth.target
        ):
            continue
        needed = " or ".join(f"truth.target.{name}" for name in drawn_for(analysis.endpoint))
        raise BadScenario(
            f"{path}: {needed} is missing, but analysis[{number}]"
            " reads it. Add the effect that power is for."
        )
