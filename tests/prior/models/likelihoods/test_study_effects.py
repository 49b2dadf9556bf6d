"""Counts of remission, read given a study's means, agree with integration over its effects."""

from itertools import product

import numpy as np
import pymc as pm
import pytensor
import pytest
from numpy.typing import NDArray
from scipy import stats
from support.known_patients import MEAN, SD, Known, kept, known
from support.reports import arm, entry, evidence

from phase2sim.prior.models.densities.pytensor_names import pt
from phase2sim.prior.models.likelihoods.means_and_medians import JointLocations, joint_locations
from phase2sim.prior.models.likelihoods.remission_counts import remission_density
from phase2sim.prior.models.likelihoods.study_effects import StudyEffects, study_effects

type Floats = NDArray[np.float64]

N = 30
EARLY, LATE = 3.0, 12.0
LEVEL_SD, SLOPE_SD = {"hba1c": 0.5, "insulin": 0.12}, {"hba1c": 0.06, "insulin": 0.0}
HBA1C, ROOT = (8.5, 9.2), 0.78  # means of study A, the root of the dose at the early visit
COUNTS = (9, 2)  # of study A; study B has no mean, and its count at the early visit alone
NODE, WEIGHT = np.polynomial.hermite_e.hermegauss(12)
EFFECTS = ([0, 1, 2], [4, 5, 6])  # of each study: level and slope of HbA1c, level of insulin
DOSE_NODE, DOSE_WEIGHT = np.polynomial.hermite_e.hermegauss(80)


def patients(counts: tuple[int, int] = COUNTS) -> Known:
    def remission(study: str, month: float, count: int) -> object:
        return entry("count", month, count, endpoint="partial_remission", n=N, study=study)

    read = [
        *(entry("mean", m, v, n=N, study="A") for m, v in zip((EARLY, LATE), HBA1C, strict=True)),
        entry("mean", EARLY, ROOT, endpoint="insulin", on_model_scale=True, n=N, study="A"),
        *(remission("A", m, c) for m, c in zip((EARLY, LATE), counts, strict=True)),
        remission("B", EARLY, counts[0]),
    ]
    of = evidence(*read, arms=tuple(arm(study=study, age_years=12.0) for study in "AB"))
    return known(
        of,
        level_sd=[LEVEL_SD["hba1c"], LEVEL_SD["insulin"]],
        slope_sd=[SLOPE_SD["hba1c"], SLOPE_SD["insulin"]],
        driver=np.array([[1.0, -0.5], [-0.5, 1.0]]),
    )


def declared(of: Known) -> tuple[pm.Model, JointLocations, StudyEffects]:
    with pm.Model() as model:
        joint = joint_locations(of.tables.locations, of.layout, of.at, of.history)
        effects = study_effects(of.layout, of.at, of.history, (of.tables.locations, joint))
    assert effects is not None
    return model, joint, effects


def log_mean(values: Floats, weight: Floats) -> float:
    top = values.max()
    return float(top + np.log(np.sum(weight * np.exp(values - top)) / weight.sum()))


def by_the_model(of: Known) -> float:
    """Log density with the standard normals integrated out, one study after the other."""
    model, joint, effects = declared(of)
    counts = remission_density(of.tables.remissions, effects.added_to(of.at))
    density = pytensor.function(model.free_RVs, joint.density + pt.sum(counts))
    start = float(density(np.zeros(8)))
    total = -start
    for own in EFFECTS:
        nodes = list(product(range(NODE.size), repeat=3))
        values = np.empty(len(nodes))
        for row, node in enumerate(nodes):
            raw = np.zeros(8)
            raw[own] = NODE[list(node)]
            values[row] = density(raw)
        weight = np.array([np.prod(WEIGHT[list(node)]) for node in nodes])
        total += log_mean(values, weight)
    return total


def log_binomial(count: int, hba1c: Floats, root: Floats) -> Floats:
    """Log probability of a count, with the chance integrated over the root of the dose."""
    deviation = DOSE_NODE[:, None]
    limit = 9.0 - 4.0 * np.maximum(root + SD["insulin"] * deviation, 0.0) ** 2
    given = hba1c - 0.5 * SD["hba1c"] * deviation
    chance = stats.norm.cdf((limit - given) / (SD["hba1c"] * np.sqrt(1 - 0.5**2)))
    return np.asarray(stats.binom.logpmf(count, N, DOSE_WEIGHT @ chance / DOSE_WEIGHT.sum()))


def sampling_covariance() -> Floats:
    """Covariance of HbA1c at both visits and of the root of the dose at the first."""
    rho = float(kept(EARLY, LATE))
    correlation = np.array([[1, rho, -0.5], [rho, 1, -0.5 * rho], [-0.5, -0.5 * rho, 1]])
    sd = np.array([SD["hba1c"], SD["hba1c"], SD["insulin"]])
    return np.asarray(correlation * np.outer(sd, sd) / N)


def by_integration(counts: tuple[int, int]) -> float:
    """The same on a grid of level and slope, without any conditional distribution."""
    step = np.linspace(-6.0, 6.0, 81)
    level, slope, dose = (axis.ravel() for axis in np.meshgrid(step, step, step, indexing="ij"))
    weight = np.exp(-(level**2 + slope**2 + dose**2) / 2)
    early, late = (
        MEAN["hba1c"] + LEVEL_SD["hba1c"] * level + SLOPE_SD["hba1c"] * slope * month
        for month in (EARLY, LATE)
    )
    root = MEAN["insulin"] + LEVEL_SD["insulin"] * dose
    means = np.stack([early, late, root], axis=1)
    of_means = stats.multivariate_normal.logpdf(
        means - np.array([*HBA1C, ROOT]), cov=sampling_covariance()
    )
    of_counts = log_binomial(counts[0], early, root) + log_binomial(counts[1], late, root)
    of_b = log_binomial(counts[0], early, root)
    return log_mean(of_means + of_counts, weight) + log_mean(of_b, weight)


@pytest.mark.parametrize("counts", [COUNTS, (4, 0)])
def test_counts_agree_with_integration_over_level_and_slope(counts: tuple[int, int]) -> None:
    of = patients(counts)

    assert not of.layout.sampled.any()
    assert by_the_model(of) == pytest.approx(by_integration(counts), abs=2e-3)


def test_a_mean_left_out_is_compared_given_level_and_slope() -> None:
    of, raw = patients(), np.array([0.7, -1.1, 0.4, 0.0, 0.0, 0.0, 0.0, 0.0])
    model, joint, effects = declared(of)
    given = effects.given(of.tables.locations, of.at, joint).given_the_others()

    value, density = pytensor.function(model.free_RVs, [effects.value, given])(raw)

    level, slope, dose, *_ = value
    month = np.array([EARLY, LATE])
    expected = [*(MEAN["hba1c"] + level + slope * month), MEAN["insulin"] + dose]
    residual, covariance = np.array([*HBA1C, ROOT]) - expected, sampling_covariance()
    precision = np.linalg.inv(covariance)
    sd = np.diag(precision) ** -0.5  # of each mean given the others
    off = precision @ residual / np.diag(precision)
    assert density == pytest.approx(stats.norm.logpdf(off, 0.0, sd))


def test_a_study_without_means_has_its_effects_from_their_prior() -> None:
    of, raw = patients(), np.arange(8.0)
    model, _, effects = declared(of)

    (value,) = pytensor.function(model.free_RVs, [effects.value])(raw)

    assert value[4:] == pytest.approx([0.5 * 4, 0.06 * 5, 0.12 * 6, 0.0])
