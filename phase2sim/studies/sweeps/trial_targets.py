"""Number of trials per study: fixed, until precise, or until the time is up.

A ``TrialTarget`` gives targets round after round, until it has none left. They depend only on the
trials in the store, so that an interrupted and resumed sweep ends with the trials of one that was
not interrupted.
"""

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from phase2sim.core.contracts import GO, UNDECIDED
from phase2sim.core.draws_error import with_draws_of_trials
from phase2sim.core.measured import Measured, share_of_trials
from phase2sim.studies.store.results_folder import Store
from phase2sim.studies.sweeps.cells import Cell
from phase2sim.studies.sweeps.measure import Verdicts, difference_of_cells, verdicts_of
from phase2sim.studies.sweeps.work_units import TRIALS_A_FILE

type Targets = dict[str, int]  # study -> trials it should have

MOST_TRIALS = 1_000_000  # of a study, at any precision
_LARGEST_STEP = 4  # times the trials so far
_MARGIN = 1.05  # on the number that should be enough, as it is itself uncertain


@dataclass(frozen=True, slots=True)
class Round:
    """Time and trials of the last round."""

    seconds: float
    trials: int  # a study, that were added to those that needed most


class TrialTarget(Protocol):
    """A rule for how many trials each study should have next."""

    def targets(self, store: Store, last: Round | None) -> Targets:
        """Return the trials to have now, by study; empty once the target is reached."""
        ...

    @property
    def longest_seconds(self) -> float:
        """Longest that one piece of work should take."""
        ...

    @property
    def time_is_up(self) -> bool:
        """Whether no new work is to begin."""
        ...


@dataclass(slots=True)
class FixedTrials:
    """A fixed number of trials of every cell."""

    cells: Sequence[Cell]
    trials: int
    longest_seconds: float = math.inf
    time_is_up: bool = False

    def targets(self, store: Store, last: Round | None) -> Targets:
        """Return the number for every study, once."""
        del store
        return {} if last else {cell.study: self.trials for cell in self.cells}


@dataclass(slots=True)
class Precision:
    """Trials until the Monte Carlo standard error of every share of go is at most ``mcse``.

    Cell by cell; with ``references`` (cell -> the one it is compared with) it is the standard
    error of the difference to that cell, which shares its patients.
    """

    cells: Sequence[Cell]
    mcse: float
    most: int = MOST_TRIALS
    references: Mapping[str, Cell] = field(default_factory=dict)
    longest_seconds: float = math.inf
    time_is_up: bool = False
    _open: dict[str, int] = field(default_factory=dict)  # cell -> trials it is judged at next
    unfulfilled: list[Cell] = field(default_factory=list)  # at the most trials still too imprecise
    short_of_draws: list[Cell] = field(default_factory=list)  # of these: no trials would suffice

    def targets(self, store: Store, last: Round | None) -> Targets:
        """Judge every open cell at the trials it had as its target, and set the next."""
        if last is None:
            first = min(TRIALS_A_FILE, self.most)
            self._open = {cell.key: first for cell in self.cells}
        else:
            by_key = {cell.key: cell for cell in self.cells}
            next_trials = {
                key: self._next(store, by_key[key], trials_judged)
                for key, trials_judged in self._open.items()
            }
            self._open = {key: trials for key, trials in next_trials.items() if trials}
        targets: Targets = {}
        for cell in self.cells:
            if trials := self._open.get(cell.key, 0):
                for compared_cell in (cell, self.references.get(cell.key, cell)):
                    targets[compared_cell.study] = max(targets.get(compared_cell.study, 0), trials)
        return targets

    def _next(self, store: Store, cell: Cell, trials: int) -> int:
        """Trials to judge a cell at next; 0 if it is precise enough, or can get no more."""
        # nan if no analysis answered: more trials say no more
        wide = [share for share in self._shares(store, cell, trials) if share.mcse > self.mcse]
        if not wide:
            return 0
        more = [ratio for share in wide if (ratio := _trials_ratio(share, self.mcse)) is not None]
        if not more or trials >= self.most:
            self.unfulfilled.append(cell)
            self.short_of_draws += [] if more else [cell]
            return 0
        enough = trials * max(more) * _MARGIN
        next_trials = math.ceil(min(enough, _LARGEST_STEP * trials) / TRIALS_A_FILE) * TRIALS_A_FILE
        return min(max(next_trials, trials + TRIALS_A_FILE), self.most)

    def _shares(self, store: Store, cell: Cell, trials: int) -> Iterable[Measured]:
        verdicts = verdicts_of(store, cell, trials)
        reference = self.references.get(cell.key)
        if reference is None:
            return [] if self.references else list(_shares(cell, verdicts))
        reference_verdicts = verdicts_of(store, reference, trials)
        of_cell, of_reference = (cell, verdicts), (reference, reference_verdicts)
        return [
            difference_of_cells(truth, number, of_cell, of_reference)
            for truth in verdicts
            if truth in reference_verdicts
            for number in range(min(verdicts[truth].shape[1], reference_verdicts[truth].shape[1]))
        ]


