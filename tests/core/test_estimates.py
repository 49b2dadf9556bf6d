"""Estimates are put together and taken apart with all that they hold."""

from operator import itemgetter

import numpy as np

from phase2sim.core.contracts import Estimates, OwnTest
from phase2sim.core.estimates import concatenate_estimates, map_estimates, stack_estimates


def estimates(start: float, trials: int, fallback: int | None = None) -> Estimates:
    values = start + np.arange(trials)
    return Estimates(
        *(values + k for k in range(4)),
        reason=np.zeros(trials, np.int8),
        test=OwnTest(*(values + k for k in range(4, 8))),
        details={"more": values + 8},
        fallback=None if fallback is None else np.full(trials, fallback, np.int8),
    )


def test_batches_join_along_the_trials_whatever_axis_is_before() -> None:
    flat = concatenate_estimates([estimates(0.0, 2), estimates(2.0, 3)])
    by_size = concatenate_estimates(
        [stack_estimates([estimates(s, 2) for s in (0.0, 10.0)]) for _ in range(3)]
    )

    assert flat.p.tolist() == [3.0, 4.0, 5.0, 6.0, 7.0]
    assert flat.details["more"].tolist() == [8.0, 9.0, 10.0, 11.0, 12.0]
    assert by_size.effect.tolist() == [[0.0, 1.0] * 3, [10.0, 11.0] * 3]


def test_a_part_without_a_fallback_used_none() -> None:
    together = concatenate_estimates([estimates(0.0, 2), estimates(2.0, 1, fallback=2)])

    assert together.fallback is not None
    assert together.fallback.tolist() == [0, 0, 2]
    assert concatenate_estimates([estimates(0.0, 2)]).fallback is None


def test_one_size_has_its_own_test_and_details() -> None:
    second = map_estimates(
        stack_estimates([estimates(0.0, 2), estimates(5.0, 2, fallback=1)]), itemgetter(1)
    )

    assert second.test is not None
    assert second.test.upper.tolist() == [12.0, 13.0]
    assert second.details["more"].tolist() == [13.0, 14.0]
    assert second.fallback is not None
    assert second.fallback.tolist() == [1, 1]
