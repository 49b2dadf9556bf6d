"""Untreated patients in the model graph: mean and SD curves, correlation, study deviations."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pymc as pm

from phase2sim.core.arrays import Bools, Floats
from phase2sim.core.history_priors import EndpointPriors
from phase2sim.prior.at_diagnosis import deviation_left
from phase2sim.prior.models.densities.pytensor_names import Tensor, pt
from phase2sim.prior.models.densities.quadrature import KNOTS_MONTHS
from phase2sim.prior.models.unknowns.entry_tilt import entry_tilt, root_weights
from phase2sim.prior.models.unknowns.evidence_arrays import Cells
from phase2sim.prior.models.unknowns.scales import raw_covariance, raw_mean, raw_slope
from phase2sim.prior.models.unknowns.settings import CROSS_CORRELATION_SCALE, LOGIT_SHARE_SCALE
from phase2sim.prior.models.unknowns.window_moments import window_moments

WALKED = [0, 2, 3, 4, 5, 6]  # knots of the random walk; month 1 follows from months 0 and 3
ROOT_MONTHS: Floats = np.sqrt(np.diff(KNOTS_MONTHS[WALKED]))
_ORDER = [3, 1, 0, 2, 4, 5]  # of the walked knots, from month 12
# Terms of a study's deviation from the mean course: at all times, per month since entry, and at
# diagnosis, of which nothing is left after the first months.
DEVIATIONS = ("level", "slope", "diagnosis")
LEVEL, SLOPE, DIAGNOSIS = range(3)


@dataclass(frozen=True, slots=True)
class NaturalHistory:
    """Parameters of untreated patients, by endpoint."""

    mean: Tensor  # (endpoint, knot)
    sd: Tensor  # (endpoint, knot)
    deviation_sd: Tensor  # (endpoint, term) between studies; see ``DEVIATIONS``
    deviation: Tensor  # (cell, term) of the cell's study if it is sampled, else 0
    deviation_weight: Tensor  # (cell, term) its share in the cell's mean
    spread_sd: Tensor  # (endpoint,) of the log SD, between studies
    spread: Tensor  # (cell,) SD of the study's patients over that of the curve
    share_sd: Tensor  # (endpoint,) of logit(share), between studies
    share: Tensor  # (endpoint,) of the typical study
    cell_share: Tensor  # (cell,) of the cell's study
    entry_tilt: Tensor  # (cell,) of the spread of entry over its window; 0 unless learned
    decay: Tensor  # (endpoint,)
    age_slope: Tensor  # (endpoint,) per year
    years: Tensor  # (cell,) mean age of the arm minus the reference age
    endpoint_driver: Tensor  # (endpoint, endpoint) correlation of the driving noise
    endpoint_correlation: Tensor  # (endpoint, endpoint) of values at one visit


@dataclass(frozen=True, slots=True)
class Moments:
    """Means, SDs and covariances of the cells' patients, given the parameters."""

    mean: Tensor  # (cell,)
    shift: Tensor  # (cell,) of the mean by study, age, bias and effect
    sd: Tensor  # (cell,)
    covariance: Tensor  # (pair,) between patients
    correlation: Tensor  # (pair,)
    raw_mean: Tensor  # (cell,) on the reported scale
    raw_slope: Tensor  # (cell,) derivative of ``raw_mean`` by ``mean``
    raw_covariance: Tensor  # (pair,) on the reported scale


def natural_history(layout: Cells, priors: Mapping[str, EndpointPriors]) -> NaturalHistory:
    """Declare the parameters of untreated patients in the current PyMC model."""
    endpoint_priors = [priors[name] for name in layout.endpoints]
    mean = _walk(
        "mean", endpoint_priors, lambda p: (p.first_mean, p.mean_step, p.mean_per_root_month)
    )
    log_sd = _walk(
        "log_sd",
        endpoint_priors,
        lambda p: (p.first_log_sd, p.log_sd_step, p.log_sd_per_root_month),
    )
    spread_sd = half_normal("spread_sd", [p.spread_scale for p in endpoint_priors])
    share_sd = half_normal("share_sd", [LOGIT_SHARE_SCALE] * len(endpoint_priors))
    patient_share = pm.Beta("patient_share", *np.array([p.share for p in endpoint_priors]).T)
    patient_decay = pm.Beta("decay", *np.array([p.decay for p in endpoint_priors]).T)
    off = _study_deviations("study_share", share_sd, layout, layout.own_share)
    deviation_sd = _deviation_sds(endpoint_priors)
    tilt = entry_tilt(layout)
    driver = _endpoint_driver(len(endpoint_priors))
    return NaturalHistory(
        mean=pm.Deterministic("history", mean),
        sd=pm.Deterministic("sd", pt.exp(log_sd)),
        deviation_sd=deviation_sd,
        deviation=_study_terms(layout, deviation_sd),
        deviation_weight=term_weights(layout, endpoint_priors, tilt),
        spread_sd=spread_sd,
        spread=pt.exp(_study_deviations("study_spread", spread_sd, layout, layout.own_spread)),
        share_sd=share_sd,
        share=patient_share,
        cell_share=pt.sigmoid(_by_cell(layout, logit(patient_share)) + off),
        entry_tilt=tilt,
        decay=patient_decay,
        age_slope=_age_slope(endpoint_priors),
        years=_years(layout),
        endpoint_driver=driver,
        endpoint_correlation=_kept_correlation(driver, patient_share, patient_decay),
    )


