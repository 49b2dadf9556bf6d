"""Where an answer is known, the model gives it: large samples, and a new study after a few."""

from collections.abc import Callable
from typing import NamedTuple

import arviz as az
import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray
from scipy import integrate, stats
from support.agreement import assert_agrees
from support.known_patients import MEAN, SD, Known, evaluated, kept, known
from support.reports import arm, entry, evidence

from phase2sim.core.history_priors import PRIORS
from phase2sim.evidence.reported import REFERENCE_AGE, Evidence
from phase2sim.prior.models.fit import CompiledModel
from phase2sim.prior.models.likelihoods.means_and_medians import covariance
from phase2sim.prior.models.likelihoods.quantiles import quantile_density
from phase2sim.prior.models.likelihoods.spreads import joint_spread
from phase2sim.prior.models.unknowns.settings import Sampler

type Floats = NDArray[np.float64]

LARGE = 10_000
SCALE = SD["hba1c"]
CENTRE = PRIORS["hba1c"].first_mean[0] + PRIORS["hba1c"].mean_step[0]
SPREAD = np.hypot(PRIORS["hba1c"].first_mean[1], PRIORS["hba1c"].mean_step[1])
MONTH, KNOT = 3.0, 2  # where nothing is left of how studies differ at diagnosis
BETWEEN = PRIORS["hba1c"].level_scale
ERRORS = np.array([0.3, 0.5, 0.4])
EXAMPLES = {
    "alike": (8.0, 8.1, 7.9),
    "one apart": (7.0, 7.2, 9.5),
    "all apart": (6.0, 8.0, 10.0),
    "far from the prior": (3.0, 3.4, 2.9),
    "uncertain one apart": (7.4, 9.6, 7.6),
}
SHORT = Sampler(tune=500, draws=1500)


def spread(patients: Known) -> Floats:
    return evaluated(
        covariance(patients.tables.locations, patients.layout, patients.at, patients.history)
    )


def test_medians_of_many_patients_vary_as_normal_theory_says() -> None:
    of = evidence(*(entry("median", month, 8.0, n=LARGE) for month in (0.0, 6.0)))

    result = spread(known(of))

    rho = kept(0.0, 6.0)
    unit = np.array([[np.pi / 2, np.arcsin(rho)], [np.arcsin(rho), np.pi / 2]])
    np.testing.assert_allclose(result, SCALE**2 * unit / LARGE, rtol=1e-3)


def test_quartiles_of_many_patients_are_jointly_normal() -> None:
    z = stats.norm.ppf([0.25, 0.75])
    error = 0.01 * SCALE  # of the order of the standard error
    bounds = MEAN["hba1c"] + SCALE * z + np.array([error, -0.5 * error])
    of = known(evidence(entry("quartiles", bounds=tuple(bounds), n=LARGE)))

    result = evaluated(quantile_density(of.tables.quantiles, of.tables.locations, None, of.at))

    chances = np.array([[0.25 * 0.75, 0.25 * 0.25], [0.25 * 0.25, 0.25 * 0.75]])
    density = stats.norm.pdf(z) / SCALE
    asymptotic = chances / np.outer(density, density) / LARGE
    expected = stats.multivariate_normal(MEAN["hba1c"] + SCALE * z, asymptotic).logpdf(bounds)
    assert result == pytest.approx(expected, abs=0.05)  # on the log; falls as the root of 1 / n


def test_sds_of_many_patients_are_normal() -> None:
    reported = SCALE * (1 + 1 / np.sqrt(2 * LARGE))
    of = known(evidence(entry("sd", value=reported, n=LARGE)))

    result = evaluated(joint_spread(of.tables.spreads, of.at).density)

    expected = stats.norm.logpdf(reported, SCALE, SCALE / np.sqrt(2 * LARGE))
    assert result == pytest.approx(expected, abs=0.02)


class New(NamedTuple):
    """Mean at month 3 of the control arm of a new study."""

    mean: float
    variance: float
    below: Callable[[float], float]  # chance that it lies below


def reported(means: tuple[float, ...]) -> Evidence:
    """One mean at month 3 from each of three studies of patients of the reference age."""
    names = "ABC"
    read = [
        entry("mean", MONTH, mean, se=float(error), study=study)
        for study, mean, error in zip(names, means, ERRORS, strict=True)
    ]
    return evidence(*read, arms=tuple(arm(study=study, age_years=REFERENCE_AGE) for study in names))


def by_quadrature(means: tuple[float, ...]) -> New:
    """Meta-analytic prediction: normal given the SD between studies, that SD by quadrature."""
    reported_mean = np.array(means)

    def given(between: float) -> tuple[float, float, float]:
        together = np.diag(ERRORS**2 + between**2) + SPREAD**2
        weight = stats.multivariate_normal(np.full(3, CENTRE), together).pdf(reported_mean)
        precision = np.append(1 / (ERRORS**2 + between**2), SPREAD**-2)
        centre = precision @ np.append(reported_mean, CENTRE) / precision.sum()
        prior_weight = float(weight * stats.halfnorm.pdf(between, scale=BETWEEN))
        return prior_weight, float(centre), float(1 / precision.sum() + between**2)

    def average(of: Callable[[float, float], float]) -> float:
        def part(between: float) -> float:
            weight, centre, variance = given(between)
            return weight * of(centre, variance)

        return float(integrate.quad(part, 0.0, 10 * BETWEEN, epsabs=1e-14, epsrel=1e-8)[0])

    total = average(lambda _centre, _variance: 1.0)
    mean = average(lambda centre, _variance: centre) / total
    square = average(lambda centre, variance: (centre - mean) ** 2 + variance) / total

    def below(value: float) -> float:
        normal = stats.norm.cdf
        chance = average(lambda m, v: float(normal(value, m, np.sqrt(v))))
        return chance / total

    return New(mean, square, below)


@pytest.fixture(scope="session")
def three_studies() -> CompiledModel:
    return CompiledModel.of(reported(EXAMPLES["alike"]))


@pytest.mark.parametrize("example", EXAMPLES)
def test_a_new_study_is_predicted_as_by_quadrature(
    three_studies: CompiledModel, example: str
) -> None:
    exact = by_quadrature(EXAMPLES[example])
    at = exact.mean + np.sqrt(exact.variance) * np.array([-1.3, 0.0, 1.3])

    posterior = three_studies.sample(reported(EXAMPLES[example]), 20261124, SHORT)["posterior"]

    mean, between = posterior["history"][..., 0, KNOT], posterior["level_sd"][..., 0]
    # Given a draw the new study is normal, so that each draw gives a chance and not one value.
    chances = {
        f"below {value:.2f}": (mean.dims, stats.norm.cdf(value, mean, between)) for value in at
    }
    quantities = xr.Dataset(
        {"mean": mean.drop_vars(list(mean.coords))}
        | {"variance": (mean.dims, ((mean - exact.mean) ** 2 + between**2).values)}
        | chances
    )
    error = az.mcse(quantities, method="mean")
    expected = [exact.mean, exact.variance, *map(exact.below, at)]
    for (name, values), known_value in zip(quantities.items(), expected, strict=True):
        assert_agrees(float(values.mean()), known_value, float(error[name]))
