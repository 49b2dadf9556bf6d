"""Products, Cholesky factors and inverses of matrices for which a loop is faster than a library."""

import numpy as np

from phase2sim.core.arrays import Floats
from phase2sim.core.kernels import inline_kernel, kernel

SINGULAR = 1e-13  # relative pivot below which a matrix has no inverse


@kernel
def product(left: Floats, right: Floats) -> Floats:
    """Matrix product; for these sizes a loop is faster than a library."""
    total = np.zeros((left.shape[0], right.shape[1]))
    for i in range(left.shape[0]):
        for k in range(left.shape[1]):
            for j in range(right.shape[1]):
                total[i, j] += left[i, k] * right[k, j]
    return total


@kernel
def around(outer: Floats, inner: Floats) -> Floats:
    """Outer times inner times outer."""
    both: Floats = product(product(outer, inner), outer)
    return both


@inline_kernel
def remaining_pivot(factor: Floats, matrix: Floats, j: int) -> float:
    """Pivot of column ``j`` of a Cholesky factor: what the columns before it leave of the diagonal.

    Its square root is the factor's diagonal; what a pivot too small means is the caller's to say.
    ``factor`` may be ``matrix`` itself, factorised in place.
    """
    pivot: float = matrix[j, j]
    for k in range(j):
        pivot -= factor[j, k] ** 2
    return pivot


@inline_kernel
def fill_column(factor: Floats, matrix: Floats, j: int, rows: int) -> None:
    """Fill column ``j`` of a Cholesky factor below its diagonal, which is set, down to ``rows``."""
    for i in range(j + 1, rows):
        total = matrix[i, j]
        for k in range(j):
            total -= factor[i, k] * factor[j, k]
        factor[i, j] = total / factor[j, j]


@kernel
def forward(target: Floats, factor: Floats, size: int) -> None:
    """Solve with a Cholesky factor, in place."""
    for j in range(size):
        for k in range(j):
            target[j] -= factor[j, k] * target[k]
        target[j] /= factor[j, j]


@kernel
def back(target: Floats, factor: Floats, size: int) -> None:
    """Solve with the transpose of a Cholesky factor, in place."""
    for j in range(size - 1, -1, -1):
        for k in range(j + 1, size):
            target[j] -= factor[k, j] * target[k]
        target[j] /= factor[j, j]


@kernel
def invert(inverse: Floats, matrix: Floats) -> float:
    """Invert a symmetric matrix by Cholesky; return its log determinant, nan if not positive."""
    size = matrix.shape[0]
    factor = np.zeros((size, size))
    log_determinant = 0.0
    for j in range(size):
        pivot = remaining_pivot(factor, matrix, j)
        if not pivot > SINGULAR * matrix[j, j]:
            return np.nan
        log_determinant += np.log(pivot)
        factor[j, j] = np.sqrt(pivot)
        fill_column(factor, matrix, j, size)
    _invert_factor(factor)
    for i in range(size):
        for j in range(i + 1):
            total = 0.0
            for k in range(i, size):
                total += factor[k, i] * factor[k, j]
            inverse[i, j] = total
            inverse[j, i] = total
    return log_determinant


@kernel
def _invert_factor(factor: Floats) -> None:
    """Invert a lower triangle in place."""
    for j in range(factor.shape[0]):
        factor[j, j] = 1.0 / factor[j, j]
        for i in range(j + 1, factor.shape[0]):
            total = 0.0
            for k in range(j, i):
                total -= factor[i, k] * factor[k, j]
            factor[i, j] = total / factor[i, i]
