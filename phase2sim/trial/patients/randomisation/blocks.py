"""Permuted blocks: arms in their ratio within every block, over all patients or within strata."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numba import uint64
from scipy.special import comb

from phase2sim.core.arrays import Arms, Ints
from phase2sim.core.errors import BadValue
from phase2sim.core.kernels import kernel
from phase2sim.core.patient_parts import Randomisation
from phase2sim.core.randomness import PURPOSES, Word, next_bits, seed_word, stream_state, unit

_SHORTEST_BLOCK = 4
_LONGEST_BLOCK = 1000
_MOST_CODES = 1000


@dataclass(frozen=True, slots=True)
class PermutedBlocks(Randomisation):
    """Random permutations of blocks that hold the arms in their ratio.

    ``block_size`` must be a multiple of the ratio's sum; by default the smallest such multiple of
    at least 4, so that the last patient of a block is not always foretold. With ``block_sizes``
    each block has one of these, each as likely.

    Parameters
    ----------
    ratio : tuple of int
        Ratio of the arms, control first, each from 1.
    block_size : int, optional
        Patients per block, a multiple of the ratio's sum. By default the smallest such multiple
        from 4.
    block_sizes : tuple of int, default ()
        Sizes of which each block has one at random, multiples of the ratio's sum up to 1000; in
        place of ``block_size``.

    Raises
    ------
    BadValue
        If a value lies outside its limits.

    Examples
    --------
    Blocks of a 1:1 ratio hold two patients of each arm, those of 1:2 two of control and four
    treated:

    >>> PermutedBlocks((1, 1)).block.tolist(), PermutedBlocks((1, 2)).block.tolist()
    ([0, 0, 1, 1], [0, 0, 1, 1, 1, 1])

    Of six patients the last two are half of a block. Both are treated, or both are controls, with
    probability 1/6 (hypergeometric distribution):

    >>> [(size, round(chance, 4)) for size, chance in PermutedBlocks((1, 1)).treated_sizes(6)]
    [(2, 0.1667), (3, 0.6667), (4, 0.1667)]
    """

    ratio: tuple[int, ...]
    block_size: int | None = None
    block_sizes: tuple[int, ...] = ()
    title: ClassVar[str] = "permuted blocks"
    over: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        _check_sizes(self.ratio, self.block_size, self.block_sizes)

    @property
    def block(self) -> Arms:
        """One unshuffled block of arms, of the one size or the first of several."""
        return _block(self.ratio, self.sizes[0])

    @property
    def sizes(self) -> tuple[int, ...]:
        """Sizes that a block may have."""
        return _sizes(self.ratio, self.block_size, self.block_sizes)

    @property
    def has_known_sizes(self) -> bool:
        """Where all blocks are of one size."""
        return len(self.sizes) == 1

    def treated_sizes(self, patients: int) -> list[tuple[int, float]]:
        """Sizes that the treated one of two arms may have, each with its probability."""
        if not self.has_known_sizes:
            control, treated = self.ratio
            return [(round(patients * treated / (control + treated)), 1.0)]
        block = self.block
        whole, rest = divmod(patients, len(block))
        in_block = int(block.sum())
        # Hypergeometric: how many of the first ``rest`` places of a shuffled block are treated.
        in_rest = np.arange(rest + 1)
        ways = comb(in_block, in_rest) * comb(len(block) - in_block, rest - in_rest)
        chances = ways / comb(len(block), rest)
        return [(whole * in_block + n, float(chance)) for n, chance in enumerate(chances)]

    def keeps_ratio(self, patients: int) -> bool:
        """After whole blocks, where all are of one size."""
        return self.has_known_sizes and patients % len(self.block) == 0

    def allocate(self, seed: int, first: int, factors: Ints) -> Arms:
        """Arm of every patient, (trial, patient)."""
        arm = np.empty(factors.shape[1:], dtype=np.int8)
        if len(self.sizes) == 1:
            _shuffle_blocks(arm, self.block, seed_word(seed), np.uint64(first))
        else:
            everybody = np.zeros(arm.shape, dtype=np.int64)
            _shuffle_within(arm, everybody, *_layout(self.ratio, self.sizes), seed, first)
        return arm


@dataclass(frozen=True, slots=True)
class StratifiedBlocks(Randomisation):
    """Permuted blocks within every stratum: each combination of the levels of ``over``.

    ``over`` names ``"age"`` (with ``age_strata``), ``"site"``, or an endpoint with
    ``baseline_strata``. Block sizes are as in ``permuted_blocks``.

    Parameters
    ----------
    ratio : tuple of int
        Ratio of the arms, control first, each from 1.
    over : tuple of str
        Factors, one or more, each once: ``"age"``, ``"site"``, or an endpoint for its baseline.
    block_size : int, optional
        Patients per block, a multiple of the ratio's sum. By default the smallest such multiple
        from 4.
    block_sizes : tuple of int, default ()
        Sizes of which each block has one at random, multiples of the ratio's sum up to 1000; in
        place of ``block_size``.

    Raises
    ------
    BadValue
        If a value lies outside its limits.

    Examples
    --------
    Eight patients who come to two sites in turn: each site fills one block of four, so that two of
    its patients are treated, whatever is drawn:

    >>> site = np.array([[[0, 1, 0, 1, 0, 1, 0, 1]]])  # (factor, trial, patient)
    >>> arm = StratifiedBlocks((1, 1), over=("site",)).allocate(seed=1, first=0, factors=site)
    >>> int(arm[site[0] == 0].sum()), int(arm[site[0] == 1].sum())
    (2, 2)
    """

    ratio: tuple[int, ...]
    over: tuple[str, ...]
    block_size: int | None = None
    block_sizes: tuple[int, ...] = ()
    title: ClassVar[str] = "permuted blocks within strata"

    def __post_init__(self) -> None:
        check_over(self.over)
        _check_sizes(self.ratio, self.block_size, self.block_sizes)

    def allocate(self, seed: int, first: int, factors: Ints) -> Arms:
        """Arm of every patient, (trial, patient)."""
        stratum = np.zeros(factors.shape[1:], dtype=np.int64)
        for levels in factors:
            stratum = stratum * (int(levels.max(initial=0)) + 1) + levels
            if stratum.max(initial=0) > _MOST_CODES:  # many factors leave most codes unused
                stratum = np.unique(stratum, return_inverse=True)[1].reshape(stratum.shape)
        arm = np.empty(stratum.shape, dtype=np.int8)
        sizes = _sizes(self.ratio, self.block_size, self.block_sizes)
        _shuffle_within(arm, stratum, *_layout(self.ratio, sizes), seed, first)
        return arm


def check_over(over: tuple[str, ...]) -> None:
    """Raise ``ValueError`` unless there is something to balance over, each named once."""
    if not over or len(set(over)) != len(over):
        raise BadValue("over", f"is {list(over)}; name one or more factors, each once")


def _check_sizes(
    ratio: tuple[int, ...], block_size: int | None, block_sizes: tuple[int, ...]
) -> None:
    if block_size is not None and block_sizes:
        raise BadValue("block_sizes", "stands beside block_size; give one of them")
    key = "block_size" if block_size is not None else "block_sizes"
    for size in (block_size,) if block_size is not None else block_sizes:
        if size <= 0 or size % sum(ratio):
            raise BadValue(
                key,
                f"is {size}; it must be a multiple of {sum(ratio)},"
                f" the sum of the allocation ratio",
            )
        if size > _LONGEST_BLOCK and block_sizes:
            raise BadValue(key, f"is {size}; at most {_LONGEST_BLOCK}")


def _sizes(
    ratio: tuple[int, ...], block_size: int | None, block_sizes: tuple[int, ...]
) -> tuple[int, ...]:
    total = sum(ratio)
    return block_sizes or (block_size or total * -(-_SHORTEST_BLOCK // total),)


def _block(ratio: tuple[int, ...], size: int) -> Arms:
    repeats = np.multiply(ratio, size // sum(ratio))
    return np.repeat(np.arange(len(ratio)), repeats).astype(np.int8)


def _layout(ratio: tuple[int, ...], sizes: tuple[int, ...]) -> tuple[Arms, Ints]:
    """Unshuffled blocks of every size, (choice, place), and the sizes."""
    blocks = np.zeros((len(sizes), max(sizes)), dtype=np.int8)
    for row, size in zip(blocks, sizes, strict=True):
        row[:size] = _block(ratio, size)
    return blocks, np.array(sizes, dtype=np.int64)


def _shuffle_within(
    arm: Arms, stratum: Ints, blocks: Arms, sizes: Ints, seed: int, first: int
) -> None:
    strata = int(stratum.max(initial=0)) + 1
    _shuffle_strata(arm, stratum, strata, blocks, sizes, seed_word(seed), np.uint64(first))


_ALLOCATION = np.uint64(PURPOSES["allocation"])


@kernel
def _shuffle_blocks(arm: Arms, block: Arms, seed: Word, first: Word) -> None:
    size = block.shape[0]
    current = block.copy()
    for trial in range(arm.shape[0]):
        a, b, c, counter = stream_state(seed, _ALLOCATION, first + uint64(trial), uint64(0))
        current[:] = block
        for i in range(arm.shape[1]):
            slot = i % size
            bits, a, b, c, counter = next_bits(a, b, c, counter)
            # Fisher-Yates, one patient at a time, so that the first n never depend on n.
            other = slot + np.int64(((bits >> uint64(32)) * uint64(size - slot)) >> uint64(32))
            current[slot], current[other] = current[other], current[slot]
            arm[trial, i] = current[slot]


@kernel
def _shuffle_strata(
    arm: Arms, stratum: Ints, strata: int, blocks: Arms, sizes: Ints, seed: Word, first: Word
) -> None:
    """As ``_shuffle_blocks`` within each stratum, the size of each block drawn as it begins."""
    current = np.empty((strata, blocks.shape[1]), dtype=np.int8)
    size, used = np.zeros(strata, dtype=np.int64), np.zeros(strata, dtype=np.int64)
    for trial in range(arm.shape[0]):
        a, b, c, counter = stream_state(seed, _ALLOCATION, first + uint64(trial), uint64(0))
        size[:] = 0
        used[:] = 0
        for i in range(arm.shape[1]):
            bits, a, b, c, counter = next_bits(a, b, c, counter)
            h = stratum[trial, i]
            if used[h] == size[h]:
                # The low half of the word picks the size, the high half the place in the block.
                pick = np.int64(unit(bits << uint64(32)) * sizes.shape[0])
                size[h], used[h] = sizes[pick], 0
                current[h] = blocks[pick]
            slot = used[h]
            left = uint64(size[h] - slot)
            other = slot + np.int64(((bits >> uint64(32)) * left) >> uint64(32))
            current[h, slot], current[h, other] = current[h, other], current[h, slot]
            arm[trial, i] = current[h, slot]
            used[h] = slot + 1
