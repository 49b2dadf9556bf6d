"""Moments of the cells' patients, averaged over the enrolment times of each cell.

Patients of a cell differ by their deviations and by their time of enrolment after diagnosis; both
contribute to the covariance. Curves are linear between knots, so the quadrature nodes give exact
averages over an even enrolment. The SD of a cell is that of the curve times the cell's ``spread``.

The deviation of a patient is the sum of a permanent part and of a transient part, which is an
Ornstein-Uhlenbeck process in ``patient_time``. The processes of different endpoints have the same
driving noise: their correlation decays at the rate of the endpoint seen later, and at one visit it
is below 1 if the rates differ.
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
    rest decays at ``rate`` (endpoint,) per unit of ``patient_time``. ``driver`` is (endpoint,
    endpoint), ``root_weight`` (cell, node) the square root of the share enrolled at a node.
    """
    first, second = layout.first, layout.second
    of_pair = [layout.endpoint[first], layout.endpoint[second]]
    later = np.where(layout.months[first] > layout.months[second], *of_pair)
    pairs = np.stack([first, second, *of_pair, later], axis=1)
    nodes = np.count_nonzero(layout.root_weight, axis=1)
    outputs: Any = moments_of_windows(
        mean, sd, rate, driver, spread, share, root_weight, layout.basis, layout.endpoint, nodes,
        pairs, layout.time,
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


def _correlation_parts(pairs: Floats, share: Floats, rate: Floats) -> tuple[Floats, Floats]:
    """Permanent and transient part (pair,) of the correlation of deviations at the same time."""
    permanent, transient = np.zeros(len(pairs)), np.zeros(len(pairs))
    for pair in range(len(pairs)):
        share_i, share_j = share[int(pairs[pair, 0])], share[int(pairs[pair, 1])]
        rate_i, rate_j = rate[int(pairs[pair, 2])], rate[int(pairs[pair, 3])]
        overlap = 2.0 * math.sqrt(rate_i * rate_j) / (rate_i + rate_j)
        permanent[pair] = math.sqrt(share_i * share_j)
        transient[pair] = math.sqrt((1.0 - share_i) * (1.0 - share_j)) * overlap
    return permanent, transient


correlation_parts = kernel(_correlation_parts)


def _row_products(rows: Floats, pairs: Floats, nodes: Floats) -> Floats:
    """Inner product (pair,) of the rows of two cells."""
    products = np.zeros(len(pairs))
    for pair in range(len(pairs)):
        i, j = int(pairs[pair, 0]), int(pairs[pair, 1])
        for node in range(int(nodes[i])):
            products[pair] += rows[i, node] * rows[j, node]
    return products


row_products = kernel(_row_products)


def _decay(pairs: Floats, nodes: Floats, rate: Floats, time: Floats) -> Floats:
    """What is left (pair, node) of the transient part between the visits of two cells."""
    left = np.ones((len(pairs), time.shape[1]))
    for pair in range(len(pairs)):
        i, j, e = int(pairs[pair, 0]), int(pairs[pair, 1]), int(pairs[pair, 4])
        if i != j:
            for node in range(int(nodes[i])):
                left[pair, node] = math.exp(-rate[e] * abs(time[i, node] - time[j, node]))
    return left


decay_of = kernel(_decay)


def _decayed_products(
    rows: Floats, pairs: Floats, nodes: Floats, decay: Floats, time: Floats
) -> tuple[Floats, Floats]:
    """Inner product (pair,) of decayed rows of two cells, and its derivative by their rate."""
    products, by_rate = np.zeros(len(pairs)), np.zeros(len(pairs))
    for pair in range(len(pairs)):
        i, j = int(pairs[pair, 0]), int(pairs[pair, 1])
        for node in range(int(nodes[i])):
            kept = rows[i, node] * rows[j, node] * decay[pair, node]
            products[pair] += kept
            by_rate[pair] -= abs(time[i, node] - time[j, node]) * kept
    return products, by_rate


decayed_products = kernel(_decayed_products)


def _of_drivers(driver: Floats, pairs: Floats) -> Floats:
    """Correlation (pair,) of the driving noise of two cells."""
    between = np.zeros(len(pairs))
    for pair in range(len(pairs)):
        between[pair] = driver[int(pairs[pair, 2]), int(pairs[pair, 3])]
    return between


of_drivers = kernel(_of_drivers)


def _correlation(cell_sd: Floats, covariance: Floats, pairs: Floats) -> Floats:
    """Correlation (pair,) of the patients of two cells."""
    correlation = np.zeros(len(pairs))
    for pair in range(len(pairs)):
        i, j = int(pairs[pair, 0]), int(pairs[pair, 1])
        correlation[pair] = covariance[pair] / (cell_sd[i] * cell_sd[j])
    return correlation


correlation_of = kernel(_correlation)


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
    time: Floats,
) -> tuple[Floats, Floats, Floats, Floats]:
    average, curve, curve_sd = cell_deviations(mean, sd, root_weight, basis, endpoint, nodes)
    patient, enrolment = both_deviations(average, curve, curve_sd, spread, root_weight, nodes)
    permanent, transient = correlation_parts(pairs, share, rate)
    decay = decay_of(pairs, nodes, rate, time)
    decayed, _ = decayed_products(patient, pairs, nodes, decay, time)
    kept = permanent * row_products(patient, pairs, nodes) + transient * decayed
    covariance = of_drivers(driver, pairs) * kept + row_products(enrolment, pairs, nodes)
    cell_sd = np.sqrt(covariance[: len(average)])  # a cell's pair with itself comes first
    return average, cell_sd, covariance, correlation_of(cell_sd, covariance, pairs)


