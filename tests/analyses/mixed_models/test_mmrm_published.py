"""The mixed model for repeated measures against R mmrm and nlme.

R mmrm stops up to 1.5e-6 of log-likelihood below the maximum, which moves its fifth digit. So its
numbers are compared three times. At R's own covariance all of them must come out: the formulas.
From there one Newton step, with a gain in likelihood that is the whole gap between R's and ours,
must lead to our fit: the gap is what R left. And at our maximum every number is within the bars of
the comparison, or as far off as R is from the maximum.
"""

import numpy as np
import pytest
from scipy import stats
from support.dense_model import differences
from support.mmrm_readings import STRUCTURE_OF, Numbers, published, published_trial

from phase2sim.analyses.mixed_models.covariance_structures import Structure
from phase2sim.analyses.mixed_models.missing_patterns import Columns, PatternSums, pattern_sums
from phase2sim.analyses.mixed_models.mixed_model import Fitted, MixedModel, contrast_at
from phase2sim.analyses.mixed_models.mmrm import Mmrm
from phase2sim.core.arrays import Floats
from phase2sim.core.contracts import Reading

FITS = published("mmrm_fits.csv")
KEYS = [key for key in FITS if key[2] != "REML"]
SATTERTHWAITE = [key for key in KEYS if key[2].endswith("Satterthwaite")]
DF_OF = {
    "Satterthwaite": "satterthwaite",
    "Kenward-Roger-Linear": "kenward_roger",
    "Kenward-Roger": "kenward_roger_full",
}


def fit(reading: Reading, visit: int, **options: str) -> Fitted:
    month = reading.visits_months[visit]
    return Mmrm("hba1c", month, ("baseline", "stratum"), **options).fit(reading)  # type: ignore[arg-type]  # options by name


def options_of(key: tuple[str, str, str]) -> dict[str, str]:
    likelihood, df = key[2].split()
    return {
        "covariance": STRUCTURE_OF[key[1]],
        "likelihood": likelihood.lower(),
        "df": DF_OF[df],
    }


def sums_of(reading: Reading) -> PatternSums:
    covariates = np.stack([reading.baseline, (reading.stratum == 1).astype(float)])
    return pattern_sums(reading.value, reading.arm, covariates, Columns(1, 1), (0, 0))


def model_of(key: tuple[str, str, str], visit: int, visits: int) -> MixedModel:
    options = options_of(key)
    restricted = options["likelihood"] == "reml"
    return MixedModel(options["covariance"], restricted, options["df"], np.eye(visits)[visit])


def parameters_of(key: tuple[str, str, str], sums: PatternSums) -> tuple[Structure, Floats]:
    """Where R stopped."""
    fitted = FITS[key[0], key[1], f"{key[2].split()[0]} Satterthwaite"]
    visits = sums.start.shape[1]
    covariance = np.array([[[entry(fitted, a, b) for b in range(visits)] for a in range(visits)]])
    structure = Structure(STRUCTURE_OF[key[1]], visits)
    return structure, structure.start(covariance / sums.scale[0] ** 2)


def entry(fitted: Numbers, a: int, b: int) -> float:
    return fitted["NA", f"cov[{max(a, b) + 1},{min(a, b) + 1}]"]


def two_sided_p(fitted: Fitted) -> float:
    return float(2 * stats.t.sf(abs(fitted.effect[0] / fitted.se[0]), fitted.df[0]))


@pytest.mark.parametrize("key", KEYS, ids="-".join)
def test_formulas_are_those_of_r_at_its_covariance(key: tuple[str, str, str]) -> None:
    expected, reading = FITS[key], published_trial(key[0])
    sums = sums_of(reading)
    visits = len(reading.visits_months)
    _, parameters = parameters_of(key, sums)
    for visit in range(visits):
        ours = contrast_at(sums, model_of(key, visit, visits), parameters)

        place = str(visit + 1)
        if key in SATTERTHWAITE:
            assert ours.log_likelihood[0] == pytest.approx(expected["NA", "loglik"], abs=1e-8)
        assert ours.effect[0] == pytest.approx(expected[place, "est"], rel=1e-7)
        assert ours.se[0] == pytest.approx(expected[place, "se"], rel=1e-5)
        assert ours.df[0] == pytest.approx(expected[place, "df"], rel=1e-3)
        assert two_sided_p(ours) == pytest.approx(expected[place, "p_val"], abs=1e-5)


@pytest.mark.parametrize("key", SATTERTHWAITE, ids="-".join)
def test_one_step_from_where_r_stopped_is_our_maximum(key: tuple[str, str, str]) -> None:
    reading = published_trial(key[0])
    sums, visits = sums_of(reading), len(reading.visits_months)
    _, parameters = parameters_of(key, sums)
    model = model_of(key, 0, visits)

    def height(at: Floats) -> float:
        return float(contrast_at(sums, model, at[None]).log_likelihood[0])

    # A short step leaves little truncation error in the slope; a longer one keeps rounding out of
    # the curvature.
    score, _ = differences(height, parameters[0], step=1e-5)
    _, curve = differences(height, parameters[0])
    step = np.linalg.solve(-curve, score)
    promised = 0.5 * float(step @ score)

    for visit in range(visits):
        stepped = contrast_at(sums, model_of(key, visit, visits), parameters + step)
        ours = fit(reading, visit, **options_of(key))
        gap = float(ours.log_likelihood[0]) - FITS[key]["NA", "loglik"]
        assert gap == pytest.approx(promised, rel=1e-3, abs=2e-9)
        assert -1e-9 < gap < 2e-6
        assert ours.effect[0] == pytest.approx(stepped.effect[0], rel=1e-6, abs=1e-7)
        assert ours.se[0] == pytest.approx(stepped.se[0], rel=1e-7)
        assert ours.df[0] == pytest.approx(stepped.df[0], rel=1e-6)


@pytest.mark.parametrize("key", KEYS, ids="-".join)
def test_maximum_is_that_of_r(key: tuple[str, str, str]) -> None:
    expected, reading = FITS[key], published_trial(key[0])
    logliks = FITS[key[0], key[1], f"{key[2].split()[0]} Satterthwaite"]
    for visit in range(len(reading.visits_months)):
        ours = fit(reading, visit, **options_of(key))

        place = str(visit + 1)
        gap = max(float(ours.log_likelihood[0]) - logliks["NA", "loglik"], 0.0)
        # R is this many standard errors of the covariance parameters from the maximum; by Cauchy
        # and Schwarz that moves a standard error by at most this share, as df = 2 v^2 / (g'Hg).
        away = np.sqrt(2.0 * gap)
        share = away / np.sqrt(2.0 * ours.df[0])
        se, estimate = expected[place, "se"], expected[place, "est"]
        assert gap < 2e-6
        assert ours.effect[0] == pytest.approx(estimate, rel=1e-5, abs=0.05 * away * se)
        assert ours.se[0] == pytest.approx(se, rel=1e-5 + share)
        assert ours.df[0] == pytest.approx(expected[place, "df"], rel=1e-3)
        assert two_sided_p(ours) == pytest.approx(expected[place, "p_val"], abs=1e-5 + 0.01 * away)


@pytest.mark.parametrize("dataset", sorted({key[0] for key in FITS}))
def test_maximum_is_that_of_nlme(dataset: str) -> None:
    expected = FITS[dataset, "us", "REML"]["NA", "loglik"]

    ours = fit(published_trial(dataset), 0).log_likelihood[0]

    assert ours == pytest.approx(expected, abs=1e-7)
