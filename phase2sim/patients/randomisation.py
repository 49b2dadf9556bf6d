"""Who gets which arm, in the order patients come."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numba import uint64

from phase2sim.contracts import Arms, Floats, Ints, Randomisation
from phase2sim.kernels import kernel
from phase2sim.randomness import PURPOSES, Word, seed_word, start, step, unit

_SHORTEST_BLOCK = 4


@dataclass(frozen=True, slots=True)
class PermutedBlocks:
    """Random permutations of blocks that hold the arms in their ratio.

    ``block_size`` must be a multiple of the ratio's sum; by default the smallest such multiple of
    at least 4, so that the last patient of a block is not always foretold.
    """

    ratio: tuple[int, ...]
    block_size: int | None = None
    title: ClassVar[str] = "permuted blocks"

    def __post_init__(self) -> None:
        if self.block_size is not None and (
            self.block_size <= 0 or self.block_size % sum(self.ratio)
        ):
            raise ValueError(
                f"block_size is {self.block_size}; it must be a multiple of {sum(self.ratio)},"
                f" the sum of the allocation ratio"
            )

    @property
    def block(self) -> Arms:
        """One unshuffled block of arms."""
        repeats = (self.block_size or self._shortest) // sum(self.ratio)
        return np.repeat(np.arange(len(self.ratio)), np.multiply(self.ratio, repeats)).astype(
            np.int8
        )

    @property
    def _shortest(self) -> int:
        total = sum(self.ratio)
        return total * -(-_SHORTEST_BLOCK // total)

    def allocate(self, seed: int, first: int, trials: int, patients: int) -> Arms:
        """Arm of every patient, (trial, patient)."""
        arm = np.empty((trials, patients), dtype=np.int8)
        _shuffle_blocks(arm, self.block, seed_word(seed), np.uint64(first))
        return arm


@dataclass(frozen=True, slots=True)
class Simple:
    """Each patient by an independent draw with the ratio's probabilities."""

    ratio: tuple[int, ...]
    title: ClassVar[str] = "simple (unrestricted) randomisation"

    def allocate(self, seed: int, first: int, trials: int, patients: int) -> Arms:
        """Arm of every patient, (trial, patient)."""
        arm = np.empty((trials, patients), dtype=np.int8)
        upper = np.cumsum(self.ratio) / sum(self.ratio)
        _toss(arm, upper, seed_word(seed), np.uint64(first))
        return arm


RANDOMISATIONS: dict[str, type[Randomisation]] = {
    "permuted_blocks": PermutedBlocks,
    "simple": Simple,
}

_ALLOCATION = np.uint64(PURPOSES["allocation"])


@kernel
def _shuffle_blocks(arm: Arms, block: Arms, seed: Word, first: Word) -> None:
    size = block.shape[0]
    current = block.copy()
    for trial in range(arm.shape[0]):
        a, b, c, counter = start(seed, _ALLOCATION, first + uint64(trial), uint64(0))
        current[:] = block
        for i in range(arm.shape[1]):
            here = i % size
            bits, a, b, c, counter = step(a, b, c, counter)
            # Fisher-Yates, one patient at a time, so that the first n never depend on n.
            other = here + np.int64(((bits >> uint64(32)) * uint64(size - here)) >> uint64(32))
            current[here], current[other] = current[other], current[here]
            arm[trial, i] = current[here]


@kernel
def _toss(arm: Arms, upper: Floats, seed: Word, first: Word) -> None:
    for trial in range(arm.shape[0]):
        a, b, c, counter = start(seed, _ALLOCATION, first + uint64(trial), uint64(0))
        for i in range(arm.shape[1]):
            bits, a, b, c, counter = step(a, b, c, counter)
            choice = 0
            for k in range(
                upper.shape[0] - 1
            ):  # no early end: a guess would be wrong half the time
                choice += unit(bits) >= upper[k]
            arm[trial, i] = choice


def arm_sizes(arms: Arms, number: int) -> Ints:
    """How many patients each arm has, (trial, arm)."""
    return np.stack([(arms == arm).sum(axis=1) for arm in range(number)], axis=1)
