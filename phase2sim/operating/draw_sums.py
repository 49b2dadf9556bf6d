"""Sums of a batch of trials by the prior draw that is true in each."""

import numpy as np
from numpy.typing import NDArray

from phase2sim.core.arrays import Bools, Floats, Ints
from phase2sim.core.contracts import CONSIDER, GO, STOP, UNDECIDED, Estimates
from phase2sim.core.decision import CLASSES
from phase2sim.core.draws_error import DrawSums, Picks
from phase2sim.operating.measures import covered
from phase2sim.trial.interim.trial_ends import FOR_EFFICACY, FOR_FUTILITY, TrialEnds

_CODES = {"go": GO, "consider": CONSIDER, "stop": STOP, "undecided": UNDECIDED}

type _Values = dict[str, Floats | Ints | Bools]


def sum_by_draw(
    picks: Picks | None,
    estimates: tuple[Estimates, ...],
    true_effect: Floats,
    missing: Floats,
    verdict: NDArray[np.int8],
    *,
    classes: NDArray[np.int8],
    months: Floats | None = None,
    trial_ends: TrialEnds | None = None,
) -> DrawSums:
    """Sum a batch by prior draw; the arguments are those of ``tally`` and ``by_class``.

    Without ``picks``, under a fixed truth, there is nothing to sum.
    """
    if picks is None:
        return DrawSums()
    effect = np.stack([e.effect for e in estimates])
    is_finite = np.isfinite(effect)
    values: _Values = {
        "answered": np.stack([e.reason == 0 for e in estimates]),
        "covered": covered(estimates, true_effect),
        "estimated": is_finite,
        "error": np.nan_to_num(np.where(is_finite, effect, np.nan) - true_effect),
        "missing": missing,
    }
    if months is not None:
        values["months"] = np.nan_to_num(months)[None]
    values |= _ends(verdict, classes)
    if trial_ends is not None:
        values |= _looks(trial_ends)
    return DrawSums.of(picks, values)


def _ends(verdict: NDArray[np.int8], classes: NDArray[np.int8]) -> _Values:
    """How each trial ended, (verdict, trial), also by the class of its truth."""
    values: _Values = {end: (verdict == code).T for end, code in _CODES.items()}
    for truth_class in range(len(CLASSES) if classes.size else 0):
        is_of_class = (classes == truth_class).T
        values |= {
            f"{end} {truth_class}": is_of_class & (verdict == code).T
            for end, code in _CODES.items()
        }
    return values


def _looks(trial_ends: TrialEnds) -> _Values:
    """Stops at each look, (look, trial), patients and overrun, (1, trial)."""
    course, enrolled = trial_ends.course, trial_ends.look.enrolled
    looks = np.arange(len(course.failed))[:, None]
    stops = {
        f"stopped {reason}": (course.last == looks) & (course.why == why)
        for reason, why in enumerate((FOR_EFFICACY, FOR_FUTILITY))
    }
    patients = {"enrolled": enrolled[None], "overrun": (enrolled - trial_ends.in_full)[None]}
    return {**stops, **patients, **_arms(trial_ends)}


def _arms(trial_ends: TrialEnds) -> _Values:
    """What became of each arm, (look or arm, trial), and its patients; empty if none is dropped."""
    course, seen = trial_ends.course.arms, trial_ends.look.arms
    if course is None or seen is None:
        return {}
    looks = np.arange(len(trial_ends.course.failed))[:, None]
    arms = np.arange(len(course.last))
    dropped = {f"dropped {arm}": course.dropped[arm] & (course.last[arm] == looks) for arm in arms}
    return {
        **dropped,
        "selected": course.best == arms[:, None],
        "enrolled in arm": np.vstack([seen.enrolled, seen.control_enrolled]),
    }
