"""The lowest of ordered steps whose probability reaches a target, tested sequentially.

Steps are tested from the top down for being enough, and from the bottom up for not being clearly
enough; a step's test counts only when those before it have succeeded. A false claim needs the first
step of which it is false to be claimed, which happens with probability at most the test's error,
whatever the number of steps (testing in a fixed sequence) and of looks (bounds for all looks).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from phase2sim.core.arrays import Floats, Ints
from phase2sim.core.draws_error import with_draws
from phase2sim.core.measured import Measured, proportion
from phase2sim.studies.sizing.anytime_bounds import lower_bound, upper_bound

type CountTrials = Callable[[int, int, tuple[float, ...]], "StepCounts"]  # first, last, steps

_FIRST_LOOK = 1_000
_FAR = 4.0  # standard errors
_GROWTH = 1.5  # of the trials from one look to the next


@dataclass(frozen=True, slots=True)
class StepCounts:
    """Numbers of trials with a go, and of all, at some steps; also by prior draw if random."""

    go: Ints  # (step,)
    counted: Ints  # (step,)
    go_by_draw: Floats = field(default_factory=lambda: np.zeros((0, 0)))  # (step, draw)
    counted_by_draw: Floats = field(default_factory=lambda: np.zeros((0, 0)))  # (step, draw)

    def share(self, step: int) -> Measured:
        """Share of go at a step."""
        counted = int(self.counted[step])
        share = proportion(int(self.go[step]), counted, counted)
        if not self.counted_by_draw.size:
            return share
        return with_draws(share, self.counted_by_draw[step], self.go_by_draw[step])


@dataclass(frozen=True, slots=True)
class Question:
    """Goal: the lowest step whose probability is at least ``target``."""

    target: float
    error: float  # chance that one of the two claims is false
    tolerance: float  # the step below is shown to be less than this above the target
    most: int  # trials


@dataclass(slots=True)
class StepTests:
    """Fixed-sequence tests of ordered steps: counts and anytime-valid bounds of each step."""

    values: tuple[float, ...]
    go: Ints = field(init=False)
    counted: Ints = field(init=False)
    go_by_draw: Floats = field(init=False)  # (step, draw); no draws until there are any
    counted_by_draw: Floats = field(init=False)
    low: Floats = field(init=False)  # bounds that hold at all looks together
    high: Floats = field(init=False)
    enough: int = field(init=False)  # the lowest step that is shown to be enough; all if none
    short: int = -1  # the highest step that is shown not to be clearly enough
    trials: int = 0

    def __post_init__(self) -> None:
        steps = len(self.values)
        self.go, self.counted = np.zeros(steps, np.int64), np.zeros(steps, np.int64)
        self.go_by_draw, self.counted_by_draw = np.zeros((2, steps, 0))
        self.low, self.high = np.zeros(steps), np.ones(steps)
        self.enough = steps

    @property
    def open(self) -> tuple[int, ...]:
        """Steps about which neither claim is made yet."""
        return tuple(range(self.short + 1, self.enough))

    @property
    def settled(self) -> bool:
        """Whether both claims about the answer are made."""
        return not self.open

    @property
    def counts(self) -> StepCounts:
        """All counts so far."""
        return StepCounts(self.go, self.counted, self.go_by_draw, self.counted_by_draw)

    def add_counts(self, steps: Sequence[int], counts: StepCounts, question: Question) -> None:
        """Add counts at some steps, and make the claims that the bounds allow."""
        indices = list(steps)
        self.go[indices] += counts.go
        self.counted[indices] += counts.counted
        if counts.go_by_draw.size:
            if not self.go_by_draw.size:
                shape = len(self.values), counts.go_by_draw.shape[1]
                self.go_by_draw, self.counted_by_draw = np.zeros((2, *shape))
            self.go_by_draw[indices] += counts.go_by_draw
            self.counted_by_draw[indices] += counts.counted_by_draw
        one_sided_error = question.error / 2
        low = lower_bound(self.go[indices], self.counted[indices], one_sided_error)
        high = upper_bound(self.go[indices], self.counted[indices], one_sided_error)
        self.low[indices] = np.maximum(self.low[indices], low)  # bounds never widen
        self.high[indices] = np.minimum(self.high[indices], high)
        while self.enough > 0 and self.low[self.enough - 1] >= question.target:
            self.enough -= 1
        limits = np.full(len(self.values), question.target + question.tolerance)
        limits[-1] = (
            question.target
        )  # no step is enough: only then is the answer that there is none
        while (
            self.short + 1 < len(self.values) and self.high[self.short + 1] < limits[self.short + 1]
        ):
            self.short += 1


def settle_steps(
    sequence: StepTests,
    count: CountTrials,
    question: Question,
    progress: Callable[[int, int], None] = lambda _steps, _trials: None,
) -> None:
    """Simulate the open steps until both claims are made, or the trials are used up."""
    look = _FIRST_LOOK
    while not sequence.settled and sequence.trials < question.most:
        last = min(sequence.trials + look, question.most)
        steps = sequence.open
        counts = count(sequence.trials, last, tuple(sequence.values[step] for step in steps))
        sequence.add_counts(steps, counts, question)
        sequence.trials = last
        look = int(last * (_GROWTH - 1)) + 1
        progress(len(sequence.open), sequence.trials)


def bracket_target(target: float, counts: StepCounts) -> tuple[int, int]:
    """Steps between which the answer lies, by separate trials.

    The first is the highest clearly below the target, the second the lowest from which on all are
    clearly above it; the lowest and the highest step where there are none.
    """
    share = (counts.go + 1.0) / (counts.counted + 2.0)
    se = np.sqrt(share * (1 - share) / (counts.counted + 2.0))
    below = np.flatnonzero(share + _FAR * se < target)
    not_over = np.flatnonzero(share - _FAR * se < target)
    low = int(below.max()) if below.size else 0
    high = int(not_over.max()) + 1 if not_over.size else 0
    return low, min(high, len(share) - 1)
