"""Imputed trials against closed forms, the likelihood of the mixed model, and mice's pooling."""

from dataclasses import replace

import numpy as np
import pytest
from support.agreement import assert_agrees
from support.mmrm_readings import drawn

from phase2sim.analyses.imputation.conditional_mean_imputation import ConditionalMeanImputation
from phase2sim.analyses.imputation.imputing_analysis import IMPUTATION_STRATEGIES
from phase2sim.analyses.imputation.multiple_imputation import MultipleImputation, rubin
from phase2sim.analyses.mixed_models.mmrm import Mmrm
from phase2sim.core.contracts import COLLINEAR, EMPTY_ARM, TOO_FEW, Reading

PER_PATIENT = ("arm", "baseline", "value", "age_years", "stratum")
every_strategy = pytest.mark.parametrize("strategy", IMPUTATION_STRATEGIES)


def of_patients(reading: Reading, kept: np.ndarray) -> Reading:
    return replace(reading, **{name: getattr(reading, name)[..., kept] for name in PER_PATIENT})


def of_trials(reading: Reading, trials: slice) -> Reading:
    fields = {name: getattr(reading, name)[trials] for name in PER_PATIENT}
    return replace(reading, first=reading.first + trials.start, **fields)


def with_gaps(reading: Reading, share: float) -> Reading:
    missed = np.random.default_rng(9).random(reading.value.shape) < share
    return replace(reading, value=np.where(missed, np.nan, reading.value))


@pytest.mark.parametrize("gaps", [0.0, 0.1])
def test_conditional_means_at_random_give_the_mixed_models_effect(gaps: float) -> None:
    # The likelihood's own equations say that the imputed residuals are orthogonal to the arms.
    reading = with_gaps(drawn(seed=41, trials=20, patients=60, dropout=0.3), gaps)

    imputed = ConditionalMeanImputation("hba1c", 12.0).estimate(reading)

    likelihood = Mmrm("hba1c", 12.0, likelihood="ml").fit(reading)
    np.testing.assert_allclose(imputed.effect, likelihood.effect, atol=5e-6)


def carpenter_roger_kenward(reading: Reading, trial: int, strategy: str) -> float:
    """Effect by the definition: a mean vector for each patient, and one covariance."""
    y, arm, baseline = reading.value[trial].T, reading.arm[trial], reading.baseline[trial]
    visits = y.shape[1]
    x = np.column_stack([np.ones(arm.size), arm, baseline]).astype(float)
    control = x * [1, 0, 1]
    unit, spread = np.eye(visits), np.zeros(visits)
    own, other = np.zeros((arm.size, visits)), np.zeros((arm.size, visits))
    for v in range(visits):
        there = ~np.isnan(y[:, v])
        columns = np.column_stack([x, y[:, :v]])[there]
        slopes, rss = np.linalg.lstsq(columns, y[there, v])[:2]
        unit[v, :v] = -slopes[3:]
        spread[v] = rss[0] / there.sum()
        own[:, v] = x @ slopes[:3] + own[:, :v] @ slopes[3:]
        other[:, v] = control @ slopes[:3] + other[:, :v] @ slopes[3:]
    inverse = np.linalg.inv(unit)
    covariance = inverse @ np.diag(spread) @ inverse.T
    final = y[:, -1].copy()
    for i in np.flatnonzero(np.isnan(final)):
        last = int((~np.isnan(y[i])).sum())
        mean = own[i].copy()
        if strategy == "jump_to_reference" or (strategy == "copy_increments" and last == 0):
            mean[last:] = other[i, last:]
        elif strategy == "copy_increments":
            mean[last:] = own[i, last - 1] + other[i, last:] - other[i, last - 1]
        seen, to = covariance[:last, :last], covariance[-1, :last]
        final[i] = mean[-1] + to @ np.linalg.solve(seen, y[i, :last] - mean[:last])
    return float(np.linalg.lstsq(x, final)[0][1])


