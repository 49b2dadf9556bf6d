"""The likelihoods of GXIPC1's HbA1c agree with simulated patients and no likelihood."""

import pytest
from calibration.kept import cross_checked


@pytest.mark.calibration
def test_a_fit_without_likelihood_finds_the_same_effect() -> None:
    for effect in cross_checked():
        assert abs(effect.means_apart) <= 0.15
        assert abs(effect.ratio_of_sds - 1.0) <= 0.20
