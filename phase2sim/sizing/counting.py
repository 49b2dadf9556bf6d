"""How often simulated trials are a go: for many numbers of patients, or many sizes of effect."""

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace

import numpy as np

from phase2sim.backends import Backend
from phase2sim.contracts import GO, UNDECIDED, Ints, Truth, TruthSource
from phase2sim.engine import Study
from phase2sim.one_pass import simulate_sizes

_TRIALS_A_PIECE = 500


@dataclass(frozen=True, slots=True)
class Scaled:
    """A truth whose effects are a multiple of another's."""

    source: TruthSource
    multiple: float

    @property
    def label(self) -> str:
        """That of the other."""
        return self.source.label

    def truth(self, first: int, trials: int) -> Truth:
        """Truth of trials ``first`` to ``first + trials - 1``."""
        known = self.source.truth(first, trials)
        return replace(known, effect=known.effect * self.multiple)


@dataclass(frozen=True, slots=True)
class Trials:
    """Trials to count: of one study under one truth, by one of its verdicts."""

    study: Study
    source: TruthSource
    verdict: int

    def of_sizes(self, first: int, last: int, values: tuple[float, ...]) -> Ints:
        """Trials that are a go, and that are decided, (2, value): values are patients."""
        return self._count(self.source, first, last, tuple(int(value) for value in values))

    def of_effects(self, first: int, last: int, values: tuple[float, ...]) -> Ints:
        """As ``of_sizes``: values are multiples of the effect, all on the same patients."""
        size = (self.study.plan.patients,)
        each = [self._count(Scaled(self.source, value), first, last, size) for value in values]
        return np.concatenate(each, axis=1)

    def _count(self, source: TruthSource, first: int, last: int, sizes: tuple[int, ...]) -> Ints:
        found = np.zeros((2, len(sizes)), np.int64)
        study = replace(self.study, plan=replace(self.study.plan, patients=sizes[-1]))
        for start in range(first, last, study.batch):
            trials = min(study.batch, last - start)
            for size, outcomes in enumerate(simulate_sizes(study, source, start, trials, sizes)):
                verdict = outcomes.verdict[:, self.verdict]
                found[:, size] += (verdict == GO).sum(), (verdict != UNDECIDED).sum()
        return found


@dataclass(frozen=True, slots=True)
class Counter:
    """Counts on a backend, a piece at a time; the sums do not depend on who counted what."""

    backend: Backend
    trials: Trials
    effects: bool = False

    def __call__(self, first: int, last: int, values: tuple[float, ...]) -> tuple[Ints, Ints]:
        """Trials ``first`` up to ``last``: how many are a go, and decided, at each value."""
        work = self.trials.of_effects if self.effects else self.trials.of_sizes
        starts: Sequence[int] = range(first, last, _TRIALS_A_PIECE)
        pieces: list[Future[Ints]] = [
            self.backend.submit(work, start, min(start + _TRIALS_A_PIECE, last), values)
            for start in starts
        ]
        go, decided = np.sum([piece.result() for piece in pieces], axis=0)
        return go, decided
