"""What was assumed of each unknown before any evidence: mean and SD, model scale."""

from dataclasses import dataclass

import numpy as np

from phase2sim.core.arrays import Floats
from phase2sim.core.effect_shapes import SHAPES
from phase2sim.evidence.reported import EffectAssumption, Evidence
from phase2sim.prior.models.unknowns.settings import PRIORS

_HALF_NORMAL_MEAN = np.sqrt(2.0 / np.pi)  # of scale 1
_HALF_NORMAL_SD = np.sqrt(1.0 - 2.0 / np.pi)


@dataclass(frozen=True, slots=True)
class PriorMoments:
    """Mean and SD of one or more unknowns, of one shape."""

    mean: Floats
    sd: Floats


def history_before(endpoint: str, knots_months: Floats) -> PriorMoments:
    """Mean of untreated patients at each knot: a random walk over the knots."""
    of = PRIORS[endpoint]
    steps = of.first_mean, of.mean_step, of.mean_per_root_month
    return _walk(*steps, knots_months)


def sd_before(endpoint: str, knots_months: Floats) -> PriorMoments:
    """SD between patients at each knot: lognormal, its log a random walk."""
    of = PRIORS[endpoint]
    log = _walk(of.first_log_sd, of.log_sd_step, of.log_sd_per_root_month, knots_months)
    mean = np.exp(log.mean + log.sd**2 / 2)
    return PriorMoments(mean, mean * np.sqrt(np.expm1(log.sd**2)))


def level_sd_before(endpoint: str) -> PriorMoments:
    """SD between studies, half-normal."""
    return _half_normal(PRIORS[endpoint].level_scale)


def slope_sd_before(endpoint: str) -> PriorMoments:
    """SD between studies of the change a month, half-normal."""
    return _half_normal(PRIORS[endpoint].slope_scale)


def effect_before(evidence: Evidence, assumed: EffectAssumption) -> PriorMoments:
    """Effect of the next trial's treatment at the month of its assumption.

    Under a class it is the class mean, N(0, sceptical), plus a deviation between trials whose SD
    is half-normal; unless the file states a prior of its own.
    """
    of = evidence.classes.get(assumed.endpoint)
    if of is None or assumed.prior is not None:
        return PriorMoments(np.array(assumed.before.mean), np.array(assumed.before.sd))
    shape = SHAPES[of.shape](**dict(of.shape_options))
    at, whole = shape.at(np.array([assumed.month, of.month]))
    return PriorMoments(np.array(0.0), at / whole * np.hypot(of.sceptical_sd, of.between_trials_sd))


def _walk(
    first: tuple[float, float],
    step: tuple[float, float],
    per_root_month: float,
    knots_months: Floats,
) -> PriorMoments:
    months = np.diff(knots_months)
    centres = np.concatenate([[first[0], step[0]], np.zeros(months.size - 1)])
    spreads = np.concatenate([[first[1], step[1]], per_root_month * np.sqrt(months[1:])])
    return PriorMoments(np.cumsum(centres), np.sqrt(np.cumsum(spreads**2)))


def _half_normal(scale: float) -> PriorMoments:
    return PriorMoments(np.array(scale * _HALF_NORMAL_MEAN), np.array(scale * _HALF_NORMAL_SD))
