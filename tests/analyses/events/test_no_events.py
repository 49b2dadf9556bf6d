"""No event in an arm: exact and score tests, against R, by hand and by enumeration."""

from pathlib import Path

import numpy as np
import pytest
from scipy import optimize, special, stats
from support.agreement import assert_agrees, se_of_share
from support.commands import phase2sim, printed
from support.readings import rows_of
from support.small_trials import one_endpoint, scenario

from phase2sim.analyses.events.negative_binomial import NegativeBinomial
from phase2sim.analyses.events.poisson import PoissonRegression
from phase2sim.analyses.events.poisson_exact import PoissonExact
from phase2sim.core.contracts import EMPTY_ARM, EXACT_TEST, SCORE_TEST, Reading
from phase2sim.operating.simulation import simulate

CASES = rows_of("poisson_exact.csv")
BY_COUNTS = (PoissonExact, PoissonRegression, NegativeBinomial)


def reading_of(control: list[int], treated: list[int], months: tuple[float, float]) -> Reading:
    """Make a trial whose patients have these events; ``months`` are those of a patient, by arm."""
    arm = np.array([[0] * len(control) + [1] * len(treated)], np.int8)
    time = np.where(arm == 1, months[1], months[0])
    return Reading(
        arm=arm,
        baseline=np.zeros(arm.shape),
        value=np.array([[control + treated]], np.float64),
        visits_months=(12.0,),
        age_years=np.full(arm.shape, 12.0),
        stratum=np.zeros(arm.shape, np.int64),
        months_at_risk=time[:, None],
    )


def totals(row: dict[str, str]) -> Reading:
    control, treated = (int(row[f"events_{arm}"]) for arm in ("control", "treated"))
    months = float(row["time_control"]), float(row["time_treated"])
    return reading_of([control], [treated], months)


@pytest.mark.parametrize("row", CASES, ids=lambda r: f"{r['events_treated']}v{r['events_control']}")
def test_the_exact_test_is_that_of_r(row: dict[str, str]) -> None:
    result = PoissonExact("hypoglycaemia", 12.0).estimate(totals(row))

    assert result.test is not None
    assert result.p[0] == pytest.approx(float(row["one_sided_p_fewer"]), rel=1e-10)
    assert result.test.p_two_sided[0] == pytest.approx(float(row["two_sided_p"]), rel=1e-10)
    for name, key in (("rate_ratio", "ratio"), ("ratio_lower", "low"), ("ratio_upper", "high")):
        assert result.details[name][0] == pytest.approx(float(row[key]), rel=1e-8), name


@pytest.mark.parametrize("margin", [0.5, 0.8, 1.7])
def test_the_exact_test_of_a_ratio_is_binomial(margin: float) -> None:
    part = PoissonExact("hypoglycaemia", 12.0, null_effect=float(np.log(margin)))

    result = part.estimate(reading_of([7, 2], [1, 2], (6.0, 4.0)))

    share = margin * 8.0 / (margin * 8.0 + 12.0)
    assert result.p[0] == pytest.approx(stats.binom.cdf(3, 12, share), rel=1e-12)


def test_many_events_are_counted_without_overflow() -> None:
    result = PoissonExact("hypoglycaemia", 12.0).estimate(reading_of([5200], [4900], (60.0, 60.0)))

    assert result.p[0] == pytest.approx(stats.binom.cdf(4900, 10_100, 0.5), rel=1e-8)


@pytest.mark.parametrize("part", [PoissonExact, PoissonRegression])
def test_nine_events_against_none(part: type) -> None:
    result = part("hypoglycaemia", 12.0).estimate(reading_of([9], [0], (60.0, 60.0)))

    assert result.p[0] == pytest.approx(0.5**9, rel=1e-12)
    assert result.effect[0] == -np.inf
    assert result.details["rate_ratio"][0] == 0.0
    assert result.details["ratio_upper"][0] == pytest.approx(0.5066301903, rel=1e-8)  # R


