"""Moments of the cells' patients, averaged over the enrolment window of each cell.

Patients of a cell differ by their deviations and by their time of enrolment after diagnosis; both
contribute to the covariance. Curves are linear between knots, so the quadrature nodes give exact
averages over the window.

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
    layout: Cells, mean: Tensor, sd: Tensor, share: Tensor, rate: Tensor, driver: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Average of the mean curve and SD (cell,), covariance and correlation (pair,).

    ``mean`` and ``sd`` are curves (endpoint, knot). ``share`` (endpoint,) of the variance of a
    deviation is permanent; the rest decays at ``rate`` (endpoint,) per month. ``driver`` is
    (endpoint, endpoint).
    """
    later = np.where(layout.months[layout.first] > layout.months[layout.second], 0, 1)
    pairs = np.stack([layout.first, layout.second, later, layout.lag], axis=1)
    outputs: Any = moments_of_windows(
        mean, sd, share, rate, driver, layout.root_weight, layout.basis, layout.endpoint, pairs
    )
    average, cell_sd, covariance, correlation = outputs
    return average, cell_sd, covariance, correlation


def _used_nodes(weight: Floats) -> int:
    """Number of nodes without the padding, which has weight 0."""
    count = len(weight)
    while count > 0 and weight[count - 1] == 0.0:
        count -= 1
    return count


used_nodes = kernel(_used_nodes)


def _cell_deviations(
    mean: Floats, sd: Floats, root_weight: Floats, basis: Floats, endpoint: Floats
) -> tuple[Floats, Floats, Floats]:
    """Average mean (cell,), and SD and mean deviation at each node (cell, node), weighted."""
    cells, nodes = root_weight.shape
    average, patient, enrolment = (
        np.zeros(cells),
        np.zeros((cells, nodes)),
        np.zeros((cells, nodes)),
    )
    for cell in range(cells):
        e = int(endpoint[cell])
        for node in range(used_nodes(root_weight[cell])):
            for knot in range(mean.shape[1]):
                enrolment[cell, node] += basis[cell, node, knot] * mean[e, knot]
                patient[cell, node] += basis[cell, node, knot] * sd[e, knot]
            average[cell] += root_weight[cell, node] ** 2 * enrolment[cell, node]
        for node in range(used_nodes(root_weight[cell])):
            weight = root_weight[cell, node]
            patient[cell, node] *= weight
            enrolment[cell, node] = weight * (enrolment[cell, node] - average[cell])
    return average, patient, enrolment


cell_deviations = kernel(_cell_deviations)


def _correlation_parts(
    share: float, other_share: float, rate: float, other_rate: float, lag: float, later: float
) -> tuple[float, float]:
    """Permanent and transient part of the correlation of deviations at two visits."""
    later_rate = other_rate if later > 0.0 else rate
    overlap = 2.0 * math.sqrt(rate * other_rate) / (rate + other_rate)
    permanent = math.sqrt(share * other_share)
    transient = (
        math.sqrt((1.0 - share) * (1.0 - other_share)) * overlap * math.exp(-lag * later_rate)
    )
    return permanent, transient


correlation_parts = kernel(_correlation_parts)


def _moments(
    mean: Floats,
    sd: Floats,
    share: Floats,
    rate: Floats,
    driver: Floats,
    root_weight: Floats,
    basis: Floats,
    endpoint: Floats,
    pairs: Floats,
) -> tuple[Floats, Floats, Floats, Floats]:
    average, patient, enrolment = cell_deviations(mean, sd, root_weight, basis, endpoint)
    cell_sd = np.zeros(len(average))
    covariance, correlation = np.zeros(len(pairs)), np.zeros(len(pairs))
    for pair in range(len(pairs)):
        i, j = int(pairs[pair, 0]), int(pairs[pair, 1])
        e, f = int(endpoint[i]), int(endpoint[j])
        permanent, transient = correlation_parts(
            share[e], share[f], rate[e], rate[f], pairs[pair, 3], pairs[pair, 2]
        )
        by_patient, by_enrolment = 0.0, 0.0
        for node in range(used_nodes(root_weight[i])):
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


