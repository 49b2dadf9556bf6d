"""Graph of untreated patients: mean curves, spread, correlation, and how studies differ."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pymc as pm

from phase2sim.contracts import Floats
from phase2sim.models import likelihoods
from phase2sim.models.settings import PRIORS, EndpointPriors
from phase2sim.models.summaries import KNOTS_MONTHS
from phase2sim.models.symbols import Tensor, pt
from phase2sim.models.tables import Cells

type Pair = tuple[float, float]

ROOT_MONTHS: Floats = np.sqrt(np.diff(KNOTS_MONTHS))


@dataclass(frozen=True, slots=True)
class NaturalHistory:
    """Unknowns of untreated patients, model scale."""

    mean: Tensor  # (endpoint, knot)
    sd: Tensor  # (endpoint, knot)
    level_sd: Tensor  # (endpoint,) between studies
    slope_sd: Tensor  # (endpoint,) same, per month on the trial's clock
    level: Tensor  # (sampled study,) shift of a study whose own effects are sampled
    slope: Tensor  # (sampled study,) and its change per month
    share: Tensor  # (endpoint,)
    decay: Tensor  # (endpoint,)


@dataclass(frozen=True, slots=True)
class Moments:
    """What the unknowns imply for the patients of each cell."""

    mean: Tensor  # (cell,)
    shift: Tensor  # (cell,) part of the mean that is not the averaged history
    sd: Tensor  # (cell,)
    covariance: Tensor  # (pair,) between patients
    correlation: Tensor  # (pair,)
    raw_mean: Tensor  # (cell,) of x where the endpoint is modelled on ln(x + 1); else of no meaning
    raw_covariance: Tensor  # (pair,) the same


def natural_history(layout: Cells) -> NaturalHistory:
    """Declare the unknowns of untreated patients in the current PyMC model."""
    priors = [PRIORS[name] for name in layout.endpoints]
    mean = _walk("history", priors, lambda p: (p.first_mean, p.mean_step, p.mean_per_root_month))
    log_sd = _walk(
        "log_sd", priors, lambda p: (p.first_log_sd, p.log_sd_step, p.log_sd_per_root_month)
    )
    level_sd = pm.HalfNormal("level_sd", sigma=np.array([p.level_scale for p in priors]))
    slope_sd = pm.HalfNormal("slope_sd", sigma=np.array([p.slope_scale for p in priors]))
    share, decay = np.array([p.share for p in priors]).T, np.array([p.decay for p in priors]).T
    return NaturalHistory(
        mean=pm.Deterministic("history", mean),
        sd=pm.Deterministic("sd", pt.exp(log_sd)),
        level_sd=level_sd,
        slope_sd=slope_sd,
        level=_study_effects("study_level", level_sd, layout),
        slope=_study_effects("study_slope", slope_sd, layout),
        share=pm.Beta("patient_share", *share),
        decay=pm.Beta("decay", *decay),
    )


def moments(layout: Cells, history: NaturalHistory, treated: Tensor) -> Moments:
    """Mean, SD and covariance of every cell; ``treated`` (cell,) is what treatment adds.

    Patients of a cell differ by their own deviation and by when after diagnosis they enrolled, so
    both enter the covariance. A curve is linear between knots, so the averages over the window are
    quadratic forms with constant matrices, and exact. Constants are zero for the other endpoints:
    sums over them compile in half the time of picking each cell's own values.
    """
    shift = treated + _study_shift(layout, history)
    mean = pt.sum(layout.weights * history.mean.flatten(), axis=1) + shift
    correlation = visit_correlation(history.share, history.decay, layout.lag[:, None])
    within = pt.sum(layout.pair_owner * correlation, axis=1)
    covariance = within * _form(layout.products, history.sd) + _form(layout.spread, history.mean)
    sd = pt.sqrt(covariance[: layout.months.size])  # a cell's pair with itself comes first
    raw_mean = likelihoods.raw_mean(mean * layout.log_scale, sd * layout.log_scale)
    one, other = raw_mean[layout.first], raw_mean[layout.second]
    log_covariance = covariance * layout.log_scale[layout.first]
    return Moments(
        mean=mean,
        shift=shift,
        sd=sd,
        covariance=covariance,
        correlation=covariance / (sd[layout.first] * sd[layout.second]),
        raw_mean=raw_mean,
        raw_covariance=likelihoods.raw_covariance(one, other, log_covariance),
    )


def visit_correlation(share: Tensor, decay: Tensor, lag: Floats | float) -> Tensor:
    """Correlation of one patient's deviations at two visits, ``lag`` months apart."""
    return share + (1.0 - share) * decay**lag


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
    priors: list[EndpointPriors],
    scales: Callable[[EndpointPriors], tuple[Pair, Pair, float]],
) -> Tensor:
    """Random walk over the knots, (endpoint, knot), from independent standard normals."""
    centres, spreads = np.zeros((2, len(priors), KNOTS_MONTHS.size))
    for row, prior in enumerate(priors):
        first, second, step = scales(prior)
        centres[row, :2] = first[0], second[0]
        spreads[row] = first[1], second[1], *(step * ROOT_MONTHS[1:])
    raw = pm.Normal(f"{name}_raw", 0.0, 1.0, shape=spreads.shape)
    steps = np.tri(KNOTS_MONTHS.size) * spreads[:, None, :]  # (endpoint, knot, knot up to it)
    return np.cumsum(centres, axis=1) + pt.sum(steps * raw[:, None, :], axis=2)


def _form(matrices: Floats, curves: Tensor) -> Tensor:
    flat = curves.flatten()
    return pt.sum(matrices * (flat[:, None] * flat), axis=(1, 2))
