"""What is sampled in place of curves and of SDs between studies has the stated prior."""

import numpy as np
import pymc as pm
import pytest
from scipy import stats

from phase2sim.prior.models.densities.pytensor_names import function
from phase2sim.prior.models.unknowns.natural_history import half_normal, walk_factor

STEP = np.array([2.0, 1.5, 0.4, 0.6, 0.9, 0.9])


def test_a_curve_walked_from_month_12_has_the_covariance_of_the_walk_from_diagnosis() -> None:
    factor = walk_factor(np.tri(6) * STEP)

    variance = np.cumsum(STEP**2)  # of a random walk; its covariance is that of the earlier knot
    first, second = np.indices((6, 6))
    np.testing.assert_allclose(factor @ factor.T, variance[np.minimum(first, second)])
    assert factor[3] == pytest.approx([np.sqrt(variance[3]), 0, 0, 0, 0, 0])


def test_an_sd_is_the_quantile_of_a_half_normal() -> None:
    with pm.Model() as model:
        half_normal("tau", [0.5, 0.03])
    sd_of = function([model["tau_raw"]], model["tau"])

    for z in np.array([[-3.0, -1.0], [0.0, 0.7], [2.0, 5.0]]):
        expected = stats.halfnorm.isf(stats.norm.sf(z), scale=[0.5, 0.03])
        np.testing.assert_allclose(sd_of(z), expected, rtol=1e-9)
