"""The lowest step of a ladder whose chance reaches a target, found by looking again and again.

Steps are tested from the top down for being enough, and from the bottom up for not being clearly
enough; a step's test counts only when those before it have succeeded. A false claim needs the first
step of which it is false to be claimed, which happens with probability at most the test's error,
whatever the number of steps (testing in a fixed sequence) and of looks (bounds for all looks).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from phase2sim.core.arrays import Floats, Ints
from phase2sim.studies.sizing.anytime_bounds import lower_bound, upper_bound

# Trials first up to last at some steps -> how many were a go, and how many were decided.
type Count = Callable[[int, int, tuple[float, ...]], tuple[Ints, Ints]]

_FIRST_LOOK = 1_000
_FAR = 4.0  # standard errors
_GROWTH = 1.5  # of the trials from one look to the next


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: the lowest step whose chance is at least ``target``."""

    target: float
    error: float  # chance that one of the two claims is false
    tolerance: float  # the step below is shown to be less than this above the target
    most: int  # trials


@dataclass(slots=True)
class Ladder:
    """Steps in the order of their chances, and what was seen of each."""

    values: tuple[float, ...]
    go: Ints = field(init=False)
    decided: Ints = field(init=False)
    low: Floats = field(init=False)  # bounds that hold at all looks together
    high: Floats = field(init=False)
    enough: int = field(init=False)  # the lowest step that is shown to be enough; all if none
    short: int = -1  # the highest step that is shown not to be clearly enough
    trials: int = 0

    def __post_init__(self) -> None:
        steps = len(self.values)
        self.go, self.decided = np.zeros(steps, np.int64), np.zeros(steps, np.int64)
        self.low, self.high = np.zeros(steps), np.ones(steps)
        self.enough = steps

    @property
    def open(self) -> tuple[int, ...]:
        """Steps of which neither claim is made yet."""
        return tuple(range(self.short + 1, self.enough))

    @property
    def settled(self) -> bool:
        """Whether both claims about the answer are made."""
        return not self.open

    def note(self, steps: Sequence[int], seen: tuple[Ints, Ints], question: Question) -> None:
        """Add what was seen at some steps and make the claims that it allows."""
        at = list(steps)
        self.go[at] += seen[0]
        self.decided[at] += seen[1]
        each = question.error / 2
        low = lower_bound(self.go[at], self.decided[at], each)
        high = upper_bound(self.go[at], self.decided[at], each)
        self.low[at] = np.maximum(self.low[at], low)  # what was ever out of the bounds stays out
        self.high[at] = np.minimum(self.high[at], high)
        while self.enough > 0 and self.low[self.enough - 1] >= question.target:
            self.enough -= 1
        clearly = np.full(len(self.values), question.target + question.tolerance)
        clearly[-1] = (
            question.target
        )  # no step is enough: only then is the answer that there is none
        while (
            self.short + 1 < len(self.values)
            and self.high[self.short + 1] < clearly[self.short + 1]
        ):
            self.short += 1


def settle_steps(
    ladder: Ladder,
    count: Count,
    question: Question,
    progress: Callable[[int, int], None] = lambda _steps, _trials: None,
) -> None:
    """Look at the open steps until the question is settled, or the trials are used up."""
    look = _FIRST_LOOK
    while not ladder.settled and ladder.trials < question.most:
        until = min(ladder.trials + look, question.most)
        steps = ladder.open
        seen = count(ladder.trials, until, tuple(ladder.values[step] for step in steps))
        ladder.note(steps, seen, question)
        ladder.trials = until
        look = int(until * (_GROWTH - 1)) + 1
        progress(len(ladder.open), ladder.trials)


def far_from(target: float, seen: tuple[Ints, Ints]) -> tuple[int, int]:
    """Steps between which the answer lies for all that a separate look of them can say.

    The first is the highest that is clearly under the target, the second the lowest such that all
    from it on are clearly over it; the lowest and the highest step where there are none.
    """
    go, decided = seen
    share = (go + 1.0) / (decided + 2.0)
    se = np.sqrt(share * (1 - share) / (decided + 2.0))
    under = np.flatnonzero(share + _FAR * se < target)
    not_over = np.flatnonzero(share - _FAR * se < target)
    low = int(under.max()) if under.size else 0
    high = int(not_over.max()) + 1 if not_over.size else 0
    return low, min(high, len(share) - 1)
