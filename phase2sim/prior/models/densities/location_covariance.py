"""Covariance of means and medians about their expected values.

The sampling part is zero between arms. A reported standard error replaces the model's own and keeps
the correlations. Level and slope of a study that are not sampled are added, so that they are
integrated out, and so is the unknown typical weight of an arm.
"""

import math

import numpy as np

from phase2sim.core.arrays import Floats
from phase2sim.core.kernels import kernel
from phase2sim.prior.models.densities.kernel_operation import Differentiable, Slopes


def _odd_series(powers: Floats, rho: float) -> tuple[float, float]:
    """Series in the odd powers 1, 3, 5, ... over ``rho``, and its derivative."""
    square, value, by_square = rho * rho, 0.0, 0.0
    for degree in range(len(powers) - 1, -1, -1):
        by_square = by_square * square + value
        value = value * square + powers[degree]
    return value, 2.0 * rho * by_square


odd_series = kernel(_odd_series)


def _sampling(
    covariance: Floats,
    correlation: Floats,
    raw_covariance: Floats,
    moved: Floats,
    ties: Floats,
    powers: Floats,
) -> Floats:
    """Covariance (location, location) that the model's own patients give."""
    found = np.zeros((len(moved), len(moved)))
    for tie in range(len(ties)):
        i, j, pair = int(ties[tie, 0]), int(ties[tie, 1]), int(ties[tie, 2])
        if ties[tie, 3] > 0.0:  # both raw means of one endpoint: exact
            value = ties[tie, 4] * raw_covariance[pair]
        else:
            # By Stein's lemma exact for a raw mean with any normal; to first order for two
            # endpoints.
            series, _ = odd_series(powers[tie], correlation[pair])
            value = covariance[pair] * series * moved[i] * moved[j]
        found[i, j] = found[j, i] = value
    return found


sampling_covariance = kernel(_sampling)


def _reported_over_own(own: Floats, se: Floats) -> Floats:
    """Ratio (location,) of the reported standard error to the model's own; 1 if none is."""
    ratio = np.ones(len(se))
    for i in range(len(se)):
        if not math.isnan(se[i]):
            ratio[i] = se[i] / math.sqrt(own[i, i])
    return ratio


reported_se_ratio = kernel(_reported_over_own)


def _covariance(
    covariance: Floats,
    correlation: Floats,
    raw_covariance: Floats,
    moved: Floats,
    by_weight: Floats,
    level: Floats,
    slope: Floats,
    ties: Floats,
    powers: Floats,
    se: Floats,
    owner: Floats,
) -> Floats:
    found = sampling_covariance(covariance, correlation, raw_covariance, moved, ties, powers)
    ratio = reported_se_ratio(found, se)
    for i in range(len(moved)):
        study, e, months = int(owner[i, 0]), int(owner[i, 1]), owner[i, 2]
        for j in range(len(moved)):
            found[i, j] *= ratio[i] * ratio[j]
            if study >= 0 and owner[j, 0] == study:
                # A study's shift moves a raw mean to first order.
                found[i, j] += (level[e] + slope[e] * months * owner[j, 2]) * moved[i] * moved[j]
    for tie in range(len(ties)):
        i, j = int(ties[tie, 0]), int(ties[tie, 1])
        found[i, j] += by_weight[i] * by_weight[j]
        found[j, i] = found[i, j]
    return found


def _by_own(own: Floats, se: Floats, by: Floats) -> Floats:
    """Gradient (location, location) by the model's own covariance, of that with reported SEs."""
    ratio, found = reported_se_ratio(own, se), np.zeros(own.shape)
    for i in range(len(own)):
        by_ratio = 0.0
        for j in range(len(own)):
            found[i, j] += (by[i, j] + by[j, i]) * ratio[i] * ratio[j] / 2.0
            by_ratio += (by[i, j] + by[j, i]) * own[i, j] * ratio[j]
        if not math.isnan(se[i]):
            found[i, i] -= by_ratio * ratio[i] / (2.0 * own[i, i])
    return found


model_covariance_gradient = kernel(_by_own)


def _between(
    by: Floats, moved: Floats, level: Floats, slope: Floats, owner: Floats, by_moved: Floats
) -> tuple[Floats, Floats]:
    """Gradient by level and slope (endpoint,), and added to ``by_moved``, by the shifts."""
    by_level, by_slope = np.zeros(len(level)), np.zeros(len(slope))
    for i in range(len(moved)):
        study, e, months = int(owner[i, 0]), int(owner[i, 1]), owner[i, 2]
        for j in range(len(moved)):
            if study >= 0 and owner[j, 0] == study:
                each, product = (by[i, j] + by[j, i]) / 2.0, months * owner[j, 2]
                by_level[e] += each * moved[i] * moved[j]
                by_slope[e] += each * product * moved[i] * moved[j]
                by_moved[i] += 2.0 * each * (level[e] + slope[e] * product) * moved[j]
    return by_level, by_slope


study_gradient = kernel(_between)


def _slopes(
    covariance: Floats,
    correlation: Floats,
    raw_covariance: Floats,
    moved: Floats,
    by_weight: Floats,
    level: Floats,
    slope: Floats,
    ties: Floats,
    powers: Floats,
    se: Floats,
    owner: Floats,
    by: Floats,
) -> tuple[Floats, Floats, Floats, Floats, Floats, Floats, Floats]:
    own = sampling_covariance(covariance, correlation, raw_covariance, moved, ties, powers)
    by_own = model_covariance_gradient(own, se, by)
    by_covariance, by_correlation = np.zeros(len(covariance)), np.zeros(len(covariance))
    by_raw, by_moved = np.zeros(len(covariance)), np.zeros(len(moved))
    by_by_weight = np.zeros(len(moved))
    by_level, by_slope = study_gradient(by, moved, level, slope, owner, by_moved)
    for tie in range(len(ties)):
        i, j, pair = int(ties[tie, 0]), int(ties[tie, 1]), int(ties[tie, 2])
        each = by[i, j] if i == j else by[i, j] + by[j, i]
        by_by_weight[i] += each * by_weight[j]
        by_by_weight[j] += each * by_weight[i]
        each = by_own[i, j] if i == j else by_own[i, j] + by_own[j, i]
        if ties[tie, 3] > 0.0:
            by_raw[pair] += each * ties[tie, 4]
            continue
        series, by_rho = odd_series(powers[tie], correlation[pair])
        product = moved[i] * moved[j]
        by_covariance[pair] += each * series * product
        by_correlation[pair] += each * covariance[pair] * by_rho * product
        by_moved[i] += each * covariance[pair] * series * moved[j]
        by_moved[j] += each * covariance[pair] * series * moved[i]
    return by_covariance, by_correlation, by_raw, by_moved, by_by_weight, by_level, by_slope


def _shapes(*inputs: tuple[int | None, ...]) -> list[tuple[int | None, ...]]:
    locations = inputs[3][0]
    return [(locations, locations)]


# Of a pair's covariance, correlation and covariance as reported (pair,); how far each location's
# expected value moves with the patients' mean and with their typical weight (location,); variances
# between studies of level and slope (endpoint,). Given: ``ties`` (tie, 5) of two locations of the
# same patients, their pair, 1 if exact, 1 / n; ``powers`` (tie, degree); ``se`` (location,), nan if
# not reported; ``owner`` (location, 3): study or -1, endpoint, months.
location_covariance: Differentiable = Differentiable(
    Slopes("location_covariance", kernel(_slopes), 7), kernel(_covariance), _shapes
)
