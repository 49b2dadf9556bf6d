"""Allocation: balance, uniformity of blocks, shares, and independence of what is asked for."""

from collections import Counter
from itertools import permutations, product

import numpy as np
import pytest
from support.agreement import assert_agrees, se_of_share

from phase2sim.core.arrays import Arms, Floats, Ints
from phase2sim.core.patient_parts import Randomisation
from phase2sim.trial.patients.randomisation import RANDOMISATIONS
from phase2sim.trial.patients.randomisation.blocks import PermutedBlocks, StratifiedBlocks
from phase2sim.trial.patients.randomisation.minimisation import Minimisation
from phase2sim.trial.patients.randomisation.simple import Simple

OVER = ("stratified_blocks", "minimisation")
RATIOS = [(1, 1), (1, 2), (3, 1), (2, 3), (31, 33), (1, 1, 1), (2, 1, 1)]


def arm_sizes(arms: Arms, number: int) -> Ints:
    """How many patients each arm has, (trial, arm)."""
    return np.stack([(arms == arm).sum(axis=1) for arm in range(number)], axis=1)


def nobody_differs(trials: int, patients: int) -> Ints:
    """No factor tells these patients apart."""
    return np.empty((0, trials, patients), dtype=np.int64)


@pytest.mark.parametrize("ratio", RATIOS, ids=str)
@pytest.mark.parametrize("blocks_a_ratio", [1, 2, 5])
def test_every_block_holds_the_arms_in_their_ratio(
    ratio: tuple[int, ...], blocks_a_ratio: int
) -> None:
    size = sum(ratio) * blocks_a_ratio

    arm = PermutedBlocks(ratio, block_size=size).allocate(1, 0, nobody_differs(50, 7 * size))

    blocks = arm.reshape(50 * 7, size)
    exact = np.multiply(ratio, blocks_a_ratio)
    assert (arm_sizes(blocks, len(ratio)) == exact).all()


@pytest.mark.parametrize(
    ("ratio", "size"), [((1, 1), 4), ((1, 2), 6), ((1, 3), 4), ((31, 33), 64), ((1, 1, 1), 6)]
)
def test_a_block_is_the_smallest_multiple_of_the_ratio_with_four_patients(
    ratio: tuple[int, ...], size: int
) -> None:
    assert PermutedBlocks(ratio).block.size == size


def test_the_six_orders_of_a_block_of_four_are_equally_likely() -> None:
    arm = PermutedBlocks((1, 1), block_size=4).allocate(2, 0, nobody_differs(3000, 40))

    found = Counter(map(tuple, arm.reshape(-1, 4).tolist()))
    orders = set(permutations((0, 0, 1, 1)))
    assert set(found) == orders
    shares = [found[order] / 30_000 for order in orders]
    assert_agrees(shares, 1 / 6, se_of_share(1 / 6, 30_000))


def test_a_block_says_nothing_about_the_next() -> None:
    arm = PermutedBlocks((1, 1), block_size=4).allocate(3, 0, nobody_differs(36_000, 8))

    found = Counter(map(tuple, arm.tolist()))
    orders = set(permutations((0, 0, 1, 1)))
    shares = [found[one + two] / 36_000 for one, two in product(orders, orders)]
    assert_agrees(shares, 1 / 36, se_of_share(1 / 36, 36_000))


@pytest.mark.parametrize("size", [0, -4, 3, 5])
def test_a_block_that_cannot_hold_the_ratio_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="multiple of 2"):
        PermutedBlocks((1, 1), block_size=size)


@pytest.mark.parametrize("ratio", RATIOS, ids=str)
def test_simple_randomisation_gives_each_arm_its_share(ratio: tuple[int, ...]) -> None:
    arm = Simple(ratio).allocate(4, 0, nobody_differs(1000, 200))

    share = np.array(ratio) / sum(ratio)
    found = np.bincount(arm.ravel(), minlength=len(ratio)) / arm.size
    assert_agrees(found, share, se_of_share(share, arm.size))


def test_simple_randomisation_tosses_for_each_patient_alone() -> None:
    arm = Simple((1, 1)).allocate(5, 0, nobody_differs(10_000, 20))

    # Arm sizes are binomial, and neighbours are independent.
    treated = arm.sum(axis=1)
    assert_agrees(treated.var(ddof=1), 5.0, 5.0 * np.sqrt(2 / 10_000))
    alike = (arm[:, :-1] == arm[:, 1:]).mean()
    assert_agrees(alike, 0.5, se_of_share(0.5, 190_000))


def factors(trials: int, patients: int, levels: tuple[int, ...] = (2, 3)) -> Ints:
    """Levels of each factor, some rarer than others."""
    rng = np.random.default_rng(trials)
    return np.stack([rng.binomial(n - 1, 0.4, (trials, patients)) for n in levels])


def made(method: str, ratio: tuple[int, ...], **options: object) -> Randomisation:
    over = {"over": ("age", "site")} if method in OVER else {}
    return RANDOMISATIONS[method](ratio=ratio, **over, **options)


@pytest.mark.parametrize("method", RANDOMISATIONS)
def test_the_first_patients_do_not_depend_on_how_many_follow(method: str) -> None:
    levels = factors(20, 500)

    few, many = (made(method, (1, 2)).allocate(6, 0, levels[:, :, :n]) for n in (17, 500))

    assert np.array_equal(few, many[:, :17])