@every_strategy
def test_effect_is_that_of_the_definition(strategy: str) -> None:
    reading = drawn(seed=42, trials=10, patients=40, dropout=0.4)
    lost_at_once = np.arange(40) % 9 == 0
    reading = replace(reading, value=np.where(lost_at_once, np.nan, reading.value))

    result = ConditionalMeanImputation("hba1c", 12.0, strategy=strategy).estimate(reading)  # type: ignore[arg-type]  # one of three

    for trial in range(10):
        expected = carpenter_roger_kenward(reading, trial, strategy)
        assert result.effect[trial] == pytest.approx(expected, rel=1e-8, abs=1e-10)


def test_jump_to_reference_with_two_visits_dilutes_the_effect_by_who_stayed() -> None:
    # Without a baseline in the model every jump takes the arms' difference d from the patient's
    # own mean: the effect is d times the share of treated patients who stayed.
    reading = drawn(seed=43, trials=10, patients=40, dropout=0.4)
    reading = replace(reading, value=reading.value[:, [0, 2]], visits_months=(3.0, 12.0))

    at_random = ConditionalMeanImputation("hba1c", 12.0, ()).estimate(reading)
    jumped = ConditionalMeanImputation("hba1c", 12.0, (), "jump_to_reference").estimate(reading)

    stayed = (~np.isnan(reading.value[:, 1]) & (reading.arm == 1)).sum(axis=1) / 20
    np.testing.assert_allclose(jumped.effect, at_random.effect * stayed, rtol=1e-9)


@every_strategy
def test_jackknife_leaves_out_each_patient(strategy: str) -> None:
    reading = drawn(seed=44, trials=3, patients=24, dropout=0.3)
    analysis = ConditionalMeanImputation("hba1c", 12.0, strategy=strategy, delta=0.2)  # type: ignore[arg-type]  # one of three

    result = analysis.estimate(reading)

    without = [analysis.estimate(of_patients(reading, np.arange(24) != i)) for i in range(24)]
    effects = np.array([left.effect for left in without])
    variance = 23 / 24 * ((effects - effects.mean(axis=0)) ** 2).sum(axis=0)
    np.testing.assert_allclose(result.se, np.sqrt(variance), rtol=1e-8)
    np.testing.assert_array_equal(result.df, 24 - 3)


def test_jackknife_leaves_out_each_patient_with_gaps() -> None:
    reading = with_gaps(drawn(seed=45, trials=3, patients=30, dropout=0.2), 0.1)
    analysis = ConditionalMeanImputation("hba1c", 12.0)

    result = analysis.estimate(reading)

    without = [analysis.estimate(of_patients(reading, np.arange(30) != i)) for i in range(30)]
    effects = np.array([left.effect for left in without])
    variance = 29 / 30 * ((effects - effects.mean(axis=0)) ** 2).sum(axis=0)
    np.testing.assert_allclose(result.se, np.sqrt(variance), rtol=1e-5)


@every_strategy
def test_analytic_standard_error_is_the_jackknifes_in_a_large_trial(strategy: str) -> None:
    reading = drawn(seed=46, trials=3, patients=1000, dropout=0.3)

    jackknife, analytic = (
        ConditionalMeanImputation("hba1c", 12.0, strategy=strategy, variance=variance).estimate(  # type: ignore[arg-type]  # by name
            reading
        )
        for variance in ("jackknife", "analytic")
    )

    # Their difference is of the order of one patient in a thousand.
    np.testing.assert_allclose(analytic.se, jackknife.se, rtol=2e-3)
    np.testing.assert_array_equal(analytic.effect, jackknife.effect)


@every_strategy
def test_draws_scatter_about_the_conditional_mean(strategy: str) -> None:
    reading = drawn(seed=47, trials=400, patients=60, dropout=0.3)

    drawn_ = MultipleImputation("hba1c", 12.0, strategy=strategy, imputations=100)  # type: ignore[arg-type]  # one of three
    many = drawn_.estimate(reading).effect
    mean = ConditionalMeanImputation("hba1c", 12.0, strategy=strategy).estimate(reading).effect  # type: ignore[arg-type]  # one of three

    gap = many - mean
    # The slopes' draws are independent of visit to visit, so products of them are unbiased too.
    assert_agrees(float(gap.mean()), 0.0, float(gap.std() / np.sqrt(400)))


