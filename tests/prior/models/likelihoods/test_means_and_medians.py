"""Means and medians of the same patients vary together as in simulated samples."""

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray
from support.agreement import assert_agrees
from support.known_patients import MEAN, SD, SHARE, evaluated, kept, known
from support.reports import arm, entry, evidence

from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.evidence.reported import Evidence, Normal, ReportedNumber
from phase2sim.prior.models.likelihoods.means_and_medians import covariance

type Floats = NDArray[np.float64]

N = 10
SAMPLES = 20_000
CROSS = 0.4  # correlation of two endpoints of one patient at one visit


def read(statistic: str, name: str, month: float, **more: object) -> ReportedNumber:
    return entry(statistic, month, MEAN[name], endpoint=name, **more)


def modelled(of: Evidence, **true: ArrayLike) -> Floats:
    patients = known(of, **true)
    result = evaluated(
        covariance(patients.tables.locations, patients.layout, patients.at, patients.history)
    )
    order = np.argsort(patients.tables.locations.entry)  # as reported
    return result[np.ix_(order, order)]


def visits(of: list[tuple[str, float]], rng: np.random.Generator, n: int = N) -> Floats:
    """Values (sample, patient, visit) on the model scale: a deviation that stays, one that fades.

    Endpoints fade at one rate, so that their correlation at one visit is that of what drives them.
    """
    names, months = zip(*of, strict=True)
    alike = np.where(np.equal.outer(names, names), 1.0, CROSS)
    correlation = alike * kept(np.array(months)[:, None], months)
    sd = np.array([SD[name] for name in names])
    z = rng.standard_normal((SAMPLES, n, len(of))) @ np.linalg.cholesky(correlation).T
    return np.asarray([MEAN[name] for name in names] + sd * z)


def reported(name: str, values: Floats) -> Floats:
    """Write the values as they are reported."""
    written = {"identity": np.asarray, "log": np.exp, "log1p": np.expm1, "root": np.square}
    return np.asarray(written[ENDPOINTS[name].scale.name](values))


def assert_covaries(result: Floats, samples: Floats) -> None:
    """Check that ``result`` is the covariance of samples (sample, location), in SEs."""
    about = samples - samples.mean(axis=0)
    products = about[:, :, None] * about[:, None, :]
    assert_agrees(result, products.mean(axis=0), products.std(axis=0) / np.sqrt(len(samples)))


def test_a_median_of_one_endpoint_covaries_with_a_mean_of_another() -> None:
    rng = np.random.default_rng(1)
    hba1c, c_peptide = np.moveaxis(visits([("hba1c", 6.0), ("c_peptide", 6.0)], rng), -1, 0)
    simulated = np.column_stack(
        [
            np.median(hba1c, axis=1),
            np.expm1(c_peptide).mean(axis=1),
            c_peptide.mean(axis=1),
            np.median(c_peptide, axis=1),
        ]
    )

    result = modelled(
        evidence(
            read("median", "hba1c", 6.0),
            read("mean", "c_peptide", 6.0),
            read("mean", "c_peptide", 6.0, on_model_scale=True),
            read("median", "c_peptide", 6.0),
        ),
        driver=[[1.0, CROSS], [CROSS, 1.0]],
    )

    assert_covaries(result, simulated)
    assert result[0, 1] > 0.25 * np.sqrt(result[0, 0] * result[1, 1])  # far from independent


def test_reported_means_of_every_endpoint_covary_at_both_visits() -> None:
    of = [(name, month) for name in ENDPOINTS for month in (0.0, 6.0)]
    values = visits(of, np.random.default_rng(2))
    simulated = np.column_stack(
        [reported(name, values[..., i]).mean(axis=1) for i, (name, _) in enumerate(of)]
    )

    result = modelled(
        evidence(*(read("mean", name, month) for name, month in of)),
        driver=np.full((4, 4), CROSS) + (1 - CROSS) * np.eye(4),
    )

    assert_covaries(result, simulated)


def test_arms_do_not_share_patients() -> None:
    arms = (arm(), arm("other"))

    result = modelled(
        evidence(read("mean", "hba1c", 6.0), read("mean", "hba1c", 6.0, arm="other"), arms=arms)
    )

    np.testing.assert_allclose(result, np.eye(2) * SD["hba1c"] ** 2 / N, rtol=1e-12)


