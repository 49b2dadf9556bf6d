"""Moments of the cells' patients, averaged over who was enrolled in each cell's window.

Patients of a cell differ by their own deviation and by when after diagnosis they enrolled, so both
enter the covariance. A curve is linear between knots, so the nodes make the averages over the
window exact.

A patient's deviation is one that stays and one that fades as an Ornstein-Uhlenbeck process. The
endpoints' stay and fade together, driven by the same chances: between endpoints the later visit's
decay counts, and processes that fade at different rates are never alike. All this times ``driver``
is a covariance whatever the rates.
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

    ``mean`` and ``sd`` are curves (endpoint, knot); a deviation's ``share`` (endpoint,) stays and
    the rest fades at ``rate`` (endpoint,) a month; ``driver`` is (endpoint, endpoint).
    """
    later = np.where(layout.months[layout.first] > layout.months[layout.second], 0, 1)
    pairs = np.stack([layout.first, layout.second, later, layout.lag], axis=1)
    outputs: Any = moments_of_windows(
        mean, sd, share, rate, driver, layout.root_weight, layout.basis, layout.endpoint, pairs
    )
    average, own, covariance, correlation = outputs
    return average, own, covariance, correlation


def _used_nodes(weight: Floats) -> int:
    """How many nodes count: short rows are filled up with weights of 0."""
    used = len(weight)
    while used > 0 and weight[used - 1] == 0.0:
        used -= 1
    return used


used_nodes = kernel(_used_nodes)


def _by_cell(
    mean: Floats, sd: Floats, root_weight: Floats, basis: Floats, endpoint: Floats
) -> tuple[Floats, Floats, Floats]:
    """Average (cell,) of the mean; deviations (cell, node) of a patient and of enrolment."""
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


cell_deviations = kernel(_by_cell)


def _lasting(
    share: float, other: float, rate: float, own: float, lag: float, later: float
) -> tuple[float, float]:
    """Of two visits' deviations, what both kept and what has not faded; ``own``: other's rate."""
    slower = own if later > 0.0 else rate
    alike = 2.0 * math.sqrt(rate * own) / (rate + own)
    stays = math.sqrt(share * other)
    fades = math.sqrt((1.0 - share) * (1.0 - other)) * alike * math.exp(-lag * slower)
    return stays, fades


correlation_parts = kernel(_lasting)


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
    own = np.zeros(len(average))
    covariance, correlation = np.zeros(len(pairs)), np.zeros(len(pairs))
    for pair in range(len(pairs)):
        i, j = int(pairs[pair, 0]), int(pairs[pair, 1])
        e, f = int(endpoint[i]), int(endpoint[j])
        stays, fades = correlation_parts(share[e], share[f], rate[e], rate[f], pairs[pair, 3], pairs[pair, 2])
        by_patient, by_enrolment = 0.0, 0.0
        for node in range(used_nodes(root_weight[i])):
            by_patient += patient[i, node] * patient[j, node]
            by_enrolment += enrolment[i, node] * enrolment[j, node]
        covariance[pair] = driver[e, f] * (stays + fades) * by_patient + by_enrolment
        if pair < len(own):  # a cell's pair with itself comes first
            own[pair] = math.sqrt(covariance[pair])
        correlation[pair] = covariance[pair] / (own[i] * own[j])
    return average, own, covariance, correlation


moments_kernel = kernel(_moments)


def _by_covariance(
    own: Floats,
    covariance: Floats,
    pairs: Floats,
    by_own: Floats,
    by_covariance: Floats,
    by_correlation: Floats,
) -> Floats:
    """Gradient (pair,) by the covariances alone, of what SDs and correlations are made of."""
    total, by_sd = by_covariance.copy(), by_own.copy()
    for pair in range(len(pairs)):
        i, j = int(pairs[pair, 0]), int(pairs[pair, 1])
        each = by_correlation[pair] / (own[i] * own[j])
        total[pair] += each
        by_sd[i] -= each * covariance[pair] / own[i]
        by_sd[j] -= each * covariance[pair] / own[j]
    for cell in range(len(own)):
        total[cell] += by_sd[cell] / (2.0 * own[cell])
    return total


