"""What must hold for every data set: symmetries of the continuous analyses."""

from dataclasses import replace
from random import Random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from support.readings import random_reading

from phase2sim.analyses.means.ancova import Ancova
from phase2sim.analyses.means.anhecova import Anhecova
from phase2sim.analyses.means.student_t import TTest
from phase2sim.analyses.means.welch import Welch
from phase2sim.analyses.ranks.van_elteren import VanElteren
from phase2sim.analyses.ranks.wilcoxon import Wilcoxon
from phase2sim.core.analysis import Analysis
from phase2sim.core.contracts import Estimates, Reading

EVERY = [
    Ancova("hba1c", 12.0),
    Ancova("hba1c", 12.0, ("baseline", "age", "stratum")),
    Ancova("hba1c", 12.0, ("stratum",), "hc3"),
    Welch("hba1c", 12.0),
    Welch("hba1c", 12.0, "change"),
    TTest("hba1c", 12.0),
    Anhecova("hba1c", 12.0, ("baseline", "age")),
    Wilcoxon("hba1c", 12.0, distribution="normal"),
    Wilcoxon("hba1c", 12.0, "change", "normal"),
    VanElteren("hba1c", 12.0),
]
PER_PATIENT = ("arm", "baseline", "value", "age_years", "stratum")

analyses = st.sampled_from(EVERY)
readings = st.builds(
    random_reading,
    seed=st.integers(0, 10_000),
    trials=st.integers(1, 4),
    patients=st.integers(20, 45),
    missing=st.sampled_from([0.0, 0.2]),
)
unhurried = settings(deadline=None, max_examples=60, derandomize=True)


@unhurried
@given(analyses, readings)
def test_swapping_the_arms_flips_the_effect(analysis: Analysis, reading: Reading) -> None:
    result = analysis.estimate(reading)

    swapped = analysis.estimate(replace(reading, arm=1 - reading.arm))

    _agree(swapped.effect, -result.effect)
    _agree(swapped.se, result.se)
    _agree(swapped.p, 1 - result.p)


@unhurried
@given(analyses, readings, st.floats(-1e6, 1e6), st.floats(1e-3, 1e3))
def test_outcome_may_be_shifted_and_scaled(
    analysis: Analysis, reading: Reading, shift: float, scale: float
) -> None:
    result = analysis.estimate(reading)

    # The baseline is measured like the outcome: a change from it is not shifted.
    moved = analysis.estimate(
        replace(
            reading,
            value=(reading.value + shift) * scale,
            baseline=(reading.baseline + shift) * scale,
        )
    )

    # Compared on the old scale: the shift leaves fewer digits, on either scale.
    _agree(moved.effect / scale, result.effect, digits=8)
    _agree(moved.se / scale, result.se, digits=8)
    _agree(moved.p, result.p, digits=8)


@unhurried
@given(analyses, readings, st.randoms(use_true_random=False))
def test_order_of_patients_does_not_matter(
    analysis: Analysis, reading: Reading, shuffled: Random
) -> None:
    order = list(range(reading.arm.shape[1]))
    shuffled.shuffle(order)

    _same(analysis.estimate(_patients(reading, order)), analysis.estimate(reading))


@unhurried
@given(readings, st.floats(-1e6, 1e6))
def test_a_constant_added_to_the_baseline_changes_nothing(reading: Reading, more: float) -> None:
    moved = replace(reading, baseline=reading.baseline + more)

    for analysis in EVERY[:2]:
        _same(analysis.estimate(moved), analysis.estimate(reading), digits=8)


@unhurried
@given(analyses, readings)
def test_an_unseen_patient_is_no_patient(analysis: Analysis, reading: Reading) -> None:
    value = reading.value.copy()
    value[:, :, ::5] = np.nan
    rest = [patient for patient in range(reading.arm.shape[1]) if patient % 5 > 0]

    unseen = analysis.estimate(replace(reading, value=value))

    _same(unseen, analysis.estimate(_patients(reading, rest)))


@unhurried
@given(readings, st.integers(2, 4))
def test_copies_of_every_patient_only_add_degrees_of_freedom(reading: Reading, copies: int) -> None:
    order = list(range(reading.arm.shape[1])) * copies

    for analysis in (EVERY[0], EVERY[1], EVERY[5]):
        once = analysis.estimate(reading)
        often = analysis.estimate(_patients(reading, order))

        _agree(often.effect, once.effect)
        # Both the residual sum of squares and the information grow with the copies.
        _agree(often.se**2 * often.df, once.se**2 * once.df)


@unhurried
@given(analyses, readings)
def test_a_batch_is_its_trials_one_by_one(analysis: Analysis, reading: Reading) -> None:
    batch = analysis.estimate(reading)

    for trial in range(reading.arm.shape[0]):
        one = {name: getattr(reading, name)[trial : trial + 1] for name in PER_PATIENT}
        alone = analysis.estimate(replace(reading, **one))
        assert alone.effect[0] == batch.effect[trial]
        assert alone.p[0] == batch.p[trial]
        assert alone.reason[0] == batch.reason[trial]


@unhurried
@given(analyses, readings)
def test_memory_layout_does_not_matter(analysis: Analysis, reading: Reading) -> None:
    turned = {name: np.asfortranarray(getattr(reading, name)) for name in PER_PATIENT}

    result = analysis.estimate(replace(reading, **turned))

    np.testing.assert_array_equal(result.effect, analysis.estimate(reading).effect)


@unhurried
@given(readings)
def test_welch_with_equal_arms_has_the_pooled_standard_error(reading: Reading) -> None:
    even = reading.arm.shape[1] // 2 * 2
    complete = np.nan_to_num(reading.value[..., :even], nan=8.0)
    arm = np.tile(np.array([0, 1], np.int8), (reading.arm.shape[0], even // 2))
    reading = replace(_patients(reading, list(range(even))), arm=arm, value=complete)

    welch, pooled = EVERY[3].estimate(reading), EVERY[5].estimate(reading)

    _agree(welch.se, pooled.se)
    assert (welch.df <= pooled.df + 1e-9).all()


@unhurried
@given(readings, st.integers(-5, 10**12))
def test_strata_may_have_any_codes(reading: Reading, step: int) -> None:
    coded = replace(reading, stratum=7 + reading.stratum * (step or 1))

    _same(EVERY[1].estimate(coded), EVERY[1].estimate(reading))


@unhurried
@given(readings)
def test_a_stratum_of_one_patient_is_as_if_left_out(reading: Reading) -> None:
    stratum = reading.stratum.copy()
    stratum[:, 0] = 9
    rest = list(range(1, reading.arm.shape[1]))

    alone = EVERY[2].estimate(replace(reading, stratum=stratum))

    _same(alone, EVERY[2].estimate(_patients(reading, rest)))


def _patients(reading: Reading, order: list[int]) -> Reading:
    return replace(reading, **{name: getattr(reading, name)[..., order] for name in PER_PATIENT})


def _same(left: Estimates, right: Estimates, digits: int = 9) -> None:
    for field in ("effect", "se", "df", "p", "reason"):
        _agree(getattr(left, field), getattr(right, field), digits)


def _agree(left: np.ndarray, right: np.ndarray, digits: int = 9) -> None:
    np.testing.assert_allclose(left, right, rtol=10.0**-digits, atol=10.0**-digits)
