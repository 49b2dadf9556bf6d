"""Nobody or everybody responds: what theory says, against published values and enumeration."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from scipy import optimize, stats
from support.agreement import assert_agrees, se_of_share
from support.small_trials import one_endpoint, scenario

from phase2sim.analyses.responders.cmh import Cmh
from phase2sim.analyses.responders.fisher import Fisher
from phase2sim.analyses.responders.logistic_standardised import LogisticStandardised
from phase2sim.analyses.responders.miettinen_nurminen import MiettinenNurminen
from phase2sim.analyses.responders.miettinen_nurminen_stratified import (
    MiettinenNurminenStratified,
)
from phase2sim.analyses.responders.responders import Responder
from phase2sim.core.analysis import Analysis
from phase2sim.core.contracts import UNADJUSTED_SCORE, Estimates, Reading
from phase2sim.operating.simulation import simulate

BELOW = Responder(below=7.0)
EXACT_AT_NONE = {Fisher: 1.0}  # the others are symmetric about no difference: 0.5
PARTS = (Fisher, MiettinenNurminen, MiettinenNurminenStratified, Cmh, LogisticStandardised)
every_part = pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__name__)

type Table = tuple[int, int, int, int]


def reading_of(*tables: Table) -> Reading:
    """Make a trial with x1 of n1 treated, x0 of n0 controls below 7; each table is a stratum."""
    arm, value, stratum = [], [], []
    for h, (x1, n1, x0, n0) in enumerate(tables):
        arm += [1] * n1 + [0] * n0
        value += [6.0] * x1 + [8.0] * (n1 - x1) + [6.0] * x0 + [8.0] * (n0 - x0)
        stratum += [h] * (n1 + n0)
    n = len(arm)
    return Reading(
        arm=np.array([arm], np.int8),
        baseline=8.0 + np.sin(np.arange(n))[None],
        value=np.array([[value]]),
        visits_months=(12.0,),
        age_years=np.full((1, n), 12.0),
        stratum=np.array([stratum], np.int64),
    )


def found(part: type[Analysis], *tables: Table) -> Estimates:
    return part("hba1c", 12.0, BELOW).estimate(reading_of(*tables))


@every_part
def test_none_of_10_against_none_of_20_is_no_difference(part: type[Analysis]) -> None:
    result = found(part, (0, 10, 0, 20))

    assert not result.failed[0]
    assert result.effect[0] == 0.0
    assert result.p[0] == pytest.approx(EXACT_AT_NONE.get(part, 0.5), abs=1e-12)
    # Miettinen and Nurminen 1985: by hand, from the restricted rates.
    assert result.test is not None
    assert result.test.lower[0] == pytest.approx(-0.1658, abs=5e-5)
    assert result.test.upper[0] == pytest.approx(0.2844, abs=5e-5)


@every_part
def test_everybody_is_the_mirror_image_of_nobody(part: type[Analysis]) -> None:
    none, all_of_them = found(part, (0, 10, 0, 20)), found(part, (10, 10, 20, 20))

    assert all_of_them.test is not None
    assert none.test is not None
    assert all_of_them.test.lower[0] == pytest.approx(-none.test.upper[0], rel=1e-9)
    assert all_of_them.p[0] == none.p[0]


@every_part
@pytest.mark.parametrize("sizes", [(1, 1), (1, 40), (12, 7)])
def test_nobody_is_never_significant(part: type[Analysis], sizes: tuple[int, int]) -> None:
    for table in ((0, sizes[0], 0, sizes[1]), (sizes[0], sizes[0], sizes[1], sizes[1])):
        result = found(part, table)

        assert result.p[0] >= 0.5
        assert result.test is not None
        assert result.test.lower[0] < 0.0 < result.test.upper[0]


@every_part
def test_a_stratum_without_responders_is_answered(part: type[Analysis]) -> None:
    result = found(part, (6, 9, 2, 8), (0, 5, 0, 6))

    assert not result.failed[0]
    assert 0.0 < result.p[0] < 0.2


def test_responders_in_every_stratum_of_one_arm_only_leave_an_interval_with_a_width() -> None:
    result = found(Cmh, (5, 5, 0, 5), (4, 4, 0, 6))

    assert result.effect[0] == pytest.approx(1.0)
    assert result.test is not None
    assert 0.4 < result.test.lower[0] < 0.9  # by the standard error alone it would be 1
    assert result.test.upper[0] == pytest.approx(1.0)


@pytest.mark.parametrize(
    "tables", [[(0, 20, 5, 20)], [(3, 8, 0, 7), (5, 9, 0, 8)], [(3, 8, 2, 7), (9, 9, 8, 8)]]
)
def test_where_odds_have_no_bound_the_difference_is_tested_by_its_score(
    tables: list[Table],
) -> None:
    adjusted = LogisticStandardised("hba1c", 12.0, BELOW, covariates=("stratum",))
    reading = reading_of(*tables)

    result = adjusted.estimate(reading)

    plain = MiettinenNurminen("hba1c", 12.0, BELOW).estimate(reading)
    assert result.fallback is not None
    assert result.fallback[0] == UNADJUSTED_SCORE
    assert (result.effect[0], result.p[0]) == (plain.effect[0], plain.p[0])


def test_a_patient_without_a_covariate_is_left_out_of_the_score_too() -> None:
    reading = reading_of((0, 4, 0, 9))
    reading.baseline[0, 0] = np.nan

    result = LogisticStandardised("hba1c", 12.0, BELOW).estimate(reading)

    expected = found(MiettinenNurminen, (0, 3, 0, 9))
    assert result.test is not None
    assert expected.test is not None
    assert result.test.upper[0] == expected.test.upper[0]


# --- Stratified Miettinen-Nurminen -----------------------------------------------------------

# cardx, ci_prop_diff_mn_strata(method = "score"): the example of its manual, and the values that
# its tests have from a SAS macro (they ask for agreement within 0.001).
CARDX: list[tuple[list[Table], float, float, float]] = [
    ([(7, 10, 5, 10), (5, 10, 4, 10)], -0.1606, 0.4338, 5e-5),
    ([(13, 26, 15, 23), (20, 28, 15, 22), (15, 26, 20, 33), (12, 20, 12, 22)],
     -0.16116, 0.10954, 2e-4),
]  # fmt: skip


@pytest.mark.parametrize(("tables", "lower", "upper", "tolerance"), CARDX)
def test_stratified_limits_are_published_ones(
    tables: list[Table], lower: float, upper: float, tolerance: float
) -> None:
    result = found(MiettinenNurminenStratified, *tables)

    assert result.test is not None
    assert result.test.lower[0] == pytest.approx(lower, abs=tolerance)
    assert result.test.upper[0] == pytest.approx(upper, abs=tolerance)


def restricted(x1: int, n1: int, x0: int, n0: int, d: float) -> float:
    """Variance at the most likely rates with difference d, found by maximising."""

    def height(low: float) -> float:
        logs = stats.binom.logpmf(x1, n1, low + d) + stats.binom.logpmf(x0, n0, low)
        return -float(logs)

    span = max(0.0, -d) + 1e-9, min(1.0, 1.0 - d) - 1e-9
    p0 = optimize.minimize_scalar(height, bounds=span, method="bounded",
                                  options={"xatol": 1e-11}).x  # fmt: skip
    p1 = p0 + d
    n = n1 + n0
    return float((p1 * (1 - p1) / n1 + p0 * (1 - p0) / n0) * n / (n - 1))


@pytest.mark.parametrize("d", [-0.3, -0.1, 0.2])
def test_stratified_score_is_that_of_maximised_likelihoods(d: float) -> None:
    tables = [(6, 9, 2, 8), (0, 5, 1, 6), (4, 4, 3, 7)]
    part = MiettinenNurminenStratified("hba1c", 12.0, BELOW, null_effect=d)

    result = part.estimate(reading_of(*tables))

    weight = np.array([n1 * n0 / (n1 + n0) for _, n1, _, n0 in tables])
    off = np.array([x1 / n1 - x0 / n0 - d for x1, n1, x0, n0 in tables])
    variance = np.array([restricted(*table, d) for table in tables])
    expected = (weight * off).sum() / np.sqrt((weight**2 * variance).sum())
    assert result.test is not None
    assert result.test.statistic[0] == pytest.approx(expected, rel=1e-5)


def test_stratified_score_of_no_difference_is_that_of_cmh_and_limits_are_where_it_is_1_96() -> None:
    tables = [(6, 9, 2, 8), (0, 5, 1, 6)]
    result, cmh = found(MiettinenNurminenStratified, *tables), found(Cmh, *tables)

    assert result.p[0] == pytest.approx(cmh.p[0], rel=1e-12)
    assert result.effect[0] == pytest.approx(cmh.effect[0], rel=1e-12)
    assert result.test is not None
    for limit, z in ((result.test.lower[0], 1.96), (result.test.upper[0], -1.96)):
        part = MiettinenNurminenStratified("hba1c", 12.0, BELOW, null_effect=float(limit))
        there = part.estimate(reading_of(*tables))
        assert there.test is not None
        assert there.test.statistic[0] == pytest.approx(z, abs=1e-4)


def test_one_stratum_is_the_plain_test_and_a_stratum_of_one_arm_weighs_nothing() -> None:
    plain = found(MiettinenNurminen, (6, 9, 2, 8))

    for tables in ([(6, 9, 2, 8)], [(6, 9, 2, 8), (3, 4, 0, 0)]):
        result = found(MiettinenNurminenStratified, *tables)
        assert result.test is not None
        assert plain.test is not None
        assert result.p[0] == pytest.approx(plain.p[0], rel=1e-12)
        assert result.test.lower[0] == pytest.approx(plain.test.lower[0], abs=1e-12)


# --- Simulated power and type I error where responders are rare ------------------------------


def _tables(n: int, p1: float, p0: float) -> Iterator[tuple[int, int, float]]:
    for a in range(n + 1):
        for b in range(n + 1):
            yield a, b, float(stats.binom.pmf(a, n, p1) * stats.binom.pmf(b, n, p0))


def fisher_p(a: int, b: int, n: int) -> float:
    return float(stats.hypergeom.sf(a - 1, 2 * n, a + b, n))


def score_p(a: int, b: int, n: int) -> float:
    p = (a + b) / (2 * n)
    if p in (0.0, 1.0):
        return 0.5
    return float(stats.norm.sf((a - b) / n / np.sqrt(p * (1 - p) * 2 / n * 2 * n / (2 * n - 1))))


@pytest.mark.parametrize(
    ("method", "p_of", "power", "type_i_error"),
    [
        ("fisher", fisher_p, 0.01912, 0.000285),
        ("miettinen_nurminen", score_p, 0.06204, 0.002466),
    ],
)
def test_rare_responders_give_the_enumerated_power(
    method: str, p_of: Callable[[int, int, int], float], power: float, type_i_error: float
) -> None:
    rates = {"target": stats.norm.cdf(7.2, 8.5, 1.0), "null": stats.norm.cdf(7.2, 9.0, 1.0)}
    exact = {
        truth: sum(w for a, b, w in _tables(20, rate, rates["null"]) if p_of(a, b, 20) <= 0.025)
        for truth, rate in rates.items()
    }
    assert exact["target"] == pytest.approx(power, abs=5e-6)
    assert exact["null"] == pytest.approx(type_i_error, abs=5e-7)
    table = one_endpoint(
        trials=20_000,
        design={"kind": "fixed", "arms": ["control", "drug"], "patients": 40,
                "visits_months": [0, 6]},
        outcome={"hba1c": {"control_mean": [9.5, 9.0], "sd": 1.0, "correlation": 0.5}},
        truth={"target": {"hba1c": {"effect": -0.5, "month": 6, "shape": "immediate"}}},
        analysis=[{"endpoint": "hba1c", "month": 6, "method": method,
                   "responder": {"below": 7.2}}],
    )  # fmt: skip

    result = simulate(scenario(table))

    assert result.failures == {}
    for truth, shares in (("target", result.power), ("null", result.type_i_error)):
        share = shares["hba1c"]
        assert share.used == 20_000
        assert_agrees(share.estimate, exact[truth], se_of_share(exact[truth], 20_000))
