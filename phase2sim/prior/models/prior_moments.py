"""Prior mean and SD of each parameter, before any evidence, model scale."""

from dataclasses import dataclass

import numpy as np

from phase2sim.core.arrays import Floats
from phase2sim.core.history_priors import PRIORS
from phase2sim.evidence.reported import EffectAssumption, Evidence

_HALF_NORMAL_MEAN = np.sqrt(2.0 / np.pi)  # of scale 1
_HALF_NORMAL_SD = np.sqrt(1.0 - 2.0 / np.pi)


@dataclass(frozen=True, slots=True)
class PriorMoments:
    """Prior mean and SD of one or more parameters, arrays of the same shape."""

    mean: Floats
    sd: Floats


def history_before(endpoint: str, knots_months: Floats) -> PriorMoments:
    """Mean of untreated patients at each knot: a random walk over the knots."""
    priors = PRIORS[endpoint]
    steps = priors.first_mean, priors.mean_step, priors.mean_per_root_month
    return _walk(*steps, priors.first_month, knots_months)


def sd_before(endpoint: str, knots_months: Floats) -> PriorMoments:
    """SD between patients at each knot: lognormal, its log a random walk."""
    priors = PRIORS[endpoint]
    steps = priors.first_log_sd, priors.log_sd_step, priors.log_sd_per_root_month
    log = _walk(*steps, priors.first_month, knots_months)
    mean = np.exp(log.mean + log.sd**2 / 2)
    return PriorMoments(mean, mean * np.sqrt(np.expm1(log.sd**2)))


def level_sd_before(endpoint: str) -> PriorMoments:
    """SD between studies, half-normal."""
    return _half_normal(PRIORS[endpoint].level_scale)


def diagnosis_sd_before(endpoint: str) -> PriorMoments:
    """SD between studies of the mean at diagnosis, beyond their level, half-normal."""
    return _half_normal(PRIORS[endpoint].diagnosis_scale)


def slope_sd_before(endpoint: str) -> PriorMoments:
    """SD between studies of the slope per month, half-normal."""
    return _half_normal(PRIORS[endpoint].slope_scale)


def spread_sd_before(endpoint: str) -> PriorMoments:
    """SD between studies of the log of the SD between patients, half-normal."""
    return _half_normal(PRIORS[endpoint].spread_scale)


def effect_before(evidence: Evidence, assumption: EffectAssumption) -> PriorMoments:
    """Effect of the next trial's treatment at the month of its assumption.

    In a class it is the class mean, N(0, ``sceptical_sd``), plus a deviation between trials with a
    half-normal SD, unless the file states a prior for this treatment.
    """
    class_effect = evidence.classes.get(assumption.endpoint)
    if class_effect is None or assumption.prior is not None:
        return PriorMoments(np.array(assumption.before.mean), np.array(assumption.before.sd))
    shape = class_effect.effect_shape()
    at_assumption, at_class_month = shape.at(np.array([assumption.month, class_effect.month]))
    return PriorMoments(
        np.array(0.0),
        at_assumption
        / at_class_month
        * np.hypot(class_effect.sceptical_sd, class_effect.between_trials_sd),
    )


def _walk(
    start: tuple[float, float],
    step: tuple[float, float],
    per_root_month: float,
    first_month: float,
    knots_months: Floats,
) -> PriorMoments:
    taken = np.interp(knots_months, (0.0, 1.0, 3.0), (0.0, first_month, 1.0))  # of the first step
    later = per_root_month**2 * np.maximum(knots_months - 3.0, 0.0)
    variance = start[1] ** 2 + (taken * step[1]) ** 2 + later
    return PriorMoments(start[0] + taken * step[0], np.sqrt(variance))


def _half_normal(scale: float) -> PriorMoments:
    return PriorMoments(np.array(scale * _HALF_NORMAL_MEAN), np.array(scale * _HALF_NORMAL_SD))
