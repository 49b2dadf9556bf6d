"""Search for the lowest step that reaches a target: rough, closer, then tested.

The first two stages use separate trials, so that the range of the search is not chosen on the
trials that then decide.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from phase2sim.core.measured import Measured
from phase2sim.core.progress import Progress
from phase2sim.studies.sizing.anytime_bounds import lower_bound, upper_bound
from phase2sim.studies.sizing.size_tests import (
    CountTrials,
    Question,
    StepCounts,
    StepTests,
    bracket_target,
    settle_steps,
)

_SEARCH_TRIALS = 1 << 40  # first trial of the rough and the closer search
_ROUGH, _CLOSER = 400, 3_000  # trials of them
_RATIO = 1.3  # of a step of the rough look to the one before
_STEPS_AT_ONCE = 8
_CLOSER_STEPS, _MOST_STEPS = 16, 64
_CHECKED_STEPS, _CHECKED = 4, 20_000  # steps to either side of an answer from theory; trials


@dataclass(frozen=True, slots=True)
class Steps:
    """Candidate answers: multiples of ``unit`` from the lowest to the highest."""

    lowest: float
    highest: float
    unit: float

    def between(self, low: float, high: float, most: int) -> tuple[float, ...]:
        """At most ``most`` evenly spaced steps from ``low`` to ``high`` or a little above."""
        stride = max(math.ceil((high - low) / self.unit / (most - 1) - 1e-9), 1)
        count = math.ceil((high - low) / self.unit / stride - 1e-9) + 1
        values = [self._round_to_unit(low + k * stride * self.unit) for k in range(count)]
        return tuple(value for value in values if value <= self.highest + self.unit / 2)

    def growing(self) -> list[float]:
        """Steps of the rough search, each about ``_RATIO`` times the one before."""
        values = [self.lowest]
        while (
            value := self._round_to_unit(max(values[-1] * _RATIO, values[-1] + self.unit))
        ) < self.highest:
            values.append(value)
        return [*values, self.highest]

    def doubled(self, value: float) -> float:
        """Twice a step, or the highest."""
        return min(self._round_to_unit(2 * value), self.highest)

    def _round_to_unit(self, value: float) -> float:
        return round(round(value / self.unit) * self.unit, 9)


@dataclass(frozen=True, slots=True)
class SearchPoint:
    """Share of go at one step; its bounds hold at all looks together, given the prior's draws."""

    value: float
    share: Measured
    low: float
    high: float

    def row(self) -> dict[str, float]:
        """Plain values, without the step itself."""
        share = self.share
        return {
            "estimate": share.estimate,
            "mcse": share.mcse,
            "draws_mcse": share.draws_mcse,
            "used": share.used,
            "at_least": self.low,
            "at_most": self.high,
        }


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Result of a search; ``answer`` is None if no step is shown to reach the target."""

    answer: SearchPoint | None
    below: SearchPoint | None  # the step below the answer
    settled: bool  # whether the step below is shown not to be clearly enough
    trials: int
    curve: tuple[SearchPoint, ...]


def search_steps(
    count: CountTrials, question: Question, steps: Steps, progress: Progress
) -> SearchResult:
    """Find the lowest step whose chance of a go reaches the target."""
    values, counts = _search_roughly(count, question, steps)
    curve = _search_points(values, counts, question)
    low, high = bracket_target(question.target, counts)
    values = steps.between(values[low], values[high], _CLOSER_STEPS)
    counts = count(_SEARCH_TRIALS, _SEARCH_TRIALS + _CLOSER, values)
    curve |= _search_points(values, counts, question)
    low, high = bracket_target(question.target, counts)
    sequence = StepTests(steps.between(values[low], values[high], _MOST_STEPS))
    settle_steps(sequence, count, question, progress)
    curve |= _search_points(sequence.values, sequence.counts, question)
    points = tuple(curve[value] for value in sorted(curve))
    answer = sequence.enough
    return SearchResult(
        answer=curve[sequence.values[answer]] if answer < len(sequence.values) else None,
        below=curve[sequence.values[answer - 1]] if answer > 0 else None,
        settled=sequence.settled,
        trials=sequence.trials,
        curve=points,
    )


def check_step(count: CountTrials, question: Question, steps: Steps, answer: float) -> SearchResult:
    """Simulate an answer that is known from theory, and a few steps to either side of it."""
    reach = _CHECKED_STEPS * steps.unit
    low = max(steps.lowest, answer - reach)
    values = steps.between(low, min(steps.highest, answer + reach), 2 * _CHECKED_STEPS + 1)
    trials = min(_CHECKED, question.most)
    points = _search_points(values, count(0, trials, values), question)
    below = max((value for value in values if value < answer), default=None)
    return SearchResult(
        answer=points[answer],
        below=None if below is None else points[below],
        settled=True,
        trials=trials,
        curve=tuple(points[value] for value in values),
    )


def _search_roughly(
    count: CountTrials, question: Question, steps: Steps
) -> tuple[tuple[float, ...], StepCounts]:
    """StepCounts at growing steps, a few at a time, until one is clearly above the target."""
    growing = steps.growing()
    values: list[float] = []
    parts: list[StepCounts] = []
    for start in range(0, len(growing), _STEPS_AT_ONCE):
        steps_at_once = growing[start : start + _STEPS_AT_ONCE]
        values += steps_at_once
        parts.append(count(_SEARCH_TRIALS, _SEARCH_TRIALS + _ROUGH, tuple(steps_at_once)))
        _, high = bracket_target(question.target, parts[-1])
        if high < len(steps_at_once) - 1:
            break
    arrays = {
        part.name: np.concatenate([getattr(counts, part.name) for counts in parts])
        for part in fields(StepCounts)
    }
    return tuple(values), StepCounts(**arrays)


def _search_points(
    values: Sequence[float], counts: StepCounts, question: Question
) -> dict[float, SearchPoint]:
    one_sided_error = question.error / 2
    low = lower_bound(counts.go, counts.counted, one_sided_error)
    high = upper_bound(counts.go, counts.counted, one_sided_error)
    return {
        value: SearchPoint(value, counts.share(step), float(low[step]), float(high[step]))
        for step, value in enumerate(values)
    }