covariance_gradient = kernel(_by_covariance)


def _to_curves(
    by_average: Floats,
    by_patient: Floats,
    by_enrolment: Floats,
    root_weight: Floats,
    basis: Floats,
    endpoint: Floats,
    by_mean: Floats,
    by_sd: Floats,
) -> None:
    """Carry the gradient from the cells' nodes to the curves."""
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


carry_to_curves = kernel(_to_curves)


def _by_products(rows: Floats, i: int, j: int, used: int, by: float, slopes: Floats) -> float:
    """Sum of two rows' products; adds its slopes times ``by``."""
    total = 0.0
    for node in range(used):
        total += rows[i, node] * rows[j, node]
        slopes[i, node] += by * rows[j, node]
        slopes[j, node] += by * rows[i, node]
    return total


row_product = kernel(_by_products)


def _by_lasting(
    stays: float,
    fades: float,
    e: int,
    f: int,
    share: Floats,
    rate: Floats,
    by_share: Floats,
    by_rate: Floats,
) -> None:
    """Add the slopes of what both kept and what has not faded, but for the later's own fading."""
    for one in (e, f):
        by_share[one] += (stays / share[one] - fades / (1.0 - share[one])) / 2.0
        by_rate[one] += fades * (0.5 / rate[one] - 1.0 / (rate[e] + rate[f]))


parts_gradient = kernel(_by_lasting)


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
    by_own: Floats,
    by_covariance: Floats,
    by_correlation: Floats,
) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    _, own, covariance, _ = moments_kernel(
        mean, sd, share, rate, driver, root_weight, basis, endpoint, pairs
    )
    _, patient, enrolment = cell_deviations(mean, sd, root_weight, basis, endpoint)
    total = covariance_gradient(own, covariance, pairs, by_own, by_covariance, by_correlation)
    by_patient, by_enrolment = np.zeros(patient.shape), np.zeros(patient.shape)
    by_mean, by_sd, by_driver = np.zeros(mean.shape), np.zeros(sd.shape), np.zeros(driver.shape)
    by_share, by_rate = np.zeros(len(share)), np.zeros(len(rate))
    for pair in range(len(pairs)):
        i, j = int(pairs[pair, 0]), int(pairs[pair, 1])
        e, f = int(endpoint[i]), int(endpoint[j])
        later, lag = pairs[pair, 2], pairs[pair, 3]
        stays, fades = correlation_parts(share[e], share[f], rate[e], rate[f], lag, later)
        rho = driver[e, f] * (stays + fades)
        used = used_nodes(root_weight[i])
        product = row_product(patient, i, j, used, total[pair] * rho, by_patient)
        row_product(enrolment, i, j, used, total[pair], by_enrolment)
        by_rho = total[pair] * product
        by_driver[e, f] += by_rho * (stays + fades)
        stays, fades = by_rho * driver[e, f] * stays, by_rho * driver[e, f] * fades
        parts_gradient(stays, fades, e, f, share, rate, by_share, by_rate)
        by_rate[f if later > 0.0 else e] -= lag * fades
    carry_to_curves(by_average, by_patient, by_enrolment, root_weight, basis, endpoint, by_mean, by_sd)
    return by_mean, by_sd, by_share, by_rate, by_driver


def _shapes(*inputs: tuple[int | None, ...]) -> list[tuple[int | None, ...]]:
    cells, pairs = inputs[5][:1], inputs[8][:1]
    return [cells, cells, pairs, pairs]


moments_of_windows: Differentiable = Differentiable(
    Slopes("window_moments", kernel(_slopes), 5), moments_kernel, _shapes
)
