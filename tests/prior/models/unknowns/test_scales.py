"""Moments on the reported scale are those of the distribution that the model scale implies."""

import numpy as np
import pytensor
import pytest
from scipy import integrate, stats

from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.prior.models.densities.pytensor_names import Tensor, pt
from phase2sim.prior.models.unknowns.scales import (
    Scales,
    log_of_raw,
    raw_covariance,
    raw_kurtosis,
    raw_mean,
    raw_slope,
    scales_of,
)

MEAN = {"hba1c": 7.5, "c_peptide": 0.5, "insulin": 0.7, "glucose": 2.0}
SD = {"hba1c": 1.2, "c_peptide": 0.4, "insulin": 0.15, "glucose": 0.3}


def evaluated(expression: Tensor) -> float:
    mode = pytensor.compile.Mode(linker="py", optimizer=None)
    return float(np.asarray(pytensor.function([], expression, mode=mode)())[0])


def known(name: str) -> tuple[Scales, Tensor, Tensor]:
    return scales_of([name]), pt.as_tensor([MEAN[name]]), pt.as_tensor([SD[name]])


def untruncated(name: str, z: float) -> float:
    """Reported value at a model scale value; a root is squared whatever its sign."""
    value = MEAN[name] + SD[name] * z
    return value**2 if name == "insulin" else ENDPOINTS[name].from_model(value)


def moment(name: str, power: int, about: float = 0.0) -> float:
    def part(z: float) -> float:
        return (untruncated(name, z) - about) ** power * float(stats.norm.pdf(z))

    return float(integrate.quad(part, -9, 9, epsabs=1e-13)[0])


@pytest.mark.parametrize("name", ENDPOINTS)
def test_mean_variance_and_kurtosis_are_those_by_integration(name: str) -> None:
    scale, mean, sd = known(name)
    slope = raw_slope(scale, mean, sd)

    result = [
        evaluated(raw_mean(scale, mean, sd)),
        evaluated(
            raw_covariance(scale, np.ones(1), slope**2, sd**2, mean=(mean, mean), sd=(sd, sd))
        ),
        evaluated(raw_kurtosis(scale, mean, sd)),
    ]

    centre = moment(name, 1)
    variance = moment(name, 2, centre)
    kurtosis = moment(name, 4, centre) / variance**2
    assert result == pytest.approx([centre, variance, kurtosis], rel=1e-8)


@pytest.mark.parametrize("name", ENDPOINTS)
def test_the_slope_is_the_covariance_with_the_model_scale(name: str) -> None:
    scale, mean, sd = known(name)

    result = evaluated(raw_slope(scale, mean, sd)) * SD[name]

    def part(z: float) -> float:
        return z * untruncated(name, z) * float(stats.norm.pdf(z))

    assert result == pytest.approx(integrate.quad(part, -9, 9)[0], rel=1e-8)


@pytest.mark.parametrize("name", ENDPOINTS)
def test_the_log_of_a_median_and_its_slope(name: str) -> None:
    scale, mean, _ = known(name)

    value, slope = log_of_raw(scale, mean)

    def exact(at: float) -> float:
        return float(np.log(ENDPOINTS[name].from_model(at)))

    step = 1e-6
    quotient = (exact(MEAN[name] + step) - exact(MEAN[name] - step)) / (2 * step)
    assert evaluated(value) == pytest.approx(exact(MEAN[name]), rel=1e-12)
    assert evaluated(slope) == pytest.approx(quotient, rel=1e-8)


def test_doses_of_zero_hardly_move_a_mean_dose() -> None:
    def part(z: float) -> float:
        value = ENDPOINTS["insulin"].from_model(0.45 + 0.15 * z)
        return value * float(stats.norm.pdf(z))

    truncated = integrate.quad(part, -9, 9)[0]
    assert truncated == pytest.approx(0.45**2 + 0.15**2, rel=1e-4)  # three SDs above 0
