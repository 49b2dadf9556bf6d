"""Graph of untreated patients: mean curves, spread, correlation, and how studies differ."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pymc as pm

from phase2sim.contracts import Floats
from phase2sim.models.scales import raw_covariance, raw_mean, raw_slope
from phase2sim.models.settings import CROSS_CORRELATION_SCALE, EndpointPriors
from phase2sim.models.summaries import KNOTS_MONTHS
from phase2sim.models.symbols import Tensor, pt
from phase2sim.models.tables import Cells

ROOT_MONTHS: Floats = np.sqrt(np.diff(KNOTS_MONTHS))


@dataclass(frozen=True, slots=True)
class NaturalHistory:
    """Unknowns of untreated patients, by endpoint."""

    mean: Tensor  # (endpoint, knot)
    sd: Tensor  # (endpoint, knot)
    level_sd: Tensor  # (endpoint,) between studies
    slope_sd: Tensor  # (endpoint,) same, per month on the trial's clock
    level: Tensor  # (sampled study,) shift of a study whose own effects are sampled
    slope: Tensor  # (sampled study,) and its change per month
    share: Tensor  # (endpoint,)
    decay: Tensor  # (endpoint,)
    age_slope: Tensor  # (endpoint,) a year
    endpoint_driver: Tensor  # (endpoint, endpoint) correlation of what drives patients
    endpoint_correlation: Tensor  # (endpoint, endpoint) of patients at one visit


@dataclass(frozen=True, slots=True)
class Moments:
    """Means, SDs and covariances of the cells' patients, given the unknowns."""

    mean: Tensor  # (cell,)
    shift: Tensor  # (cell,) of the mean beyond natural history: study, age, bias and effect
    sd: Tensor  # (cell,)
    covariance: Tensor  # (pair,) between patients
    correlation: Tensor  # (pair,)
    raw_mean: Tensor  # (cell,) on the scale that values are reported on
    raw_slope: Tensor  # (cell,) its derivative by the mean
    raw_covariance: Tensor  # (pair,) the same


def natural_history(layout: Cells, priors: Mapping[str, EndpointPriors]) -> NaturalHistory:
    """Declare the unknowns of untreated patients in the current PyMC model."""
    own = [priors[name] for name in layout.endpoints]
    mean = _walk("mean", own, lambda p: (p.first_mean, p.mean_step, p.mean_per_root_month))
    log_sd = _walk(
        "log_sd", own, lambda p: (p.first_log_sd, p.log_sd_step, p.log_sd_per_root_month)
    )
    level_sd = pm.HalfNormal("level_sd", sigma=np.array([p.level_scale for p in own]))
    slope_sd = pm.HalfNormal("slope_sd", sigma=np.array([p.slope_scale for p in own]))
    share, decay = np.array([p.share for p in own]).T, np.array([p.decay for p in own]).T
    age, age_sd = np.array([p.per_year_of_age for p in own]).T
    older = pm.Normal("age_slope_raw", shape=len(own))
    patient_share, patient_decay = pm.Beta("patient_share", *share), pm.Beta("decay", *decay)
    driver = _endpoint_driver(len(own))
    together = at_one_visit(driver, patient_share, patient_decay)
    if len(own) > 1:
        pm.Deterministic("endpoint_correlation", together[np.tril_indices(len(own), -1)])
    return NaturalHistory(
        mean=pm.Deterministic("history", mean),
        sd=pm.Deterministic("sd", pt.exp(log_sd)),
        level_sd=level_sd,
        slope_sd=slope_sd,
        level=_study_effects("study_level", level_sd, layout),
        slope=_study_effects("study_slope", slope_sd, layout),
        share=patient_share,
        decay=patient_decay,
        age_slope=pm.Deterministic("age_slope", age + age_sd * older),
        endpoint_driver=driver,
        endpoint_correlation=together,
    )


def moments(layout: Cells, history: NaturalHistory, treated: Tensor) -> Moments:
    """Moments of every cell and pair, averaged over who was enrolled in the cell's window.

    Patients of a cell differ by their own deviation and by when after diagnosis they enrolled, so
    both enter the covariance. A curve is linear between knots, so the nodes make the averages over
    the window exact. Endpoints are picked by products with constants: sums compile in half the time
    of picking each cell's own values.
    """
    shift = treated + _study_shift(layout, history) + layout.years * _own(layout, history.age_slope)
    mean_at, sd_at = (_at_nodes(layout, curve) for curve in (history.mean, history.sd))
    average = pt.sum(layout.root_weight**2 * mean_at, axis=1)
    mean = average + shift
    by_patient = layout.root_weight * sd_at
    by_enrolment = layout.root_weight * (mean_at - average[:, None])
    first, second = layout.first, layout.second
    covariance = _correlation(layout, history) * pt.sum(
        by_patient[first] * by_patient[second], axis=1
    ) + pt.sum(by_enrolment[first] * by_enrolment[second], axis=1)
    sd = pt.sqrt(covariance[: layout.months.size])  # a cell's pair with itself comes first
    slope = raw_slope(layout.scale, mean, sd)
    same = (layout.endpoint[first] == layout.endpoint[second]).astype(float)
    return Moments(
        mean=mean,
        shift=shift,
        sd=sd,
        covariance=covariance,
        correlation=covariance / (sd[first] * sd[second]),
        raw_mean=raw_mean(layout.scale, mean, sd),
        raw_slope=slope,
        raw_covariance=raw_covariance(
            layout.scale.at(first), same, slope[first] * slope[second], covariance
        ),
    )


