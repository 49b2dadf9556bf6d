"""Minimisation: the next patient goes, most of the time, where the factors are least in balance."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numba import uint64

from phase2sim.core.arrays import Arms, Floats, Ints
from phase2sim.core.errors import BadValue
from phase2sim.core.kernels import kernel
from phase2sim.core.patient_parts import Randomisation
from phase2sim.core.randomness import PURPOSES, Word, next_bits, seed_word, stream_state, unit
from phase2sim.trial.patients.randomisation.blocks import check_over

_ROUNDING = 1e-9  # imbalances this close are ties


@dataclass(frozen=True, slots=True)
class Minimisation(Randomisation):
    """Pocock and Simon's minimisation over the margins of ``over``, Biometrics 1975.

    The imbalance of an arm is what its choice would leave: over every factor, at the patient's
    level, the range of the arms' numbers, each divided by its share of the ratio. The arm with the
    least gets the patient with ``probability`` where all have equal shares. In unequal ratios the
    preferred arm's chance is Han, Enas and McEntegart's (Statistics in Medicine 2009),
    ``probability`` for the smallest, so that the ratio is kept. Ties are settled by the ratio.

    Parameters
    ----------
    ratio : tuple of int
        Ratio of the arms, control first, each from 1.
    over : tuple of str
        Factors, one or more, each once: ``"age"``, ``"site"``, or an endpoint for its baseline.
    probability : float, default 0.8
        Probability of the preferred arm, from the smallest arm's share of the ratio to 1. In
        unequal ratios it is that of the smallest arm where this is the preferred one.

    Raises
    ------
    BadValue
        If ``over`` is empty or names a factor twice, or ``probability`` lies outside its limits.

    References
    ----------
    Pocock and Simon (1975), Biometrics 31: 103-115. Han, Enas and McEntegart (2009), Statistics in
    Medicine 28: 3329-3346.

    Examples
    --------
    With probability 1 the second of two patients at one site always gets the other arm, so that one
    of them is treated in each of five trials:

    >>> site = np.zeros((1, 5, 2), dtype=np.int64)  # (factor, trial, patient)
    >>> minimisation = Minimisation((1, 1), over=("site",), probability=1.0)
    >>> minimisation.allocate(seed=1, first=0, factors=site).sum(axis=1).tolist()
    [1, 1, 1, 1, 1]
    """

    ratio: tuple[int, ...]
    over: tuple[str, ...]
    probability: float = 0.8
    title: ClassVar[str] = "minimisation (Pocock and Simon)"

    def __post_init__(self) -> None:
        check_over(self.over)
        least = min(self.ratio) / sum(self.ratio)
        if not least <= self.probability <= 1:
            raise BadValue(
                "probability",
                f"is {self.probability:g}; it must lie between {least:.3g}, the share"
                " of the smallest arm (no minimisation), and 1 (no chance)",
            )

    def allocate(self, seed: int, first: int, factors: Ints) -> Arms:
        """Arm of every patient, (trial, patient)."""
        arm = np.empty(factors.shape[1:], dtype=np.int8)
        ratio = np.array(self.ratio, dtype=np.float64)
        levels = int(factors.max(initial=0)) + 1
        _minimise(
            arm, factors, levels, ratio, self._chances(ratio), seed_word(seed), np.uint64(first)
        )
        return arm

    @staticmethod
    def _away(ratio: Floats, probability: float) -> float:
        """Chance of another arm, a unit of that arm's ratio: the same whichever is preferred."""
        return float((1.0 - probability) / (ratio.sum() - ratio.min()))

    def _chances(self, ratio: Floats) -> Floats:
        """Chance of each arm (column) where another or itself (row) is preferred."""
        away = self._away(ratio, self.probability)
        chances = np.tile(away * ratio, (ratio.size, 1))
        np.fill_diagonal(chances, 1.0 - away * (ratio.sum() - ratio))
        return chances


_ALLOCATION = np.uint64(PURPOSES["allocation"])


@kernel
def _minimise(
    arm: Arms,
    factors: Ints,
    levels: int,
    ratio: Floats,
    chances: Floats,
    seed: Word,
    first: Word,
) -> None:
    arms = ratio.shape[0]
    count = np.empty((factors.shape[0], levels, arms))
    imbalance = np.empty(arms)
    for trial in range(arm.shape[0]):
        a, b, c, counter = stream_state(seed, _ALLOCATION, first + uint64(trial), uint64(0))
        count[:] = 0.0
        for i in range(arm.shape[1]):
            for k in range(arms):
                imbalance[k] = _imbalance(count, factors[:, trial, i], ratio, k)
            bits, a, b, c, counter = next_bits(a, b, c, counter)
            preferred = _pick(np.where(imbalance <= imbalance.min() + _ROUNDING, ratio, 0.0), bits)
            bits, a, b, c, counter = next_bits(a, b, c, counter)
            chosen = _pick(chances[preferred], bits)
            arm[trial, i] = chosen
            for f in range(factors.shape[0]):
                count[f, factors[f, trial, i], chosen] += 1.0


@kernel
def _imbalance(count: Floats, level: Ints, ratio: Floats, chosen: int) -> float:
    """Sum over factors of the range of arm sizes, a unit of ratio, were ``chosen`` the arm."""
    total = 0.0
    for f in range(count.shape[0]):
        low, high = np.inf, -np.inf
        for k in range(ratio.shape[0]):
            size = (count[f, level[f], k] + (1.0 if k == chosen else 0.0)) / ratio[k]
            low, high = min(low, size), max(high, size)
        total += high - low
    return total


@kernel
def _pick(weights: Floats, bits: Word) -> int:
    """Index drawn in proportion to the weights; one of weight 0 is never drawn."""
    target = unit(bits) * weights.sum()
    chosen = 0
    upto = 0.0
    for k in range(weights.shape[0]):
        upto += weights[k]
        if weights[k] > 0.0:
            chosen = k
            if target < upto:
                break
    return chosen