def test_the_wald_test_says_what_answered_for_it() -> None:
    part = PoissonRegression("hypoglycaemia", 12.0)
    none, some = (reading_of([9], [x], (60.0, 60.0)) for x in (0, 3))

    assert part.estimate(none).fallback == [EXACT_TEST]
    assert part.estimate(some).fallback == [0]
    assert part.estimate(some).p[0] == pytest.approx(
        stats.norm.cdf(np.log(3 / 9) / np.sqrt(1 / 3 + 1 / 9)), rel=1e-12
    )


@pytest.mark.parametrize(
    ("part", "p"), [(PoissonExact, 1.0), (PoissonRegression, 1.0), (NegativeBinomial, 0.5)]
)
def test_no_event_at_all_says_nothing(part: type, p: float) -> None:
    result = part("hypoglycaemia", 12.0).estimate(reading_of([0, 0], [0, 0], (60.0, 40.0)))

    assert not result.failed[0]
    assert result.p[0] == p
    assert np.isnan(result.effect[0])
    assert result.test is not None
    assert (result.test.lower[0], result.test.upper[0]) == (-np.inf, np.inf)


@pytest.mark.parametrize("part", BY_COUNTS)
def test_an_arm_without_time_at_risk_has_no_answer(part: type) -> None:
    result = part("hypoglycaemia", 12.0).estimate(reading_of([4], [0], (60.0, 0.0)))

    assert result.reason[0] == EMPTY_ARM
    assert np.isnan([result.effect[0], result.se[0], result.p[0]]).all()


# --- Negative binomial -----------------------------------------------------------------------


def by_maximum(control: list[int], treated: list[int], log_ratio: float) -> float:
    """Score z of a rate ratio, rate and shape found by a general maximiser."""
    y = np.array(control + treated, float)
    scale = np.array([1.0] * len(control) + [np.exp(log_ratio)] * len(treated))

    def height(theta: np.ndarray) -> float:
        mean, shape = np.exp(theta[0]) * scale, np.exp(theta[1])
        logs = stats.nbinom.logpmf(y, shape, shape / (shape + mean))
        return -float(logs.sum())

    options = {"xatol": 1e-10, "fatol": 1e-12, "maxiter": 10_000}
    best = optimize.minimize(height, [0.0, 0.0], method="Nelder-Mead", options=options).x
    mean, shape = np.exp(best[0]) * scale, np.exp(best[1])
    weight = mean / (1.0 + mean / shape)
    mine = np.arange(y.size) >= len(control)
    score = ((y - mean) / (1.0 + mean / shape))[mine].sum()
    information = weight[mine].sum() * weight[~mine].sum() / weight.sum()
    return float(score / np.sqrt(information))


SOME, NONE = [5, 0, 3, 8, 0, 1, 2, 6], [0] * 7


@pytest.mark.parametrize("margin", [0.0, -0.4, 0.3])
@pytest.mark.parametrize(("control", "treated"), [(SOME, NONE), (NONE, SOME)])
def test_negative_binomial_score_is_that_of_a_general_maximiser(
    control: list[int], treated: list[int], margin: float
) -> None:
    part = NegativeBinomial("hypoglycaemia", 12.0, null_effect=margin)

    result = part.estimate(reading_of(control, treated, (1.0, 1.0)))

    expected = by_maximum(control, treated, margin)
    assert result.fallback == [SCORE_TEST]
    assert result.test is not None
    assert result.test.statistic[0] == pytest.approx(expected, rel=1e-4)
    assert result.p[0] == pytest.approx(special.ndtr(expected), rel=1e-3)
    assert result.effect[0] == (np.inf if treated is SOME else -np.inf)


def test_negative_binomial_limit_is_where_the_score_is_1_96() -> None:
    control, treated = [5, 1, 3, 4, 2, 1, 2, 6], [0] * 8
    result = NegativeBinomial("hypoglycaemia", 12.0).estimate(
        reading_of(control, treated, (1.0, 1.0))
    )

    assert result.test is not None
    limit = float(result.test.upper[0])
    assert result.test.lower[0] == -np.inf
    assert -5.0 < limit < 0.0
    assert by_maximum(control, treated, limit) == pytest.approx(-1.96, abs=1e-3)


# --- Simulated power and type I error where events are rare ----------------------------------

RATE = 30 * 6 * 0.0444444


def exact_go(a: int, b: int) -> bool:
    return a + b > 0 and bool(stats.binom.cdf(a, a + b, 0.5) <= 0.025)


