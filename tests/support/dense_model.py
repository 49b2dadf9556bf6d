"""The mixed model written patient by patient in numpy, and derivatives by differences."""

from collections.abc import Callable

import numpy as np

from phase2sim.core.arrays import Floats
from phase2sim.core.contracts import Reading


def rows_of_patient(reading: Reading, i: int) -> tuple[Floats, Floats, np.ndarray]:
    """Outcomes, their columns, and at which visits: one patient's part of the dense model."""
    visits = reading.value.shape[1]
    seen = np.flatnonzero(~np.isnan(reading.value[0, :, i]))
    own = np.array([1.0, reading.arm[0, i], reading.baseline[0, i], reading.age_years[0, i]])
    columns = np.zeros((seen.size, 4 * visits + 1))
    for row, visit in enumerate(seen):
        columns[row, 4 * visit : 4 * visit + 4] = own
    columns[:, -1] = reading.stratum[0, i]
    return reading.value[0, seen, i], columns, seen


def dense(reading: Reading, covariance: Floats) -> tuple[float, Floats, Floats]:
    """Restricted log-likelihood, coefficients and their covariance, patient by patient."""
    patients = [rows_of_patient(reading, i) for i in range(reading.arm.shape[1])]
    size = patients[0][1].shape[1]
    precision, right = np.zeros((size, size)), np.zeros(size)
    total, n = 0.0, 0
    for y, x, seen in patients:
        weight = np.linalg.inv(covariance[np.ix_(seen, seen)])
        precision += x.T @ weight @ x
        right += x.T @ weight @ y
        total += y @ weight @ y - np.linalg.slogdet(weight)[1]
        n += y.size
    beta = np.linalg.solve(precision, right)
    total += np.linalg.slogdet(precision)[1] - right @ beta + (n - size) * np.log(2 * np.pi)
    return -0.5 * total, beta, np.linalg.inv(precision)


def differences(
    function: Callable[[Floats], float | Floats], at: Floats, step: float = 2e-4
) -> tuple[Floats, Floats]:
    """Gradient and Hessian by central differences, first axes, of a number or of several."""
    size = at.size
    move = step * np.eye(size)
    gradient = np.array([function(at + e) - function(at - e) for e in move]) / (2 * step)
    hessian = np.array(
        [
            [
                function(at + e + f) - function(at + e - f) - function(at - e + f)
                + function(at - e - f)
                for f in move
            ]
            for e in move
        ]
    )  # fmt: skip
    return gradient, hessian / (4 * step**2)
