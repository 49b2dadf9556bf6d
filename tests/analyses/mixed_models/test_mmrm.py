"""The mixed model for repeated measures: what must hold for any data, and what it cannot answer."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.mmrm_readings import drawn

from phase2sim.analyses.mixed_models.covariance_structures import STRUCTURES
from phase2sim.analyses.mixed_models.mmrm import Mmrm
from phase2sim.core.contracts import (
    COLLINEAR,
    EMPTY_ARM,
    NO_VARIATION,
    NOT_CONVERGED,
    TOO_FEW,
    Estimates,
    Reading,
)

unhurried = settings(deadline=None, max_examples=60, derandomize=True)
PER_PATIENT = ("arm", "baseline", "value", "age_years", "stratum")


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
    analysis = Mmrm("hba1c", 12.0, ("baseline", "age", "stratum"), covariance=structure)

    batch = analysis.estimate(reading)

    assert not batch.failed.any()
    for trial in range(6):
        one = {name: getattr(reading, name)[trial : trial + 1] for name in PER_PATIENT}
        alone = analysis.estimate(replace(reading, **one))
        assert alone.effect[0] == pytest.approx(batch.effect[trial], rel=1e-9)
        assert alone.p[0] == pytest.approx(batch.p[trial], rel=1e-9)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Reading, Mmrm]:
    """Four trials with some dropout and gaps, and a mixed model with any options that suit them."""
    reading = drawn(
        seed=draw(st.integers(0, 10_000)),
        trials=4,
        patients=2 * draw(st.integers(12, 30)),
        dropout=draw(st.sampled_from([0.0, 0.2, 0.3])),
    )
    gaps = np.random.default_rng(draw(st.integers(0, 10_000))).random(reading.value.shape)
    value = np.where(gaps < draw(st.sampled_from([0.0, 0.1])), np.nan, reading.value)
    covariates = draw(st.sampled_from([(), ("baseline",), ("baseline", "age", "stratum")]))
    analysis = Mmrm(
        "hba1c",
        12.0,
        covariates,
        draw(st.sampled_from([None, (), covariates])),
        draw(st.sampled_from([None, 3.0])),
        covariance=draw(st.sampled_from(list(STRUCTURES))),
        df=draw(st.sampled_from(["satterthwaite", "kenward_roger", "kenward_roger_full"])),
    )
    return replace(reading, value=value), analysis


def assert_same(first: Estimates, second: Estimates, **changed: float) -> None:
    """The same, up to a factor of effect and standard error, and a factor of the latter alone.

    A trial without a maximum may be answered by one model here and by another there: how far it is
    followed depends on rounding.
    """
    factor, share = changed.get("factor", 1.0), changed.get("share", 1.0)
    both = ~first.failed & ~second.failed & (first.fallback == 0) & (second.fallback == 0)
    assert both.sum() >= (~first.failed & (first.fallback == 0)).sum() - 1
    se = abs(factor) * first.se[both]
    np.testing.assert_allclose(
        second.effect[both] / se, factor * first.effect[both] / se, rtol=0.0, atol=1e-5
    )
    np.testing.assert_allclose(second.se[both], share * se, rtol=1e-5)
    if share == 1.0:
        np.testing.assert_allclose(second.df[both], first.df[both], rtol=1e-4)


@unhurried
@given(cases())
def test_swapped_arms_flip_the_sign(case: tuple[Reading, Mmrm]) -> None:
    reading, analysis = case

    result = analysis.estimate(reading)
    swapped = analysis.estimate(replace(reading, arm=1 - reading.arm))

    flipped = replace(swapped, effect=-swapped.effect)
    assert_same(result, flipped)
    both = ~result.failed & ~swapped.failed & (result.fallback == swapped.fallback)
    np.testing.assert_allclose(swapped.p[both], 1.0 - result.p[both], atol=1e-5)


@unhurried
@given(cases(), st.floats(-1e3, 1e3), st.sampled_from([-7.0, 0.01, 1.0, 300.0]))
def test_outcome_may_be_shifted_and_scaled(
    case: tuple[Reading, Mmrm], constant: float, factor: float
) -> None:
    reading, analysis = case

    result = analysis.estimate(reading)
    moved = analysis.estimate(replace(reading, value=(reading.value + constant) * factor))

    assert_same(result, moved, factor=factor)


@unhurried
@given(cases(), st.integers(0, 10_000))
def test_patients_may_come_in_any_order(case: tuple[Reading, Mmrm], seed: int) -> None:
    reading, analysis = case
    order = np.random.default_rng(seed).permutation(reading.arm.shape[1])

    result = analysis.estimate(reading)
    turned = {name: getattr(reading, name)[..., order] for name in PER_PATIENT}
    shuffled = analysis.estimate(replace(reading, **turned))

    assert_same(result, shuffled)


@unhurried
@given(cases())
def test_all_data_twice_halve_the_variance_of_maximum_likelihood(
    case: tuple[Reading, Mmrm],
) -> None:
    reading, drawn_analysis = case
    analysis = replace(drawn_analysis, likelihood="ml", df="satterthwaite")

    result = analysis.estimate(reading)
    twice = {name: np.concatenate([getattr(reading, name)] * 2, axis=-1) for name in PER_PATIENT}
    doubled = analysis.estimate(replace(reading, **twice))

    assert_same(result, doubled, share=np.sqrt(0.5))


@unhurried
@given(cases().filter(lambda case: case[1].df != "kenward_roger_full"))
def test_a_visit_nobody_attended_changes_nothing(case: tuple[Reading, Mmrm]) -> None:
    reading, drawn_analysis = case
    # The full form depends on how the whole matrix is parametrised, so it is left out. Distance
    # counts visits, so the new one must not come in between.
    first = drawn_analysis.averaged_from is None
    analysis = drawn_analysis if first else replace(drawn_analysis, averaged_from=6.0)
    value = np.insert(reading.value, 0, np.nan, axis=1)
    more = replace(reading, value=value, visits_months=(1.0, 3.0, 6.0, 12.0))

    assert_same(analysis.estimate(reading), analysis.estimate(more))


def test_an_average_needs_every_visit_of_it() -> None:
    reading = drawn(seed=5, trials=3, patients=40, dropout=0.2)
    value = reading.value.copy()
    value[1, 1] = np.nan
    analysis = Mmrm("hba1c", 12.0, averaged_from=3.0)

    result = analysis.estimate(replace(reading, value=value))

    assert result.reason.tolist() == [0, EMPTY_ARM, 0]


def test_a_stratum_that_a_trial_lacks_is_left_out_of_it() -> None:
    reading = drawn(seed=5, trials=2, patients=60, dropout=0.2)
    stratum = reading.stratum.copy()
    stratum[1] = 0
    analysis = Mmrm("hba1c", 12.0, ("baseline", "stratum"), ("stratum", "baseline"))

    result = analysis.estimate(replace(reading, stratum=stratum))

    without = Mmrm("hba1c", 12.0).estimate(reading)
    assert not result.failed.any()
    assert result.effect[1] == pytest.approx(without.effect[1], rel=1e-7)
    assert result.df[1] == pytest.approx(without.df[1], rel=1e-7)


def hopeless(seed: int, trials: int) -> Reading:
    """Draw trials with so few values that many an unstructured likelihood has no maximum."""
    reading = drawn(seed, trials, patients=16, dropout=0.4)
    gaps = np.random.default_rng(seed + 1).random(reading.value.shape) < 0.2
    return replace(reading, value=np.where(gaps, np.nan, reading.value))


def test_a_trial_that_falls_back_is_answered_as_if_the_simpler_model_had_been_asked_for() -> None:
    reading = hopeless(seed=20, trials=400)
    simpler = ["heterogeneous_toeplitz", "heterogeneous_ar1", "compound_symmetry"]

    result = Mmrm("hba1c", 12.0).estimate(reading)
    alone = Mmrm("hba1c", 12.0, fallback=False).estimate(reading)

    assert (alone.reason == NOT_CONVERGED).sum() > 10
    assert (result.reason == NOT_CONVERGED).sum() < (alone.reason == NOT_CONVERGED).sum()
    np.testing.assert_array_equal(result.fallback > 0, alone.failed & ~result.failed)
    refused = alone.reason == NOT_CONVERGED
    for number, structure in enumerate(simpler, start=1):
        asked = Mmrm("hba1c", 12.0, covariance=structure, fallback=False).estimate(reading)
        used = result.fallback == number
        np.testing.assert_array_equal(used, refused & ~asked.failed)
        np.testing.assert_array_equal(result.effect[used], asked.effect[used])
        np.testing.assert_array_equal(result.p[used], asked.p[used])
        refused &= ~used


def test_only_a_covariance_with_fewer_parameters_stands_in() -> None:
    reading = hopeless(seed=30, trials=400)
    two_visits = replace(reading, value=reading.value[:, 1:], visits_months=(6.0, 12.0))

    of_two = Mmrm("hba1c", 12.0).estimate(two_visits)
    constant = Mmrm("hba1c", 12.0, covariance="compound_symmetry").estimate(reading)

    # Of two visits every heterogeneous covariance is the unstructured one.
    assert set(of_two.fallback.tolist()) == {0, 3}
    assert set(constant.fallback.tolist()) == {0}


@pytest.mark.parametrize("structure", STRUCTURES)
def test_few_patients_with_many_gaps_are_answered_or_counted(structure: str) -> None:
    reading = hopeless(seed=7, trials=200)
    with warnings.catch_warnings():
        warnings.simplefilter("error")

        result = Mmrm("hba1c", 12.0, ("baseline", "age"), covariance=structure).estimate(reading)

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
        ({"by_visit": ("age",)}, "by_visit names 'age'"),
        ({"averaged_from": 18.0}, "averaged_from is 18"),
    ],
)
def test_an_option_that_does_not_fit_is_named(options: dict[str, object], part: str) -> None:
    with pytest.raises(ValueError, match=part):
        Mmrm("hba1c", 12.0, **options)  # type: ignore[arg-type]  # what the test is about
