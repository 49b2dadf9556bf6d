"""Analyses of responders: the rule, the counts, exact and score tests, strata."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import optimize, stats
from support.readings import random_reading

from phase2sim.analyses.responders.cmh import Cmh
from phase2sim.analyses.responders.fisher import Fisher
from phase2sim.analyses.responders.logistic_standardised import LogisticStandardised
from phase2sim.analyses.responders.miettinen_nurminen import MiettinenNurminen
from phase2sim.analyses.responders.responders import Responder
from phase2sim.core.contracts import COLLINEAR, EMPTY_ARM, TOO_FEW, Reading

BELOW = Responder(below=7.0)
NAN = float("nan")


class Stratified(LogisticStandardised):
    """Adjusted for the stratum alone."""

    def __init__(self, endpoint: str, month: float, rule: Responder) -> None:
        super().__init__(endpoint, month, rule, covariates=("stratum",))


def table_reading(*tables: tuple[int, int, int, int]) -> Reading:
    """Make trials with x1 of n1 treated, x0 of n0 controls below 7; each table is a stratum."""
    arm, value, stratum = [], [], []
    for h, (x1, n1, x0, n0) in enumerate(tables):
        arm += [1] * n1 + [0] * n0
        value += [6.0] * x1 + [8.0] * (n1 - x1) + [6.0] * x0 + [8.0] * (n0 - x0)
        stratum += [h] * (n1 + n0)
    patients = len(arm)
    return Reading(
        arm=np.array([arm], np.int8),
        baseline=np.full((1, patients), 8.0),
        value=np.array([[value]]),
        visits_months=(12.0,),
        age_years=np.full((1, patients), 12.0),
        stratum=np.array([stratum], np.int64),
    )


@pytest.mark.parametrize(
    ("endpoint", "rule", "unit_values", "expected"),
    [
        ("hba1c", Responder(below=7.0), [6.9, 7.0, 7.1], [1, 0, 0]),
        ("hba1c", Responder(at_most=7.0), [6.9, 7.0, 7.1], [1, 1, 0]),
        ("hba1c", Responder(below_baseline_by=0.0), [7.9, 8.0, 8.1], [1, 0, 0]),
        ("hba1c", Responder(below_baseline_by=0.5), [7.4, 7.6, 8.0], [1, 0, 0]),
        ("hba1c", Responder(below=7.6, below_baseline_by=0.5), [7.4, 7.55, 8.0], [1, 0, 0]),
        ("c_peptide", Responder(at_least=0.2), [0.1, 0.2, 0.3], [0, 1, 1]),
        ("c_peptide", Responder(above_baseline_by=-0.1), [7.8, 7.95, 8.1], [0, 1, 1]),
        ("insulin", Responder(at_most=0.0), [0.0, 0.2, 0.5], [1, 0, 0]),
        ("glucose", Responder(below=7.0), [6.5, 7.5, 8.0], [1, 0, 0]),
    ],
)
def test_a_rule_is_in_the_endpoint_s_unit(
    endpoint: str, rule: Responder, unit_values: list[float], expected: list[int]
) -> None:
    to_model = {"hba1c": lambda x: x, "c_peptide": np.log1p, "insulin": np.sqrt, "glucose": np.log}
    values = to_model[endpoint](np.array([[unit_values]]))
    baseline = to_model[endpoint](np.full((1, 3), 8.0))
    reading = replace(table_reading((1, 2, 0, 1)), value=values, baseline=baseline)

    responds = Fisher(endpoint, 12.0, rule).responses(reading)

    assert responds.tolist() == [expected]


def test_a_latent_dose_below_zero_is_no_insulin() -> None:
    reading = table_reading((1, 2, 0, 1))
    latent = np.array([[[-0.4, 0.0, 0.3]]])

    responds = Fisher("insulin", 12.0, Responder(at_most=0.0)).responses(
        replace(reading, value=latent)
    )

    assert responds.tolist() == [[1, 1, 0]]


def test_whom_nobody_saw_did_not_respond_unless_left_out() -> None:
    reading = table_reading((4, 10, 2, 10))
    value = reading.value.copy()
    value[0, 0, [0, 9, 10]] = NAN  # a treated responder, a treated and a control that was none

    counted = Fisher("hba1c", 12.0, BELOW).estimate(replace(reading, value=value))
    seen_only = Fisher("hba1c", 12.0, BELOW, "complete_cases")
    left_out = seen_only.estimate(replace(reading, value=value))

    assert counted.effect[0] == pytest.approx(3 / 10 - 1 / 10)
    assert left_out.effect[0] == pytest.approx(3 / 8 - 1 / 9)


def test_a_missing_baseline_counts_only_where_the_rule_reads_it() -> None:
    reading = table_reading((4, 10, 2, 10))
    baseline = reading.baseline.copy()
    baseline[0, 0] = NAN

    plain = Fisher("hba1c", 12.0, BELOW).estimate(replace(reading, baseline=baseline))
    change = Fisher("hba1c", 12.0, Responder(below_baseline_by=0.0)).estimate(
        replace(reading, baseline=baseline)
    )

    assert plain.details["response_treated"][0] == pytest.approx(4 / 10)
    assert change.details["response_treated"][0] == pytest.approx(3 / 10)


@pytest.mark.parametrize(("n1", "n0"), [(4, 7), (15, 12)])
def test_fisher_is_that_of_scipy_for_every_table(n1: int, n0: int) -> None:
    for x1 in range(n1 + 1):
        for x0 in range(n0 + 1):
            if x1 + x0 in {0, n1 + n0}:
                continue
            table = [[x1, n1 - x1], [x0, n0 - x0]]

            result = Fisher("hba1c", 12.0, BELOW).estimate(table_reading((x1, n1, x0, n0)))

            assert result.test is not None
            one = stats.fisher_exact(table, alternative="greater").pvalue
            two = stats.fisher_exact(table).pvalue
            assert result.p[0] == pytest.approx(one, rel=1e-10)
            assert result.test.p_two_sided[0] == pytest.approx(two, rel=1e-10)


@pytest.mark.parametrize("null_effect", [-0.3, -0.05, 0.0, 0.15, 0.6])
@pytest.mark.parametrize("counts", [(3, 9, 2, 12), (0, 20, 5, 15), (20, 20, 11, 30), (1, 40, 0, 7)])
def test_score_rests_on_the_best_rates_with_that_difference(
    counts: tuple[int, int, int, int], null_effect: float
) -> None:
    x1, n1, x0, n0 = counts

    def unlikely(control: float) -> float:
        treated = control + null_effect
        return -float(stats.binom.logpmf(x1, n1, treated) + stats.binom.logpmf(x0, n0, control))

    limits = (max(0.0, -null_effect), min(1.0, 1.0 - null_effect))
    control = optimize.minimize_scalar(
        unlikely, bounds=limits, method="bounded", options={"xatol": 1e-12}
    ).x
    treated = control + null_effect
    variance = (treated * (1 - treated) / n1 + control * (1 - control) / n0) * (n1 + n0)
    expected = (x1 / n1 - x0 / n0 - null_effect) / np.sqrt(variance / (n1 + n0 - 1))

    part = MiettinenNurminen("hba1c", 12.0, BELOW, null_effect=null_effect)
    result = part.estimate(table_reading(counts))

    # A minimum is known to the root of rounding.
    assert result.test is not None
    assert result.test.statistic[0] == pytest.approx(expected, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("counts", [(3, 9, 2, 12), (0, 20, 5, 15), (20, 20, 11, 30), (7, 7, 0, 9)])
def test_limits_of_the_interval_are_just_not_rejected(counts: tuple[int, int, int, int]) -> None:
    reading = table_reading(counts)
    test = MiettinenNurminen("hba1c", 12.0, BELOW).estimate(reading).test

    assert test is not None
    for limit in (test.lower[0], test.upper[0]):
        if abs(limit) < 1:
            part = MiettinenNurminen("hba1c", 12.0, BELOW, null_effect=float(limit))
            at_limit = part.estimate(reading).test
            assert at_limit is not None
            assert abs(at_limit.statistic[0]) == pytest.approx(1.959963984540054, rel=1e-9)


def test_cmh_of_one_stratum_is_the_score_test_with_its_interval_s_variance() -> None:
    reading = table_reading((9, 20, 4, 25))

    cmh = Cmh("hba1c", 12.0, BELOW).estimate(reading)
    score = MiettinenNurminen("hba1c", 12.0, BELOW).estimate(reading)

    assert cmh.p[0] == pytest.approx(score.p[0], rel=1e-12)
    assert cmh.effect[0] == pytest.approx(score.effect[0], rel=1e-12)


@pytest.mark.parametrize("standard_error", ["delta", "ge"])
def test_standardising_over_nothing_is_the_difference_in_rates(standard_error: str) -> None:
    reading = table_reading((9, 20, 4, 25))

    plain = LogisticStandardised("hba1c", 12.0, BELOW, covariates=(), standard_error=standard_error)
    result, wald = plain.estimate(reading), Fisher("hba1c", 12.0, BELOW).estimate(reading)

    assert result.effect[0] == pytest.approx(wald.effect[0], rel=1e-9)
    assert result.se[0] == pytest.approx(wald.se[0], rel=1e-9)
    assert result.p[0] == pytest.approx(stats.norm.sf(wald.effect[0] / wald.se[0]), rel=1e-8)


def test_a_margin_moves_the_hypothesis_and_nothing_else() -> None:
    reading = random_reading(seed=32, trials=30, patients=60)
    rule = Responder(below=5.0)

    plain = LogisticStandardised("hba1c", 12.0, rule).estimate(reading)
    margin = LogisticStandardised("hba1c", 12.0, rule, null_effect=-0.1).estimate(reading)

    np.testing.assert_array_equal(margin.effect, plain.effect)
    np.testing.assert_allclose(margin.p, stats.norm.sf((plain.effect + 0.1) / plain.se), rtol=1e-9)


@pytest.mark.parametrize("part", [Fisher, MiettinenNurminen, Cmh, LogisticStandardised])
def test_swapping_the_arms_flips_the_effect(part: type) -> None:
    reading = random_reading(seed=31, trials=30, patients=40)
    analysis = part("hba1c", 12.0, Responder(below=5.0))

    result, swapped = (
        analysis.estimate(reading),
        analysis.estimate(replace(reading, arm=1 - reading.arm)),
    )

    np.testing.assert_allclose(swapped.effect, -result.effect, atol=1e-9)
    np.testing.assert_allclose(swapped.se, result.se, rtol=1e-8)
    if result.test is None:
        return
    np.testing.assert_allclose(swapped.test.p_two_sided, result.test.p_two_sided, rtol=1e-10)
    np.testing.assert_allclose(swapped.test.lower, -result.test.upper, atol=1e-9)


@pytest.mark.parametrize(
    ("part", "tables", "reason"),
    [
        (Fisher, [(3, 8, 0, 0)], EMPTY_ARM),
        (Stratified, [(3, 8, 0, 0)], EMPTY_ARM),
        (Stratified, [(3, 8, 0, 0), (0, 0, 2, 7)], COLLINEAR),
        (Stratified, [(1, 1, 0, 1), (0, 1, 0, 0)], TOO_FEW),
        (Cmh, [(3, 8, 0, 0), (0, 0, 2, 7)], COLLINEAR),
    ],
)
def test_says_why_it_cannot_compare(
    part: type, tables: list[tuple[int, int, int, int]], reason: int
) -> None:
    result = part("hba1c", 12.0, BELOW).estimate(table_reading(*tables))

    assert result.reason[0] == reason
    assert np.isnan([result.effect[0], result.p[0], result.se[0], result.df[0]]).all()


def test_non_inferiority_is_shown_when_all_respond() -> None:
    reading = table_reading((30, 30, 30, 30))

    result = MiettinenNurminen("hba1c", 12.0, BELOW, null_effect=-0.2).estimate(reading)

    assert not result.failed[0]
    assert result.p[0] < 0.025


@pytest.mark.parametrize(
    ("build", "part"),
    [
        (Responder, "responder is empty"),
        (lambda: Responder(below=float("inf")), "responder.below is inf"),
        (lambda: Fisher("hba1c", 12.0, Responder(below=53.0)), "responder.below is 53"),
        (lambda: Fisher("hba1c", 12.0, BELOW, "worst"), "missing is 'worst'"),
        (lambda: MiettinenNurminen("hba1c", 12.0, BELOW, null_effect=1.5), "null_effect is 1.5"),
        (lambda: MiettinenNurminen("hba1c", 12.0, BELOW, variance="x"), "variance is 'x'"),
    ],
)
def test_an_option_that_does_not_fit_is_named(build: object, part: str) -> None:
    with pytest.raises(ValueError, match=part):
        build()