def _add_curves(
    by_average: Floats,
    by_patient: Floats,
    by_enrolment: Floats,
    root_weight: Floats,
    basis: Floats,
    endpoint: Floats,
    by_mean: Floats,
    by_sd: Floats,
) -> None:
    """Add to the gradients by the curves those by the cells' nodes."""
    for cell in range(len(root_weight)):
        e = int(endpoint[cell])
        average = by_average[cell]
        for node in range(used_nodes(root_weight[cell])):
            average -= root_weight[cell, node] * by_enrolment[cell, node]
        for node in range(used_nodes(root_weight[cell])):
            weight = root_weight[cell, node]
            at_mean = weight * by_enrolment[cell, node] + weight**2 * average
            at_sd = weight * by_patient[cell, node]
            for knot in range(basis.shape[2]):
                by_mean[e, knot] += basis[cell, node, knot] * at_mean
                by_sd[e, knot] += basis[cell, node, knot] * at_sd


add_curves = kernel(_add_curves)


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
    permanent: float,
    transient: float,
    e: int,
    f: int,
    share: Floats,
    rate: Floats,
    by_share: Floats,
    by_rate: Floats,
) -> None:
    """Add the gradient of both parts by shares and rates, without that through the lag."""
    for endpoint in (e, f):
        by_share[endpoint] += (
            permanent / share[endpoint] - transient / (1.0 - share[endpoint])
        ) / 2.0
        by_rate[endpoint] += transient * (0.5 / rate[endpoint] - 1.0 / (rate[e] + rate[f]))


parts_gradient = kernel(_parts_gradient)


def _slopes(
    mean: Floats,
    sd: Floats,
    share: Floats,
    rate: Floats,
    driver: Floats,
    root_weight: Floats,
    basis: Floats,
    endpoint: Floats,
    pairs: Floats,
    by_average: Floats,
    by_cell_sd: Floats,
    by_covariance: Floats,
    by_correlation: Floats,
) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    _, cell_sd, covariance, _ = moments_kernel(
        mean, sd, share, rate, driver, root_weight, basis, endpoint, pairs
    )
    _, patient, enrolment = cell_deviations(mean, sd, root_weight, basis, endpoint)
    total = moment_gradient(cell_sd, covariance, pairs, by_cell_sd, by_covariance, by_correlation)
    by_patient, by_enrolment = np.zeros(patient.shape), np.zeros(patient.shape)
    by_mean, by_sd, by_driver = np.zeros(mean.shape), np.zeros(sd.shape), np.zeros(driver.shape)
    by_share, by_rate = np.zeros(len(share)), np.zeros(len(rate))
    for pair in range(len(pairs)):
        i, j = int(pairs[pair, 0]), int(pairs[pair, 1])
        e, f = int(endpoint[i]), int(endpoint[j])
        later, lag = pairs[pair, 2], pairs[pair, 3]
        permanent, transient = correlation_parts(share[e], share[f], rate[e], rate[f], lag, later)
        rho = driver[e, f] * (permanent + transient)
        nodes = used_nodes(root_weight[i])
        product = row_product(patient, i, j, nodes, total[pair] * rho, by_patient)
        row_product(enrolment, i, j, nodes, total[pair], by_enrolment)
        by_rho = total[pair] * product
        by_driver[e, f] += by_rho * (permanent + transient)
        permanent, transient = by_rho * driver[e, f] * permanent, by_rho * driver[e, f] * transient
        parts_gradient(permanent, transient, e, f, share, rate, by_share, by_rate)
        by_rate[f if later > 0.0 else e] -= lag * transient
    add_curves(by_average, by_patient, by_enrolment, root_weight, basis, endpoint, by_mean, by_sd)
    return by_mean, by_sd, by_share, by_rate, by_driver


def _shapes(*inputs: tuple[int | None, ...]) -> list[tuple[int | None, ...]]:
    cells, pairs = inputs[5][:1], inputs[8][:1]
    return [cells, cells, pairs, pairs]


moments_of_windows: Differentiable = Differentiable(
    Slopes("window_moments", kernel(_slopes), 5), moments_kernel, _shapes
)
