"""What every registered analysis keeps to, whatever it computes."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from support.analysis_parts import fields_of, usual
from support.readings import random_reading

from phase2sim.analyses import ANALYSES
from phase2sim.core.contracts import FAILURES, Estimates, Reading

PER_PATIENT = ("arm", "baseline", "value", "age_years", "stratum")
every_analysis = pytest.mark.parametrize("name", ANALYSES)


def made(seed: int, trials: int = 5, patients: int = 40, missing: float = 0.15) -> Reading:
    reading = random_reading(seed=seed, trials=trials, patients=patients, missing=missing)
    rng = np.random.default_rng(seed)
    # Month 6 is the baseline there; here it varies, for the analyses of all visits.
    reading.value[:, 0] += rng.normal(0.0, 1.0, reading.arm.shape)
    return reading


def estimate(name: str, reading: Reading) -> Estimates:
    if ANALYSES[name].reads == "count":
        value = np.floor(np.abs(reading.value))
        reading = replace(reading, value=value, months_at_risk=np.full(value.shape, 3.0))
    return usual(name).estimate(reading)


def quietly(name: str, reading: Reading) -> Estimates:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return estimate(name, reading)


def of_patients(reading: Reading, order: object) -> Reading:
    return replace(reading, **{name: getattr(reading, name)[..., order] for name in PER_PATIENT})


def of_trials(reading: Reading, trials: slice) -> Reading:
    fields = {name: getattr(reading, name)[trials] for name in PER_PATIENT}
    return replace(reading, first=reading.first + (trials.start or 0), **fields)


def assert_same(left: Estimates, right: Estimates, tolerance: float) -> None:
    for name, value in fields_of(left).items():
        np.testing.assert_allclose(
            value, fields_of(right)[name], rtol=tolerance, atol=tolerance, err_msg=name
        )


@every_analysis
def test_says_what_it_reads_and_what_its_effect_is_on(name: str) -> None:
    assert ANALYSES[name].reads in {"continuous", "binary", "count"}
    assert ANALYSES[name].scale
    assert ANALYSES[name].title


@every_analysis
def test_answers_ordinary_trials(name: str) -> None:
    result = quietly(name, made(1))

    for field, value in fields_of(result).items():
        assert value.shape == (5,), field
        assert not np.isnan(value).any(), field
    assert not result.failed.any()
    assert ((result.p > 0) & (result.p < 1)).all()
    if result.test is not None:
        assert (result.test.lower <= result.effect).all()
        assert (result.effect <= result.test.upper).all()


@every_analysis
def test_a_batch_is_its_trials_one_by_one(name: str) -> None:
    batch = estimate(name, made(2))

    for trial in range(5):
        alone = estimate(name, of_trials(made(2), slice(trial, trial + 1)))
        for field, value in fields_of(batch).items():
            assert fields_of(alone)[field][0] == pytest.approx(value[trial], rel=1e-9), field


@every_analysis
def test_order_of_patients_does_not_matter(name: str) -> None:
    if getattr(ANALYSES[name], "draws", False):
        return  # the patients take their random numbers in turn
    order = np.random.default_rng(3).permutation(40)

    turned = estimate(name, of_patients(made(3), order))

    assert_same(turned, estimate(name, made(3)), 1e-7)


@every_analysis
def test_memory_layout_does_not_matter(name: str) -> None:
    reading = made(4)
    turned = {field: np.asfortranarray(getattr(reading, field)) for field in PER_PATIENT}

    result = estimate(name, replace(reading, **turned))

    assert_same(result, estimate(name, reading), 1e-12)


@every_analysis
def test_a_batch_without_trials_or_patients_is_no_error(name: str) -> None:
    none = quietly(name, of_trials(made(5), slice(0)))
    nobody = quietly(name, of_patients(made(5), slice(0)))

    assert none.effect.shape == (0,)
    assert nobody.failed.all()


@every_analysis
@pytest.mark.parametrize("broken", ["nobody", "one arm", "constant", "two patients"])
def test_a_trial_it_cannot_answer_has_a_reason_and_no_number(name: str, broken: str) -> None:
    if ANALYSES[name].reads == "count" and broken in {"constant", "two patients"}:
        return  # two counts, or counts that are all the same, are an answer
    reading = made(6, missing=0.0)
    value, arm = reading.value.copy(), reading.arm
    if broken == "nobody":
        arm = np.where(np.arange(5)[:, None] == 2, np.int8(1), arm)  # nobody in control
        value[2] = np.nan
    elif broken == "one arm":
        arm = np.where(np.arange(5)[:, None] == 2, np.int8(1), arm)
    elif broken == "constant":
        value[2] = reading.baseline[2, None] = reading.age_years[2, None] = 5.0
    elif ANALYSES[name].reads == "binary":
        return  # whom nobody saw did not respond: that is an answer
    else:
        lost = np.ones(40, bool)
        lost[[arm[2].argmin(), arm[2].argmax()]] = False
        value[2][:, lost] = np.nan
        reading.baseline[2, lost] = np.nan
    reading = replace(reading, value=value, arm=arm)

    result = quietly(name, reading)

    assert result.failed[2]
    assert FAILURES[result.reason[2]]
    for field, found in fields_of(result).items():
        assert field == "reason" or np.isnan(found[2]), field
    others = quietly(name, of_trials(reading, slice(2)))
    assert not others.failed.any()
    for field, found in fields_of(others).items():
        np.testing.assert_allclose(fields_of(result)[field][:2], found, rtol=1e-9, err_msg=field)