@dataclass(slots=True)
class Budget:
    """As many trials as the time allows, the same number for every cell."""

    cells: Sequence[Cell]
    seconds: float
    started: float  # time.monotonic() when the clock began to run
    measuring: Callable[[int], float]  # trials -> seconds that measuring them all will take
    timed: Callable[[Store], None] = lambda _store: None  # times the measuring of stored trials
    clock: Callable[[], float] = time.monotonic
    _trials: int = 0

    @property
    def longest_seconds(self) -> float:
        """A small part of the budget, so that the end is met."""
        return _LONGEST_PIECE * self.seconds

    @property
    def time_is_up(self) -> bool:
        """Whether no new work is to begin."""
        return self._seconds_left(self._trials) <= 0.0

    def _seconds_left(self, trials: int) -> float:
        """Seconds left to simulate, if ``trials`` trials per cell are measured afterwards."""
        passed = self.clock() - self.started
        return _AIM * self.seconds - passed - self.measuring(trials)

    def targets(self, store: Store, last: Round | None) -> Targets:
        """Begin with a few trials; then use half of the time left, at the last round's speed."""
        more = _FIRST_TRIALS
        if last is not None:
            self.timed(store)
        if last is not None and last.trials == 0:
            more = max(self._trials, _FIRST_TRIALS)  # the store held them all
        elif last is not None:
            # Every further trial takes its time to simulate, and then to be measured.
            a_trial = last.seconds / last.trials + self.measuring(1) - self.measuring(0)
            seconds_left = self._seconds_left(self._trials)
            share = 1.0 if seconds_left < _LAST_ROUND * self.seconds else 0.5
            more = int(share * seconds_left / a_trial)
        if more < 1 or self.time_is_up or self._trials >= MOST_TRIALS:
            return {}
        self._trials = min(self._trials + more, MOST_TRIALS)
        return {cell.study: self._trials for cell in self.cells}


_FIRST_TRIALS = 100
_LONGEST_PIECE = 0.02  # of the budget
_LAST_ROUND = 0.25  # of the budget: when so little is left, it is the last round
_AIM = 0.97  # of the budget


def _shares(cell: Cell, verdicts: Verdicts) -> Iterable[Measured]:
    for truth, verdict in verdicts.items():
        picks = cell.picks(truth, 0, len(verdict))
        for ends in verdict.T:
            go, failed = ends == GO, int((ends == UNDECIDED).sum())
            share = share_of_trials(int(go.sum()), failed, len(verdict))
            yield with_draws_of_trials(share, go, picks)


def _trials_ratio(share: Measured, mcse: float) -> float | None:
    """Trials for a standard error of ``mcse``, as a multiple of those so far; None if none do.

    With few trials the error from the draws is itself uncertain: it is not judged before the error
    of the trials alone is small enough.
    """
    if share.trials_mcse > mcse:
        return (share.trials_mcse / mcse) ** 2
    if share.draws_mcse >= mcse:
        return None
    return share.trials_mcse**2 / (mcse**2 - share.draws_mcse**2)