def wald_go(a: int, b: int) -> bool:
    if a == 0 or b == 0:
        return exact_go(a, b)
    return bool(np.log(a / b) / np.sqrt(1 / a + 1 / b) <= stats.norm.ppf(0.025))


@pytest.mark.parametrize(("method", "goes"), [("poisson_exact", exact_go), ("poisson", wald_go)])
def test_rare_events_give_the_enumerated_power(method: str, goes: object) -> None:
    exact = {
        truth: sum(
            stats.poisson.pmf(a, RATE * ratio) * stats.poisson.pmf(b, RATE)
            for a in range(40)
            for b in range(40)
            if goes(a, b)
        )
        for truth, ratio in (("target", 0.15), ("null", 1.0))
    }
    if method == "poisson_exact":
        assert exact["target"] == pytest.approx(0.5142469, abs=1e-6)
        assert exact["null"] == pytest.approx(0.0139437, abs=1e-6)

    result = simulate(scenario(_rare_events(method, trials=20_000)))

    assert result.failures == {}
    for truth, shares in (("target", result.power), ("null", result.type_i_error)):
        share = shares["hypoglycaemia"]
        assert share.used == 20_000
        assert_agrees(share.estimate, exact[truth], se_of_share(exact[truth], 20_000))


def _rare_events(method: str, **changes: object) -> dict[str, object]:
    return one_endpoint(
        design={"kind": "fixed", "arms": ["control", "drug"], "patients": 60,
                "visits_months": [0, 6]},
        outcome={"hba1c": {"control_mean": [8.1, 7.5], "sd": 1.2, "correlation": 0.5}},
        truth={"target": {"hba1c": {"effect": -0.5, "month": 6, "shape": "immediate"}}},
        events={"hypoglycaemia": {"per_month": 0.0444444, "rate_ratio": 0.15}},
        analysis=[{"endpoint": "hypoglycaemia", "month": 6, "method": method}],
        **changes,
    )  # fmt: skip


def test_bias_is_of_the_finite_estimates_and_coverage_of_all() -> None:
    result = simulate(scenario(_rare_events("poisson_exact", trials=2_000)))

    rows = {(row.name, row.truth): row.measured for row in result.characteristics}
    bias, coverage = rows["bias", "target"], rows["coverage", "target"]
    assert np.isfinite(bias.estimate)
    assert 1_200 < bias.used < 1_600  # exp(-1.2) have no event under treatment
    assert (coverage.used, bias.failed) == (2_000, 0)
    assert coverage.estimate > 0.95  # Clopper and Pearson


def test_a_file_with_nine_events_against_none_is_a_go(tmp_path: Path) -> None:
    text = """
title = "rare"
seed = 1
trials = 100
[design]
kind = "fixed"
arms = ["control", "drug"]
patients = 60
visits_months = [0, 6]
[outcome.hba1c]
control_mean = [8.1, 7.5]
sd = 1.2
correlation = 0.5
[truth.target]
hba1c = { effect = -0.5, month = 6, shape = "immediate" }
[events.hypoglycaemia]
per_month = 0.0444444
rate_ratio = 0.15
[[analysis]]
endpoint = "hypoglycaemia"
month = 6
method = "poisson"
[decision]
kind = "significance"
one_sided_alpha = 0.025
"""
    path, data = tmp_path / "rare.toml", tmp_path / "events.csv"
    path.write_text(text, encoding="utf-8")
    counts = [*(("control", y) for y in (1, 0, 2, 0, 1, 0, 0, 3, 1, 0, 0, 0, 1, 0, 0)),
              *(("drug", 0),) * 15]  # fmt: skip
    rows = [f"p{number},{arm},6,{y}" for number, (arm, y) in enumerate(counts)]
    data.write_text("\n".join(["id,arm,time,y", *rows]), encoding="utf-8")

    found = printed("analyse", path, data)["findings"][0]

    assert found["p_one_sided"] == pytest.approx(0.5**9)
    assert found["effect"] is None  # the logarithm of 0
    assert found["details"]["rate_ratio"] == 0.0
    screen = phase2sim("analyse", path, data).stdout
    assert "rate ratio 0" in screen
    assert "conditional exact test" in screen
