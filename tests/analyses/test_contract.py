"""What every analysis keeps to: the contract, and what it declares of itself."""

import warnings
from dataclasses import dataclass, is_dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
from scipy import special, stats
from support.analysis_parts import fields_of, usual
from support.readings import random_reading

from phase2sim.analyses import ANALYSES
from phase2sim.analyses.columns import outcome
from phase2sim.core.analysis import Analysis
from phase2sim.core.contracts import (
    EMPTY_ARM,
    FAILURES,
    MODEL_SCALE,
    NO_VARIATION,
    Estimates,
    Reading,
)
from phase2sim.core.decision import hypothesis

PER_PATIENT = ("arm", "baseline", "value", "age_years", "stratum")
SIZES = (12, 25, 40)


@dataclass(frozen=True, slots=True)
class KnownSdZTest(Analysis):
    """Difference of two means with a known SD: the least that a new analysis has to say."""

    endpoint: str
    month: float
    sd: float = 1.0
    null_effect: float = 0.0
    reads: ClassVar[str] = "continuous"
    scale: ClassVar[str] = MODEL_SCALE
    title: ClassVar[str] = "z test"
    needs_variation: ClassVar[bool] = False
    needs_replicates: ClassVar[bool] = False
    is_equivariant: ClassVar[bool] = False  # the SD stays what it is

    def estimate(self, reading: Reading) -> Estimates:
        """Estimate the difference in every trial; a trial without an arm has failed."""
        value = outcome(reading, self.month)
        n, means = [], []
        with np.errstate(divide="ignore", invalid="ignore"):
            for arm in (0, 1):
                seen = (reading.arm == arm) & ~np.isnan(value)
                n.append(seen.sum(axis=1))
                means.append(np.where(seen, value, 0.0).sum(axis=1) / n[-1])
            failed = (n[0] == 0) | (n[1] == 0)
            se = np.where(failed, np.nan, self.sd * np.sqrt(1.0 / n[0] + 1.0 / n[1]))
        effect = np.where(failed, np.nan, means[1] - means[0])
        return Estimates(
            effect=effect,
            se=se,
            df=np.where(failed, np.nan, np.inf),
            p=special.ndtr((effect - self.null_effect) / se),
            reason=np.where(failed, EMPTY_ARM, 0).astype(np.int8),
        )


PARTS: dict[str, Analysis] = {name: usual(name) for name in ANALYSES}
PARTS["known_sd_z_test"] = KnownSdZTest("hba1c", 12.0)  # whoever keeps to the contract may be added
every_analysis = pytest.mark.parametrize("analysis", PARTS.values(), ids=PARTS)


def reading_of(
    analysis: Analysis, seed: int, trials: int = 5, patients: int = 40, missing: float = 0.15
) -> Reading:
    reading = random_reading(seed=seed, trials=trials, patients=patients, missing=missing)
    rng = np.random.default_rng(seed)
    # Month 6 is the baseline there; here it varies, for the analyses of all visits.
    reading.value[:, 0] += rng.normal(0.0, 1.0, reading.arm.shape)
    return counted(analysis, reading)


def counted(analysis: Analysis, reading: Reading) -> Reading:
    """Return the same patients with counts, where those are read."""
    if analysis.reads != "count":
        return reading
    value = np.floor(np.abs(reading.value))
    return replace(reading, value=value, months_at_risk=np.full(value.shape, 3.0))


def quietly(analysis: Analysis, reading: Reading) -> Estimates:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return analysis.estimate(reading)


def of_patients(reading: Reading, order: object) -> Reading:
    cut = {name: getattr(reading, name)[..., order] for name in PER_PATIENT}
    at_risk = reading.months_at_risk
    return replace(reading, **cut, months_at_risk=None if at_risk is None else at_risk[..., order])


def of_trials(reading: Reading, trials: slice) -> Reading:
    cut = {name: getattr(reading, name)[trials] for name in PER_PATIENT}
    at_risk = reading.months_at_risk
    at_risk = None if at_risk is None else at_risk[trials]
    first = reading.first + (trials.start or 0)
    return replace(reading, **cut, months_at_risk=at_risk, first=first)


