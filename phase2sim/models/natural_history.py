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
    endpoint_correlation: Tensor  # (endpoint, endpoint)


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
    return NaturalHistory(
        mean=pm.Deterministic("history", mean),
        sd=pm.Deterministic("sd", pt.exp(log_sd)),
        level_sd=level_sd,
        slope_sd=slope_sd,
        level=_study_effects("study_level", level_sd, layout),
        slope=_study_effects("study_slope", slope_sd, layout),
        share=pm.Beta("patient_share", *share),
        decay=pm.Beta("decay", *decay),
        age_slope=pm.Deterministic("age_slope", age + age_sd * older),
        endpoint_correlation=_endpoint_correlation(len(own)),
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

    Between endpoints that of one visit, times the geometric mean of what each keeps over the lag.
    """
    share, log_decay = _own(layout, history.share), _own(layout, pt.log(history.decay))
    kept = []
    for cell in (layout.first, layout.second):
        own = share[cell]
        kept.append(own + (1.0 - own) * pt.exp(layout.lag * log_decay[cell]))
    if len(layout.endpoints) == 1:
        return kept[0]
    both = (layout.own[layout.first][:, :, None] * layout.own[layout.second][:, None, :]).reshape(
        layout.lag.size, -1
    )
    between = pt.sum(both * history.endpoint_correlation.flatten(), axis=1)
    return between * pt.sqrt(kept[0] * kept[1])


def _endpoint_correlation(endpoints: int) -> Tensor:
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
    product = pt.sum(factor[:, None, :] * factor[None, :, :], axis=2)
    pm.Deterministic("endpoint_correlation", product[rows, columns])
    return product


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
