"""What a batch of trials had come to at one look, or at the look that was each trial's last."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from phase2sim.core.arrays import Floats, Ints
from phase2sim.core.contracts import Estimates, OwnTest

_OWN_TEST = ("statistic", "p_two_sided", "lower", "upper")


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
        estimates=tuple(chosen([look.estimates[a] for look in looks], last) for a in analyses),
        missing=picked([look.missing for look in looks], last),
        due=picked([look.due for look in looks], last),
        enrolled=picked([look.enrolled for look in looks], last),
        months=picked([look.months for look in looks], last),
        overrun_p=picked([look.overrun_p for look in looks], last),
    )


def chosen(estimates: Sequence[Estimates], last: Ints) -> Estimates:
    """Of an analysis's estimates, one a look, those of each trial's last look."""

    def of(name: str) -> Floats:
        return picked([getattr(one, name) for one in estimates], last)

    test = None
    tests = [one.test for one in estimates if one.test is not None]
    if tests:
        test = OwnTest(*(picked([getattr(t, name) for t in tests], last) for name in _OWN_TEST))
    fallbacks = [one.fallback for one in estimates if one.fallback is not None]
    return Estimates(
        effect=of("effect"),
        se=of("se"),
        df=of("df"),
        p=of("p"),
        reason=of("reason").astype(np.int8),
        test=test,
        fallback=picked(fallbacks, last) if fallbacks else None,
    )


def picked[T: np.generic](by_look: Sequence[NDArray[T]], last: Ints) -> NDArray[T]:
    """Of arrays (..., trial), one a look, the one of each trial's last look."""
    place = np.broadcast_to(last, by_look[0].shape)[None]
    found: NDArray[T] = np.take_along_axis(np.stack(by_look), place, axis=0)[0]
    return found