def assert_same(left: Estimates, right: Estimates, tolerance: float) -> None:
    for name, value in fields_of(left).items():
        np.testing.assert_allclose(
            value, fields_of(right)[name], rtol=tolerance, atol=tolerance, err_msg=name
        )


@every_analysis
def test_says_what_it_is(analysis: Analysis) -> None:
    assert is_dataclass(analysis)
    assert not hasattr(analysis, "__dict__")  # it has slots
    assert analysis.reads in {"continuous", "binary", "count"}
    assert analysis.scale
    assert analysis.title
    assert set(analysis.needs) <= {"age", "stratum"}


@every_analysis
def test_answers_ordinary_trials(analysis: Analysis) -> None:
    result = quietly(analysis, reading_of(analysis, 1))

    for field, value in fields_of(result).items():
        assert value.shape == (5,), field
        assert not np.isnan(value).any(), field
    assert not result.failed.any()
    assert (result.se > 0).all()
    assert (result.df > 0).all()  # infinite for a normal test
    assert ((result.p > 0) & (result.p < 1)).all()
    if result.test is not None:
        assert (result.test.lower <= result.effect).all()
        assert (result.effect <= result.test.upper).all()


@every_analysis
def test_p_is_that_of_a_t_test_unless_it_brings_its_own(analysis: Analysis) -> None:
    result = analysis.estimate(reading_of(analysis, 1))
    if result.test is not None:
        return

    benefit = hypothesis("", analysis, 1, (1, 1)).benefit_sign
    statistic = benefit * (result.effect - analysis.null_effect) / result.se

    np.testing.assert_allclose(result.p, stats.t.sf(statistic, result.df), rtol=1e-9)


@every_analysis
def test_a_batch_is_its_trials_one_by_one(analysis: Analysis) -> None:
    reading = reading_of(analysis, 2)
    batch = analysis.estimate(reading)

    for trial in range(5):
        alone = analysis.estimate(of_trials(reading, slice(trial, trial + 1)))
        for field, value in fields_of(batch).items():
            assert fields_of(alone)[field][0] == pytest.approx(value[trial], rel=1e-9), field


@every_analysis
def test_order_of_patients_does_not_matter_unless_it_draws(analysis: Analysis) -> None:
    if analysis.draws:
        return  # the patients take their random numbers in turn
    order = np.random.default_rng(3).permutation(40)
    reading = reading_of(analysis, 3)

    turned = analysis.estimate(of_patients(reading, order))

    assert_same(turned, analysis.estimate(reading), 1e-7)


@every_analysis
def test_the_seed_matters_only_if_it_draws(analysis: Analysis) -> None:
    reading = reading_of(analysis, 3)

    other = analysis.estimate(replace(reading, seed=reading.seed + 1))

    assert (other.effect != analysis.estimate(reading).effect).any() == analysis.draws


@every_analysis
def test_memory_layout_does_not_matter(analysis: Analysis) -> None:
    reading = reading_of(analysis, 4)
    turned = {field: np.asfortranarray(getattr(reading, field)) for field in PER_PATIENT}

    result = analysis.estimate(replace(reading, **turned))

    assert_same(result, analysis.estimate(reading), 1e-12)


@every_analysis
def test_the_first_patients_are_a_trial_of_their_own(analysis: Analysis) -> None:
    reading = reading_of(analysis, 7)

    by_size = analysis.estimate_first(reading, SIZES)

    assert by_size.effect.shape == (len(SIZES), 5)
    for row, size in enumerate(SIZES):
        alone = analysis.estimate(reading.of_first(size))
        for field, value in fields_of(by_size).items():
            np.testing.assert_allclose(value[row], fields_of(alone)[field], rtol=1e-8)


@every_analysis
def test_only_the_analysed_visit_matters_if_it_is_in_one_pass(analysis: Analysis) -> None:
    if not analysis.in_one_pass:
        return
    reading = reading_of(analysis, 8)
    value = reading.value.copy()
    value[:, [m != analysis.month for m in reading.visits_months]] = np.nan

    alone = analysis.estimate(replace(reading, value=value))

    assert_same(alone, analysis.estimate(reading), 1e-12)


