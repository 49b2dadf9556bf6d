"""Where each trial of a batch ended, why, and what it had come to by then."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from phase2sim.core.arrays import Bools, Ints
from phase2sim.trial.interim.look import Look

TO_THE_END, FOR_EFFICACY, FOR_FUTILITY, FOR_HARM = range(4)
REASONS = ("", "efficacy", "futility", "harm")


@dataclass(frozen=True, slots=True)
class ArmCourse:
    """What became of each arm of a batch of trials, in the order of the analyses."""

    last: Ints  # (arm, trial) number of its last look, from 0: dropped there, or the trial ended
    dropped: Bools  # (arm, trial)
    best: Ints  # (trial,) the arm with the smallest p of those that are a go, -1 without any


@dataclass(frozen=True, slots=True)
class Course:
    """How a batch of trials went under one rule."""

    verdict: NDArray[np.int8]  # (trial, verdict), of the look that was the last
    last: Ints  # (trial,) its number, from 0; the final analysis is the highest. For harm: the next
    why: NDArray[np.int8]  # (trial,) an index into ``REASONS``
    failed: Bools  # (interim look, trial): it was held, and could not be answered
    reversed: Bools  # (trial,): a stop for efficacy that those on their way take back
    arms: ArmCourse | None = None  # where arms are dropped at looks


@dataclass(frozen=True, slots=True)
class TrialEnds:
    """How a batch of trials went, and what each had come to at its own last look."""

    course: Course
    look: Look
    in_full: Ints  # (trial,) patients whose data that look had in full
