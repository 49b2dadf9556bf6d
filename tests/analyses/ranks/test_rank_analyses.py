"""Analyses by ranks: exact distributions, ties, strata, intervals."""

from dataclasses import replace
from fractions import Fraction
from itertools import combinations
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from support.readings import published_reading, random_reading, rows_of

from phase2sim.analyses.ranks.rank_ancova import RankAncova
from phase2sim.analyses.ranks.rank_sum_exact import untied_table
from phase2sim.analyses.ranks.van_elteren import VanElteren
from phase2sim.analyses.ranks.wilcoxon import Wilcoxon
from phase2sim.core.analysis import Analysis
from phase2sim.core.contracts import COLLINEAR, EMPTY_ARM, TOO_FEW, Reading

TIED = [row for row in rows_of("analysis_more.csv") if row["method"] == "wilcoxon y tied exact"]
unhurried = settings(deadline=None, max_examples=40, derandomize=True)


def reading_of(outcome: list[float], arm: list[int], stratum: list[int] | None = None) -> Reading:
    """Make one trial at month 12."""
    patients = len(arm)
    return Reading(
        arm=np.array([arm], np.int8),
        baseline=np.zeros((1, patients)),
        value=np.array([[outcome]], np.float64),
        visits_months=(12.0,),
        age_years=np.full((1, patients), 12.0),
        stratum=np.array([stratum or [0] * patients], np.int64),
    )


@pytest.mark.parametrize("row", TIED, ids=lambda row: f"{row['dataset']}-{row['quantity']}")
def test_exact_p_with_ties_is_that_of_coin(row: dict[str, str]) -> None:
    # Lower is better for HbA1c; for C-peptide, higher.
    reading = published_reading(row["dataset"])
    endpoint = "hba1c" if row["quantity"] == "p_less" else "c_peptide"

    result = Wilcoxon(endpoint, 12.0).estimate(reading)

    assert result.p[0] == pytest.approx(float(row["value"]), rel=1e-8)


@unhurried
@given(st.lists(st.integers(0, 4), min_size=4, max_size=9), st.integers(1, 3), st.data())
def test_exact_p_is_the_share_of_allocations(
    values: list[int], treated: int, data: st.DataObject
) -> None:
    chosen = data.draw(st.permutations(range(len(values))))[:treated]
    reading = reading_of([float(v) for v in values], [int(i in chosen) for i in range(len(values))])

    result = Wilcoxon("c_peptide", 12.0).estimate(reading)

    ranks = stats.rankdata(values)
    every = [ranks[list(c)].sum() for c in combinations(range(len(values)), treated)]
    expected = np.mean(np.array(every) >= ranks[chosen].sum())
    if len(set(values)) == 1:
        assert result.p[0] == 0.5
    else:
        assert result.p[0] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("m", "n"), [(1, 5), (4, 4), (7, 20), (40, 45)])
def test_exact_distribution_is_that_of_counted_arrangements(m: int, n: int) -> None:
    counts = [1] + [0] * (m * n)
    for i in range(1, m + 1):
        for k in range(m * n, n + i - 1, -1):
            counts[k] -= counts[k - n - i]
        for k in range(i, m * n + 1):
            counts[k] += counts[k - i]
    assert sum(counts) == comb(m + n, m)

    table = untied_table(m, n)

    exact = [float(Fraction(sum(counts[: k + 1]), comb(m + n, m))) for k in range(table.size)]
    np.testing.assert_allclose(table, exact, rtol=1e-13)


@unhurried
@given(seed=st.integers(0, 5000), patients=st.sampled_from([5, 12, 31]), tied=st.booleans())
def test_estimate_and_interval_are_order_statistics_of_the_differences(
    seed: int, patients: int, *, tied: bool
) -> None:
    reading = random_reading(seed=seed, trials=1, patients=patients)
    if tied:
        reading = replace(reading, value=np.round(reading.value))
    value, arm = reading.value[0, 1], reading.arm[0]
    sorted_differences = np.sort(np.subtract.outer(value[arm == 1], value[arm == 0]).ravel())

    result = Wilcoxon("hba1c", 12.0, distribution="normal").estimate(reading)

    n1, n0 = arm.sum(), (1 - arm).sum()
    reach = stats.norm.ppf(0.975) * np.sqrt(n1 * n0 * (n1 + n0 + 1) / 12)
    k = max(int(np.ceil(n1 * n0 / 2 - reach)), 1)
    assert result.test is not None
    assert result.effect[0] == pytest.approx(np.median(sorted_differences), abs=1e-12)
    assert result.test.lower[0] == sorted_differences[k - 1]
    assert result.test.upper[0] == sorted_differences[-k]


@pytest.mark.parametrize("null_effect", [-0.4, 0.7])
def test_a_null_effect_is_taken_off_the_treated(null_effect: float) -> None:
    reading = random_reading(seed=5, trials=30, patients=25)
    moved = reading.value - null_effect * reading.arm[:, None]

    for part in (Wilcoxon, VanElteren):
        against = part("hba1c", 12.0, null_effect=null_effect).estimate(reading)
        shifted = part("hba1c", 12.0).estimate(replace(reading, value=moved))
        np.testing.assert_allclose(against.p, shifted.p, rtol=1e-12)
        np.testing.assert_allclose(against.effect, shifted.effect + null_effect, rtol=1e-9)


