"""What a batch of trials had come to at one look, or at the look that was each trial's last."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from phase2sim.contracts import Estimates, Floats, Ints, OwnTest

_OWN_TEST = ("statistic", "p_two_sided", "lower", "upper")


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


def at_the_end(looks: Sequence[Look], last: Ints) -> Look:
    """What each trial had come to at its own last look, by number (trial,)."""
    analyses = range(len(looks[0].estimates))
    return Look(
        estimates=tuple(_chosen([look.estimates[a] for look in looks], last) for a in analyses),
        missing=_picked([look.missing for look in looks], last),
        due=_picked([look.due for look in looks], last),
        enrolled=_picked([look.enrolled for look in looks], last),
        months=_picked([look.months for look in looks], last),
        overrun_p=_picked([look.overrun_p for look in looks], last),
    )


def _chosen(estimates: Sequence[Estimates], last: Ints) -> Estimates:
    def of(name: str) -> Floats:
        return _picked([getattr(one, name) for one in estimates], last)

    test = None
    tests = [one.test for one in estimates if one.test is not None]
    if tests:
        test = OwnTest(*(_picked([getattr(t, name) for t in tests], last) for name in _OWN_TEST))
    fallbacks = [one.fallback for one in estimates if one.fallback is not None]
    return Estimates(
        effect=of("effect"),
        se=of("se"),
        df=of("df"),
        p=of("p"),
        reason=of("reason").astype(np.int8),
        test=test,
        fallback=_picked(fallbacks, last) if fallbacks else None,
    )


def _picked[T: np.generic](by_look: Sequence[NDArray[T]], last: Ints) -> NDArray[T]:
    """Of arrays (..., trial), one a look, the one of each trial's last look."""
    place = np.broadcast_to(last, by_look[0].shape)[None]
    found: NDArray[T] = np.take_along_axis(np.stack(by_look), place, axis=0)[0]
    return found
