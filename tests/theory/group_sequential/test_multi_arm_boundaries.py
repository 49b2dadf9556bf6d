"""Bounds of several arms against one control: published designs, limits, and a simulation."""

from fractions import Fraction

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm
from support.agreement import assert_agrees, se_of_share
from support.readings import rows_of

from phase2sim.core.arrays import Floats
from phase2sim.theory.group_sequential.boundaries import boundaries
from phase2sim.theory.group_sequential.classical_bounds import NoEfficacy, Pocock, Triangular
from phase2sim.theory.group_sequential.efficacy import EFFICACIES
from phase2sim.theory.group_sequential.futility import TriangularLimit, ZLimit
from phase2sim.theory.group_sequential.futility_rule import FutilityRule
from phase2sim.theory.group_sequential.multi_arm_boundaries import (
    MOST_LOOKS,
    ArmBoundaries,
    Fates,
    SharedControl,
    arm_boundaries,
)
from phase2sim.theory.group_sequential.spending import OBrienFlemingType, PocockType

EQUAL = 0.5**0.5  # loading of an arm as large as control
HALF = np.array([0.5, 1.0])
PUBLISHED = rows_of("mams.csv")


def loading(allocation: str) -> float:
    control, treated = map(int, allocation.split(":"))
    return (treated / (treated + control)) ** 0.5


def published(row: dict[str, str]) -> ArmBoundaries:
    """Bounds of a row's design; MAMS counts on arms that are dropped."""
    futility: FutilityRule | None = None
    if row["futility"]:
        kind, *limit = row["futility"].split()
        futility = TriangularLimit(binding=True)
        if kind == "z":
            futility = ZLimit(tuple(map(float, limit)), binding=True)
    information = np.array([float(Fraction(one)) for one in row["information"].split(";")])
    loadings = (loading(row["allocation"]),) * int(row["arms"])
    return arm_boundaries(
        information, float(row["one_sided_alpha"]), EFFICACIES[row["efficacy"]](), futility,
        loadings,
    )  # fmt: skip


@pytest.mark.parametrize("row", PUBLISHED, ids=lambda row: f"{row['case']}-{row['look']}")
def test_bounds_are_those_of_mams(row: dict[str, str]) -> None:
    found = published(row)

    side = found.efficacy if row["quantity"] == "efficacy_z" else found.futility
    # MAMS looks for the constant to 0.001 and prints three digits.
    assert side[int(row["look"]) - 1] == pytest.approx(float(row["value"]), abs=1.1e-3)


def test_patients_without_an_effect_are_those_of_mams() -> None:
    """JSS 88(4) 2019, m2sim: 244.907 patients in 100,000 simulated trials, up to 380 in each."""
    row = next(row for row in PUBLISHED if row["case"] == "triangular")
    bounds = published(row)
    patients = np.array([152.0, 76.0, 76.0, 76.0])

    found = bounds.fates(np.zeros(3)).expected_patients(bounds.information, patients)

    assert_agrees(244.907, found, (380 - 190) / 2 / 100_000**0.5)  # no SD is larger


def test_patients_at_the_least_favourable_effects_are_those_of_mams() -> None:
    """JSS 88(4) 2019, table 1, triangular: 217.8 patients in 100,000 simulated trials of 408."""
    information = np.array([1, 2, 3]) / 3
    bounds = arm_boundaries(
        information, 0.05, Triangular(), TriangularLimit(binding=True), (EQUAL,) * 3
    )
    effects = 2**0.5 * norm.ppf([0.65, 0.55, 0.55])  # p is the chance of a better outcome
    drifts = effects * (102 / 2) ** 0.5

    found = bounds.fates(drifts).expected_patients(information, np.full(4, 102.0))

    assert_agrees(217.8, found, (408 - 136) / 2 / 100_000**0.5)  # no SD is larger


def test_error_spent_by_looks_is_that_of_mams() -> None:
    """JSS 88(4) 2019: bounds in the shape 3:2:1 have the level; m2 spends 0.026 at first."""
    custom = SharedControl((EQUAL,) * 3)(
        np.array([1, 2, 3]) / 3, np.array([0.0, 0.0, 2.042]), np.array([6.125, 4.084, 2.042])
    )
    row = next(row for row in PUBLISHED if row["case"] == "triangular")

    assert custom.sum() == pytest.approx(0.05, abs=2e-4)  # of three digits of the bounds
    assert published(row).spent(dropping=True) == pytest.approx([0.026, 0.05], abs=5e-4)


