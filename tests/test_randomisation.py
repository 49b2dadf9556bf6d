"""Allocation: balance, uniformity of blocks, shares, and independence of what is asked for."""

from collections import Counter
from itertools import permutations, product

import numpy as np
import pytest
from agreement import assert_agrees, se_of_share

from phase2sim.patients.randomisation import RANDOMISATIONS, PermutedBlocks, Simple, arm_sizes

RATIOS = [(1, 1), (1, 2), (3, 1), (2, 3), (31, 33), (1, 1, 1), (2, 1, 1)]


@pytest.mark.parametrize("ratio", RATIOS, ids=str)
@pytest.mark.parametrize("blocks_a_ratio", [1, 2, 5])
def test_every_block_holds_the_arms_in_their_ratio(
    ratio: tuple[int, ...], blocks_a_ratio: int
) -> None:
    size = sum(ratio) * blocks_a_ratio

    arm = PermutedBlocks(ratio, block_size=size).allocate(1, 0, 50, 7 * size)

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
    arm = PermutedBlocks((1, 1), block_size=4).allocate(2, 0, 3000, 40)

    found = Counter(map(tuple, arm.reshape(-1, 4).tolist()))
    orders = set(permutations((0, 0, 1, 1)))
    assert set(found) == orders
    shares = [found[order] / 30_000 for order in orders]
    assert_agrees(shares, 1 / 6, se_of_share(1 / 6, 30_000))


def test_a_block_says_nothing_about_the_next() -> None:
    arm = PermutedBlocks((1, 1), block_size=4).allocate(3, 0, 36_000, 8)

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
    arm = Simple(ratio).allocate(4, 0, 1000, 200)

    share = np.array(ratio) / sum(ratio)
    found = np.bincount(arm.ravel(), minlength=len(ratio)) / arm.size
    assert_agrees(found, share, se_of_share(share, arm.size))


def test_simple_randomisation_tosses_for_each_patient_alone() -> None:
    arm = Simple((1, 1)).allocate(5, 0, 10_000, 20)

    # Arm sizes are binomial, and neighbours are independent.
    treated = arm.sum(axis=1)
    assert_agrees(treated.var(ddof=1), 5.0, 5.0 * np.sqrt(2 / 10_000))
    alike = (arm[:, :-1] == arm[:, 1:]).mean()
    assert_agrees(alike, 0.5, se_of_share(0.5, 190_000))


@pytest.mark.parametrize("method", RANDOMISATIONS)
def test_the_first_patients_do_not_depend_on_how_many_follow(method: str) -> None:
    randomisation = RANDOMISATIONS[method](ratio=(1, 2))

    few, many = (randomisation.allocate(6, 0, 20, patients) for patients in (17, 500))

    assert np.array_equal(few, many[:, :17])


@pytest.mark.parametrize("method", RANDOMISATIONS)
def test_a_trial_does_not_depend_on_its_batch(method: str) -> None:
    randomisation = RANDOMISATIONS[method](ratio=(1, 1))

    together, alone = randomisation.allocate(7, 0, 50, 60), randomisation.allocate(7, 31, 1, 60)

    assert np.array_equal(together[31], alone[0])
    assert not np.array_equal(together[31], together[32])
