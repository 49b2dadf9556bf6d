"""Simple randomisation: every patient for themselves."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numba import uint64

from phase2sim.core.arrays import Arms, Floats, Ints
from phase2sim.core.kernels import kernel
from phase2sim.core.patient_parts import Randomisation
from phase2sim.core.randomness import PURPOSES, Word, next_bits, seed_word, stream_state, unit
from phase2sim.theory.power import binomial


@dataclass(frozen=True, slots=True)
class Simple(Randomisation):
    """Each patient by an independent draw with the ratio's probabilities.

    Parameters
    ----------
    ratio : tuple of int
        Ratio of the arms, control first, each from 1.

    Examples
    --------
    The number of treated among two patients is binomial:

    >>> [(size, round(chance, 6)) for size, chance in Simple((1, 1)).treated_sizes(2)]
    [(0, 0.25), (1, 0.5), (2, 0.25)]
    """

    ratio: tuple[int, ...]
    title: ClassVar[str] = "simple (unrestricted) randomisation"
    over: ClassVar[tuple[str, ...]] = ()

    @property
    def has_known_sizes(self) -> bool:
        """Binomial."""
        return True

    def treated_sizes(self, patients: int) -> list[tuple[int, float]]:
        """Sizes that the treated one of two arms may have, each with its probability."""
        control, treated = self.ratio
        chances = binomial(patients, treated / (control + treated))
        return [(size, float(chance)) for size, chance in enumerate(chances)]

    def allocate(self, seed: int, first: int, factors: Ints) -> Arms:
        """Arm of every patient, (trial, patient)."""
        arm = np.empty(factors.shape[1:], dtype=np.int8)
        upper = np.cumsum(self.ratio) / sum(self.ratio)
        _toss(arm, upper, seed_word(seed), np.uint64(first))
        return arm


_ALLOCATION = np.uint64(PURPOSES["allocation"])


@kernel
def _toss(arm: Arms, upper: Floats, seed: Word, first: Word) -> None:
    for trial in range(arm.shape[0]):
        a, b, c, counter = stream_state(seed, _ALLOCATION, first + uint64(trial), uint64(0))
        for i in range(arm.shape[1]):
            bits, a, b, c, counter = next_bits(a, b, c, counter)
            choice = 0
            for k in range(
                upper.shape[0] - 1
            ):  # no early end: a guess would be wrong half the time
                choice += unit(bits) >= upper[k]
            arm[trial, i] = choice