def _age_slope(endpoint_priors: list[EndpointPriors]) -> Tensor:
    """Change of the mean per year of age, (endpoint,)."""
    centre, sd = np.array([p.per_year_of_age for p in endpoint_priors]).T
    raw = pm.Normal("age_slope_raw", shape=len(endpoint_priors))
    return pm.Deterministic("age_slope", centre + sd * raw)


def _years(layout: Cells) -> Tensor:
    """Mean age (cell,) minus the reference age; arms of one study differ by what is expected."""
    if not layout.unknown_age:
        return layout.years
    off = pm.Normal("study_age", shape=len(layout.unknown_age))
    return layout.years + pt.sum(layout.years_sd * off, axis=1)


def half_normal(name: str, scales: list[float]) -> Tensor:
    """SDs (endpoint,) with half-normal priors of these scales, as quantiles of standard normals.

    The log of a half-normal, which is sampled otherwise, has a long tail where the SD hardly
    matters: its normal has none, and the sampler moves with longer steps.
    """
    raw = pm.Normal(f"{name}_raw", shape=len(scales))
    quantile = np.sqrt(2.0) * pt.erfcinv(pt.erfc(raw / np.sqrt(2.0)) / 2.0)
    return pm.Deterministic(name, np.array(scales) * quantile)


def cell_moments(layout: Cells, history: NaturalHistory, treated: Tensor) -> Moments:
    """Moments of every cell and pair, averaged over the times of entry of the cell."""
    of_age = history.years * _by_cell(layout, history.age_slope)
    of_study = pt.sum(history.deviation * history.deviation_weight, axis=1)
    shift = treated + of_study + of_age
    average, sd, covariance, correlation = window_moments(
        layout,
        history.mean,
        history.sd,
        -pt.log(history.decay),
        history.endpoint_driver,
        history.spread,
        history.cell_share,
        root_weights(layout, history.entry_tilt),
    )
    mean = average + shift
    first, second = layout.first, layout.second
    slope = raw_slope(layout.scale, mean, sd)
    same = (layout.endpoint[first] == layout.endpoint[second]).astype(float)
    return Moments(
        mean=mean,
        shift=shift,
        sd=sd,
        covariance=covariance,
        correlation=correlation,
        raw_mean=raw_mean(layout.scale, mean, sd),
        raw_slope=slope,
        raw_covariance=raw_covariance(
            layout.scale.at(first),
            same,
            slope[first] * slope[second],
            covariance,
            mean=(mean[first], mean[second]),
            sd=(sd[first], sd[second]),
        ),
    )


def _by_cell(layout: Cells, by_endpoint: Tensor) -> Tensor:
    """Value (cell,) of each cell's endpoint."""
    return pt.sum(layout.by_endpoint * by_endpoint, axis=1)


def same_visit_correlation(driver: Tensor, share: Tensor, decay: Tensor) -> Tensor:
    """Correlation (endpoint, endpoint) of deviations at one visit; see ``window_moments``."""
    rate = -pt.log(decay)
    permanent = pt.sqrt(share[:, None] * share)
    overlap = 2.0 * pt.sqrt(rate[:, None] * rate) / (rate[:, None] + rate)
    transient = pt.sqrt((1.0 - share)[:, None] * (1.0 - share)) * overlap
    return driver * (permanent + transient)


def _kept_correlation(driver: Tensor, share: Tensor, decay: Tensor) -> Tensor:
    """Correlation of values at one visit, whose pairs are kept with the draws."""
    same_visit = same_visit_correlation(driver, share, decay)
    endpoints = driver.type.shape[0]
    if endpoints > 1:
        pm.Deterministic("endpoint_correlation", same_visit[np.tril_indices(endpoints, -1)])
    return same_visit


def _endpoint_driver(endpoints: int) -> Tensor:
    """Correlation matrix with a Cholesky factor of normalised rows of a unit triangle.

    Any values of the parameters give a valid correlation matrix. With two endpoints the correlation
    is z / sqrt(1 + z^2), z normal.
    """
    if endpoints == 1:
        return pt.ones((1, 1))
    rows, columns = np.tril_indices(endpoints, -1)
    raw = pm.Normal("endpoint_raw", shape=rows.size)
    positions = np.zeros((endpoints, endpoints, rows.size))
    positions[rows, columns, np.arange(rows.size)] = CROSS_CORRELATION_SCALE
    triangle = np.eye(endpoints) + pt.sum(positions * raw, axis=2)
    factor = triangle / pt.sqrt(pt.sum(triangle**2, axis=1))[:, None]
    return pt.sum(factor[:, None, :] * factor[None, :, :], axis=2)


