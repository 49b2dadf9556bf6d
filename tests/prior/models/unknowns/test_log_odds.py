"""Moments of values between two limits, whose log odds are normal."""

import numpy as np
import pytensor
import pytest
from scipy import integrate, special, stats

from phase2sim.core.arithmetic_moments import model_moments
from phase2sim.core.arrays import Floats
from phase2sim.core.endpoints import Conversion, Endpoint
from phase2sim.core.model_scales import Logit
from phase2sim.prior.models.densities.pytensor_names import Tensor, pt
from phase2sim.prior.models.unknowns.scales import (
    Scales,
    log_of_raw,
    raw_covariance,
    raw_kurtosis,
    raw_mean,
    raw_slope,
)

LOW, HIGH = 10.0, 90.0
MOMENTS = [(0.3, 0.5), (-1.2, 1.0), (2.0, 0.8)]  # mean and SD of the log odds
ONE, NONE = np.ones(1), np.zeros(1)
SCALE = Scales(NONE, NONE, NONE, NONE, ONE, LOW * ONE, HIGH * ONE)


def evaluated(expression: Tensor) -> float:
    mode = pytensor.compile.Mode(linker="py", optimizer=None)
    return float(np.asarray(pytensor.function([], expression, mode=mode)())[0])


def values(mean: float, sd: float, z: Floats | float) -> Floats:
    return np.asarray(LOW + (HIGH - LOW) * special.expit(mean + sd * np.asarray(z)))


def expectation(mean: float, sd: float, power: int, about: float = 0.0) -> float:
    def part(z: float) -> float:
        return float((values(mean, sd, z) - about) ** power * stats.norm.pdf(z))

    return float(integrate.quad(part, -10, 10, epsabs=1e-12)[0])


@pytest.mark.parametrize(("mean", "sd"), MOMENTS)
def test_mean_slope_variance_and_kurtosis_are_those_by_integration(mean: float, sd: float) -> None:
    m, s = pt.as_tensor([mean]), pt.as_tensor([sd])
    slope = raw_slope(SCALE, m, s)

    centre = expectation(mean, sd, 1)
    variance = expectation(mean, sd, 2, centre)
    with_latent = integrate.quad(
        lambda z: float(z * values(mean, sd, z) * stats.norm.pdf(z)), -10, 10
    )[0]

    assert evaluated(raw_mean(SCALE, m, s)) == pytest.approx(centre, rel=1e-9)
    assert evaluated(slope) == pytest.approx(with_latent / sd, rel=1e-7)
    covariance = raw_covariance(SCALE, ONE, slope**2, s**2, mean=(m, m), sd=(s, s))
    assert evaluated(covariance) == pytest.approx(variance, rel=1e-4)
    fourth = expectation(mean, sd, 4, centre)
    assert evaluated(raw_kurtosis(SCALE, m, s)) == pytest.approx(fourth / variance**2, rel=1e-6)


@pytest.mark.parametrize("rho", [-0.4, 0.3, 0.9])
def test_covariance_of_two_visits_is_that_by_integration(rho: float) -> None:
    (first, first_sd), (second, second_sd) = MOMENTS[0], MOMENTS[1]
    m = [pt.as_tensor([value]) for value in (first, second)]
    s = [pt.as_tensor([value]) for value in (first_sd, second_sd)]
    slopes = raw_slope(SCALE, m[0], s[0]) * raw_slope(SCALE, m[1], s[1])
    latent = rho * first_sd * second_sd

    result = evaluated(
        raw_covariance(SCALE, ONE, slopes, latent * pt.ones(1), mean=(m[0], m[1]), sd=(s[0], s[1]))
    )

    node, weight = np.polynomial.hermite_e.hermegauss(60)
    weight = np.outer(weight, weight) / weight.sum() ** 2
    beside = rho * node[:, None] + np.sqrt(1 - rho**2) * node
    x, y = values(first, first_sd, node)[:, None], values(second, second_sd, beside)
    centres = expectation(first, first_sd, 1), expectation(second, second_sd, 1)
    expected = float(np.sum(weight * (x - centres[0]) * (y - centres[1])))
    assert result == pytest.approx(expected, rel=1e-5)


def test_log_of_the_median_and_its_slope() -> None:
    value, slope = log_of_raw(SCALE, pt.as_tensor([0.7]))
    step = 1e-6

    def exact(at: float) -> float:
        return float(np.log(LOW + (HIGH - LOW) * special.expit(at)))

    assert evaluated(value) == pytest.approx(exact(0.7))
    quotient = (exact(0.7 + step) - exact(0.7 - step)) / (2 * step)
    assert evaluated(slope) == pytest.approx(quotient, rel=1e-8)


@pytest.mark.parametrize(("mean", "sd"), MOMENTS)
def test_arithmetic_moments_are_inverted(mean: float, sd: float) -> None:
    in_range = Endpoint(
        name="time_in_range", label="time in range", unit="%", units={"%": Conversion()},
        scale=Logit(LOW, HIGH), lower_is_better=False, plausible=(11.0, 89.0),
        largest_effect=2.0, usual_effect=1.0, usual_sd=(0.01, 3.0),
    )  # fmt: skip
    centre = expectation(mean, sd, 1)
    spread = np.sqrt(expectation(mean, sd, 2, centre))

    assert model_moments(in_range, centre, spread) == pytest.approx((mean, sd), rel=1e-6)


def test_values_that_vary_more_than_the_limits_allow_are_refused() -> None:
    in_range = Endpoint(
        name="time_in_range", label="time in range", unit="%", units={"%": Conversion()},
        scale=Logit(0.0, 100.0), lower_is_better=False, plausible=(1.0, 99.0),
        largest_effect=2.0, usual_effect=1.0, usual_sd=(0.01, 3.0),
    )  # fmt: skip

    with pytest.raises(ValueError, match="between 0 and 100"):
        model_moments(in_range, 50.0, 51.0)