def test_draws_with_gaps_scatter_about_the_conditional_mean() -> None:
    reading = with_gaps(drawn(seed=48, trials=100, patients=100, dropout=0.2), 0.1)

    many = MultipleImputation("hba1c", 12.0, imputations=20).estimate(reading)
    mean = ConditionalMeanImputation("hba1c", 12.0).estimate(reading)

    gap = many.effect - mean.effect
    # A posterior's mean is off its mode by what 100 patients leave: a hundredth of an SE at most.
    error = np.hypot(gap.std() / 10, 0.01 * mean.se.mean() / 4)
    assert_agrees(float(gap.mean()), 0.0, float(error))
    assert np.median(many.se / mean.se) == pytest.approx(1.0, abs=0.05)


def test_pooling_is_that_of_mice() -> None:
    # Means and errors of oxygen intake: SAS/STAT 9.22 User's Guide, output 57.1.1, 31 men.
    means = np.array([47.0120, 47.2407, 47.4995, 47.1485, 47.0042])
    errors = np.array([0.95984, 0.93540, 1.00766, 0.95439, 0.96528])

    total, df = rubin(
        np.array([(errors**2).mean()]), np.array([means.var(ddof=1)]), 5, np.array([30.0])
    )

    # R mice 3.15.0, pool.scalar(means, errors^2, n = 31, k = 1): t and df.
    assert total[0] == pytest.approx(0.980618631, rel=1e-8)
    assert df[0] == pytest.approx(26.2986794, rel=1e-8)


def test_nothing_missing_leaves_the_ancova() -> None:
    reading = drawn(seed=49, trials=5, patients=30, dropout=0.0)

    result = MultipleImputation("hba1c", 12.0).estimate(reading)

    for trial in range(5):
        x = np.column_stack([np.ones(30), reading.arm[trial], reading.baseline[trial]])
        beta, rss = np.linalg.lstsq(x.astype(float), reading.value[trial, 2])[:2]
        se = np.sqrt(rss[0] / 27 * np.linalg.inv(x.T @ x)[1, 1])
        assert result.effect[trial] == pytest.approx(beta[1], rel=1e-9)
        assert result.se[trial] == pytest.approx(se, rel=1e-9)
        # Barnard and Rubin's degrees of freedom for nothing missing.
        assert result.df[trial] == pytest.approx(28 / 30 * 27)


@pytest.mark.parametrize("method", [ConditionalMeanImputation, MultipleImputation])
@pytest.mark.parametrize("endpoint", ["hba1c", "c_peptide"])
def test_delta_at_the_tipping_point_is_just_not_significant(method: type, endpoint: str) -> None:
    reading = drawn(seed=50, trials=40, patients=60, dropout=0.4)
    value = reading.value - 0.6 * reading.arm[:, None] * (1 if endpoint == "hba1c" else -2)
    reading = replace(reading, value=value)

    result = method(endpoint, 12.0, tipping_alpha=0.025).estimate(reading)

    tipping = result.details["tipping_delta"]
    assert ((result.p > 0.025) == (tipping == 0.0)).all()
    harm = 1 if endpoint == "hba1c" else -1
    (tips,) = np.nonzero((np.abs(tipping) > 0.0) & (np.abs(tipping) < 1.0))
    assert tips.size > 3
    for trial in tips:
        assert np.sign(tipping[trial]) == harm
        shifted = method(endpoint, 12.0, delta=float(tipping[trial]))
        again = shifted.estimate(of_trials(reading, slice(trial, trial + 1)))
        assert again.p[0] == pytest.approx(0.025, rel=1e-6)


def test_without_treated_dropouts_nothing_tips() -> None:
    reading = drawn(seed=51, trials=10, patients=60, dropout=0.0)
    reading = replace(reading, value=reading.value - 3.0 * reading.arm[:, None])

    for method in (ConditionalMeanImputation, MultipleImputation):
        result = method("hba1c", 12.0, tipping_alpha=0.025).estimate(reading)
        assert (result.details["tipping_delta"] == np.inf).all()