@pytest.mark.parametrize("method", RANDOMISATIONS)
def test_a_trial_does_not_depend_on_its_batch(method: str) -> None:
    levels = factors(50, 60)

    together = made(method, (1, 1)).allocate(7, 0, levels)
    alone = made(method, (1, 1)).allocate(7, 31, levels[:, 31:32])

    assert np.array_equal(together[31], alone[0])
    assert not np.array_equal(together[31], together[32])


@pytest.mark.parametrize("ratio", RATIOS, ids=str)
@pytest.mark.parametrize("method", RANDOMISATIONS)
def test_any_ratio_ends_and_keeps_its_shares(method: str, ratio: tuple[int, ...]) -> None:
    arm = made(method, ratio).allocate(8, 0, factors(2000, 130))

    share = np.array(ratio) / sum(ratio)
    sizes = arm_sizes(arm, len(ratio)) / 130
    # No method lets the sizes vary more from trial to trial than simple randomisation does.
    assert_agrees(sizes.mean(axis=0), share, se_of_share(share, arm.size))


def test_random_block_sizes_are_as_likely_as_one_another() -> None:
    arm = PermutedBlocks((1, 1), block_sizes=(4, 6)).allocate(9, 0, nobody_differs(40_000, 4))

    # A block of 4 is balanced after 4 patients; one of 6 in 9 of 15 cases.
    assert_agrees((arm.sum(axis=1) == 2).mean(), 0.5 + 0.5 * 9 / 15, se_of_share(0.8, 40_000))


def test_random_blocks_never_leave_more_than_half_the_largest_block_uneven() -> None:
    arm = PermutedBlocks((1, 1), block_sizes=(2, 4, 6)).allocate(10, 0, nobody_differs(2000, 100))

    ahead = np.abs(np.cumsum(2 * arm.astype(int) - 1, axis=1))
    assert ahead.max() == 3


@pytest.mark.parametrize("ratio", [(1, 1), (2, 1), (1, 1, 1), (31, 33)], ids=str)
def test_every_block_of_a_stratum_holds_the_arms_in_their_ratio(ratio: tuple[int, ...]) -> None:
    levels = factors(20, 400)
    size = sum(ratio) * max(1, 4 // sum(ratio))

    arm = StratifiedBlocks(ratio, ("age", "site"), block_size=size).allocate(11, 0, levels)

    for trial in range(20):
        for stratum in product(range(2), range(3)):
            inside = arm[trial, (levels[:, trial] == np.array(stratum)[:, None]).all(axis=0)]
            whole = inside[: len(inside) // size * size].reshape(-1, size)
            assert (arm_sizes(whole, len(ratio)) == np.multiply(ratio, size // sum(ratio))).all()


@pytest.mark.parametrize(("probability", "balanced"), [(2 / 3, 1 / 2), (0.8, 3 / 4), (1.0, 1.0)])
def test_minimisation_over_one_level_is_efrons_biased_coin(
    probability: float, balanced: float
) -> None:
    one = np.zeros((1, 20_000, 60), dtype=np.int64)

    arm = Minimisation((1, 1), ("age",), probability).allocate(12, 0, one)

    # Efron, Biometrika 1971: after many patients, an even number of them, the arms are of one size
    # with probability 1 - (1 - p) / p.
    found = (arm.sum(axis=1) == 30).mean()
    assert_agrees(found, balanced, se_of_share(min(balanced, 0.999), 20_000))


def test_minimisation_balances_every_margin_better_than_blocks_do() -> None:
    levels = factors(3000, 60)

    def uneven(method: str) -> Floats:
        arm = made(method, (1, 1)).allocate(13, 0, levels)
        sign = 2 * arm.astype(int) - 1
        margins = [(sign * (levels[f] == k)).sum(axis=1) for f, k in ((0, 0), (0, 1), (1, 0))]
        return np.abs(margins).mean(axis=0)

    gap = uneven("permuted_blocks") - uneven("minimisation")
    assert gap.mean() > 4 * gap.std() / np.sqrt(3000)


def test_the_least_even_arm_is_found_by_hand() -> None:
    # Five patients of level 0, sent by certainty: the ratio 1:2 wants 1, 2, 2 in any order that
    # never lets one arm's size per share lead the other's by more than one patient.
    arm = Minimisation((1, 2), ("age",), 1.0).allocate(14, 0, np.zeros((1, 500, 6), np.int64))

    assert (arm_sizes(arm, 2) == [2, 4]).all()


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"over": ()}, "over is"),
        ({"over": ("age", "age")}, "each once"),
        ({"over": ("age",), "probability": 0.2}, "probability is 0.2"),
        ({"over": ("age",), "probability": 1.1}, "probability is 1.1"),
    ],
)
def test_a_minimisation_that_does_not_minimise_is_refused(
    options: dict[str, object], part: str
) -> None:
    with pytest.raises(ValueError, match=part):
        Minimisation(ratio=(1, 1), **options)


def test_one_block_size_or_several_but_not_both() -> None:
    with pytest.raises(ValueError, match="give one of them"):
        PermutedBlocks((1, 1), block_size=4, block_sizes=(4, 6))