def test_van_elteren_of_one_stratum_is_wilcoxon() -> None:
    reading = random_reading(seed=6, trials=20, patients=30)
    alone = replace(reading, stratum=np.zeros_like(reading.stratum))

    stratified = VanElteren("hba1c", 12.0).estimate(alone)
    plain = Wilcoxon("hba1c", 12.0, distribution="normal").estimate(alone)

    np.testing.assert_allclose(stratified.p, plain.p, rtol=1e-12)
    np.testing.assert_array_equal(stratified.effect, plain.effect)
    np.testing.assert_array_equal(stratified.se, plain.se)


def test_a_stratum_without_pairs_counts_for_nothing() -> None:
    outcome, arm = [1.0, 2.5, 3.0, 2.0, 9.0], [0, 1, 0, 1, 1]
    stratum = [0, 0, 0, 0, 1]

    together = VanElteren("hba1c", 12.0).estimate(reading_of(outcome, arm, stratum))
    without = VanElteren("hba1c", 12.0).estimate(reading_of(outcome[:4], arm[:4], stratum[:4]))

    assert together.p[0] == pytest.approx(without.p[0], rel=1e-12)
    assert together.effect[0] == without.effect[0]


TIED = [
    Wilcoxon("hba1c", 12.0),
    Wilcoxon("c_peptide", 12.0, distribution="normal"),
    Wilcoxon("hba1c", 12.0, distribution="normal_continuity"),
    VanElteren("hba1c", 12.0),
    RankAncova("hba1c", 12.0),
    RankAncova("hba1c", 12.0, covariates=("baseline", "stratum")),
]


@pytest.mark.parametrize("part", TIED, ids=repr)
def test_ranks_that_are_all_tied_say_nothing_either_way(part: Analysis) -> None:
    # The statistic is symmetric about its expectation, and equal to it.
    outcome = [1.0, 1.0, 1.0, 2.0, 2.0, 2.0] if "stratum" in repr(part) else [3.0] * 6
    arm, stratum = [0, 1, 0, 1, 0, 1], [0, 0, 0, 1, 1, 1]
    result = part.estimate(reading_of(outcome, arm, stratum))

    assert not result.failed[0]
    assert result.effect[0] == 0.0
    assert result.p[0] == 0.5


def test_strata_that_are_each_tied_say_nothing_either_way() -> None:
    reading = reading_of([1.0, 1.0, 2.0, 2.0], [0, 1, 0, 1], [0, 0, 1, 1])

    assert VanElteren("hba1c", 12.0).estimate(reading).p[0] == 0.5


@pytest.mark.parametrize(
    ("outcome", "arm", "stratum", "reason"),
    [
        ([1.0, 2.0, 3.0], [1, 1, 1], None, EMPTY_ARM),
        ([1.0, 2.0], [0, 1], None, TOO_FEW),
        ([1.0, 2.0, 3.0, 4.0], [0, 0, 1, 1], [0, 0, 1, 1], COLLINEAR),
    ],
)
def test_says_why_it_cannot_rank(
    outcome: list[float], arm: list[int], stratum: list[int] | None, reason: int
) -> None:
    part = VanElteren if stratum else Wilcoxon

    result = part("hba1c", 12.0).estimate(reading_of(outcome, arm, stratum))

    assert result.reason[0] == reason
    assert np.isnan([result.effect[0], result.p[0], result.se[0], result.df[0]]).all()


@pytest.mark.parametrize("covariates", [(), ("stratum",)], ids=str)
def test_rank_ancova_without_covariates_is_the_rank_sum_test(covariates: tuple[str, ...]) -> None:
    reading = random_reading(seed=7, trials=20, patients=30, missing=0.1)

    ranks = RankAncova("hba1c", 12.0, covariates).estimate(reading)

    sums = VanElteren("hba1c", 12.0) if covariates else Wilcoxon("hba1c", 12.0, "value", "normal")
    np.testing.assert_allclose(ranks.p, sums.estimate(reading).p, rtol=1e-12)


@pytest.mark.parametrize("covariates", [("baseline",), ("baseline", "age", "stratum")], ids=str)
def test_rank_ancova_knows_only_the_order(covariates: tuple[str, ...]) -> None:
    reading = random_reading(seed=8, trials=20, patients=40, missing=0.1)
    bent = replace(reading, value=np.exp(reading.value), baseline=reading.baseline**3)

    straight = RankAncova("hba1c", 12.0, covariates).estimate(reading)
    curved = RankAncova("hba1c", 12.0, covariates).estimate(bent)
    swapped = RankAncova("hba1c", 12.0, covariates).estimate(replace(reading, arm=1 - reading.arm))

    np.testing.assert_allclose(curved.p, straight.p, rtol=1e-9)
    np.testing.assert_allclose(swapped.p, 1 - straight.p, rtol=1e-9)
    np.testing.assert_allclose(swapped.effect, -straight.effect, rtol=1e-9)
