"""Covariance of means and medians.

The sampling covariance is zero between arms. A reported standard error replaces the modelled one;
the correlations stay. The variances of the terms of a study's deviation are added if these are
integrated out, and so is the variance from the unknown typical weight of an arm.
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


def _sampling_covariances(
    covariance: Floats,
    correlation: Floats,
    raw_covariance: Floats,
    mean_slope: Floats,
    ties: Floats,
    powers: Floats,
) -> Floats:
    """Sampling covariance (tie,) of two locations, without reported standard errors."""
    values = np.zeros(len(ties))
    for tie in range(len(ties)):
        i, j, pair = int(ties[tie, 0]), int(ties[tie, 1]), int(ties[tie, 2])
        if ties[tie, 3] > 0.0:  # both raw means of one endpoint: exact
            values[tie] = ties[tie, 4] * raw_covariance[pair]
        else:
            # By Stein's lemma exact for a raw mean with any normal; to first order for two
            # endpoints.
            series, _ = odd_series(powers[tie], correlation[pair])
            values[tie] = covariance[pair] * series * mean_slope[i] * mean_slope[j]
    return values


sampling_covariances = kernel(_sampling_covariances)


def _reported_se_ratio(values: Floats, ties: Floats, se: Floats) -> Floats:
    """Ratio (location,) of the reported to the modelled standard error; 1 if none is reported."""
    ratio = np.ones(len(se))
    for tie in range(len(ties)):
        i = int(ties[tie, 0])
        if ties[tie, 1] == i and not math.isnan(se[i]):
            ratio[i] = se[i] / math.sqrt(values[tie])
    return ratio


reported_se_ratio = kernel(_reported_se_ratio)


def _covariance(
    covariance: Floats,
    correlation: Floats,
    raw_covariance: Floats,
    mean_slope: Floats,
    weight_sd: Floats,
    by_term: Floats,
    variance: Floats,
    ties: Floats,
    powers: Floats,
    se: Floats,
    kin: Floats,
) -> Floats:
    total = np.zeros((len(mean_slope), len(mean_slope)))
    values = sampling_covariances(covariance, correlation, raw_covariance, mean_slope, ties, powers)
    ratio = reported_se_ratio(values, ties, se)
    for tie in range(len(ties)):
        i, j = int(ties[tie, 0]), int(ties[tie, 1])
        total[i, j] = values[tie] * ratio[i] * ratio[j] + weight_sd[i] * weight_sd[j]
        total[j, i] = total[i, j]
    for row in range(len(kin)):
        i, j, e = int(kin[row, 0]), int(kin[row, 1]), int(kin[row, 2])
        # A study's deviation moves a raw mean to first order.
        shared = np.sum(variance[e] * by_term[i] * by_term[j])
        total[i, j] += shared * mean_slope[i] * mean_slope[j]
        total[j, i] = total[i, j]
    return total


def _folded(cotangent: Floats, pairs: Floats) -> Floats:
    """Gradient (row,) by the element of a symmetric matrix that each row's two locations share."""
    by_pair = np.zeros(len(pairs))
    for row in range(len(pairs)):
        i, j = int(pairs[row, 0]), int(pairs[row, 1])
        by_pair[row] = cotangent[i, j] if i == j else cotangent[i, j] + cotangent[j, i]
    return by_pair


folded = kernel(_folded)


def _by_sampling_covariances(values: Floats, ties: Floats, se: Floats, by_total: Floats) -> Floats:
    """Gradient (tie,) by the sampling covariances, also through reported standard errors."""
    ratio = reported_se_ratio(values, ties, se)
    by_ratio, by_values = np.zeros(len(se)), np.zeros(len(ties))
    for tie in range(len(ties)):
        i, j = int(ties[tie, 0]), int(ties[tie, 1])
        by_values[tie] = by_total[tie] * ratio[i] * ratio[j]
        by_ratio[i] += by_total[tie] * values[tie] * ratio[j]
        by_ratio[j] += by_total[tie] * values[tie] * ratio[i]
    for tie in range(len(ties)):
        i = int(ties[tie, 0])
        if ties[tie, 1] == i and not math.isnan(se[i]):
            by_values[tie] -= by_ratio[i] * ratio[i] / (2.0 * values[tie])
    return by_values