def visit_correlation(share: Tensor, decay: Tensor, lag: Floats | float) -> Tensor:
    """Correlation of a patient's deviations ``lag`` months apart."""
    return share + (1.0 - share) * decay**lag


def _own(layout: Cells, by_endpoint: Tensor) -> Tensor:
    """Value (cell,) of each cell's endpoint."""
    return pt.sum(layout.own * by_endpoint, axis=1)


def _at_nodes(layout: Cells, curve: Tensor) -> Tensor:
    """Curve (endpoint, knot) at each enrolment node of each cell, (cell, node)."""
    own = pt.sum(layout.own[:, :, None] * curve, axis=1)
    return pt.sum(layout.basis * own[:, None, :], axis=2)


def _correlation(layout: Cells, history: NaturalHistory) -> Tensor:
    """Correlation (pair,) of deviations of the same patients.

    A patient's deviation is one that stays and one that fades as an Ornstein-Uhlenbeck process.
    The endpoints' stay and fade together, driven by the same chances: between endpoints the
    later visit's decay counts, and processes that fade at different rates are never alike. All
    this times ``endpoint_driver`` is a covariance whatever the rates.
    """
    first, second = layout.first, layout.second
    share, rate = _own(layout, history.share), _own(layout, -pt.log(history.decay))
    later = pt.switch(layout.months[first] > layout.months[second], rate[first], rate[second])
    if len(layout.endpoints) == 1:
        return share[first] + (1.0 - share[first]) * pt.exp(-layout.lag * later)
    stays = pt.sqrt(share[first] * share[second])
    fades = pt.sqrt((1.0 - share[first]) * (1.0 - share[second]))
    fades = fades * _alike(rate[first], rate[second]) * pt.exp(-layout.lag * later)
    both = layout.own[first][:, :, None] * layout.own[second][:, None, :]
    flat = both.reshape(layout.lag.size, -1)
    return pt.sum(flat * history.endpoint_driver.flatten(), axis=1) * (stays + fades)


def _alike(rate: Tensor, other: Tensor) -> Tensor:
    """Correlation of two Ornstein-Uhlenbeck processes at one time, driven by the same noise."""
    return 2.0 * pt.sqrt(rate * other) / (rate + other)


def at_one_visit(driver: Tensor, share: Tensor, decay: Tensor) -> Tensor:
    """Correlation (endpoint, endpoint) of deviations at one visit."""
    rate = -pt.log(decay)
    stays = pt.sqrt(share[:, None] * share)
    fades = pt.sqrt((1.0 - share)[:, None] * (1.0 - share)) * _alike(rate[:, None], rate)
    return driver * (stays + fades)


def _endpoint_driver(endpoints: int) -> Tensor:
    """Correlation matrix whose Cholesky factor has rows of a unit triangle, scaled to length 1.

    Every choice of the unknowns gives a correlation matrix; two endpoints' correlation is
    z / sqrt(1 + z^2) with z normal.
    """
    if endpoints == 1:
        return pt.ones((1, 1))
    rows, columns = np.tril_indices(endpoints, -1)
    raw = pm.Normal("endpoint_raw", shape=rows.size)
    place = np.zeros((endpoints, endpoints, rows.size))
    place[rows, columns, np.arange(rows.size)] = CROSS_CORRELATION_SCALE
    triangle = np.eye(endpoints) + pt.sum(place * raw, axis=2)
    factor = triangle / pt.sqrt(pt.sum(triangle**2, axis=1))[:, None]
    return pt.sum(factor[:, None, :] * factor[None, :, :], axis=2)


def _study_effects(name: str, sd: Tensor, layout: Cells) -> Tensor:
    """Shifts (sampled study,); where they enter linearly the covariance carries them instead."""
    owner = layout.study_endpoint[layout.sampled]
    return pm.Normal(name, shape=owner.size) * sd[owner] if owner.size else pt.zeros(0)


def _study_shift(layout: Cells, history: NaturalHistory) -> Tensor:
    own = layout.study[:, None] == np.flatnonzero(layout.sampled)
    if not own.any():
        return 0.0
    return pt.sum(own * (history.level + history.slope * layout.months[:, None]), axis=1)


def _walk(
    name: str,
    priors: Iterable[EndpointPriors],
    of: Callable[[EndpointPriors], tuple[tuple[float, float], tuple[float, float], float]],
) -> Tensor:
    """Curve at the knots: a start, a step at treatment, then steps of SD ``step root(months)``."""
    own = [of(prior) for prior in priors]
    centres, spreads = np.zeros((2, len(own), KNOTS_MONTHS.size))
    for row, (first, jump, step) in enumerate(own):
        centres[row, :2] = first[0], jump[0]
        spreads[row] = first[1], jump[1], *(step * ROOT_MONTHS[1:])
    raw = pm.Normal(f"{name}_raw", 0.0, 1.0, shape=spreads.shape)
    steps = np.tri(KNOTS_MONTHS.size) * spreads[:, None, :]  # (endpoint, knot, knot up to it)
    return np.cumsum(centres, axis=1) + pt.sum(steps * raw[:, None, :], axis=2)
