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
def times_vector(matrix: Floats, vector: Floats) -> Floats:
    """Matrix times vector."""
    total = np.zeros(matrix.shape[0])
    for i in range(matrix.shape[0]):
        for k in range(vector.size):
            total[i] += matrix[i, k] * vector[k]
    return total


@kernel
def around(outer: Floats, inner: Floats) -> Floats:
    """Outer times inner times outer."""
    both: Floats = product(product(outer, inner), outer)
    return both


@kernel
def turned(matrix: Floats) -> Floats:
    """Transpose, laid out row by row."""
    transpose = np.empty((matrix.shape[1], matrix.shape[0]))
    for i in range(matrix.shape[0]):
        for j in range(matrix.shape[1]):
            transpose[j, i] = matrix[i, j]
    return transpose


@kernel
def add_crossproduct(target: Floats, rows: Floats, weight: float) -> None:
    """Add ``weight`` times rows' rows to the lower triangle; the inner loop runs along a row."""
    for m in range(rows.shape[0]):
        row = rows[m]
        for j in range(row.size):
            value = weight * row[j]
            if value != 0.0:
                for k in range(j + 1):
                    target[j, k] += value * row[k]


@kernel
def mirror(matrix: Floats) -> None:
    """Copy the lower triangle to the upper one."""
    for i in range(matrix.shape[0]):
        for j in range(i):
            matrix[j, i] = matrix[i, j]


@kernel
def cholesky(matrix: Floats) -> None:
    """Replace a positive definite matrix by its Cholesky factor, with zeros above the diagonal."""
    size = matrix.shape[0]
    for j in range(size):
        matrix[j, j] = np.sqrt(remaining_pivot(matrix, matrix, j))
        fill_column(matrix, matrix, j, size)
        matrix[j, j + 1 :] = 0.0


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
    log_determinant = 0.0
    for j in range(size):
        pivot = matrix[j, j]
        for k in range(j):
            pivot -= inverse[j, k] ** 2
        if not pivot > SINGULAR * matrix[j, j]:
            return np.nan
        log_determinant += np.log(pivot)
        inverse[j, j] = np.sqrt(pivot)
        fill_column(inverse, matrix, j, size)
    _invert_factor(inverse)
    for i in range(size):  # in place: a row of the product needs this row and those below
        for j in range(i):
            total = 0.0
            for k in range(i, size):
                total += inverse[k, i] * inverse[k, j]
            inverse[i, j] = total
        total = 0.0
        for k in range(i, size):
            total += inverse[k, i] ** 2
        inverse[i, i] = total
    mirror(inverse)
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
