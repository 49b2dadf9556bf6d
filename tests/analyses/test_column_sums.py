"""Inner loops that several analyses share."""

import numpy as np
import pytest

from phase2sim.analyses.column_sums import decay, dot, total, triple, weighted_sums


def test_decay_is_the_exponential_to_two_units_in_the_last_place() -> None:
    exponent = np.concatenate([np.linspace(-40.0, 40.0, 20_001), [0.0, 1e-300, 699.0, -699.9]])
    found = np.empty_like(exponent)

    decay(found, exponent, np.empty_like(exponent))

    np.testing.assert_allclose(found, np.exp(-np.abs(exponent)), rtol=2 * np.finfo(float).eps)


def test_decay_of_no_finite_exponent_is_next_to_nothing() -> None:
    found = np.empty(2)

    decay(found, np.array([1e6, -np.inf]), np.empty(2))

    assert (found > 0.0).all()
    assert (found < 1e-300).all()


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7, 8])
def test_no_element_is_left_out_of_a_sum(size: int) -> None:
    rng = np.random.default_rng(size)
    rows, vector, weight = rng.random((2, size)), rng.random(size), rng.random(size)
    part = slice(1, size)

    of_part = weighted_sums(rows, 1, vector, weight, 1, size)

    assert dot(rows, 1, vector) == pytest.approx(float(rows[1] @ vector))
    assert total(vector, 1, size) == pytest.approx(float(vector[part].sum()))
    assert triple(rows, 0, 1, weight) == pytest.approx(float((rows[0] * rows[1]) @ weight))
    row, v, w = rows[1, part], vector[part], weight[part]
    assert of_part == pytest.approx((v.sum(), w.sum(), row @ v, row @ w, (row**2) @ w))