@pytest.mark.parametrize("place", range(4))
def test_what_becomes_of_an_arm_does_not_depend_on_its_place(place: int) -> None:
    bounds = arm_boundaries(np.array([0.5, 1.0]), 0.025, Triangular(), None, (EQUAL,) * 4)
    drifts = np.full(4, 1.0)
    drifts[place] = 2.5
    others = [arm for arm in range(4) if arm != place]

    here, last = bounds.fates(drifts), bounds.fates(np.array([1.0, 1.0, 1.0, 2.5]))

    assert here.efficacy == pytest.approx(last.efficacy, abs=1e-12)
    assert here.crossed[place] == pytest.approx(last.crossed[3], abs=1e-12)
    assert here.crossed[others] == pytest.approx(last.crossed[:3], abs=1e-12)


def test_one_look_is_the_test_of_dunnett() -> None:
    loadings = np.array([0.5, 0.6, 0.8])
    correlation = np.outer(loadings, loadings) + np.diag(1 - loadings**2)
    joint = multivariate_normal(
        np.zeros(3), correlation, maxpts=10**6, abseps=1e-7, releps=1e-7, seed=1
    )

    found = arm_boundaries(np.ones(1), 0.025, NoEfficacy(), None, tuple(loadings.tolist()))

    assert 1 - joint.cdf(np.full(3, found.efficacy[0])) == pytest.approx(0.025, abs=1e-5)


SEQUENTIAL: dict[str, list[dict[str, str]]] = {}
for _row in rows_of("group_sequential.csv"):
    few = int(_row["looks"]) <= MOST_LOOKS
    if few and _row["type"] in {"asOF", "asP", "OF", "P"} and _row["futility"] == "":
        SEQUENTIAL.setdefault(_row["case"], []).append(_row)


@pytest.mark.parametrize("case", SEQUENTIAL)
def test_one_arm_is_a_group_sequential_test(case: str) -> None:
    """The integral over the control gives what rpact says of one arm."""
    rows = {(row["quantity"], int(row["look"])): row for row in SEQUENTIAL[case]}
    information = np.array([float(one) for one in SEQUENTIAL[case][0]["information"].split(";")])
    looks = range(1, information.size + 1)
    upper = np.array([float(rows["efficacy_z", look]["value"]) for look in looks])

    spent = SharedControl((0.6,))(information, np.full(upper.size, -np.inf), upper).cumsum()

    said = [float(rows["cumulative_alpha", look]["value"]) for look in looks]
    assert spent == pytest.approx(said, abs=1e-7)


def walked(bounds: ArmBoundaries, drifts: Floats, trials: int) -> Fates:
    """The same chances from simulated trials: a walk of each arm and of the control."""
    rng = np.random.default_rng(20261125)
    steps = np.diff(bounds.information, prepend=0.0) ** 0.5
    path = (rng.standard_normal((drifts.size + 1, trials, steps.size)) * steps).cumsum(axis=2)
    b = np.array(bounds.crossing.loadings)[:, None, None]
    z = (1 - b**2) ** 0.5 * path[1:] - b * path[0] + drifts[:, None, None] * bounds.information
    z = z / bounds.information**0.5  # (arm, trial, look)
    efficacy, futility = np.zeros((2, steps.size))
    crossed, dropped, going = np.zeros((3, drifts.size, steps.size))
    alive, runs = np.ones(z.shape[:2], np.bool_), np.ones(trials, np.bool_)
    for k in range(steps.size):
        there = alive & runs
        above, below = there & (z[..., k] >= bounds.efficacy[k]), z[..., k] <= bounds.futility[k]
        below &= there
        wins = above.any(axis=0)
        alive &= ~below
        empty = runs & ~wins & ~(alive & ~above).any(axis=0)
        efficacy[k], futility[k] = wins.mean(), empty.mean()
        runs &= ~wins & ~empty
        crossed[:, k], dropped[:, k] = above.mean(axis=1), below.mean(axis=1)
        going[:, k] = (alive & runs).mean(axis=1)
    return Fates(efficacy, futility, crossed, dropped, going)


