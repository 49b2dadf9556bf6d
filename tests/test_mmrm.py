"""The mixed model for repeated measures against R mmrm and nlme, and what must hold for any data.

R mmrm stops up to 1.5e-6 of log-likelihood below the maximum, which moves its covariance in the
fourth digit. So its numbers are compared twice: tightly at R's own covariance (the formulas), and
at our maximum, which must not be lower (the fit).
"""

import warnings
from collections import defaultdict
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from readings import rows_of
from scipy import stats

from phase2sim.analyses.covariance_structures import STRUCTURES
from phase2sim.analyses.missing_patterns import pattern_sums
from phase2sim.analyses.mixed_model import Fitted
from phase2sim.analyses.mmrm import Mmrm
from phase2sim.analyses.repeated_measures import contrast, likelihood
from phase2sim.contracts import COLLINEAR, EMPTY_ARM, NO_VARIATION, TOO_FEW, Reading

BOTH = ("baseline", "stratum")
STRUCTURE_OF = {
    "us": "unstructured",
    "cs": "compound_symmetry",
    "csh": "heterogeneous_compound_symmetry",
    "ar1": "ar1",
    "ar1h": "heterogeneous_ar1",
    "toep": "toeplitz",
}
PER_PATIENT = ("arm", "baseline", "value", "age_years", "stratum")


def published() -> dict[tuple[str, str, str], dict[tuple[str, str], float]]:
    fits: dict[tuple[str, str, str], dict[tuple[str, str], float]] = defaultdict(dict)
    for row in rows_of("mmrm_fits.csv"):
        key = (row["dataset"], row["structure"], row["method"])
        fits[key][row["visit"], row["quantity"]] = float(row["value"])
    return fits


PUBLISHED = published()
SATTERTHWAITE = [key for key in PUBLISHED if key[2].endswith("Satterthwaite")]
KENWARD_ROGER = [key for key in PUBLISHED if key[2].endswith("Linear")]


@cache
def published_trial(dataset: str) -> Reading:
    rows = rows_of(f"mmrm/{dataset}.csv")
    ids = list(dict.fromkeys(row["id"] for row in rows))
    months = sorted({float(row["months"]) for row in rows})
    value = np.full((1, len(months), len(ids)), np.nan)
    column = {key: np.zeros((1, len(ids))) for key in ("arm", "base", "stratum")}
    for row in rows:
        i = ids.index(row["id"])
        value[0, months.index(float(row["months"])), i] = float(row["y"])
        for key, numbers in column.items():
            numbers[0, i] = float(row[key])
    return Reading(
        column["arm"].astype(np.int8),
        column["base"],
        value,
        tuple(months),
        np.full((1, len(ids)), 12.0),
        column["stratum"].astype(np.int64),
    )


def fit(reading: Reading, visit: int, **options: str) -> Fitted:
    return Mmrm("hba1c", reading.visits_months[visit], BOTH, **options).fit(reading)  # type: ignore[arg-type]  # options by name