moments_kernel = kernel(_moments)


def _moment_gradient(
    covariance: Floats,
    pairs: Floats,
    by_cell_sd: Floats,
    by_covariance: Floats,
    by_correlation: Floats,
) -> Floats:
    """Total gradient (pair,) by the covariances, including that through SDs and correlations."""
    total, by_sd = by_covariance.copy(), by_cell_sd.copy()
    cell_sd = np.sqrt(covariance[: len(by_cell_sd)])  # a cell's pair with itself comes first
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


def _row_gradient(rows: Floats, pairs: Floats, nodes: Floats, by_product: Floats) -> Floats:
    """Gradient by the rows, given that by the product (pair, node or 1) of each two."""
    slopes = np.zeros_like(rows)
    for pair in range(len(pairs)):
        i, j = int(pairs[pair, 0]), int(pairs[pair, 1])
        for node in range(int(nodes[i])):
            by_node = by_product[pair, min(node, by_product.shape[1] - 1)]
            slopes[i, node] += by_node * rows[j, node]
            slopes[j, node] += by_node * rows[i, node]
    return slopes


row_gradient = kernel(_row_gradient)


def _parts_gradient(
    by_log: tuple[Floats, Floats], pairs: Floats, share: Floats, rate: Floats
) -> tuple[Floats, Floats]:
    """Gradient by rates and by shares, given that by the log of both parts (pair,)."""
    by_rate, by_share = np.zeros_like(rate), np.zeros_like(share)
    for pair in range(len(pairs)):
        permanent, transient = by_log[0][pair], by_log[1][pair]
        both = rate[int(pairs[pair, 2])] + rate[int(pairs[pair, 3])]
        for side in range(2):
            cell, e = int(pairs[pair, side]), int(pairs[pair, 2 + side])
            by_share[cell] += (permanent / share[cell] - transient / (1.0 - share[cell])) / 2.0
            by_rate[e] += transient * (0.5 / rate[e] - 1.0 / both)
    return by_rate, by_share


parts_gradient = kernel(_parts_gradient)


def _add_of_later(by_rate: Floats, by_pair: Floats, pairs: Floats) -> None:
    """Add ``by_pair`` to the rate of the endpoint that is seen later."""
    for pair in range(len(pairs)):
        by_rate[int(pairs[pair, 4])] += by_pair[pair]


add_of_later = kernel(_add_of_later)


def _driver_gradient(by_pair: Floats, pairs: Floats, endpoints: int) -> Floats:
    """Gradient (endpoint, endpoint) by the correlations of the driving noise."""
    total = np.zeros((endpoints, endpoints))
    for pair in range(len(pairs)):
        total[int(pairs[pair, 2]), int(pairs[pair, 3])] += by_pair[pair]
    return total


driver_gradient = kernel(_driver_gradient)


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
    time: Floats,
    by_average: Floats,
    by_cell_sd: Floats,
    by_covariance: Floats,
    by_correlation: Floats,
) -> tuple[Floats, Floats, Floats, Floats, Floats, Floats, Floats]:
    average, curve, curve_sd = cell_deviations(mean, sd, root_weight, basis, endpoint, nodes)
    patient, enrolment = both_deviations(average, curve, curve_sd, spread, root_weight, nodes)
    permanent, transient = correlation_parts(pairs, share, rate)
    between, product = of_drivers(driver, pairs), row_products(patient, pairs, nodes)
    decay = decay_of(pairs, nodes, rate, time)
    decayed, by_decay = decayed_products(patient, pairs, nodes, decay, time)
    kept = permanent * product + transient * decayed
    covariance = between * kept + row_products(enrolment, pairs, nodes)
    total = moment_gradient(covariance, pairs, by_cell_sd, by_covariance, by_correlation)
    outer = total * between
    by_parts = outer * permanent * product, outer * transient * decayed
    by_rate, by_share = parts_gradient(by_parts, pairs, share, rate)
    add_of_later(by_rate, outer * transient * by_decay, pairs)
    by_driver = driver_gradient(total * kept, pairs, len(driver))
    correlation = permanent[:, None] + transient[:, None] * decay
    by_patient = row_gradient(patient, pairs, nodes, outer[:, None] * correlation)
    by_enrolment = row_gradient(enrolment, pairs, nodes, total[:, None])
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