@pytest.mark.parametrize("drifts", [(0.0, 0.0), (1.0, 2.5)])
def test_what_becomes_of_the_arms_is_what_a_simulation_finds(drifts: tuple[float, ...]) -> None:
    trials = 100_000
    information = np.array([0.3, 0.7, 1.0])
    bounds = arm_boundaries(
        information, 0.025, OBrienFlemingType(), ZLimit((0.0, 0.8)), (0.55, 0.75)
    )

    exact = bounds.fates(np.array(drifts))
    found = walked(bounds, np.array(drifts), trials)

    for name in ("efficacy", "futility", "crossed", "dropped", "going"):
        chance = getattr(exact, name)
        assert_agrees(getattr(found, name), chance, se_of_share(chance, trials) + 1e-5)
    assert exact.efficacy.sum() + exact.futility.sum() == pytest.approx(1.0, abs=1e-8)


def test_bounds_that_spend_cross_as_often_as_they_say() -> None:
    """Two arms at two looks as one normal of four dimensions."""
    bounds = arm_boundaries(HALF, 0.025, PocockType(), None, (EQUAL, EQUAL))
    looks = np.array([[1.0, EQUAL], [EQUAL, 1.0]])
    joint = np.kron(np.array([[1.0, 0.5], [0.5, 1.0]]), looks)
    law = multivariate_normal(np.zeros(4), joint, maxpts=10**6, abseps=1e-7, releps=1e-7, seed=1)

    assert 1 - law.cdf(np.tile(bounds.efficacy, 2)) == pytest.approx(0.025, abs=1e-5)
    first = 0.025 * np.log1p((np.e - 1) * 0.5)
    assert bounds.spent(dropping=False) == pytest.approx([first, 0.025], abs=1e-10)


@pytest.mark.parametrize("futility", [ZLimit((0.5,), binding=True), TriangularLimit(binding=True)])
def test_bounds_that_count_on_dropped_arms_use_up_the_level_with_them(
    futility: FutilityRule,
) -> None:
    binding = arm_boundaries(HALF, 0.025, Pocock(), futility, (EQUAL, EQUAL))
    free = arm_boundaries(HALF, 0.025, Pocock(), None, (EQUAL, EQUAL))

    assert binding.spent(dropping=True)[-1] == pytest.approx(0.025, abs=1e-9)
    assert binding.spent(dropping=False)[-1] > 0.025
    assert free.spent(dropping=False)[-1] == pytest.approx(0.025, abs=1e-9)
    assert (binding.efficacy < free.efficacy).all()


@pytest.mark.parametrize("drift", [-3.0, 0.0, 1.0, 3.0, 9.0])
def test_no_effects_at_all_is_the_worst_case(drift: float) -> None:
    """Whatever the other arm's effect, an arm without one crosses no more often than any of two."""
    bounds = arm_boundaries(HALF, 0.025, Triangular(), TriangularLimit(), (EQUAL, EQUAL))

    fates = bounds.fates(np.array([0.0, drift]))

    wrong = fates.any_go if drift <= 0.0 else fates.crossed[0].sum()
    assert wrong <= bounds.fates(np.zeros(2)).any_go <= 0.025


def test_the_triangular_test_of_one_arm_needs_no_integral_over_the_control() -> None:
    information = np.array([1, 2, 3]) / 3
    shared = arm_boundaries(
        information, 0.05, Triangular(), TriangularLimit(binding=True), (EQUAL,)
    )

    alone = boundaries(information, 0.05, Triangular(), TriangularLimit(binding=True))

    assert alone.efficacy == pytest.approx(shared.efficacy, abs=1e-7)
    assert alone.futility == pytest.approx(shared.futility, abs=1e-7)


@pytest.mark.parametrize(
    ("information", "futility", "says"),
    [
        ([0.7, 0.5, 1.0], None, "rise"),
        ([0.2, 0.4, 0.6, 0.8, 1.0], None, "at most 4"),
        ([0.5, 1.0], ZLimit((4.0,)), "not below its efficacy bound"),
        ([0.5, 1.0], ZLimit((4.0,), binding=True), "not below its efficacy bound"),
        ([0.3, 0.6, 1.0], ZLimit((0.0, 0.1, 0.2)), "2 interim looks"),
    ],
)
def test_what_cannot_exist_is_refused(
    information: list[float], futility: FutilityRule | None, says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        arm_boundaries(np.array(information), 0.025, Pocock(), futility, (EQUAL, EQUAL))
