"""Context of each analysis: untreated values, reported values, target and fitted effect."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from phase2sim.core.analysis import Analysis
from phase2sim.core.arrays import Floats
from phase2sim.core.contracts import MODEL_SCALE
from phase2sim.core.endpoints import DERIVED, ENDPOINTS, EVENTS, MEASURES, drawn_for
from phase2sim.evidence.reported import Evidence
from phase2sim.prior.draws import PriorDraws
from phase2sim.prior.truth_sources import TruthFromPrior, fitted_prior
from phase2sim.scenario.assembly.assemble import AssembledScenario
from phase2sim.trial.engine import analysed_months

_LIMITS = (0.025, 0.975)


@dataclass(frozen=True, slots=True)
class Background:
    """One analysed endpoint at its month; values in the endpoint's unit unless noted."""

    analysis: str
    label: str
    unit: str
    scale: str  # of ``target``, as it reads in a sentence
    month: float
    untreated: float  # typical value of untreated patients enrolled as planned
    reported: str  # the treated arm's reported number at that month, as typed; "" if none
    target: float | None  # effect that power is for, model scale
    effect: tuple[float, float, float] | None  # fitted: mean and 95 % limits, model scale
    averaged_from: float | None = None  # first month of those whose effects are averaged
    strategies: Mapping[str, str] = field(default_factory=dict)  # by intercurrent event

    @property
    def when(self) -> str:
        """``month 12``, or ``months 3 to 12`` where effects are averaged."""
        if self.averaged_from is None:
            return f"month {self.month:g}"
        return f"months {self.averaged_from:g} to {self.month:g}"


def background(
    assembled: AssembledScenario, evidence: Evidence | None, prior: PriorDraws | None
) -> tuple[Background, ...]:
    """Collect the background of each analysis of a scenario."""
    study = assembled.study
    return tuple(
        Background(
            analysis=name,
            label=_label(analysis.endpoint),
            unit=_unit(analysis.endpoint),
            scale=_scale(analysis),
            month=analysis.month,
            untreated=_untreated(assembled, analysis),
            reported=_reported(evidence, analysis),
            target=_target(assembled, number),
            effect=None if prior is None else _effect(assembled, number),
            averaged_from=analysis.averaged_from,
            strategies=dict(
                zip(assembled.built.event_names, study.aim(number).strategies, strict=True)
            ),
        )
        for number, (name, analysis) in enumerate(zip(study.names, study.analyses, strict=True))
    )


def _label(endpoint: str) -> str:
    return EVENTS[endpoint] if endpoint in EVENTS else MEASURES[endpoint].label


def _scale(analysis: Analysis) -> str:
    if analysis.endpoint in EVENTS:
        return "on the log of the rate,"
    endpoint = MEASURES[analysis.endpoint]
    if analysis.endpoint in DERIVED and analysis.scale != MODEL_SCALE:
        return f"as a {analysis.scale},"
    return endpoint.model_unit if endpoint.model_unit == endpoint.unit else "on the model scale,"


def _unit(endpoint: str) -> str:
    return "a month" if endpoint in EVENTS else MEASURES[endpoint].unit


def _untreated(assembled: AssembledScenario, analysis: Analysis) -> float:
    """Typical value of untreated patients; derived outcomes from typical components."""
    plan = assembled.study.drawn
    if analysis.endpoint in EVENTS:
        return plan.counted[analysis.endpoint].per_month
    typical = [
        np.array([_typical(assembled, name, analysis.month)])
        for name in drawn_for(analysis.endpoint)
    ]
    derived = DERIVED.get(analysis.endpoint)
    return float(typical[0][0] if derived is None else derived.derive(*typical)[0])


def _typical(assembled: AssembledScenario, endpoint: str, month: float) -> float:
    plan = assembled.study.drawn
    mean = assembled.control.mean_at(plan, plan.endpoints.index(endpoint), month)
    return ENDPOINTS[endpoint].from_model(mean)


def _reported(evidence: Evidence | None, analysis: Analysis) -> str:
    if evidence is None:
        return ""
    treated = {arm.study for arm in evidence.arms if arm.design == "single-arm"}
    for entry in evidence.reported:
        if (
            entry.study in treated
            and entry.endpoint == analysis.endpoint
            and entry.statistic in {"mean", "median", "geometric_mean"}
            and entry.months == (analysis.month,)
        ):
            return f"{entry.as_reported} (n = {entry.n})"
    return ""


def _target(assembled: AssembledScenario, number: int) -> float | None:
    """Target effect of an analysis; for an outcome that is not drawn, its implied true value.

    None if it is unknown, such as a ratio of rates that are both 0.
    """
    if not assembled.built.scenario.truth.target:
        return None
    study, analysis = assembled.study, assembled.study.analyses[number]
    if analysis.endpoint not in ENDPOINTS:
        implied = float(study.known["target"].value[number]) if study.known else math.nan
        return None if math.isnan(implied) else implied
    e, visits = _endpoint_and_visits(assembled, analysis)
    effect = assembled.sources[0].truth(0, 1).effect
    return float(effect[0, study.aim(number).arm, e, visits].mean())


def _effect(assembled: AssembledScenario, number: int) -> tuple[float, float, float] | None:
    """Fitted effect at the analysed months, before the robust mixture: mean and 95 % limits."""
    source = fitted_prior(assembled.sources)
    draws = None if source is None else effect_draws(assembled, source, number)
    if draws is None:
        return None
    low, high = np.quantile(draws, _LIMITS)
    return float(draws.mean()), float(low), float(high)


def effect_draws(
    assembled: AssembledScenario, source: TruthFromPrior, number: int
) -> Floats | None:
    """Fitted effects (draw,) at the months of an analysis; None if its outcome is derived."""
    study, analysis = assembled.study, assembled.study.analyses[number]
    if analysis.endpoint not in ENDPOINTS:
        return None
    e, visits = _endpoint_and_visits(assembled, analysis)
    share = source.treated.shares[study.aim(number).arm - 1]
    return np.asarray(source.effect[:, e] * source.growth[e, visits].mean() * share)


def _endpoint_and_visits(assembled: AssembledScenario, analysis: Analysis) -> tuple[int, list[int]]:
    """Endpoint of an analysis, and the visits whose effects it averages."""
    plan = assembled.study.drawn
    months = analysed_months(assembled.study.plan, analysis)
    visits = [plan.visits_months.index(month) for month in months]
    return plan.endpoints.index(analysis.endpoint), visits