def logit(share: Tensor) -> Tensor:
    """Log odds."""
    return pt.log(share) - pt.log1p(-share)


def _deviation_sds(endpoint_priors: Sequence[EndpointPriors]) -> Tensor:
    """SDs (endpoint, term) between studies."""
    scales = {
        "level": [p.level_scale for p in endpoint_priors],
        "slope": [p.slope_scale for p in endpoint_priors],
        "diagnosis": [p.diagnosis_scale for p in endpoint_priors],
    }
    return pt.stack([half_normal(f"{name}_sd", scales[name]) for name in DEVIATIONS], axis=1)


def _study_terms(layout: Cells, sd: Tensor) -> Tensor:
    """Deviations (cell, term) that are sampled; the others are part of the covariance instead."""
    chosen = layout.sampled, layout.sampled, layout.sampled & is_seen_early(layout)
    terms = [
        _study_deviations(f"study_{name}", sd[:, term], layout, chosen[term])
        for term, name in enumerate(DEVIATIONS)
    ]
    return pt.stack(terms, axis=1)


def is_seen_early(layout: Cells) -> Bools:
    """True (study,) where patients are seen so early that their course at diagnosis matters."""
    early = np.any(layout.root_weight[:, :, None] * layout.basis[:, :, :2] > 0.0, axis=(1, 2))
    return np.isin(np.arange(len(layout.studies)), layout.study[early])


def term_weights(layout: Cells, endpoint_priors: Sequence[EndpointPriors], tilt: Tensor) -> Tensor:
    """Weights (cell, term) of a study's deviation in the mean of each cell."""
    at_knots = np.array([deviation_left(p.first_month, KNOTS_MONTHS) for p in endpoint_priors])
    at_nodes = np.sum(layout.basis * at_knots[layout.endpoint][:, None, :], axis=2)
    left = pt.sum(root_weights(layout, tilt) ** 2 * at_nodes, axis=1)
    return pt.stack([np.ones(layout.months.size), layout.months, left], axis=1)


def _study_deviations(name: str, sd: Tensor, layout: Cells, chosen: Bools) -> Tensor:
    """Deviation (cell,) of the chosen studies, with the SD of their endpoint; 0 for the others."""
    owner = layout.study_endpoint[chosen]
    if not owner.size:
        return pt.zeros(len(layout.study))
    deviation = pm.Normal(name, shape=owner.size) * sd[owner]
    return pt.sum(layout.of_study(chosen) * deviation, axis=1)


def _walk(
    name: str,
    priors: Sequence[EndpointPriors],
    steps_of: Callable[[EndpointPriors], tuple[tuple[float, float], tuple[float, float], float]],
) -> Tensor:
    """Curve at the knots: a start, a step to month 3, then steps of SD ``step sqrt(months)``."""
    endpoint_steps = [steps_of(prior) for prior in priors]
    centres, spreads = np.zeros((2, len(endpoint_steps), len(WALKED)))
    for row, (start, jump, step) in enumerate(endpoint_steps):
        centres[row, :2] = start[0], jump[0]
        spreads[row] = start[1], jump[1], *(step * ROOT_MONTHS[1:])
    raw = pm.Normal(f"{name}_raw", 0.0, 1.0, shape=spreads.shape)
    at_knots = [between_walked(prior.first_month) for prior in priors]
    walked = [walk_factor(np.tri(len(WALKED)) * spread) for spread in spreads]
    factors = np.array([knots @ factor for knots, factor in zip(at_knots, walked, strict=True)])
    middle = [knots @ np.cumsum(centre) for knots, centre in zip(at_knots, centres, strict=True)]
    return np.array(middle) + pt.sum(factors * raw[:, None, :], axis=2)


def between_walked(first_month: float) -> Floats:
    """Weights (knot, walked knot) of a curve at all knots, given those of its walk."""
    weights = np.zeros((KNOTS_MONTHS.size, len(WALKED)))
    weights[WALKED, np.arange(len(WALKED))] = 1.0
    weights[1, :2] = 1.0 - first_month, first_month
    return weights


def walk_factor(steps: Floats) -> Floats:
    """Factor (knot, normal) of a walk's covariance; the first normal alone sets month 12.

    Month 12 is reported most. Walked from month 0, whose value few studies report, every normal
    would be bound to those before it: the sampler's steps would be shorter.
    """
    covariance = steps @ steps.T
    factor = np.zeros_like(covariance)
    factor[_ORDER] = np.linalg.cholesky(covariance[np.ix_(_ORDER, _ORDER)])
    return factor
