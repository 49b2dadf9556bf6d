"""Number of trials with a go, at many numbers of patients or many multiples of the effect."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace

import numpy as np

from phase2sim.core.arrays import Ints
from phase2sim.core.backends import Backend
from phase2sim.core.contracts import GO, Truth, TruthSource
from phase2sim.core.measured import Measured, mean_of
from phase2sim.trial.engine import simulate_batch
from phase2sim.trial.interim.rules import Interim, InterimRule
from phase2sim.trial.nested_sizes import simulate_sizes
from phase2sim.trial.study import Study

_TRIALS_A_PIECE = 500


@dataclass(frozen=True, slots=True)
class ScaledTruth(TruthSource):
    """A truth with all effects multiplied by one number."""

    source: TruthSource
    multiple: float

    @property
    def label(self) -> str:
        """Label of the unscaled truth."""
        return self.source.label

    def truth(self, first: int, trials: int) -> Truth:
        """Truth of trials ``first`` to ``first + trials - 1``."""
        drawn_truth = self.source.truth(first, trials)
        return replace(drawn_truth, effect=drawn_truth.effect * self.multiple)


@dataclass(frozen=True, slots=True)
class CountedTrials:
    """Trials to count: one study, one truth, one verdict.

    ``looks`` are the interim looks by number of patients. Sizes with looks are simulated one by
    one, since a look after a share of the patients depends on their number.
    """

    study: Study
    source: TruthSource
    verdict: int
    looks: Mapping[int, Interim[InterimRule]] = field(default_factory=dict)

    def count_at_sizes(self, first: int, last: int, values: tuple[float, ...]) -> Ints:
        """Numbers of trials with a go, and of all, (2, value); values are numbers of patients."""
        return self._count(self.source, first, last, tuple(int(value) for value in values))

    def count_at_effects(self, first: int, last: int, values: tuple[float, ...]) -> Ints:
        """As ``count_at_sizes``: values are multiples of the effect, all on the same patients."""
        size = (self.study.plan.patients,)
        counts = [
            self._count(ScaledTruth(self.source, value), first, last, size) for value in values
        ]
        return np.concatenate(counts, axis=1)

    def _count(self, source: TruthSource, first: int, last: int, sizes: tuple[int, ...]) -> Ints:
        if self.looks and len(sizes) > 1:
            parts = [self._count(source, first, last, (size,)) for size in sizes]
            return np.concatenate(parts, axis=1)
        counts = np.zeros((2, len(sizes)), np.int64)
        study = self._resize_study(sizes[-1])
        for start in range(first, last, study.batch):
            trials = min(study.batch, last - start)
            for size, outcomes in enumerate(simulate_sizes(study, source, start, trials, sizes)):
                verdict = outcomes.verdict[:, self.verdict]
                counts[:, size] += (verdict == GO).sum(), trials
        return counts

    def _resize_study(self, patients: int) -> Study:
        """The study with ``patients`` patients and the looks that belong to that number."""
        study = replace(self.study, plan=replace(self.study.plan, patients=patients))
        if patients not in self.looks:
            return study
        return replace(study, interim=self.looks[patients])

    def enrolled(self, first: int, last: int, patients: int) -> Ints:
        """Number enrolled when each trial stops, with ``patients`` planned, (trial,)."""
        study = self._resize_study(patients)
        ends = [
            simulate_batch(study, self.source, start, min(study.batch, last - start)).ended
            for start in range(first, last, study.batch)
        ]
        return np.concatenate([end.look.enrolled for end in ends if end is not None])


@dataclass(frozen=True, slots=True)
class Counter:
    """Count trials on a backend, in pieces; the sums do not depend on the workers."""

    backend: Backend
    trials: CountedTrials
    effects: bool = False
    looks_by_size: Callable[[int], Interim[InterimRule]] | None = (
        None  # of a design that has any, by its patients
    )

    def __call__(self, first: int, last: int, values: tuple[float, ...]) -> tuple[Ints, Ints]:
        """Numbers of trials ``first`` up to ``last`` with a go, and of all, at each value."""
        trials = self.trials if self.effects else self._with_looks(values)
        work = trials.count_at_effects if self.effects else trials.count_at_sizes
        starts: Sequence[int] = range(first, last, _TRIALS_A_PIECE)
        pieces: list[Future[Ints]] = [
            self.backend.submit(work, start, min(start + _TRIALS_A_PIECE, last), values)
            for start in starts
        ]
        go, counted = np.sum([piece.result() for piece in pieces], axis=0)
        return go, counted

    def enrolled(self, patients: int, trials: int) -> Measured:
        """Mean number enrolled when a trial with ``patients`` planned and interim looks stops."""
        counted = self._with_looks((float(patients),))
        pieces: list[Future[Ints]] = [
            self.backend.submit(
                counted.enrolled, start, min(start + _TRIALS_A_PIECE, trials), patients
            )
            for start in range(0, trials, _TRIALS_A_PIECE)
        ]
        # Sums of integers are exact in any order.
        enrolled = np.concatenate([piece.result() for piece in pieces])
        return mean_of(int(enrolled.sum()), int((enrolled**2).sum()), trials, trials, trials)

    def _with_looks(self, values: tuple[float, ...]) -> CountedTrials:
        if self.looks_by_size is None:
            return self.trials
        return replace(self.trials, looks={int(n): self.looks_by_size(int(n)) for n in values})