def test_draws_depend_on_seed_and_trial_and_not_on_the_batch() -> None:
    reading = replace(drawn(seed=52, trials=6, patients=40, dropout=0.3), seed=7, first=100)
    analysis = MultipleImputation("hba1c", 12.0, imputations=10)

    batch = analysis.estimate(reading)

    part = analysis.estimate(of_trials(reading, slice(4, 6)))
    np.testing.assert_array_equal(part.effect, batch.effect[4:])
    other = analysis.estimate(replace(reading, seed=8))
    assert (other.effect != batch.effect).all()


@pytest.mark.parametrize("method", [ConditionalMeanImputation, MultipleImputation])
def test_a_trial_that_cannot_be_imputed_says_why(method: type) -> None:
    good = drawn(seed=53, trials=3, patients=12, dropout=0.0)
    cases = {EMPTY_ARM: good.value.copy(), TOO_FEW: good.value.copy()}
    cases[EMPTY_ARM][1, 2, good.arm[1] == 1] = np.nan
    cases[TOO_FEW][1, 2, 2:] = np.nan
    arm = good.arm.copy()
    arm[1, :2] = 0, 1

    for reason, value in cases.items():
        trials = replace(good, value=value, arm=arm if reason == TOO_FEW else good.arm)
        result = method("hba1c", 12.0).estimate(trials)
        assert result.reason[1] == reason
        assert not result.failed[[0, 2]].any()
    still = replace(good, baseline=np.where(np.arange(3)[:, None] == 1, 8.0, good.baseline))
    assert method("hba1c", 12.0).estimate(still).reason[1] == COLLINEAR


@pytest.mark.parametrize(
    ("build", "part"),
    [
        (lambda: MultipleImputation("hba1c", 12.0, imputations=1), "imputations is 1"),
        (lambda: MultipleImputation("hba1c", 12.0, strategy="locf"), "strategy is 'locf'"),
        (lambda: MultipleImputation("hba1c", 12.0, delta=50.0), "delta is 50"),
        (lambda: ConditionalMeanImputation("hba1c", 12.0, tipping_alpha=0.7), "tipping_alpha is"),
        (lambda: ConditionalMeanImputation("hba1c", 12.0, variance="rubin"), "variance is 'rubin'"),
        (lambda: ConditionalMeanImputation("hba1c", 12.0, ("sex",)), "a covariate is 'sex'"),
    ],
)
def test_an_option_that_does_not_fit_is_named(build: object, part: str) -> None:
    with pytest.raises(ValueError, match=part):
        build()  # type: ignore[operator]  # a function


def test_chi_squares_of_the_draws_are_chi_squares() -> None:
    # One visit, of which 4 of 8 in each arm are seen: two means on 6 degrees of freedom.
    rng = np.random.default_rng(54)
    value = np.full((400, 1, 16), np.nan)
    value[:, 0, :8] = rng.normal(0.0, 1.0, (400, 8))
    arm = np.tile(np.array([0, 1], np.int8), (400, 8))
    shape = arm.shape
    reading = Reading(arm, np.zeros(shape), value, (12.0,), np.zeros(shape), np.zeros(shape, int))

    result = MultipleImputation("hba1c", 12.0, (), imputations=400).estimate(reading)

    # Half of each completed mean is imputed: from a mean with variance s^2 / 4 and four residuals.
    # Two arms then have (s^2 / 4 + s^2 / 4) / 4 x 2; s^2 is rss / chi-square, rss / 4 on average.
    residual = np.concatenate(
        [value[:, 0, a:8:2] - value[:, 0, a:8:2].mean(axis=1, keepdims=True) for a in (0, 1)],
        axis=1,
    )
    expected = (residual**2).sum(axis=1) / 4 / 4
    share = result.details["fraction_missing"]
    between = share * result.se**2 / (1 + 1 / 400)
    ratio = between / expected
    assert_agrees(float(ratio.mean()), 1.0, float(ratio.std() / np.sqrt(ratio.size)))
