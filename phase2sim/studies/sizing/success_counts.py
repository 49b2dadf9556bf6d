"""Number of trials with a go, at many numbers of patients or many multiples of the effect."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace

import numpy as np

from phase2sim.core.arrays import Bools, Ints
from phase2sim.core.backends import Backend
from phase2sim.core.contracts import GO, Truth, TruthSource
from phase2sim.core.draws_error import Picks, with_draws_of_trials
from phase2sim.core.measured import Measured, mean_of
from phase2sim.studies.sizing.size_tests import StepCounts
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

    def picks(self, first: int, trials: int) -> Picks | None:
        """Prior draws behind the trials."""
        return self.source.picks(first, trials)


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

    def goes_at_sizes(self, first: int, last: int, values: tuple[float, ...]) -> Bools:
        """Whether each trial is a go, (value, trial); values are numbers of patients."""
        return self._goes(self.source, first, last, tuple(int(value) for value in values))

    def goes_at_effects(self, first: int, last: int, values: tuple[float, ...]) -> Bools:
        """As ``goes_at_sizes``: values are multiples of the effect, all on the same patients."""
        size = (self.study.plan.patients,)
        goes = [self._goes(ScaledTruth(self.source, value), first, last, size) for value in values]
        return np.concatenate(goes)

    def _goes(self, source: TruthSource, first: int, last: int, sizes: tuple[int, ...]) -> Bools:
        if self.looks and len(sizes) > 1:
            parts = [self._goes(source, first, last, (size,)) for size in sizes]
            return np.concatenate(parts)
        study = self._resize_study(sizes[-1])
        batches = []
        for start in range(first, last, study.batch):
            trials = min(study.batch, last - start)
            outcomes = simulate_sizes(study, source, start, trials, sizes)
            batches.append([of_size.verdict[:, self.verdict] == GO for of_size in outcomes])
        return np.concatenate(batches, axis=1)

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

    def __call__(self, first: int, last: int, values: tuple[float, ...]) -> StepCounts:
        """Numbers of trials ``first`` up to ``last`` with a go, and of all, at each value."""
        trials = self.trials if self.effects else self._with_looks(values)
        work = trials.goes_at_effects if self.effects else trials.goes_at_sizes
        starts: Sequence[int] = range(first, last, _TRIALS_A_PIECE)
        pieces: list[Future[Bools]] = [
            self.backend.submit(work, start, min(start + _TRIALS_A_PIECE, last), values)
            for start in starts
        ]
        goes = np.concatenate([piece.result() for piece in pieces], axis=1)
        go, counted = goes.sum(axis=1), np.full(len(values), goes.shape[1])
        picks = self.trials.source.picks(first, last - first)
        if picks is None:
            return StepCounts(go, counted)
        counted_by_draw = np.tile(picks.total(np.ones(picks.index.size)), (len(values), 1))
        return StepCounts(go, counted, picks.total(goes), counted_by_draw)

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
        mean = mean_of(int(enrolled.sum()), int((enrolled**2).sum()), trials, trials, trials)
        return with_draws_of_trials(mean, enrolled, self.trials.source.picks(0, trials))

    def _with_looks(self, values: tuple[float, ...]) -> CountedTrials:
        if self.looks_by_size is None:
            return self.trials
        return replace(self.trials, looks={int(n): self.looks_by_size(int(n)) for n in values})