def drawn(seed: int, trials: int, patients: int, dropout: float) -> Reading:
    rng = np.random.default_rng(seed)
    shape = (trials, patients)
    arm = (rng.random(shape).argsort(axis=1) < patients // 2).astype(np.int8)
    baseline, own = rng.normal(8.0, 1.0, shape), rng.normal(0.0, 0.6, shape)
    noise = rng.normal(0.0, 0.6, (trials, 3, patients))
    value = (0.5 * baseline + own - 0.3 * arm)[:, None] + noise
    last = rng.random(shape)
    for visit in (1, 2):
        value[:, visit][last < dropout * visit / 2] = np.nan
    age = rng.uniform(8.0, 18.0, shape)
    return Reading(arm, baseline, value, (3.0, 6.0, 12.0), age, rng.integers(0, 3, shape))


@pytest.mark.parametrize("key", SATTERTHWAITE, ids="-".join)
def test_maximum_is_that_of_r(key: tuple[str, str, str]) -> None:
    dataset, structure, method = key
    expected, reading = PUBLISHED[key], published_trial(dataset)
    for visit in range(len(reading.visits_months)):
        ours = fit(
            reading, visit, covariance=STRUCTURE_OF[structure], likelihood=method.split()[0].lower()
        )

        above = float(ours.log_likelihood[0]) - expected["NA", "loglik"]
        place = str(visit + 1)
        se = expected[place, "se"]
        assert -1e-9 < above < 2e-6
        # The distance to a maximum goes with the root of the height: 6e-5 of a parameter's SE.
        assert ours.effect[0] == pytest.approx(expected[place, "est"], abs=6e-5 * se)
        assert ours.se[0] == pytest.approx(se, rel=1e-4)
        assert ours.df[0] == pytest.approx(expected[place, "df"], rel=1e-3)
        p = 2 * stats.t.sf(abs(ours.effect[0] / ours.se[0]), ours.df[0])
        assert p == pytest.approx(expected[place, "p_val"], abs=2e-5)


@pytest.mark.parametrize("dataset", sorted({key[0] for key in PUBLISHED}))
def test_maximum_is_that_of_nlme(dataset: str) -> None:
    expected = PUBLISHED[dataset, "us", "REML"]["NA", "loglik"]

    ours = fit(published_trial(dataset), 0).log_likelihood[0]

    assert ours == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("key", SATTERTHWAITE, ids="-".join)
def test_formulas_are_those_of_r_at_its_covariance(key: tuple[str, str, str]) -> None:
    expected, reading = PUBLISHED[key], published_trial(key[0])
    visits = len(reading.visits_months)
    covariates = np.stack([reading.baseline, (reading.stratum == 1).astype(float)])
    asked, reml = np.ones(1, np.bool_), key[2].startswith("REML")
    for visit in range(visits):
        sums = pattern_sums(reading.value, reading.arm, covariates, 1, visit)
        r = np.array([[[_entry(expected, a, b) for b in range(visits)] for a in range(visits)]])
        scaled = r / sums.scale[0] ** 2

        value = likelihood(sums, scaled, asked, reml).value[0]
        here = contrast(sums, scaled, asked, reml, visit)

        place = str(visit + 1)
        assert value == pytest.approx(expected["NA", "loglik"], abs=1e-8)
        assert here.effect[0] == pytest.approx(expected[place, "est"], rel=1e-7)
        assert np.sqrt(here.variance[0]) == pytest.approx(expected[place, "se"], rel=1e-8)


@pytest.mark.parametrize("key", KENWARD_ROGER, ids="-".join)
def test_kenward_roger_is_that_of_r(key: tuple[str, str, str]) -> None:
    expected, reading = PUBLISHED[key], published_trial(key[0])
    for visit in range(len(reading.visits_months)):
        ours = fit(reading, visit, df="kenward_roger")

        assert ours.se[0] == pytest.approx(expected[str(visit + 1), "se"], rel=1e-4)
        assert ours.df[0] == pytest.approx(expected[str(visit + 1), "df"], rel=1e-3)


def test_complete_data_are_least_squares_at_each_visit() -> None:
    reading = drawn(seed=1, trials=20, patients=24, dropout=0.0)

    ours = Mmrm("hba1c", 12.0).fit(reading)

    for trial in range(20):
        columns = [np.ones(24), reading.arm[trial], reading.baseline[trial]]
        x, y = np.stack(columns, axis=1).astype(float), reading.value[trial, 2]
        beta, rss = np.linalg.lstsq(x, y)[:2]
        se = np.sqrt(rss[0] / 21 * np.linalg.inv(x.T @ x)[1, 1])
        assert ours.effect[trial] == pytest.approx(beta[1], rel=1e-6)
        assert ours.se[trial] == pytest.approx(se, rel=1e-6)
        assert ours.df[trial] == pytest.approx(21, rel=1e-6)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_a_batch_is_its_trials_one_by_one(structure: str) -> None:
    reading = drawn(seed=2, trials=6, patients=40, dropout=0.2)
    analysis = Mmrm("hba1c", 12.0, ("baseline", "age", "stratum"), structure)

    batch = analysis.estimate(reading)

    assert not batch.failed.any()
    for trial in range(6):
        one = {name: getattr(reading, name)[trial : trial + 1] for name in PER_PATIENT}
        alone = analysis.estimate(replace(reading, **one))
        assert alone.effect[0] == pytest.approx(batch.effect[trial], rel=1e-9)
        assert alone.p[0] == pytest.approx(batch.p[trial], rel=1e-9)


def test_swapped_arms_flip_the_sign() -> None:
    reading = drawn(seed=3, trials=10, patients=40, dropout=0.2)
    analysis = Mmrm("hba1c", 12.0)

    result, swapped = (
        analysis.estimate(r) for r in (reading, replace(reading, arm=1 - reading.arm))
    )

    np.testing.assert_allclose(swapped.effect, -result.effect, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(swapped.se, result.se, rtol=1e-6)
    np.testing.assert_allclose(swapped.p, 1 - result.p, rtol=1e-5)


def test_outcome_may_be_shifted_and_scaled() -> None:
    reading = drawn(seed=4, trials=10, patients=40, dropout=0.2)
    analysis = Mmrm("hba1c", 12.0)

    result = analysis.estimate(reading)
    moved = analysis.estimate(replace(reading, value=(reading.value + 1e4) * 100.0))

    np.testing.assert_allclose(moved.effect, 100.0 * result.effect, rtol=1e-6)
    np.testing.assert_allclose(moved.df, result.df, rtol=1e-6)


def test_a_visit_nobody_attended_changes_nothing() -> None:
    reading = drawn(seed=5, trials=10, patients=40, dropout=0.2)
    value = np.insert(reading.value, 1, np.nan, axis=1)
    more = replace(reading, value=value, visits_months=(3.0, 4.0, 6.0, 12.0))
    analysis = Mmrm("hba1c", 12.0)

    result, padded = analysis.estimate(reading), analysis.estimate(more)

    np.testing.assert_allclose(padded.effect, result.effect, rtol=1e-5)
    np.testing.assert_allclose(padded.df, result.df, rtol=1e-5)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_few_patients_with_many_gaps_are_answered_or_counted(structure: str) -> None:
    reading = drawn(seed=7, trials=200, patients=16, dropout=0.4)
    gaps = np.random.default_rng(8).random(reading.value.shape) < 0.2
    reading = replace(reading, value=np.where(gaps, np.nan, reading.value))
    with warnings.catch_warnings():
        warnings.simplefilter("error")

        result = Mmrm("hba1c", 12.0, ("baseline", "age"), structure).estimate(reading)

    answered = ~result.failed
    assert answered.any()
    assert (np.isfinite(result.p) == answered).all()
    assert (result.se[answered] > 0.0).all()


BROKEN = {
    "nobody seen": ("value", np.full((3, 12), np.nan), EMPTY_ARM),
    "one arm seen": ("arm", np.ones(12, np.int8), EMPTY_ARM),
    "constant outcome": ("value", np.full((3, 12), 7.7), NO_VARIATION),
    "constant baseline": ("baseline", np.full(12, 8.1), COLLINEAR),
    "three patients": ("baseline", np.r_[8.1, 7.9, 8.4, np.full(9, np.nan)], TOO_FEW),
}


@pytest.mark.parametrize(("field", "broken", "reason"), BROKEN.values(), ids=BROKEN.keys())
def test_a_trial_it_cannot_answer_is_counted(field: str, broken: np.ndarray, reason: int) -> None:
    reading = drawn(seed=6, trials=3, patients=12, dropout=0.0)
    arm = np.tile(np.array([0, 1], np.int8), (3, 6))
    changed = getattr(reading, field).copy() if field != "arm" else arm.copy()
    changed[1] = broken
    with warnings.catch_warnings():
        warnings.simplefilter("error")

        result = Mmrm("hba1c", 12.0).estimate(replace(reading, **({"arm": arm} | {field: changed})))

    assert result.reason.tolist() == [0, reason, 0]
    assert np.isnan([result.effect[1], result.se[1], result.df[1], result.p[1]]).all()


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"covariance": "banded"}, "covariance is 'banded'"),
        ({"likelihood": "gls"}, "likelihood is 'gls'"),
        ({"df": "kenward_roger", "likelihood": "ml"}, "df is 'kenward_roger'"),
    ],
)
def test_an_option_that_does_not_fit_is_named(options: dict[str, str], part: str) -> None:
    with pytest.raises(ValueError, match=part):
        Mmrm("hba1c", 12.0, **options)  # type: ignore[arg-type]  # what the test is about


def _entry(expected: dict[tuple[str, str], float], a: int, b: int) -> float:
    return expected["NA", f"cov[{max(a, b) + 1},{min(a, b) + 1}]"]
