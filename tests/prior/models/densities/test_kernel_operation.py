"""Operations that bring their own gradient agree with differences of their values."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike
from pytensor.configdefaults import config
from pytensor.graph.op import Op
from pytensor.link.numba.dispatch.basic import numba_funcify_default_op_cache_key
from support.known_patients import evaluated

from phase2sim.core.arrays import Floats
from phase2sim.prior.models.densities.change_given_locations import change_given_locations
from phase2sim.prior.models.densities.correlated_normal import CorrelatedNormal
from phase2sim.prior.models.densities.effects_given_means import effects_given_means
from phase2sim.prior.models.densities.kernel_operation import Differentiable, Slopes
from phase2sim.prior.models.densities.location_covariance import location_covariance
from phase2sim.prior.models.densities.order_statistics import log_ways, median_quadrature
from phase2sim.prior.models.densities.pytensor_names import pt
from phase2sim.prior.models.densities.row_density import RowDensity, points_of
from phase2sim.prior.models.likelihoods.counts import median_and_count_beside
from phase2sim.prior.models.likelihoods.counts_below_baseline import below_baseline
from phase2sim.prior.models.likelihoods.quantiles import quantiles_beside
from phase2sim.prior.models.unknowns.window_moments import moments_of_windows

STEP = 1e-5


def differences(value: Callable[..., float], inputs: Sequence[Floats], by: int) -> Floats:
    """Central differences by every element of input ``by``."""
    slopes = np.zeros(inputs[by].shape)
    for index in np.ndindex(slopes.shape):
        moved = [array.copy() for array in inputs]
        moved[by][index] += STEP
        above = value(*moved)
        moved[by][index] -= 2.0 * STEP
        slopes[index] = (above - value(*moved)) / (2.0 * STEP)
    return slopes


def assert_slopes(operation: Differentiable, inputs: Sequence[Any]) -> None:
    arrays = [np.asarray(value, dtype=np.float64) for value in inputs]
    rng = np.random.default_rng(1)
    outputs = operation.kernel(*arrays)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    weights = [rng.normal(size=output.shape) for output in outputs]

    def weighted(*moved: Floats) -> float:
        results = operation.kernel(*moved)
        results = results if isinstance(results, tuple) else (results,)
        return float(sum(np.sum(w * f) for w, f in zip(weights, results, strict=True)))

    slopes = operation.slopes.kernel(*arrays, *weights)
    assert len(slopes) == operation.slopes.count
    for by, slope in enumerate(slopes):
        np.testing.assert_allclose(slope, differences(weighted, arrays, by), rtol=1e-6, atol=1e-7)


def assert_row_slopes(density: RowDensity, points: Floats, *given: ArrayLike) -> None:
    arrays = [np.asarray(value, dtype=np.float64) for value in given]

    def total(moved: Floats) -> float:
        return float(np.sum(density.kernel(moved, *arrays)[0]))

    _, slopes = density.kernel(points, *arrays)
    np.testing.assert_allclose(slopes, differences(total, [points], 0), rtol=1e-6, atol=1e-7)


def test_moments_of_windows() -> None:
    rng = np.random.default_rng(2)
    basis = rng.uniform(size=(3, 2, 3))
    basis[2, 1] = 0.0  # fills up the row of a cell with one node
    root_weight = np.sqrt([[0.3, 0.7], [0.3, 0.7], [1.0, 0.0]])
    pairs = [
        [0, 0, 0, 0, 0],
        [1, 1, 1, 1, 1],
        [2, 2, 1, 1, 1],
        [0, 1, 0, 1, 1],
        [1, 0, 1, 0, 1],
    ]
    inputs = [
        rng.uniform(1.0, 2.0, (2, 3)),  # mean
        rng.uniform(0.5, 1.0, (2, 3)),  # SD
        [0.2, 0.5],  # rate
        [[1.0, 0.3], [0.3, 1.0]],
        [1.1, 0.8, 1.3],  # SD over the curve's
        [0.4, 0.6, 0.5],  # share
        root_weight,
        basis,
        [0, 1, 1],
        [2, 2, 1],  # nodes
        pairs,
        [[-1.0, 0.5], [2.0, 2.6], [0.0, 0.0]],  # time of the visits
    ]
    assert_slopes(moments_of_windows, inputs)


@pytest.mark.parametrize("reported", [False, True])
def test_covariance_of_locations(*, reported: bool) -> None:
    ties = [[0, 0, 0, 0, 0.1], [1, 1, 1, 1, 0.1], [0, 1, 2, 0, 0.1], [2, 2, 3, 1, 0.05]]
    powers = [[0.1, 0.0, 0.0], [0.1, 0.02, 0.01], [0.1, 0.03, 0.02], [0.05, 0.0, 0.0]]
    inputs = [
        [1.2, 0.9, 0.5, 0.7],  # covariance
        [1.0, 1.0, 0.5, 1.0],  # correlation
        [1.4, 1.0, 0.6, 0.8],  # as reported
        [1.0, 1.3, 0.8],  # how far the expected values move
        [0.0, 0.2, 0.0],  # by an arm's typical weight
        [[1.0, 3.0, 0.2], [1.0, 6.0, 0.0], [1.0, 0.0, 0.9]],  # by each term of a deviation
        [[0.2, 0.01, 0.5], [0.1, 0.02, 0.3]],  # variances of these between studies
        ties,
        powers,
        [np.nan, 0.3 if reported else np.nan, np.nan],
        [[0, 0, 0], [0, 1, 0], [1, 1, 0], [2, 2, 1]],
    ]
    assert_slopes(location_covariance, inputs)


def test_a_change_given_locations() -> None:
    rng = np.random.default_rng(5)
    factor = rng.normal(size=(3, 3))
    inputs = [
        [1.2, 0.9, 0.5, 1.1, 0.8, 0.4],  # covariance
        factor @ factor.T + np.eye(3),
        rng.normal(size=3),
        [1.0, 0.8, 1.3],  # how far the expected values move
        [[0, 1, 2], [3, 4, 5], [0, 4, 5]],
        [[1, 2], [0, 0], [0, 2]],
        [[0.1, 0.08], [0.1, 0.0], [0.0, 0.1]],
    ]
    assert_slopes(change_given_locations, inputs)


def test_patients_below_their_baseline() -> None:
    rng = np.random.default_rng(3)
    curves = np.concatenate([rng.uniform(1.0, 2.0, (2, 3)), rng.uniform(0.5, 1.0, (2, 3))], axis=1)
    points = np.concatenate(
        [curves, [[1.1, 0.4, 0.8, 0.1, 1.0, -1.3], [0.8, 0.5, 0.9, -0.2, 0.9, 0.7]]], axis=1
    )
    basis = rng.uniform(size=(2, 2, 2, 3))
    weight, position = [[0.4, 0.6], [1.0, 0.0]], [[-0.5, 0.8], [0.0, 0.0]]
    known = [3, 7], [10, 12], [1.0, 2.0], weight, position, *basis, [[2.1, 1.2], [0.8, 0.0]]
    assert_row_slopes(below_baseline, points, *known)


@pytest.mark.parametrize(("n", "below"), [(10, 3), (10, 7), (11, 2), (10, 5)])
def test_a_count_beside_a_median(n: int, below: int) -> None:
    many, few = np.array([n]), np.array([below])
    threshold = 7.2 if below < n / 2 else 8.1
    assert_row_slopes(
        median_and_count_beside,
        np.array([[7.5, 1.1, 7.55, 0.4]]),
        [[7.6, threshold]],
        few,
        many,
        log_ways(few, many),
        median_quadrature(many),
    )


def test_quartiles_beside_a_median_and_alone() -> None:
    assert_row_slopes(
        quantiles_beside,
        np.array([[7.5, 1.1, 7.55, 0.4], [7.5, 1.1, 0.0, 1.0]]),
        [[7.0, 0.0, 8.4], [6.9, 8.3, 1000.0]],
        [7.6, 0.0],
        [[0, 1, 0], [0, 0, 0]],
        [1, 0],
        [[1, 1, 1], [1, 1, 0]],
        [[2.0, 1.5, 1.5, 2.0], [2.0, 5.0, 3.0, 0.0]],
        [3.0, 2.0],
    )


@pytest.mark.parametrize(
    ("operation", "dimensions"),
    [
        (below_baseline, (2, 1, 1, 1, 2, 2, 3, 3, 2)),
        (effects_given_means, (1, 2, 1, 2, 1, 1, 2, 1, 1)),
        (CorrelatedNormal(), (2, 2, 0)),
    ],
    ids=["row density", "differentiable", "correlated normal"],
)
def test_a_kept_model_holds_no_kernel_of_another_program(
    monkeypatch: pytest.MonkeyPatch, operation: Op, dimensions: tuple[int, ...]
) -> None:
    # A model that the compiler had kept once called a kernel as it was before it changed.
    inputs = [pt.tensor(dtype="float64", shape=(2,) * count) for count in dimensions]
    node = operation.make_node(*inputs)
    _, before = numba_funcify_default_op_cache_key(operation, node=node)
    monkeypatch.setattr(
        "phase2sim.prior.models.densities.calls_by_name.kernels_digest", lambda: "ab"
    )
    _, after = numba_funcify_default_op_cache_key(operation, node=node)

    assert before != after


def test_points_are_taken_from_vectors_by_position() -> None:
    first, second = pt.as_tensor(np.array([1.0, 2.0, 3.0])), pt.as_tensor(np.array([10.0, 20.0]))
    columns = [
        (first, np.array([2, 0])),
        (second, np.array([[0, 1], [1, 1]])),
        (first, np.array([1, 1])),
    ]

    points = evaluated(points_of(*columns))

    assert points.tolist() == [[3.0, 10.0, 20.0, 2.0], [1.0, 20.0, 20.0, 2.0]]


def test_fast_maths_is_off_once_the_model_is_imported() -> None:
    # A function is compiled at its first call. With fast maths on by then it would be kept as one
    # without, and the same evidence would give other draws.
    assert not config.numba__fastmath


def test_effects_given_means() -> None:
    rng = np.random.default_rng(2)
    owner, months = np.array([0, 0, 1, 2, -1, 1]), np.array([1, 12, 2, 3, 3, 9])
    effects = np.array([[0, 0, 0], [0, 0, 1], [1, 0, 0], [1, 0, 2], [7, 1, 0], [7, 1, 1]])
    by_term = np.stack([np.ones(6), months, np.maximum(1.0 - months / 3.0, 0.0)], axis=1)
    trial = np.array([0, 0, 0, -1, 0, 0])
    mean_slope, sds = rng.uniform(0.5, 1.5, 6), np.array([0.5, 0.05, 0.3, 0.04, 0.6, 0.07])
    factor = rng.normal(size=(6, 6))
    sampling = factor @ factor.T / 6 + 0.3 * np.eye(6)
    own = (owner == effects[:, :1]) * by_term[:, effects[:, 2]].T
    by_effect = own * mean_slope  # (effect, location)
    covariance = sampling + by_effect.T @ np.diag(sds**2) @ by_effect
    residual, raw = rng.normal(size=(2, 6))

    value = effects_given_means.kernel(
        residual, covariance, mean_slope, by_term, sds, raw, *_floats(effects, owner, trial)
    )

    block, told = np.ix_([0, 1, 2, 4, 5], [0, 1, 2, 4, 5]), [0, 1, 2, 4, 5]
    joint = (np.diag(sds**2) @ by_effect)[:4, told]
    gain = joint @ np.linalg.inv(covariance[block])
    spread = np.linalg.cholesky(np.diag(sds[:4] ** 2) - gain @ joint.T)
    assert value[:4] == pytest.approx(gain @ residual[told] + spread @ raw[:4])
    assert value[4:] == pytest.approx(sds[4:] * raw[4:])
    # Of a symmetric covariance, whose two triangles move together.
    lower = np.tril_indices(6)

    def symmetric(*moved: Floats) -> Floats:
        whole = np.zeros((6, 6))
        whole[lower] = moved[1]
        whole = whole + np.tril(whole, -1).T
        return effects_given_means.kernel(moved[0], whole, *moved[2:])

    def slopes(*given: Floats) -> tuple[Floats, ...]:
        whole = np.zeros((6, 6))
        whole[lower] = given[1]
        whole = whole + np.tril(whole, -1).T
        first, by_covariance, *others = effects_given_means.slopes.kernel(
            given[0], whole, *given[2:]
        )
        both = by_covariance + by_covariance.T - np.diag(np.diag(by_covariance))
        return (first, both[lower], *others)

    folded = Differentiable(Slopes("folded", slopes, 6), symmetric, lambda *_: [(6,)])
    inputs = (residual, covariance[lower], mean_slope, by_term, sds, raw)
    assert_slopes(folded, (*inputs, *_floats(effects, owner, trial)))


def _floats(*arrays: ArrayLike) -> tuple[Floats, ...]:
    return tuple(np.asarray(array, dtype=np.float64) for array in arrays)