@every_analysis
def test_effect_follows_a_change_of_unit_if_it_is_equivariant(analysis: Analysis) -> None:
    if not analysis.is_equivariant:
        return
    reading, origin, unit = reading_of(analysis, 9), 3.7, 2.3
    result = analysis.estimate(reading)

    moved = analysis.estimate(
        replace(
            reading,
            value=(reading.value + origin) * unit,
            baseline=(reading.baseline + origin) * unit,
        )
    )

    for field in ("effect", "se"):
        np.testing.assert_allclose(
            getattr(moved, field), unit * getattr(result, field), rtol=1e-6, err_msg=field
        )
    np.testing.assert_allclose(moved.p, result.p, rtol=1e-6)


@every_analysis
def test_any_rising_change_of_the_outcome_leaves_p_if_it_is_by_ranks(analysis: Analysis) -> None:
    if not analysis.by_ranks:
        return
    reading = reading_of(analysis, 10)

    bent = analysis.estimate(replace(reading, value=np.exp(reading.value)))

    np.testing.assert_allclose(bent.p, analysis.estimate(reading).p, rtol=1e-12)


@every_analysis
def test_individual_outcomes_are_of_patients(analysis: Analysis) -> None:
    reading = reading_of(analysis, 11, missing=0.0)

    outcomes = analysis.individual_outcomes(reading)

    assert outcomes.shape == reading.arm.shape
    if analysis.reads == "binary":
        assert set(np.unique(outcomes)) <= {0.0, 1.0}


@every_analysis
def test_a_batch_without_trials_or_patients_is_no_error(analysis: Analysis) -> None:
    reading = reading_of(analysis, 5)

    no_trials = quietly(analysis, of_trials(reading, slice(0)))
    no_patients = quietly(analysis, of_patients(reading, slice(0)))

    assert no_trials.effect.shape == (0,)
    assert no_patients.failed.all()


def without_an_arm(reading: Reading) -> Reading:
    return replace(reading, arm=np.where(np.arange(5)[:, None] == 2, np.int8(1), reading.arm))


def without_values(reading: Reading) -> Reading:
    value = reading.value.copy()
    value[2] = np.nan
    return replace(without_an_arm(reading), value=value)


def without_variation(reading: Reading) -> Reading:
    value, baseline, age = (getattr(reading, n).copy() for n in ("value", "baseline", "age_years"))
    value[2] = baseline[2] = age[2] = 5.0
    return replace(reading, value=value, baseline=baseline, age_years=age)


def without_replicates(reading: Reading) -> Reading:
    """One patient of each arm is left in the third trial."""
    value, baseline, arm = reading.value.copy(), reading.baseline.copy(), reading.arm[2]
    lost = np.ones(40, bool)
    lost[[arm.argmin(), arm.argmax()]] = False
    value[2][:, lost] = np.nan
    baseline[2, lost] = np.nan
    return replace(reading, value=value, baseline=baseline)


DAMAGE = {
    "nobody": without_values,
    "one arm": without_an_arm,
    "constant": without_variation,
    "two patients": without_replicates,
}


@every_analysis
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_trial_it_cannot_answer_has_a_reason_and_no_number(
    analysis: Analysis, damage: str
) -> None:
    reading = DAMAGE[damage](reading_of(analysis, 6, missing=0.0))
    if damage == "constant" and not analysis.needs_variation:
        return
    if damage == "two patients" and not analysis.needs_replicates:
        return

    result = quietly(analysis, reading)

    assert result.failed[2]
    assert FAILURES[result.reason[2]]
    for field, value in fields_of(result).items():
        assert field == "reason" or np.isnan(value[2]), field
    others = quietly(analysis, of_trials(reading, slice(2)))
    assert not others.failed.any()
    for field, value in fields_of(others).items():
        np.testing.assert_allclose(fields_of(result)[field][:2], value, rtol=1e-9, err_msg=field)


@every_analysis
@pytest.mark.parametrize("damage", ["constant", "two patients"])
def test_a_trial_it_says_it_can_answer_is_answered(analysis: Analysis, damage: str) -> None:
    declared = analysis.needs_variation if damage == "constant" else analysis.needs_replicates
    if declared:
        return
    reading = DAMAGE[damage](reading_of(analysis, 6, missing=0.0))

    result = quietly(analysis, reading)

    # Two patients may be all responders, or none.
    alike = analysis.needs_variation and result.reason[2] == NO_VARIATION
    assert np.isfinite(result.effect[2]) or alike
