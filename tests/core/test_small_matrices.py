"""The one Cholesky factor of the kernels, and what is solved with it, against NumPy and SciPy."""

import numpy as np
import pytest
from scipy.linalg import solve_triangular

from phase2sim.core.arrays import Floats
from phase2sim.core.kernels import kernel
from phase2sim.core.small_matrices import (
    back,
    fill_column,
    forward,
    invert,
    remaining_pivot,
)

SIZES = (1, 2, 5, 9)


@kernel
def factorise(factor: Floats, matrix: Floats) -> None:
    """Factorise a positive definite matrix, in place if both are one array."""
    size = matrix.shape[0]
    for j in range(size):
        factor[j, j] = np.sqrt(remaining_pivot(factor, matrix, j))
        fill_column(factor, matrix, j, size)


def positive_definite(size: int) -> Floats:
    root = np.random.default_rng(size).normal(size=(size, size))
    return root @ root.T + 0.1 * np.eye(size)


@pytest.mark.parametrize("size", SIZES)
def test_the_factor_is_that_of_numpy(size: int) -> None:
    matrix = positive_definite(size)
    factor = np.zeros((size, size))

    factorise(factor, matrix)

    assert factor == pytest.approx(np.linalg.cholesky(matrix), rel=1e-10, abs=1e-12)


@pytest.mark.parametrize("size", SIZES)
def test_a_matrix_may_be_factorised_in_place(size: int) -> None:
    matrix = positive_definite(size)
    expected = np.linalg.cholesky(matrix)

    factorise(matrix, matrix)

    assert np.tril(matrix) == pytest.approx(expected, rel=1e-10, abs=1e-12)


@pytest.mark.parametrize("size", SIZES)
def test_solutions_are_those_of_scipy(size: int) -> None:
    factor = np.linalg.cholesky(positive_definite(size))
    right = np.arange(1.0, size + 1)
    down, up = right.copy(), right.copy()

    forward(down, factor, size)
    back(up, factor, size)

    assert down == pytest.approx(solve_triangular(factor, right, lower=True), rel=1e-10)
    assert up == pytest.approx(solve_triangular(factor.T, right), rel=1e-10)


@pytest.mark.parametrize("size", SIZES)
def test_inverse_and_determinant_are_those_of_numpy(size: int) -> None:
    matrix = positive_definite(size)
    inverse = np.zeros((size, size))

    log_determinant = invert(inverse, matrix)

    assert inverse == pytest.approx(np.linalg.inv(matrix), rel=1e-8, abs=1e-10)
    assert log_determinant == pytest.approx(np.linalg.slogdet(matrix)[1], abs=1e-10)


def test_what_is_not_positive_definite_has_no_determinant() -> None:
    assert np.isnan(invert(np.zeros((2, 2)), np.array([[1.0, 2.0], [2.0, 1.0]])))