@pytest.mark.parametrize("statistic", ["mean", "median"])
def test_a_guessed_weight_moves_every_dose_of_its_arm(statistic: str) -> None:
    cv = 0.1
    rng = np.random.default_rng(3)
    values = visits([("insulin", 0.0), ("insulin", 6.0)], rng) ** 2
    of_patients = np.mean if statistic == "mean" else np.median
    doses = of_patients(values, axis=1) * (1.0 + cv * rng.standard_normal((SAMPLES, 1)))
    simulated = doses if statistic == "mean" else np.sqrt(doses)  # a median is read as its root
    entries = [read(statistic, "insulin", month, by_weight=True) for month in (0.0, 6.0)]

    result = modelled(evidence(*entries, arms=(arm(weight_kg=Normal(40.0, 40.0 * cv)),)))

    assert_covaries(result, simulated)
    without = modelled(evidence(*entries, arms=(arm(),)))
    assert np.all(result > without)


@pytest.mark.parametrize("name", [name for name in ENDPOINTS if name != "glucose"])
def test_a_studys_level_and_slope_are_integrated_out(name: str) -> None:
    months = np.array([0.0, 6.0, 12.0])
    level_sd, slope_sd = 0.3 * SD[name], 0.03 * SD[name]
    rng = np.random.default_rng(4)
    values = visits([(name, month) for month in months], rng)
    level, slope = rng.standard_normal((2, SAMPLES, 1))
    values += (level_sd * level + slope_sd * slope * months)[:, None, :]
    simulated = reported(name, values).mean(axis=1)

    result = modelled(
        evidence(*(read("mean", name, month) for month in months)),
        level_sd=[level_sd],
        slope_sd=[slope_sd],
    )

    assert_covaries(result, simulated)


def test_a_level_that_multiplies_raw_means_and_their_sds_is_sampled() -> None:
    of_logs = known(evidence(read("mean", "glucose", 6.0)))
    of_values = known(evidence(read("mean", "hba1c", 6.0)))

    assert of_logs.layout.sampled.all()
    assert not of_values.layout.sampled.any()


def test_arms_of_one_study_share_its_level_and_other_studies_do_not() -> None:
    arms = (arm(), arm("other"), arm(study="B"))
    entries = [
        read("mean", "hba1c", 6.0, study=study_arm.study, arm=study_arm.arm, se=0.2)
        for study_arm in arms
    ]

    result = modelled(evidence(*entries, arms=arms), level_sd=[0.5], slope_sd=[0.1])

    shared = 0.5**2 + (0.1 * 6.0) ** 2
    expected = np.eye(3) * 0.2**2 + shared * np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1]])
    np.testing.assert_allclose(result, expected, rtol=1e-9)


def test_a_geometric_mean_is_a_mean_of_logarithms() -> None:
    result = modelled(
        evidence(read("geometric_mean", "c_peptide", 0.0), read("geometric_mean", "c_peptide", 6.0))
    )

    rho = kept(0.0, 6.0)
    expected = SD["c_peptide"] ** 2 / N * np.array([[1.0, rho], [rho, 1.0]])
    np.testing.assert_allclose(result, expected, rtol=1e-12)


def test_visits_of_one_arm_taken_as_independent_would_be_over_confident() -> None:
    # Visits alike in correlation and spread: their level is best told by the average of the three.
    months = (0.0, 3.0, 6.0)
    result = modelled(evidence(*(read("mean", "hba1c", month) for month in months)), decay=[1e-90])

    precision = np.linalg.inv(result)
    sd_of_level = 1.0 / np.sqrt(precision.sum())
    mistaken = 1.0 / np.sqrt(np.sum(1.0 / np.diag(result)))

    of_simulated = SD["hba1c"] * np.sqrt((1.0 + 2.0 * SHARE) / (3.0 * N))
    assert sd_of_level == pytest.approx(of_simulated, rel=1e-6)
    assert sd_of_level / mistaken == pytest.approx(np.sqrt(1.0 + 2.0 * SHARE), rel=1e-6)  # 1.48
    rng = np.random.default_rng(5)
    kept, fresh = rng.standard_normal((SAMPLES, N, 1)), rng.standard_normal((SAMPLES, N, 3))
    patients = SD["hba1c"] * (np.sqrt(SHARE) * kept + np.sqrt(1 - SHARE) * fresh)
    levels = patients.mean(axis=(1, 2))
    assert_agrees(sd_of_level, levels.std(), levels.std() / np.sqrt(2 * SAMPLES))
