"""One draw of the parameters from which a report is simulated."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from phase2sim.core.arrays import Floats
from phase2sim.prior.draws import PriorDraws
from phase2sim.prior.entry import TILT


@dataclass(frozen=True, slots=True)
class Parameters:
    """True parameters of patients, studies and treatments, model scale; see ``PriorDraws``."""

    endpoints: tuple[str, ...]
    knots_months: Floats  # (knot,) months since diagnosis
    history: Floats  # (endpoint, knot)
    sd: Floats  # (endpoint, knot)
    level_sd: Floats  # (endpoint,)
    slope_sd: Floats  # (endpoint,) per month
    diagnosis_sd: Floats  # (endpoint,)
    spread_sd: Floats  # (endpoint,)
    share_sd: Floats  # (endpoint,)
    patient_share: Floats  # (endpoint,)
    decay: Floats  # (endpoint,)
    endpoint_correlation: Floats  # (endpoint, endpoint)
    effect: Floats  # (endpoint,) of the single arm; nan without one
    bias: Floats  # (endpoint,)
    class_mean: Floats  # (endpoint,)
    class_sd: Floats  # (endpoint,)
    age_slope: Floats  # (endpoint,) per year
    entry_tilt: Floats  # (learned arm,) of the spread of entry, as ``Evidence.learned_arms``
    event_outcomes: tuple[str, ...]
    event_rate: Floats  # (outcome, 2): untreated, treated; events per patient-month
    event_dispersion: Floats  # (outcome,)
    event_study_sd: float  # of the log rate, between studies
    care_effect: Mapping[str, Floats] = field(default_factory=dict)  # (endpoint,) by covariate
    study_age: Mapping[str, float] = field(default_factory=dict)
    # SDs from the expected mean age of arms without a printed one, by study


def parameters_of(prior: PriorDraws, draw: int) -> Parameters:
    """Parameters of one draw; bias, class effects and age slopes are 0 if the fit has none."""
    endpoints = len(prior.endpoints)

    def row(values: Floats) -> Floats:
        return np.nan_to_num(values[draw]) if values.size else np.zeros(endpoints)

    between = prior.sampled.get("event_study_sd")
    return Parameters(
        endpoints=prior.endpoints,
        knots_months=prior.knots_months,
        history=prior.history[draw],
        sd=prior.sd[draw],
        level_sd=prior.level_sd[draw],
        slope_sd=prior.slope_sd[draw],
        diagnosis_sd=row(prior.diagnosis_sd),
        spread_sd=row(prior.spread_sd),
        share_sd=row(prior.share_sd),
        patient_share=prior.patient_share[draw],
        decay=prior.decay[draw],
        endpoint_correlation=prior.endpoint_correlation[draw],
        effect=prior.effect[draw],
        bias=row(prior.bias),
        class_mean=row(prior.class_mean),
        class_sd=row(prior.class_sd),
        age_slope=row(prior.age_slope),
        entry_tilt=prior.sampled[TILT][draw] if TILT in prior.sampled else np.zeros(0),
        event_outcomes=prior.event_outcomes,
        event_rate=prior.event_rate[draw] if prior.event_outcomes else np.zeros((0, 2)),
        event_dispersion=prior.event_dispersion[draw] if prior.event_outcomes else np.zeros(0),
        event_study_sd=float(between[draw]) if between is not None else 0.0,
        care_effect={
            name: prior.care_effect[draw, row] for row, name in enumerate(prior.care_covariates)
        },
        study_age=_study_ages(prior, draw),
    )


def _study_ages(prior: PriorDraws, draw: int) -> dict[str, float]:
    """SDs from the expected mean age, by study, where the fit did not know the age of an arm."""
    ages = prior.sampled.get("study_age", np.zeros((draw + 1, 0)))
    match prior.provenance.get("study_age"):
        case list(studies):
            return {str(study): float(age) for study, age in zip(studies, ages[draw], strict=True)}
        case _:
            return {}
