"""What a batch of trials had come to at one look, or at the look that was each trial's last."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from phase2sim.core.arrays import Floats, Ints
from phase2sim.core.contracts import Estimates
from phase2sim.core.estimates import combine_estimates


@dataclass(frozen=True, slots=True)
class ArmsSeen:
    """What a look has of each arm, treated ones in the order of their analyses.

    As if no arm had been dropped: who knows where it was leaves out what came after.
    """

    enrolled: Ints  # (arm, trial) when the decision is made
    due: Ints  # (arm, trial): patients whose visit of the analysis had been due
    months: Floats  # (arm, trial) to the decision; at the end to the last readout of it and control
    control_enrolled: Ints  # (trial,)
    control_due: Ints  # (trial,)


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a batch of trials, or its final analysis."""

    estimates: tuple[Estimates, ...]  # one an analysis
    missing: Floats  # (analysis, trial): share without the analysed value, of those who were due
    due: Ints  # (analysis, trial): patients whose visit of the analysis had been due
    enrolled: Ints  # (trial,) when the decision is made
    months: Floats  # (trial,) from the trial's opening to the decision
    # (analysis, trial): one-sided p once all who are enrolled have been followed to the end, nan
    # where that is not asked for.
    overrun_p: Floats
    arms: ArmsSeen | None = None  # where arms are dropped at looks


def at_the_end(looks: Sequence[Look], last: Ints) -> Look:
    """What each trial had come to at its own last look, by number (trial,)."""
    analyses = range(len(looks[0].estimates))
    return Look(
        estimates=tuple(
            estimates_at([look.estimates[a] for look in looks], last) for a in analyses
        ),
        missing=pick_look([look.missing for look in looks], last),
        due=pick_look([look.due for look in looks], last),
        enrolled=pick_look([look.enrolled for look in looks], last),
        months=pick_look([look.months for look in looks], last),
        overrun_p=pick_look([look.overrun_p for look in looks], last),
    )


def estimates_at(by_look: Sequence[Estimates], last: Ints) -> Estimates:
    """Of an analysis's estimates, one per look, those of each trial's last look."""
    return combine_estimates(by_look, partial(pick_look, last=last))


def pick_look[T: np.generic](by_look: Sequence[NDArray[T]], last: Ints) -> NDArray[T]:
    """Of arrays (..., trial), one per look, the one of each trial's last look."""
    number = np.broadcast_to(last, by_look[0].shape)[None]
    picked: NDArray[T] = np.take_along_axis(np.stack(by_look), number, axis=0)[0]
    return picked
