"""Untreated patients in the model graph: mean and SD curves, correlation, study deviations."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pymc as pm

from phase2sim.core.arrays import Bools, Floats
from phase2sim.prior.models.densities.pytensor_names import Tensor, pt
from phase2sim.prior.models.densities.quadrature import KNOTS_MONTHS
from phase2sim.prior.models.unknowns.entry_tilt import entry_tilt, root_weights
from phase2sim.prior.models.unknowns.evidence_arrays import Cells
from phase2sim.prior.models.unknowns.scales import raw_covariance, raw_mean, raw_slope
from phase2sim.prior.models.unknowns.settings import (
    CROSS_CORRELATION_SCALE,
    LOGIT_SHARE_SCALE,
    EndpointPriors,
)
from phase2sim.prior.models.unknowns.window_moments import window_moments

ROOT_MONTHS: Floats = np.sqrt(np.diff(KNOTS_MONTHS))
_ORDER = [3, 1, 0, 2, 4, 5]  # of the knots, from month 12


@dataclass(frozen=True, slots=True)
class NaturalHistory:
    """Parameters of untreated patients, by endpoint."""

    mean: Tensor  # (endpoint, knot)
    sd: Tensor  # (endpoint, knot)
    level_sd: Tensor  # (endpoint,) between studies
    slope_sd: Tensor  # (endpoint,) between studies, per month since entry
    level: Tensor  # (sampled study,) shift of each study whose effects are sampled
    slope: Tensor  # (sampled study,) change of the shift per month
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
    level_sd = half_normal("level_sd", [p.level_scale for p in endpoint_priors])
    slope_sd = half_normal("slope_sd", [p.slope_scale for p in endpoint_priors])
    spread_sd = half_normal("spread_sd", [p.spread_scale for p in endpoint_priors])
    share_sd = half_normal("share_sd", [LOGIT_SHARE_SCALE] * len(endpoint_priors))
    patient_share = pm.Beta("patient_share", *np.array([p.share for p in endpoint_priors]).T)
    patient_decay = pm.Beta("decay", *np.array([p.decay for p in endpoint_priors]).T)
    off = _study_deviations("study_share", share_sd, layout, layout.own_share)
    driver = _endpoint_driver(len(endpoint_priors))
    return NaturalHistory(
        mean=pm.Deterministic("history", mean),
        sd=pm.Deterministic("sd", pt.exp(log_sd)),
        level_sd=level_sd,
        slope_sd=slope_sd,
        level=_study_effects("study_level", level_sd, layout),
        slope=_study_effects("study_slope", slope_sd, layout),
        spread_sd=spread_sd,
        spread=pt.exp(_study_deviations("study_spread", spread_sd, layout, layout.own_spread)),
        share_sd=share_sd,
        share=patient_share,
        cell_share=pt.sigmoid(_by_cell(layout, logit(patient_share)) + off),
        entry_tilt=entry_tilt(layout),
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
    shift = treated + _study_shift(layout, history) + of_age
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
            layout.scale.at(first), same, slope[first] * slope[second], covariance
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


def _study_effects(name: str, sd: Tensor, layout: Cells) -> Tensor:
    """Shifts (sampled study,); linear shifts are part of the covariance instead."""
    owner = layout.study_endpoint[layout.sampled]
    return pm.Normal(name, shape=owner.size) * sd[owner] if owner.size else pt.zeros(0)


def _study_deviations(name: str, sd: Tensor, layout: Cells, chosen: Bools) -> Tensor:
    """Deviation (cell,) of the chosen studies, with the SD of their endpoint; 0 for the others."""
    owner = layout.study_endpoint[chosen]
    if not owner.size:
        return pt.zeros(len(layout.study))
    deviation = pm.Normal(name, shape=owner.size) * sd[owner]
    return pt.sum(layout.of_study(chosen) * deviation, axis=1)


def _study_shift(layout: Cells, history: NaturalHistory) -> Tensor:
    of_study = layout.of_study(layout.sampled)
    if not of_study.any():
        return 0.0
    return pt.sum(of_study * (history.level + history.slope * layout.months[:, None]), axis=1)


def _walk(
    name: str,
    priors: Iterable[EndpointPriors],
    steps_of: Callable[[EndpointPriors], tuple[tuple[float, float], tuple[float, float], float]],
) -> Tensor:
    """Curve at the knots: a start, a step to month 3, then steps of SD ``step sqrt(months)``."""
    endpoint_steps = [steps_of(prior) for prior in priors]
    centres, spreads = np.zeros((2, len(endpoint_steps), KNOTS_MONTHS.size))
    for row, (start, jump, step) in enumerate(endpoint_steps):
        centres[row, :2] = start[0], jump[0]
        spreads[row] = start[1], jump[1], *(step * ROOT_MONTHS[1:])
    raw = pm.Normal(f"{name}_raw", 0.0, 1.0, shape=spreads.shape)
    factors = np.array([walk_factor(np.tri(KNOTS_MONTHS.size) * spread) for spread in spreads])
    return np.cumsum(centres, axis=1) + pt.sum(factors * raw[:, None, :], axis=2)


def walk_factor(steps: Floats) -> Floats:
    """Factor (knot, normal) of a walk's covariance; the first normal alone sets month 12.

    Month 12 is reported most. Walked from month 0, whose value few studies report, every normal
    would be bound to those before it: the sampler's steps would be shorter.
    """
    covariance = steps @ steps.T
    factor = np.zeros_like(covariance)
    factor[_ORDER] = np.linalg.cholesky(covariance[np.ix_(_ORDER, _ORDER)])
    return factor
