"""An arm wholly below the limit: the score test, against a general maximiser."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import optimize, stats
from support.agreement import assert_agrees, se_of_share

from phase2sim.analyses.means.tobit import Tobit
from phase2sim.core.contracts import SCORE_TEST, TOO_FEW, Reading

LIMIT = 5.0


def reading_of(control: list[float], treated: list[float]) -> Reading:
    arm = np.array([[0] * len(control) + [1] * len(treated)], np.int8)
    n = arm.shape[1]
    return Reading(
        arm=arm,
        baseline=8.0 + np.sin(np.arange(n))[None],
        value=np.array([[control + treated]]),
        visits_months=(12.0,),
        age_years=np.full((1, n), 12.0),
        stratum=np.zeros((1, n), np.int64),
    )


def score_by_differences(reading: Reading, columns: int, effect: float) -> float:
    """Score z of an effect by a general maximiser, slopes by differences; in mean and 1 over SD."""
    y, arm = reading.value[0, 0] - effect * reading.arm[0], reading.arm[0]
    limit, below = LIMIT - effect * arm, reading.value[0, 0] < LIMIT
    x = np.column_stack([np.ones(arm.size), reading.baseline[0]])[:, :columns]

    def height(theta: np.ndarray) -> float:
        """Log-likelihood at slopes of ``x`` and the arm over the SD, and 1 over the SD."""
        off = theta[-1] * np.where(below, limit, y) - x @ theta[:-2] - arm * theta[-2]
        seen = np.log(theta[-1]) + stats.norm.logpdf(off)
        return float(np.where(below, stats.norm.logcdf(off), seen).sum())

    def restricted(theta: np.ndarray) -> float:
        return -height(np.array([*theta[:-1], 0.0, np.exp(theta[-1])]))

    options = {"maxiter": 40_000, "maxfev": 40_000, "xatol": 1e-11, "fatol": 1e-13}
    best = np.zeros(columns + 1)
    best[0] = y[~below].mean()
    for _ in range(5):
        best = optimize.minimize(restricted, best, method="Nelder-Mead", options=options).x
    at = np.array([*best[:-1], 0.0, np.exp(best[-1])])
    size, step = at.size, 1e-4
    steps = step * np.eye(size)
    slope = (height(at + steps[-2]) - height(at - steps[-2])) / (2 * step)
    information = np.array(
        [
            [
                -(
                    height(at + a + b) - height(at + a - b)
                    - height(at - a + b) + height(at - a - b)
                ) / (4 * step**2)
                for b in steps
            ]
            for a in steps
        ]
    )  # fmt: skip
    return float(slope * np.sqrt(np.linalg.inv(information)[-2, -2]))


CONTROL, NEVER = [5.6, 6.4, 7.1, 4.0, 6.0, 5.9, 7.7, 6.6], [4.0] * 7


PLAIN = {"standard_error": "likelihood"}


@pytest.mark.parametrize(
    ("part", "columns"),
    [
        (Tobit("hba1c", 12.0, LIMIT, covariates=(), **PLAIN), 1),
        (Tobit("hba1c", 12.0, LIMIT, **PLAIN), 2),
        (Tobit("hba1c", 12.0, LIMIT, null_effect=-0.5, **PLAIN), 2),
    ],
)
@pytest.mark.parametrize(("control", "treated"), [(CONTROL, NEVER), (NEVER, CONTROL)])
def test_score_is_that_of_a_general_maximiser(
    part: Tobit, columns: int, control: list[float], treated: list[float]
) -> None:
    reading = reading_of(control, treated)
    side = 1.0 if treated is CONTROL else -1.0

    result = part.estimate(reading)

    expected = score_by_differences(reading, columns, part.null_effect)
    assert result.fallback == [SCORE_TEST]
    assert result.effect[0] == side * np.inf
    assert result.test is not None
    assert result.test.statistic[0] == pytest.approx(expected, rel=1e-4)
    assert side * expected > 0.0
    assert result.p[0] == pytest.approx(stats.norm.cdf(expected), rel=1e-3)
    limit = float(result.test.upper[0] if side < 0 else result.test.lower[0])
    at_limit = score_by_differences(reading, columns, limit)
    assert at_limit == pytest.approx(side * stats.norm.isf(0.025), rel=1e-3)


def test_corrected_is_more_careful_than_the_likelihood() -> None:
    reading = reading_of(CONTROL, NEVER)
    parts = (Tobit("hba1c", 12.0, LIMIT), Tobit("hba1c", 12.0, LIMIT, standard_error="likelihood"))

    corrected, plain = (part.estimate(reading) for part in parts)

    assert plain.p[0] < corrected.p[0] < 0.025
    assert corrected.df[0] == 15 - 3
    assert corrected.test is not None
    assert plain.test is not None
    assert corrected.test.upper[0] > plain.test.upper[0]


@pytest.mark.parametrize("standard_error", ["corrected", "likelihood"])
def test_nothing_measured_in_either_arm_says_nothing(standard_error: str) -> None:
    part = Tobit("hba1c", 12.0, LIMIT, standard_error=standard_error)  # type: ignore[arg-type]

    result = part.estimate(reading_of([4.0] * 6, [3.0] * 6))

    assert not result.failed[0]
    assert np.isnan(result.effect[0])
    assert result.p[0] == 0.5
    assert result.test is not None
    assert (result.test.lower[0], result.test.upper[0]) == (-np.inf, np.inf)
    assert result.details["below_lloq"][0] == 1.0


def test_too_few_measured_values_have_no_answer() -> None:
    result = Tobit("hba1c", 12.0, LIMIT).estimate(reading_of([6.0, 5.5, 4.0, 4.0], [4.0] * 4))

    assert result.reason[0] == TOO_FEW
    assert np.isnan([result.effect[0], result.p[0], result.se[0]]).all()


@pytest.mark.parametrize("standard_error", ["corrected", "likelihood"])
def test_most_of_both_arms_below_keeps_the_level(standard_error: str) -> None:
    # 12 against 12, four of five values below: in a tenth of the trials an arm is never measured.
    trials, n = 10_000, 12
    arm = np.tile(np.repeat([0, 1], n), (trials, 1)).astype(np.int8)
    centre = LIMIT - stats.norm.ppf(0.8)
    value = np.random.default_rng(7).normal(centre, 1.0, arm.shape)
    reading = Reading(
        arm, np.full(arm.shape, 8.0), value[:, None], (12.0,), np.full(arm.shape, 12.0),
        np.zeros(arm.shape, np.int64),
    )  # fmt: skip
    part = Tobit("hba1c", 12.0, LIMIT, covariates=(), standard_error=standard_error)  # type: ignore[arg-type]

    result = part.estimate(reading)

    assert result.fallback is not None
    assert (result.fallback == SCORE_TEST).mean() > 0.08
    assert (result.p <= 0.025).mean() < 0.025 + 4 * se_of_share(0.025, trials)
    low, high = ((result.p <= 0.3).mean(), (result.p >= 0.7).mean())
    assert_agrees(low, high, np.sqrt(2 * 0.3 / trials))  # the arms are alike


def test_a_batch_answers_each_trial_as_alone() -> None:
    lost, plain = reading_of(CONTROL, NEVER), reading_of(CONTROL, [*CONTROL[:6], 6.3])
    both = replace(
        lost,
        **{
            name: np.concatenate([getattr(lost, name), getattr(plain, name)])
            for name in ("arm", "baseline", "value", "age_years", "stratum")
        },
    )
    part = Tobit("hba1c", 12.0, LIMIT)

    together = part.estimate(both)

    for trial, reading in enumerate((lost, plain)):
        alone = part.estimate(reading)
        assert together.p[trial] == alone.p[0]
        assert together.fallback is not None
        assert together.fallback[trial] == (SCORE_TEST if trial == 0 else 0)


def test_share_below_the_limit_is_of_the_patients_who_are_analysed() -> None:
    reading = reading_of([4.0, 6.0, 7.0, 4.0, 8.0, 6.5], [6.0, 5.5, 7.5, 6.2, 4.0, 5.8])
    baseline = reading.baseline.copy()
    baseline[0, 0] = np.nan  # not analysed: a value below the limit without a baseline

    result = Tobit("hba1c", 12.0, LIMIT).estimate(replace(reading, baseline=baseline))

    assert result.details["below_lloq"][0] == 2 / 11
