"""What the continuous analyses say when they cannot answer: a reason, and never a number."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from support.readings import random_reading

from phase2sim.analyses.means.ancova import Ancova
from phase2sim.analyses.means.student_t import TTest
from phase2sim.analyses.means.welch import Welch
from phase2sim.core.analysis import Analysis
from phase2sim.core.contracts import (
    COLLINEAR,
    EMPTY_ARM,
    NO_VARIATION,
    TOO_FEW,
    Estimates,
    Reading,
)

ANCOVA, WELCH, T_TEST = Ancova("hba1c", 12.0), Welch("hba1c", 12.0), TTest("hba1c", 12.0)
STRATIFIED = Ancova("hba1c", 12.0, ("stratum",))
HC3 = Ancova("hba1c", 12.0, (), "hc3")
GOOD = random_reading(seed=21, trials=3, patients=12)
ARM = np.array([0, 1] * 6, np.int8)
BROKEN = 1  # the trial that cannot be answered; 0 and 2 can


def _with_outcome(outcome: np.ndarray) -> Reading:
    value = GOOD.value.copy()
    value[BROKEN, 1] = outcome
    return replace(GOOD, arm=np.tile(ARM, (3, 1)), value=value)


def _seen(*patients: int) -> Reading:
    outcome = np.full(12, np.nan)
    outcome[list(patients)] = np.arange(len(patients)) ** 2
    return _with_outcome(outcome)


def _with_baseline(baseline: np.ndarray) -> Reading:
    reading = _with_outcome(GOOD.value[BROKEN, 1])
    changed = reading.baseline.copy()
    changed[BROKEN] = baseline
    return replace(reading, baseline=changed)


def _with_stratum(stratum: np.ndarray) -> Reading:
    reading = _with_outcome(GOOD.value[BROKEN, 1])
    changed = reading.stratum.copy()
    changed[BROKEN] = stratum
    return replace(reading, stratum=changed)


CASES = {
    "nobody seen": (ANCOVA, _seen(), EMPTY_ARM),
    "nobody seen, t": (T_TEST, _seen(), EMPTY_ARM),
    "control unseen": (ANCOVA, _seen(1, 3, 5, 7), EMPTY_ARM),
    "control unseen, Welch": (WELCH, _seen(1, 3, 5, 7), EMPTY_ARM),
    "treatment unseen, t": (T_TEST, _seen(0, 2, 4), EMPTY_ARM),
    "three patients, three coefficients": (ANCOVA, _seen(0, 1, 2), TOO_FEW),
    "two patients, t": (T_TEST, _seen(0, 1), TOO_FEW),
    "one in an arm, Welch": (WELCH, _seen(0, 1, 3, 5), TOO_FEW),
    "one in an arm, HC3": (HC3, _seen(0, 1, 3, 5), TOO_FEW),
    "constant baseline": (ANCOVA, _with_baseline(np.full(12, 8.1)), COLLINEAR),
    "baseline is the arm": (ANCOVA, _with_baseline(7.3 + 0.1 * ARM), COLLINEAR),
    "stratum is the arm": (STRATIFIED, _with_stratum(ARM.astype(np.int64)), COLLINEAR),
    "constant outcome": (ANCOVA, _with_outcome(np.full(12, 7.7)), NO_VARIATION),
    "constant outcome, Welch": (WELCH, _with_outcome(np.full(12, 7.7)), NO_VARIATION),
    "outcome is the arm, t": (T_TEST, _with_outcome(7.7 - 0.3 * ARM), NO_VARIATION),
    "outcome is the baseline": (
        ANCOVA,
        _with_outcome(1.1 * GOOD.baseline[BROKEN] + 0.3 * ARM),
        NO_VARIATION,
    ),
}


@pytest.mark.parametrize(("analysis", "reading", "reason"), CASES.values(), ids=CASES.keys())
def test_says_why_it_cannot_answer(analysis: Analysis, reading: Reading, reason: int) -> None:
    result = _quietly(analysis, reading)

    assert result.reason[BROKEN] == reason
    assert result.failed[BROKEN]
    for field in (result.effect, result.se, result.df, result.p):
        assert np.isnan(field[BROKEN])


@pytest.mark.parametrize(("analysis", "reading", "reason"), CASES.values(), ids=CASES.keys())
def test_other_trials_are_not_disturbed(analysis: Analysis, reading: Reading, reason: int) -> None:
    result = _quietly(analysis, reading)

    alone = analysis.estimate(_only(reading, 0))
    assert reason > 0
    assert result.reason[0] == 0
    np.testing.assert_array_equal(
        [result.effect[0], result.se[0], result.df[0], result.p[0]],
        [alone.effect[0], alone.se[0], alone.df[0], alone.p[0]],
    )
    assert not result.failed[2]


@pytest.mark.parametrize("analysis", [ANCOVA, WELCH, T_TEST, STRATIFIED], ids=repr)
def test_no_trials_and_no_patients_are_no_error(analysis: Analysis) -> None:
    none = replace(
        GOOD,
        **{
            field: getattr(GOOD, field)[:0]
            for field in ("arm", "baseline", "value", "age_years", "stratum")
        },
    )
    nobody = replace(
        GOOD,
        **{
            field: getattr(GOOD, field)[..., :0]
            for field in ("arm", "baseline", "value", "age_years", "stratum")
        },
    )

    assert _quietly(analysis, none).effect.shape == (0,)
    assert (_quietly(analysis, nobody).reason == EMPTY_ARM).all()


def test_a_patient_without_baseline_is_left_out_of_an_analysis_that_reads_it() -> None:
    baseline = GOOD.baseline.copy()
    baseline[:, 3] = np.nan
    reading = replace(GOOD, baseline=baseline)

    assert (ANCOVA.estimate(reading).df == 12 - 1 - 3).all()
    assert (TTest("hba1c", 12.0, "change").estimate(reading).df == 12 - 1 - 2).all()
    assert (T_TEST.estimate(reading).df == 12 - 2).all()


@pytest.mark.parametrize(
    ("build", "part"),
    [
        (lambda: Ancova("weight", 12.0), "endpoint is 'weight'"),
        (lambda: Ancova("hba1c", 0.0), "month is 0"),
        (lambda: Ancova("hba1c", 12.0, ("sex",)), "a covariate is 'sex'"),
        (lambda: Ancova("hba1c", 12.0, ("age", "age")), "repeat"),
        (lambda: Ancova("hba1c", 12.0, factors=("site", "site")), "repeat"),
        (lambda: Ancova("hba1c", 12.0, factors=("base",)), "factors names 'base'"),
        (lambda: Ancova("hba1c", 12.0, factors=("site",)).estimate(GOOD), "factors names 'site'"),
        (lambda: Ancova("hba1c", 12.0, standard_error="hc4"), "standard_error is 'hc4'"),
        (lambda: Welch("hba1c", 12.0, "ratio"), "of is 'ratio'"),
        (lambda: TTest("hba1c", 12.0, null_effect=float("nan")), "null_effect is nan"),
        (lambda: T_TEST.estimate(replace(GOOD, visits_months=(3.0, 6.0))), "month is 12"),
    ],
)
def test_an_option_that_does_not_fit_is_named(build: object, part: str) -> None:
    with pytest.raises(ValueError, match=part):
        build()


def _quietly(analysis: Analysis, reading: Reading) -> Estimates:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return analysis.estimate(reading)


def _only(reading: Reading, trial: int) -> Reading:
    one = slice(trial, trial + 1)
    return Reading(
        reading.arm[one],
        reading.baseline[one],
        reading.value[one],
        reading.visits_months,
        reading.age_years[one],
        reading.stratum[one],
    )
