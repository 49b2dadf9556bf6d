"""Covariance of means and medians.

The sampling covariance is zero between arms. A reported standard error replaces the modelled one;
the correlations stay. The variances of a study's level and slope are added if these are integrated
out, and so is the variance from the unknown typical weight of an arm.
"""

import math

import numpy as np

from phase2sim.core.arrays import Floats
from phase2sim.core.kernels import kernel
from phase2sim.prior.models.densities.kernel_operation import Differentiable, Slopes


def _odd_series(powers: Floats, rho: float) -> tuple[float, float]:
    """Series in odd powers 1, 3, 5, ... of ``rho``, divided by ``rho``, and its derivative."""
    square, value, by_square = rho * rho, 0.0, 0.0
    for degree in range(len(powers) - 1, -1, -1):
        by_square = by_square * square + value
        value = value * square + powers[degree]
    return value, 2.0 * rho * by_square


odd_series = kernel(_odd_series)


def _sampling_covariance(
    covariance: Floats,
    correlation: Floats,
    raw_covariance: Floats,
    mean_slope: Floats,
    ties: Floats,
    powers: Floats,
) -> Floats:
    """Sampling covariance (location, location), without reported standard errors."""
    total = np.zeros((len(mean_slope), len(mean_slope)))
    for tie in range(len(ties)):
        i, j, pair = int(ties[tie, 0]), int(ties[tie, 1]), int(ties[tie, 2])
        if ties[tie, 3] > 0.0:  # both raw means of one endpoint: exact
            value = ties[tie, 4] * raw_covariance[pair]
        else:
            # By Stein's lemma exact for a raw mean with any normal; to first order for two
            # endpoints.
            series, _ = odd_series(powers[tie], correlation[pair])
            value = covariance[pair] * series * mean_slope[i] * mean_slope[j]
        total[i, j] = total[j, i] = value
    return total


sampling_covariance = kernel(_sampling_covariance)


def _reported_se_ratio(model_covariance: Floats, se: Floats) -> Floats:
    """Ratio (location,) of the reported to the modelled standard error; 1 if none is reported."""
    ratio = np.ones(len(se))
    for i in range(len(se)):
        if not math.isnan(se[i]):
            ratio[i] = se[i] / math.sqrt(model_covariance[i, i])
    return ratio


reported_se_ratio = kernel(_reported_se_ratio)


def _covariance(
    covariance: Floats,
    correlation: Floats,
    raw_covariance: Floats,
    mean_slope: Floats,
    weight_sd: Floats,
    level: Floats,
    slope: Floats,
    ties: Floats,
    powers: Floats,
    se: Floats,
    owner: Floats,
) -> Floats:
    total = sampling_covariance(covariance, correlation, raw_covariance, mean_slope, ties, powers)
    ratio = reported_se_ratio(total, se)
    for i in range(len(mean_slope)):
        study, e, months = int(owner[i, 0]), int(owner[i, 1]), owner[i, 2]
        for j in range(len(mean_slope)):
            total[i, j] *= ratio[i] * ratio[j]
            if study >= 0 and owner[j, 0] == study:
                # A study's shift moves a raw mean to first order.
                total[i, j] += (
                    (level[e] + slope[e] * months * owner[j, 2]) * mean_slope[i] * mean_slope[j]
                )
    for tie in range(len(ties)):
        i, j = int(ties[tie, 0]), int(ties[tie, 1])
        total[i, j] += weight_sd[i] * weight_sd[j]
        total[j, i] = total[i, j]
    return total


def _model_covariance_gradient(model_covariance: Floats, se: Floats, cotangent: Floats) -> Floats:
    """Gradient (location, location) by the modelled covariance, through reported SEs."""
    ratio, gradient = reported_se_ratio(model_covariance, se), np.zeros(model_covariance.shape)
    for i in range(len(model_covariance)):
        by_ratio = 0.0
        for j in range(len(model_covariance)):
            gradient[i, j] += (cotangent[i, j] + cotangent[j, i]) * ratio[i] * ratio[j] / 2.0
            by_ratio += (cotangent[i, j] + cotangent[j, i]) * model_covariance[i, j] * ratio[j]
        if not math.isnan(se[i]):
            gradient[i, i] -= by_ratio * ratio[i] / (2.0 * model_covariance[i, i])
    return gradient


