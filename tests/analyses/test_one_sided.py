"""Tail of the t distribution against scipy and a printed table."""

import numpy as np
import pytest
from scipy import special

from phase2sim.analyses.one_sided import lower_tail


@pytest.mark.parametrize("df", [1, 2, 3, 4, 5, 30, 57, 58, 117, 199, 200, 201, 7.5])
def test_lower_tail_agrees_with_scipy(df: float) -> None:
    t = np.concatenate([np.linspace(-12.0, 12.0, 4001), [0.0, -1e6, 1e6, -np.inf, np.inf]])
    freedom = np.full(t.shape, float(df))

    found = lower_tail(freedom, t)

    np.testing.assert_allclose(found, special.stdtr(freedom, t), rtol=2e-9, atol=0)


@pytest.mark.parametrize(("df", "quantile"), [(1, 12.706), (10, 2.228), (30, 2.042), (120, 1.980)])
def test_lower_tail_gives_the_printed_quantiles(df: int, quantile: float) -> None:
    # 97.5 % points: Abramowitz and Stegun, table 26.10, rounded to three decimals
    found = lower_tail(np.full(2, float(df)), np.array([quantile + 5e-4, quantile - 5e-4]))

    assert found[0] >= 0.975 >= found[1]


def test_a_trial_that_failed_stays_nan() -> None:
    found = lower_tail(np.array([np.nan, 20.0, 20.0]), np.array([1.0, np.nan, 0.0]))

    np.testing.assert_array_equal(found, [np.nan, np.nan, 0.5])
