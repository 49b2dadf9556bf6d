"""Data sets with gaps, slopes by visit, averages over visits: against nlme, glmmTMB, and by hand.

nlme and glmmTMB were asked for as close a maximum as they can find, and nlme gets there: nothing
has to be allowed for. What they do not give, Satterthwaite's degrees of freedom, is checked against
a likelihood written patient by patient, differentiated by differences.
"""

from pathlib import Path

import numpy as np
import pytest
from support.commands import printed
from support.dense_model import dense, differences
from support.mmrm_readings import SCENARIO, STRUCTURE_OF, published, published_trial

from phase2sim.analyses.mixed_models.missing_patterns import Columns, pattern_sums
from phase2sim.analyses.mixed_models.mixed_model import Fitted
from phase2sim.analyses.mixed_models.mmrm import Mmrm
from phase2sim.core.arrays import Floats
from phase2sim.core.contracts import Reading

FITS = published("mmrm_more.csv")
COVARIATES = ("baseline", "age", "stratum")
BY_VISIT = ("baseline", "age")
# Of log-likelihood, of an effect in its standard errors, and of the standard error.
NLME = (1e-7, 1e-5, 1e-5)
# glmmTMB adds a residual variance of 1.5e-8 and integrates the coefficients out numerically.
GLMMTMB = (2e-5, 2e-4, np.nan)


def fit(reading: Reading, place: str, structure: str, likelihood: str) -> Fitted:
    """At one visit, or averaged over all but the first."""
    months = reading.visits_months
    month = months[-1] if place == "average" else months[int(place) - 1]
    return Mmrm(
        "hba1c",
        month,
        COVARIATES,
        BY_VISIT,
        months[1] if place == "average" else None,
        covariance=STRUCTURE_OF[structure],
        likelihood=likelihood.lower(),  # type: ignore[arg-type]  # as published
    ).fit(reading)


@pytest.mark.parametrize("key", FITS, ids="-".join)
def test_maximum_is_that_of_nlme_and_glmmtmb(key: tuple[str, str, str]) -> None:
    dataset, structure, method = key
    reading = published_trial(dataset)
    height, shift, share = GLMMTMB if structure == "toeph" else NLME
    for (place, quantity), expected in FITS[key].items():
        ours = fit(reading, "1" if place == "NA" else place, structure, method)

        if quantity == "loglik":
            assert ours.log_likelihood[0] == pytest.approx(expected, abs=height)
        elif quantity == "est":
            assert ours.effect[0] == pytest.approx(expected, abs=shift * ours.se[0])
        else:
            assert ours.se[0] == pytest.approx(expected, rel=share)


def toeplitz(parameters: Floats) -> Floats:
    """Heterogeneous Toeplitz: logarithms of the SDs, then a correlation for each lag."""
    visits = (parameters.size + 1) // 2
    sd, rho = np.exp(parameters[:visits]), np.r_[1.0, parameters[visits:]]
    lag = np.abs(np.subtract.outer(np.arange(visits), np.arange(visits)))
    covariance: Floats = sd[:, None] * sd * rho[lag]
    return covariance


@pytest.mark.parametrize("place", ["3", "average"])
def test_precision_is_that_of_the_model_patient_by_patient(place: str) -> None:
    reading = published_trial("s03")

    ours = fit(reading, place, "toeph", "reml")

    sd = np.sqrt(np.diag(ours.covariance[0]))
    correlation = ours.covariance[0] / (sd[:, None] * sd)
    at = np.r_[np.log(sd), correlation[1:, 0]]
    arms = np.zeros(13)
    arms[[9] if place == "3" else [5, 9]] = 1.0 if place == "3" else 0.5
    height, beta, spread = dense(reading, toeplitz(at))
    slope, curve = differences(lambda theta: dense(reading, toeplitz(theta))[0], at)
    gradient, _ = differences(lambda theta: arms @ dense(reading, toeplitz(theta))[2] @ arms, at)
    variance = arms @ spread @ arms
    assert ours.log_likelihood[0] == pytest.approx(height, abs=1e-9)
    assert ours.effect[0] == pytest.approx(arms @ beta, rel=1e-8)
    assert ours.se[0] == pytest.approx(np.sqrt(variance), rel=1e-8)
    df = 2 * variance**2 / (gradient @ np.linalg.inv(-curve) @ gradient)
    assert ours.df[0] == pytest.approx(df, rel=1e-4)
    assert (
        slope @ np.linalg.inv(-curve) @ slope < 1e-9
    )  # twice what the likelihood could still gain


@pytest.mark.parametrize("structure", ["us", "cs", "csh", "ar1", "ar1h"])
def test_analyse_reaches_it_from_a_scenario_and_a_file(structure: str, tmp_path: Path) -> None:
    path = tmp_path / "scenario.toml"
    path.write_text(SCENARIO.replace("COVARIANCE", STRUCTURE_OF[structure]), encoding="utf-8")
    data = Path(__file__).parents[2] / "published" / "mmrm" / "s01.csv"
    expected = FITS["s01", structure, "REML"]

    found = printed("analyse", path, data)["findings"][0]

    assert found["failed"] == found["fallback"] == ""
    se = expected["average", "se"]
    assert found["effect"] == pytest.approx(expected["average", "est"], abs=1e-5 * se)
    assert found["se"] == pytest.approx(se, rel=1e-5)


@pytest.mark.parametrize(
    "covariance", ["toeplitz", "heterogeneous_toeplitz", "heterogeneous_ar1", "unstructured"]
)
@pytest.mark.parametrize("df", ["kenward_roger", "kenward_roger_full"])
def test_a_scenario_may_name_it(covariance: str, df: str, tmp_path: Path) -> None:
    path = tmp_path / "scenario.toml"
    path.write_text(SCENARIO.replace("COVARIANCE", covariance), encoding="utf-8")

    run = printed("run", path, "--set", f"analysis.1.df={df}", "--trials", "20")

    rows = {(row["name"], row["truth"]): row for row in run["operating_characteristics"]}
    assert rows["power", "target"]["used"] == 20
    # Averaging over visits, the estimate is unbiased for the average of the true effects.
    bias = rows["bias", "target"]
    assert abs(bias["estimate"]) < 4.5 * bias["mcse"]


def test_patients_who_differ_at_a_late_visit_alone_have_patterns_of_their_own() -> None:
    visits = 100
    value = np.zeros((1, visits, visits + 1))
    value[0, np.arange(visits), np.arange(visits)] = np.nan

    sums = pattern_sums(
        value, np.zeros((1, visits + 1), np.int8), np.zeros((0, 1, visits + 1)), Columns(0, 0),
        (0, 0),
    )  # fmt: skip

    assert sums.is_seen.shape[1] == visits + 1
    assert (sums.patients == 1.0).all()
