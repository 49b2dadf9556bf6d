"""How often simulated trials are a go: for many numbers of patients, or many sizes of effect."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace

import numpy as np

from phase2sim.core.arrays import Ints
from phase2sim.core.backends import Backend
from phase2sim.core.contracts import GO, UNDECIDED, Truth, TruthSource
from phase2sim.core.measured import Measured, mean_of
from phase2sim.trial.engine import simulate_batch
from phase2sim.trial.interim.rules import Interim, InterimRule
from phase2sim.trial.nested_sizes import simulate_sizes
from phase2sim.trial.study import Study

_TRIALS_A_PIECE = 500


@dataclass(frozen=True, slots=True)
class Scaled(TruthSource):
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
class CountedTrials:
    """Trials to count: of one study under one truth, by one of its verdicts.

    With interim looks ``looks`` are those at other numbers of patients, which share no pass: a look
    after a share of the patients moves with their number.
    """

    study: Study
    source: TruthSource
    verdict: int
    looks: Mapping[int, Interim[InterimRule]] = field(default_factory=dict)

    def of_sizes(self, first: int, last: int, values: tuple[float, ...]) -> Ints:
        """Trials that are a go, and that are decided, (2, value): values are patients."""
        return self._count(self.source, first, last, tuple(int(value) for value in values))

    def of_effects(self, first: int, last: int, values: tuple[float, ...]) -> Ints:
        """As ``of_sizes``: values are multiples of the effect, all on the same patients."""
        size = (self.study.plan.patients,)
        each = [self._count(Scaled(self.source, value), first, last, size) for value in values]
        return np.concatenate(each, axis=1)

    def _count(self, source: TruthSource, first: int, last: int, sizes: tuple[int, ...]) -> Ints:
        if self.looks and len(sizes) > 1:
            each = [self._count(source, first, last, (size,)) for size in sizes]
            return np.concatenate(each, axis=1)
        found = np.zeros((2, len(sizes)), np.int64)
        study = self._of(sizes[-1])
        for start in range(first, last, study.batch):
            trials = min(study.batch, last - start)
            for size, outcomes in enumerate(simulate_sizes(study, source, start, trials, sizes)):
                verdict = outcomes.verdict[:, self.verdict]
                found[:, size] += (verdict == GO).sum(), (verdict != UNDECIDED).sum()
        return found

    def _of(self, patients: int) -> Study:
        """The study with so many patients."""
        study = replace(self.study, plan=replace(self.study.plan, patients=patients))
        if patients not in self.looks:
            return study
        return replace(study, interim=self.looks[patients])

    def enrolled(self, first: int, last: int, patients: int) -> Ints:
        """Patients enrolled at the end of each trial, of a study with so many and looks."""
        study = self._of(patients)
        ends = [
            simulate_batch(study, self.source, start, min(study.batch, last - start)).ended
            for start in range(first, last, study.batch)
        ]
        return np.concatenate([end.look.enrolled for end in ends if end is not None])


@dataclass(frozen=True, slots=True)
class Counter:
    """Counts on a backend, a piece at a time; the sums do not depend on who counted what."""

    backend: Backend
    trials: CountedTrials
    effects: bool = False
    looks_of: Callable[[int], Interim[InterimRule]] | None = (
        None  # of a design that has any, by its patients
    )

    def __call__(self, first: int, last: int, values: tuple[float, ...]) -> tuple[Ints, Ints]:
        """Trials ``first`` up to ``last``: how many are a go, and decided, at each value."""
        trials = self.trials if self.effects else self._with_looks(values)
        work = trials.of_effects if self.effects else trials.of_sizes
        starts: Sequence[int] = range(first, last, _TRIALS_A_PIECE)
        pieces: list[Future[Ints]] = [
            self.backend.submit(work, start, min(start + _TRIALS_A_PIECE, last), values)
            for start in starts
        ]
        go, decided = np.sum([piece.result() for piece in pieces], axis=0)
        return go, decided

    def enrolled(self, patients: int, trials: int) -> Measured:
        """Mean number of patients enrolled when a trial of so many with looks has ended."""
        counted = self._with_looks((float(patients),))
        pieces: list[Future[Ints]] = [
            self.backend.submit(
                counted.enrolled, start, min(start + _TRIALS_A_PIECE, trials), patients
            )
            for start in range(0, trials, _TRIALS_A_PIECE)
        ]
        # Whole numbers are added up exactly, in whatever order.
        each = np.concatenate([piece.result() for piece in pieces])
        return mean_of(int(each.sum()), int((each**2).sum()), trials, trials, trials)

    def _with_looks(self, values: tuple[float, ...]) -> CountedTrials:
        if self.looks_of is None:
            return self.trials
        return replace(self.trials, looks={int(n): self.looks_of(int(n)) for n in values})
