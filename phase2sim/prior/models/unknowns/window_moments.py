"""Moments of the cells' patients, averaged over the enrolment times of each cell.

Patients of a cell differ by their deviations and by their time of enrolment after diagnosis; both
contribute to the covariance. Curves are linear between knots, so the quadrature nodes give exact
averages over an even enrolment. The SD of a cell is that of the curve times the cell's ``spread``.

The deviation of a patient is the sum of a permanent part and of a transient part, which is an
Ornstein-Uhlenbeck process. The processes of different endpoints have the same driving noise: their
correlation decays at the rate of the endpoint seen later, and at one visit it is below 1 if the
rates differ.
Multiplied by ``driver`` the result is a valid covariance for any rates.
"""

import math
from typing import Any

import numpy as np

from phase2sim.core.arrays import Floats
from phase2sim.core.kernels import kernel
from phase2sim.prior.models.densities.kernel_operation import Differentiable, Slopes
from phase2sim.prior.models.densities.pytensor_names import Tensor
from phase2sim.prior.models.unknowns.evidence_arrays import Cells


def window_moments(
    layout: Cells,
    mean: Tensor,
    sd: Tensor,
    rate: Tensor,
    driver: Tensor,
    spread: Tensor,
    share: Tensor,
    root_weight: Tensor,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Average of the mean curve and SD (cell,), covariance and correlation (pair,).

    ``mean`` and ``sd`` are curves (endpoint, knot), the SD of a cell's patients being ``spread``
    (cell,) times the curve's. ``share`` (cell,) of the variance of a deviation is permanent; the
    rest decays at ``rate`` (endpoint,) per month. ``driver`` is (endpoint, endpoint),
    ``root_weight`` (cell, node) the square root of the share enrolled at a node.
    """
    later = np.where(layout.months[layout.first] > layout.months[layout.second], 0, 1)
    pairs = np.stack([layout.first, layout.second, later, layout.lag], axis=1)
    nodes = np.count_nonzero(layout.root_weight, axis=1)
    outputs: Any = moments_of_windows(
        mean, sd, rate, driver, spread, share, root_weight, layout.basis, layout.endpoint, nodes,
        pairs,
    )  # fmt: skip
    average, cell_sd, covariance, correlation = outputs
    return average, cell_sd, covariance, correlation


def _cell_deviations(
    mean: Floats, sd: Floats, root_weight: Floats, basis: Floats, endpoint: Floats, nodes: Floats
) -> tuple[Floats, Floats, Floats]:
    """Average mean (cell,), and the curves' mean and SD at each node, (cell, node)."""
    cells, most = root_weight.shape
    average, curve, spread = np.zeros(cells), np.zeros((cells, most)), np.zeros((cells, most))
    for cell in range(cells):
        e = int(endpoint[cell])
        for node in range(int(nodes[cell])):
            for knot in range(mean.shape[1]):
                curve[cell, node] += basis[cell, node, knot] * mean[e, knot]
                spread[cell, node] += basis[cell, node, knot] * sd[e, knot]
            average[cell] += root_weight[cell, node] ** 2 * curve[cell, node]
    return average, curve, spread


cell_deviations = kernel(_cell_deviations)


def _both_deviations(
    average: Floats,
    curve: Floats,
    curve_sd: Floats,
    spread: Floats,
    root_weight: Floats,
    nodes: Floats,
) -> tuple[Floats, Floats]:
    """SD between patients and deviation of the mean at each node (cell, node), weighted."""
    patient, enrolment = np.zeros(curve.shape), np.zeros(curve.shape)
    for cell in range(len(average)):
        for node in range(int(nodes[cell])):
            weight = root_weight[cell, node]
            patient[cell, node] = weight * spread[cell] * curve_sd[cell, node]
            enrolment[cell, node] = weight * (curve[cell, node] - average[cell])
    return patient, enrolment


both_deviations = kernel(_both_deviations)


def _correlation_parts(
    pair: Floats, endpoints: tuple[int, int], share: Floats, rate: Floats
) -> tuple[float, float]:
    """Permanent and transient part of the correlation of deviations at the visits of a pair."""
    share_i, share_j = share[int(pair[0])], share[int(pair[1])]
    rate_i, rate_j = rate[endpoints[0]], rate[endpoints[1]]
    later_rate = rate_j if pair[2] > 0.0 else rate_i
    overlap = 2.0 * math.sqrt(rate_i * rate_j) / (rate_i + rate_j)
    apart = math.sqrt((1.0 - share_i) * (1.0 - share_j)) * overlap
    return math.sqrt(share_i * share_j), apart * math.exp(-pair[3] * later_rate)


correlation_parts = kernel(_correlation_parts)


def _moments(
    mean: Floats,
    sd: Floats,
    rate: Floats,
    driver: Floats,
    spread: Floats,
    share: Floats,
    root_weight: Floats,
    basis: Floats,
    endpoint: Floats,
    nodes: Floats,
    pairs: Floats,
) -> tuple[Floats, Floats, Floats, Floats]:
    average, curve, curve_sd = cell_deviations(mean, sd, root_weight, basis, endpoint, nodes)
    patient, enrolment = both_deviations(average, curve, curve_sd, spread, root_weight, nodes)
    cell_sd = np.zeros(len(average))
    covariance, correlation = np.zeros(len(pairs)), np.zeros(len(pairs))
    for pair in range(len(pairs)):
        i, j = int(pairs[pair, 0]), int(pairs[pair, 1])
        e, f = int(endpoint[i]), int(endpoint[j])
        permanent, transient = correlation_parts(pairs[pair], (e, f), share, rate)
        by_patient, by_enrolment = 0.0, 0.0
        for node in range(int(nodes[i])):
            by_patient += patient[i, node] * patient[j, node]
            by_enrolment += enrolment[i, node] * enrolment[j, node]
        covariance[pair] = driver[e, f] * (permanent + transient) * by_patient + by_enrolment
        if pair < len(cell_sd):  # a cell's pair with itself comes first
            cell_sd[pair] = math.sqrt(covariance[pair])
        correlation[pair] = covariance[pair] / (cell_sd[i] * cell_sd[j])
    return average, cell_sd, covariance, correlation


moments_kernel = kernel(_moments)


def _moment_gradient(
    cell_sd: Floats,
    covariance: Floats,
    pairs: Floats,
    by_cell_sd: Floats,
    by_covariance: Floats,
    by_correlation: Floats,
) -> Floats:
    """Total gradient (pair,) by the covariances, including that through SDs and correlations."""
    total, by_sd = by_covariance.copy(), by_cell_sd.copy()
    for pair in range(len(pairs)):
        i, j = int(pairs[pair, 0]), int(pairs[pair, 1])
        by_pair = by_correlation[pair] / (cell_sd[i] * cell_sd[j])
        total[pair] += by_pair
        by_sd[i] -= by_pair * covariance[pair] / cell_sd[i]
        by_sd[j] -= by_pair * covariance[pair] / cell_sd[j]
    for cell in range(len(cell_sd)):
        total[cell] += by_sd[cell] / (2.0 * cell_sd[cell])
    return total


moment_gradient = kernel(_moment_gradient)


def _curve_slopes(
    slopes: tuple[Floats, Floats, Floats],
    values: tuple[Floats, Floats, Floats],
    endpoints: int,
    spread: Floats,
    root_weight: Floats,
    basis: Floats,
    endpoint: Floats,
    nodes: Floats,
) -> tuple[Floats, Floats, Floats, Floats]:
    """Gradients by the curves' mean and SD, by spreads and by weights.

    ``slopes`` are those by the cells' averages and by both deviations at each node; ``values`` are
    the averages and the curves' mean and SD at each node.
    """
    by_average, by_patient, by_enrolment = slopes
    average, curve, curve_sd = values
    by_mean, by_sd = np.zeros((2, endpoints, basis.shape[2]))
    by_spread, by_weight = np.zeros_like(spread), np.zeros_like(root_weight)
    for cell in range(len(root_weight)):
        e = int(endpoint[cell])
        by_middle = by_average[cell]
        for node in range(int(nodes[cell])):
            by_middle -= root_weight[cell, node] * by_enrolment[cell, node]
        for node in range(int(nodes[cell])):
            weight, at_sd = root_weight[cell, node], by_patient[cell, node] * curve_sd[cell, node]
            by_spread[cell] += weight * at_sd
            by_weight[cell, node] += (
                spread[cell] * at_sd
                + by_enrolment[cell, node] * (curve[cell, node] - average[cell])
                + 2.0 * weight * curve[cell, node] * by_middle
            )
            at_mean = weight * by_enrolment[cell, node] + weight**2 * by_middle
            at_sd = weight * spread[cell] * by_patient[cell, node]
            for knot in range(basis.shape[2]):
                by_mean[e, knot] += basis[cell, node, knot] * at_mean
                by_sd[e, knot] += basis[cell, node, knot] * at_sd
    return by_mean, by_sd, by_spread, by_weight


curve_slopes = kernel(_curve_slopes)


def _row_product(
    rows: Floats, i: int, j: int, nodes: int, cotangent: float, slopes: Floats
) -> float:
    """Inner product of two rows; adds its gradient times ``cotangent`` to ``slopes``."""
    total = 0.0
    for node in range(nodes):
        total += rows[i, node] * rows[j, node]
        slopes[i, node] += cotangent * rows[j, node]
        slopes[j, node] += cotangent * rows[i, node]
    return total


row_product = kernel(_row_product)


def _parts_gradient(
    parts: tuple[float, float],
    pair: Floats,
    endpoints: tuple[int, int],
    share: Floats,
    rate: Floats,
    by_share: Floats,
    by_rate: Floats,
) -> None:
    """Add the gradient of both parts by shares and rates."""
    permanent, transient = parts
    both = rate[endpoints[0]] + rate[endpoints[1]]
    for side in range(2):
        cell, endpoint = int(pair[side]), endpoints[side]
        by_share[cell] += (permanent / share[cell] - transient / (1.0 - share[cell])) / 2.0
        by_rate[endpoint] += transient * (0.5 / rate[endpoint] - 1.0 / both)
    by_rate[endpoints[1 if pair[2] > 0.0 else 0]] -= pair[3] * transient  # through the lag


parts_gradient = kernel(_parts_gradient)


def _slopes(
    mean: Floats,
    sd: Floats,
    rate: Floats,
    driver: Floats,
    spread: Floats,
    share: Floats,
    root_weight: Floats,
    basis: Floats,
    endpoint: Floats,
    nodes: Floats,
    pairs: Floats,
    by_average: Floats,
    by_cell_sd: Floats,
    by_covariance: Floats,
    by_correlation: Floats,
) -> tuple[Floats, Floats, Floats, Floats, Floats, Floats, Floats]:
    known = mean, sd, rate, driver, spread, share, root_weight, basis, endpoint, nodes, pairs
    _, cell_sd, covariance, _ = moments_kernel(*known)
    average, curve, curve_sd = cell_deviations(mean, sd, root_weight, basis, endpoint, nodes)
    patient, enrolment = both_deviations(average, curve, curve_sd, spread, root_weight, nodes)
    total = moment_gradient(cell_sd, covariance, pairs, by_cell_sd, by_covariance, by_correlation)
    by_patient, by_enrolment = np.zeros_like(patient), np.zeros_like(patient)
    by_share, by_rate, by_driver = np.zeros_like(share), np.zeros_like(rate), np.zeros_like(driver)
    for pair in range(len(pairs)):
        i, j = int(pairs[pair, 0]), int(pairs[pair, 1])
        e, f = int(endpoint[i]), int(endpoint[j])
        permanent, transient = correlation_parts(pairs[pair], (e, f), share, rate)
        rho, used = driver[e, f] * (permanent + transient), int(nodes[i])
        product = row_product(patient, i, j, used, total[pair] * rho, by_patient)
        row_product(enrolment, i, j, used, total[pair], by_enrolment)
        by_driver[e, f] += total[pair] * product * (permanent + transient)
        by_rho = total[pair] * product * driver[e, f]
        parts = by_rho * permanent, by_rho * transient
        parts_gradient(parts, pairs[pair], (e, f), share, rate, by_share, by_rate)
    by_mean, by_sd, by_spread, by_weight = curve_slopes(
        (by_average, by_patient, by_enrolment), (average, curve, curve_sd), len(mean), spread,
        root_weight, basis, endpoint, nodes,
    )  # fmt: skip
    return by_mean, by_sd, by_rate, by_driver, by_spread, by_share, by_weight


def _shapes(*inputs: tuple[int | None, ...]) -> list[tuple[int | None, ...]]:
    cells, pairs = inputs[7][:1], inputs[10][:1]
    return [cells, cells, pairs, pairs]


moments_of_windows: Differentiable = Differentiable(
    Slopes("window_moments", kernel(_slopes), 7), moments_kernel, _shapes
)