by_sampling_covariances = kernel(_by_sampling_covariances)


def _study_gradient(
    by_total: Floats,
    mean_slope: Floats,
    by_term: Floats,
    variance: Floats,
    kin: Floats,
    by_mean_slope: Floats,
) -> tuple[Floats, Floats]:
    """Gradient by ``by_term`` and ``variance``; adds that by ``mean_slope`` to its own."""
    of_terms, of_variance = np.zeros(by_term.shape), np.zeros(variance.shape)
    for row in range(len(kin)):
        i, j, e = int(kin[row, 0]), int(kin[row, 1]), int(kin[row, 2])
        slopes = by_total[row] * mean_slope[i] * mean_slope[j]
        shared = by_total[row] * np.sum(variance[e] * by_term[i] * by_term[j])
        of_variance[e] += slopes * by_term[i] * by_term[j]
        of_terms[i] += slopes * variance[e] * by_term[j]
        of_terms[j] += slopes * variance[e] * by_term[i]
        by_mean_slope[i] += shared * mean_slope[j]
        by_mean_slope[j] += shared * mean_slope[i]
    return of_terms, of_variance


study_gradient = kernel(_study_gradient)


def _slopes(
    covariance: Floats,
    correlation: Floats,
    raw_covariance: Floats,
    mean_slope: Floats,
    weight_sd: Floats,
    by_term: Floats,
    variance: Floats,
    ties: Floats,
    powers: Floats,
    se: Floats,
    kin: Floats,
    cotangent: Floats,
) -> tuple[Floats, Floats, Floats, Floats, Floats, Floats, Floats]:
    values = sampling_covariances(covariance, correlation, raw_covariance, mean_slope, ties, powers)
    by_total = folded(cotangent, ties)
    by_values = by_sampling_covariances(values, ties, se, by_total)
    by_covariance, by_correlation = np.zeros(len(covariance)), np.zeros(len(covariance))
    by_raw, by_mean_slope = np.zeros(len(covariance)), np.zeros(len(mean_slope))
    by_weight_sd = np.zeros(len(mean_slope))
    of_kin = folded(cotangent, kin)
    of_terms, of_variance = study_gradient(
        of_kin, mean_slope, by_term, variance, kin, by_mean_slope
    )
    for tie in range(len(ties)):
        i, j, pair = int(ties[tie, 0]), int(ties[tie, 1]), int(ties[tie, 2])
        by_weight_sd[i] += by_total[tie] * weight_sd[j]
        by_weight_sd[j] += by_total[tie] * weight_sd[i]
        if ties[tie, 3] > 0.0:
            by_raw[pair] += by_values[tie] * ties[tie, 4]
            continue
        series, by_rho = odd_series(powers[tie], correlation[pair])
        product = mean_slope[i] * mean_slope[j]
        by_covariance[pair] += by_values[tie] * series * product
        by_correlation[pair] += by_values[tie] * covariance[pair] * by_rho * product
        by_mean_slope[i] += by_values[tie] * covariance[pair] * series * mean_slope[j]
        by_mean_slope[j] += by_values[tie] * covariance[pair] * series * mean_slope[i]
    of_moments = by_covariance, by_correlation, by_raw, by_mean_slope, by_weight_sd
    return (*of_moments, of_terms, of_variance)


def _shapes(*inputs: tuple[int | None, ...]) -> list[tuple[int | None, ...]]:
    locations = inputs[3][0]
    return [(locations, locations)]


# Differentiated inputs: covariance, correlation and raw covariance (pair,); derivative of each
# location by the patients' mean, and its SD from their typical weight (location,); share of each
# term of a study's deviation in it (location, term), and variances of these terms between studies
# (endpoint, term). Constants: ``ties`` (tie, 5): two locations of the same patients, their pair, 1
# if exact, 1 / n; ``powers`` (tie, degree); ``se`` (location,), nan if not reported; ``kin`` (row,
# 3): two locations of one study, and its endpoint.
location_covariance: Differentiable = Differentiable(
    Slopes("location_covariance", kernel(_slopes), 7), kernel(_covariance), _shapes
)
