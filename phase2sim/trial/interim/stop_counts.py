"""Sums over trials of where they stopped, small whatever their number."""

from dataclasses import dataclass, field, fields

import numpy as np

from phase2sim.core.arrays import Floats, Ints
from phase2sim.trial.interim.trial_ends import FOR_EFFICACY, FOR_FUTILITY, FOR_HARM, TrialEnds


@dataclass(frozen=True, slots=True)
class ArmSums:
    """Counts of what became of each arm, and sums of its patients; empty where none is dropped."""

    dropped: Ints = field(default_factory=lambda: np.zeros((0, 0), np.int64))  # (arm, look)
    best: Ints = field(default_factory=lambda: np.zeros(0, np.int64))  # (arm,) largest of the goes
    enrolled: Floats = field(default_factory=lambda: np.zeros(0))  # (arm,), control the last
    squared_enrolled: Floats = field(default_factory=lambda: np.zeros(0))

    def __add__(self, other: "ArmSums") -> "ArmSums":
        """Sums over the trials of both."""
        return ArmSums(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


@dataclass(frozen=True, slots=True)
class StopSums:
    """Counts of stops at the interim looks, and sums over trials of what the trials took."""

    stops: Ints = field(default_factory=lambda: np.zeros((2, 0), np.int64))  # (reason, look)
    failed: Ints = field(default_factory=lambda: np.zeros(0, np.int64))  # (look,) unanswered
    reversed: Ints = field(default_factory=lambda: np.zeros(0, np.int64))  # (look,) taken back
    enrolled: float = 0.0  # sum of patients enrolled
    squared_enrolled: float = 0.0
    overrun: float = 0.0  # sum of those enrolled whose data the last look did not have in full
    squared_overrun: float = 0.0
    # (look or final analysis,) trials stopped for harm before it
    harm: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    arms: ArmSums = field(default_factory=ArmSums)

    def __add__(self, other: "StopSums") -> "StopSums":
        """Sums over the trials of both."""
        return StopSums(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


def stop_sums(ended: TrialEnds) -> StopSums:
    """Sum a batch: stops by reason (efficacy, futility) and look, patients, overrun."""
    course, looks = ended.course, len(ended.course.failed)
    stops = [
        np.bincount(course.last[course.why == why], minlength=looks)[:looks]
        for why in (FOR_EFFICACY, FOR_FUTILITY)
    ]
    enrolled = ended.look.enrolled.astype(np.float64)
    overrun: Floats = enrolled - ended.in_full
    return StopSums(
        stops=np.stack(stops),
        failed=course.failed.sum(axis=1),
        reversed=np.bincount(course.last[course.reversed], minlength=looks)[:looks],
        enrolled=float(enrolled.sum()),
        squared_enrolled=float((enrolled**2).sum()),
        overrun=float(overrun.sum()),
        squared_overrun=float((overrun**2).sum()),
        harm=np.bincount(course.last[course.why == FOR_HARM], minlength=looks + 1),
        arms=_arm_sums(ended),
    )


def _arm_sums(ended: TrialEnds) -> ArmSums:
    """Sum a batch, arm by arm."""
    course, seen = ended.course.arms, ended.look.arms
    if course is None or seen is None:
        return ArmSums()
    interim = range(len(ended.course.failed))
    enrolled = np.vstack([seen.enrolled, seen.control_enrolled]).astype(np.float64)
    return ArmSums(
        dropped=np.stack(
            [(course.dropped & (course.last == k)).sum(axis=1) for k in interim], axis=1
        ),
        best=np.array([(course.best == arm).sum() for arm in range(len(course.last))]),
        enrolled=enrolled.sum(axis=1),
        squared_enrolled=(enrolled**2).sum(axis=1),
    )
