"""Mean and variance of a patient's change given means or medians of the same patients.

With q the covariance of the change with the locations at both visits, S the covariance of these and
r their residuals, the mean moves by r' S^-1 q, and of the variance v a share 1 - q' S^-1 q / v is
kept.
"""

import numpy as np

from phase2sim.core.arrays import Floats
from phase2sim.core.kernels import kernel
from phase2sim.core.small_matrices import times_vector
from phase2sim.prior.models.densities.kernel_operation import Differentiable, Slopes


def _variances_of(covariance: Floats, pairs: Floats) -> tuple[float, float, float]:
    """Variances of a patient's values at baseline and at the visit, and their covariance."""
    return covariance[int(pairs[0])], covariance[int(pairs[1])], covariance[int(pairs[2])]


variances_of = kernel(_variances_of)


def _precision_of_both(covariance: Floats, location: Floats, shared: Floats) -> Floats:
    """Inverse (2, 2) of S; a visit without a location is independent of the other."""
    first, last = int(location[0]), int(location[1])
    both = covariance[first, last] if shared[0] > 0.0 and shared[1] > 0.0 else 0.0
    determinant = covariance[first, first] * covariance[last, last] - both**2
    precision = np.array([[covariance[last, last], -both], [-both, covariance[first, first]]])
    inverse: Floats = precision / determinant
    return inverse


precision_of_both = kernel(_precision_of_both)


def _of_change(
    covariance: Floats, locations: Floats, slope: Floats, places: tuple[Floats, Floats, Floats]
) -> tuple[Floats, Floats, float]:
    """Covariance q (2,) of a patient's change with both locations, S^-1, and its variance.

    ``places`` are one count's pairs, locations and ``shared``; q is 0 with one that is not there.
    """
    pairs, location, shared = places
    before, after, both = variances_of(covariance, pairs)
    first, last = int(location[0]), int(location[1])
    at_first = shared[0] * (both - before) * slope[first]
    q = np.array([at_first, shared[1] * (after - both) * slope[last]])
    return q, precision_of_both(locations, location, shared), before + after - 2.0 * both


of_change = kernel(_of_change)


def _change(
    covariance: Floats,
    locations: Floats,
    residual: Floats,
    slope: Floats,
    pairs: Floats,
    location: Floats,
    shared: Floats,
) -> tuple[Floats, Floats]:
    shift, kept = np.zeros(len(pairs)), np.zeros(len(pairs))
    for row in range(len(pairs)):
        places = pairs[row], location[row], shared[row]
        q, precision, variance = of_change(covariance, locations, slope, places)
        weight = times_vector(precision, q)
        for i in range(2):
            shift[row] += weight[i] * residual[int(location[row, i])]
            kept[row] -= weight[i] * q[i] / variance
        kept[row] += 1.0
    return shift, kept


def _covariance_gradient(
    by_q: Floats,
    by_variance: float,
    slope: Floats,
    places: tuple[Floats, Floats, Floats],
    by_covariance: Floats,
) -> None:
    """Add the gradient by the patients' covariances, through q and the variance of the change."""
    pairs, location, shared = places
    at_first = by_q[0] * shared[0] * slope[int(location[0])]
    at_last = by_q[1] * shared[1] * slope[int(location[1])]
    by_covariance[int(pairs[0])] += by_variance - at_first
    by_covariance[int(pairs[1])] += by_variance + at_last
    by_covariance[int(pairs[2])] += at_first - at_last - 2.0 * by_variance


covariance_gradient = kernel(_covariance_gradient)


def _slopes(
    covariance: Floats,
    locations: Floats,
    residual: Floats,
    slope: Floats,
    pairs: Floats,
    location: Floats,
    shared: Floats,
    by_shift: Floats,
    by_kept: Floats,
) -> tuple[Floats, Floats, Floats, Floats]:
    by_covariance, by_locations = np.zeros_like(covariance), np.zeros_like(locations)
    by_residual, by_slope = np.zeros_like(residual), np.zeros_like(slope)
    for row in range(len(pairs)):
        places = pairs[row], location[row], shared[row]
        q, precision, variance = of_change(covariance, locations, slope, places)
        r = np.array([residual[int(location[row, 0])], residual[int(location[row, 1])]])
        weight, of_r = times_vector(precision, q), times_vector(precision, r)
        by_fall = -by_kept[row] / variance
        by_q = by_shift[row] * of_r + 2.0 * by_fall * weight
        by_variance = by_kept[row] * (q[0] * weight[0] + q[1] * weight[1]) / variance**2
        covariance_gradient(by_q, by_variance, slope, places, by_covariance)
        before, after, both = variances_of(covariance, pairs[row])
        apart = np.array([both - before, after - both])
        for i in range(2):
            at = int(location[row, i])
            by_residual[at] += by_shift[row] * weight[i]
            by_slope[at] += by_q[i] * shared[row, i] * apart[i]
            for j in range(2):
                if i == j or (shared[row, 0] > 0.0 and shared[row, 1] > 0.0):
                    by_pair = by_shift[row] * of_r[i] * weight[j] + by_fall * weight[i] * weight[j]
                    upper = int(location[row, min(i, j)]), int(location[row, max(i, j)])
                    by_locations[upper] -= by_pair
    return by_covariance, by_locations, by_residual, by_slope


def _shapes(*inputs: tuple[int | None, ...]) -> list[tuple[int | None, ...]]:
    counts = inputs[4][0]
    return [(counts,), (counts,)]


# Shift and share kept (count,). Differentiated inputs: covariance (pair,) of patients; covariance
# (location, location) and residuals (location,) of locations; derivative (location,) of each by the
# patients' mean. Constants: ``pairs`` (count, 3) of baseline, visit and both; ``location`` (count,
# 2); ``shared`` (count, 2) 1 / n of the location, 0 if there is none.
change_given_locations: Differentiable = Differentiable(
    Slopes("change_given_locations", kernel(_slopes), 4), kernel(_change), _shapes
)