model_covariance_gradient = kernel(_model_covariance_gradient)


def _study_gradient(
    cotangent: Floats,
    mean_slope: Floats,
    level: Floats,
    slope: Floats,
    owner: Floats,
    by_mean_slope: Floats,
) -> tuple[Floats, Floats]:
    """Gradient by level and slope (endpoint,); adds that by ``mean_slope`` to ``by_mean_slope``."""
    by_level, by_slope = np.zeros(len(level)), np.zeros(len(slope))
    for i in range(len(mean_slope)):
        study, e, months = int(owner[i, 0]), int(owner[i, 1]), owner[i, 2]
        for j in range(len(mean_slope)):
            if study >= 0 and owner[j, 0] == study:
                by_pair, product = (cotangent[i, j] + cotangent[j, i]) / 2.0, months * owner[j, 2]
                by_level[e] += by_pair * mean_slope[i] * mean_slope[j]
                by_slope[e] += by_pair * product * mean_slope[i] * mean_slope[j]
                by_mean_slope[i] += 2.0 * by_pair * (level[e] + slope[e] * product) * mean_slope[j]
    return by_level, by_slope


study_gradient = kernel(_study_gradient)


def _slopes(
    covariance: Floats,
    correlation: Floats,
    raw_covariance: Floats,
    mean_slope: Floats,
    weight_sd: Floats,
    level: Floats,
    slope: Floats,
    ties: Floats,
    powers: Floats,
    se: Floats,
    owner: Floats,
    cotangent: Floats,
) -> tuple[Floats, Floats, Floats, Floats, Floats, Floats, Floats]:
    model = sampling_covariance(covariance, correlation, raw_covariance, mean_slope, ties, powers)
    by_model = model_covariance_gradient(model, se, cotangent)
    by_covariance, by_correlation = np.zeros(len(covariance)), np.zeros(len(covariance))
    by_raw, by_mean_slope = np.zeros(len(covariance)), np.zeros(len(mean_slope))
    by_weight_sd = np.zeros(len(mean_slope))
    by_level, by_slope = study_gradient(cotangent, mean_slope, level, slope, owner, by_mean_slope)
    for tie in range(len(ties)):
        i, j, pair = int(ties[tie, 0]), int(ties[tie, 1]), int(ties[tie, 2])
        by_pair = cotangent[i, j] if i == j else cotangent[i, j] + cotangent[j, i]
        by_weight_sd[i] += by_pair * weight_sd[j]
        by_weight_sd[j] += by_pair * weight_sd[i]
        by_pair = by_model[i, j] if i == j else by_model[i, j] + by_model[j, i]
        if ties[tie, 3] > 0.0:
            by_raw[pair] += by_pair * ties[tie, 4]
            continue
        series, by_rho = odd_series(powers[tie], correlation[pair])
        product = mean_slope[i] * mean_slope[j]
        by_covariance[pair] += by_pair * series * product
        by_correlation[pair] += by_pair * covariance[pair] * by_rho * product
        by_mean_slope[i] += by_pair * covariance[pair] * series * mean_slope[j]
        by_mean_slope[j] += by_pair * covariance[pair] * series * mean_slope[i]
    return by_covariance, by_correlation, by_raw, by_mean_slope, by_weight_sd, by_level, by_slope


def _shapes(*inputs: tuple[int | None, ...]) -> list[tuple[int | None, ...]]:
    locations = inputs[3][0]
    return [(locations, locations)]


# Differentiated inputs: covariance, correlation and raw covariance (pair,); derivative of each
# location by the patients' mean, and its SD from their typical weight (location,); variances of
# level and slope between studies (endpoint,). Constants: ``ties`` (tie, 5): two locations of the
# same patients, their pair, 1 if exact, 1 / n; ``powers`` (tie, degree); ``se`` (location,), nan if
# not reported; ``owner`` (location, 3): study or -1, endpoint, months.
location_covariance: Differentiable = Differentiable(
    Slopes("location_covariance", kernel(_slopes), 7), kernel(_covariance), _shapes
)
