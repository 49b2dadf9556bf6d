"""From no idea to an answer: a rough look, a closer one, and then until it is settled.

The first two looks use trials of their own, so that where to search is not chosen on the trials
that then decide.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from phase2sim.core.arrays import Ints
from phase2sim.core.measured import Measured, proportion
from phase2sim.core.progress import Progress
from phase2sim.studies.sizing.anytime_bounds import lower_bound, upper_bound
from phase2sim.studies.sizing.size_tests import Count, Ladder, Question, far_from, settle_steps

_APART = 1 << 40  # first trial of the looks that only say where to search
_ROUGH, _CLOSER = 400, 3_000  # trials of them
_RATIO = 1.3  # of a step of the rough look to the one before
_STEPS_AT_ONCE = 8
_CLOSER_STEPS, _MOST_STEPS = 16, 64


@dataclass(frozen=True, slots=True)
class Steps:
    """What may be an answer: multiples of ``unit`` from the lowest to the highest."""

    lowest: float
    highest: float
    unit: float

    def between(self, low: float, high: float, most: int) -> tuple[float, ...]:
        """At most so many steps from ``low`` to ``high`` or a little above, evenly apart."""
        apart = max(math.ceil((high - low) / self.unit / (most - 1) - 1e-9), 1)
        count = math.ceil((high - low) / self.unit / apart - 1e-9) + 1
        found = [self._whole(low + k * apart * self.unit) for k in range(count)]
        return tuple(value for value in found if value <= self.highest + self.unit / 2)

    def growing(self) -> list[float]:
        """Every step of a rough look, each about ``_RATIO`` times the one before."""
        found = [self.lowest]
        while (value := self._whole(max(found[-1] * _RATIO, found[-1] + self.unit))) < self.highest:
            found.append(value)
        return [*found, self.highest]

    def doubled(self, value: float) -> float:
        """Twice a step, or the highest."""
        return min(self._whole(2 * value), self.highest)

    def _whole(self, value: float) -> float:
        return round(round(value / self.unit) * self.unit, 9)


@dataclass(frozen=True, slots=True)
class SearchPoint:
    """One step that was looked at; each bound holds at all looks together."""

    value: float
    share: Measured
    low: float
    high: float

    def row(self) -> dict[str, float]:
        """Plain values, but for the step itself."""
        share = self.share
        measured = {"estimate": share.estimate, "mcse": share.mcse, "used": share.used}
        return {**measured, "at_least": self.low, "at_most": self.high}


@dataclass(frozen=True, slots=True)
class Climbed:
    """What a search came to; ``answer`` is None if no step is shown to be enough."""

    answer: SearchPoint | None
    below: SearchPoint | None  # the step below the answer
    settled: bool  # whether that one is shown not to be clearly enough
    trials: int
    curve: tuple[SearchPoint, ...]


def search(count: Count, question: Question, steps: Steps, progress: Progress) -> Climbed:
    """Find the lowest step whose chance of a go reaches the target."""
    values, seen = _look_up(count, question, steps)
    curve = _points(values, seen, question)
    low, high = far_from(question.target, seen)
    values = steps.between(values[low], values[high], _CLOSER_STEPS)
    seen = count(_APART, _APART + _CLOSER, values)
    curve |= _points(values, seen, question)
    low, high = far_from(question.target, seen)
    ladder = Ladder(steps.between(values[low], values[high], _MOST_STEPS))
    settle_steps(ladder, count, question, progress)
    curve |= _points(ladder.values, (ladder.go, ladder.decided), question)
    points = tuple(curve[value] for value in sorted(curve))
    found = ladder.enough
    return Climbed(
        answer=curve[ladder.values[found]] if found < len(ladder.values) else None,
        below=curve[ladder.values[found - 1]] if found > 0 else None,
        settled=ladder.settled,
        trials=ladder.trials,
        curve=points,
    )


def _look_up(
    count: Count, question: Question, steps: Steps
) -> tuple[tuple[float, ...], tuple[Ints, Ints]]:
    """Counts at growing steps, a few at a time, until one is clearly over the target."""
    growing = steps.growing()
    values: list[float] = []
    parts: list[tuple[Ints, Ints]] = []
    for start in range(0, len(growing), _STEPS_AT_ONCE):
        some = growing[start : start + _STEPS_AT_ONCE]
        values += some
        parts.append(count(_APART, _APART + _ROUGH, tuple(some)))
        _, high = far_from(question.target, parts[-1])
        if high < len(some) - 1:
            break
    go, decided = (np.concatenate(each) for each in zip(*parts, strict=True))
    return tuple(values), (go, decided)


def _points(
    values: Sequence[float], seen: tuple[Ints, Ints], question: Question
) -> dict[float, SearchPoint]:
    go, decided = seen
    each = question.error / 2
    low, high = lower_bound(go, decided, each), upper_bound(go, decided, each)
    return {
        value: SearchPoint(value, proportion(int(g), int(d), int(d)), float(a), float(b))
        for value, g, d, a, b in zip(values, go, decided, low, high, strict=True)
    }
