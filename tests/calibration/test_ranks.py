"""The tests of uniform ranks let uniform ranks pass and notice others."""

import numpy as np
import pytest
from calibration.ranks import chi_square, coverage, ecdf, inside, verdict
from scipy import stats
from support.agreement import assert_agrees, se_of_share

DRAWS, REPLICATIONS = 63, 320


@pytest.mark.parametrize("test", [chi_square, ecdf])
def test_uniform_ranks_fail_as_often_as_stated(test: object) -> None:
    rng = np.random.default_rng(1)
    samples = 4000

    p = np.array([
        test(rng.integers(0, DRAWS + 1, REPLICATIONS), DRAWS)  # type: ignore[operator]  # a test
        for _ in range(samples)
    ])  # fmt: skip

    for level in (0.01, 0.1):
        assert_agrees(np.mean(p <= level), level, 1.5 * se_of_share(level, samples))


@pytest.mark.parametrize(
    ("shift", "scale"), [(0.35, 1.0), (0.0, 0.7), (0.0, 1.4)], ids=["biased", "surer", "less sure"]
)
def test_posteriors_that_are_off_are_noticed(shift: float, scale: float) -> None:
    rng = np.random.default_rng(2)
    truth = rng.standard_normal(REPLICATIONS)
    chance = stats.norm.cdf((truth - shift) / scale)  # the posterior is N(shift, scale) each time

    found = verdict(rng.binomial(DRAWS, chance), DRAWS)

    assert min(found.chi_square, found.ecdf) < 0.001
    if not shift:
        assert max(map(abs, found.off)) > 3.0


def test_central_intervals_hold_their_share_of_the_ranks() -> None:
    every = np.arange(DRAWS + 1)

    assert coverage(every, DRAWS) == [inside(0.5, DRAWS), inside(0.9, DRAWS)]
    assert inside(0.5, DRAWS) == 0.5
    assert inside(0.9, DRAWS) == pytest.approx(0.9, abs=0.01)
