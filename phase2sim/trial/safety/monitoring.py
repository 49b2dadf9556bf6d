"""Events of the treated, patient by patient in order of enrolment, against a boundary."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from phase2sim.core.arrays import Arms, Bools, Floats, Ints
from phase2sim.core.contracts import STOP, Plan, Trials
from phase2sim.core.endpoints import EVENTS
from phase2sim.core.errors import BadValue
from phase2sim.core.kernels import kernel


class SafetyRule(Protocol):
    """A part that says how many patients with an event stop a trial."""

    title: ClassVar[str]
    evidence_is: ClassVar[str]  # what ``evidence`` holds, in words

    def __hash__(self) -> int:
        """A frozen dataclass has one: its boundary is found once."""
        ...

    @property
    def event(self) -> str:
        """What is counted."""
        ...

    @property
    def by_month(self) -> float:
        """Visit up to which a patient is looked at."""
        ...

    @property
    def limit(self) -> float:
        """Share of treated patients with an event that is still acceptable."""
        ...

    @property
    def looks(self) -> tuple[int, ...]:
        """Treated patients after whose follow-up the count is judged, rising."""
        ...

    def boundary(self) -> Ints:
        """Fewest patients with an event that stop, by look; more than there are if none does."""
        ...

    def evidence(self, boundary: Ints) -> Floats:
        """What the rule says at its boundary, by look: a posterior probability or a p-value."""
        ...


@dataclass(frozen=True, slots=True)
class HarmMonitoring:
    """When a batch of trials crosses the boundary of a safety rule, and who was there by then.

    Trials go on to be watched after they have ended for another reason: whether a crossing stopped
    a trial is for who knows when that was.
    """

    look: Ints  # (trial,) of the rule at which it is crossed, -1 if it never is
    months: Floats  # (trial,) from the trial's opening to that day, inf if it never is
    enrolled: Ints  # (trial,) patients by that day, 0 if it never is
    due: Ints  # (trial,) of them whose last analysed visit had been due, 0 if it never is
    judged: Ints  # (look of the trial, trial): treated patients judged by then, the end last

    @property
    def crossed(self) -> Bools:
        """True where the boundary is crossed."""
        return self.look >= 0


def monitor_harm(
    rule: SafetyRule,
    plan: Plan,
    trials: Trials,
    analysed_month: float,
    *,
    looks: Sequence[Floats] = (),
    patients: int | None = None,
) -> HarmMonitoring:
    """Follow the first patients of each trial, or all, in order of enrolment.

    A patient counts once an event is seen, or when followed to ``by_month`` without one; who is
    lost before that without an event says nothing and is left out. A count of n patients is there
    when the n-th of them was due at ``by_month``. ``looks`` are months (trial,) of the interim
    looks, ``analysed_month`` is that of the last visit analysed.
    """
    had_event, is_known = _known(rule, plan, trials, patients)
    arm = np.ascontiguousarray(trials.arm[:, :patients])
    look_sizes = np.array(rule.looks, dtype=np.int64)
    look, last_judged = _follow(arm, had_event, is_known, look_sizes, _boundary(rule))
    arrivals = trials.enrolment_months[:, :patients]
    months = np.take_along_axis(arrivals, np.maximum(last_judged, 0)[:, None], axis=1)[:, 0]
    months = np.where(look >= 0, months + rule.by_month, np.inf)
    recruited = (look >= 0)[:, None] & (arrivals <= months[:, None])
    judged, followed = is_known & (arm > 0), arrivals + rule.by_month
    by = [(judged & (followed <= month[:, None])).sum(axis=1) for month in looks]
    return HarmMonitoring(
        look=look,
        months=months,
        enrolled=recruited.sum(axis=1),
        due=(recruited & (arrivals + analysed_month <= months[:, None])).sum(axis=1),
        judged=np.stack([*by, judged.sum(axis=1)]),
    )


def stop_for_harm(verdict: NDArray[np.int8], watched: HarmMonitoring | None) -> NDArray[np.int8]:
    """Verdicts (trial, verdict) of trials without looks, a stop where the boundary is crossed."""
    if watched is None:
        return verdict
    return np.where(watched.crossed[:, None], STOP, verdict).astype(np.int8)


@cache
def _boundary(rule: SafetyRule) -> Ints:
    """Boundary of a rule, found once: every batch needs it."""
    return rule.boundary()


def _known(
    rule: SafetyRule, plan: Plan, trials: Trials, patients: int | None
) -> tuple[Bools, Bools]:
    """Whether each patient (trial, patient) had an event, and whether that can be known."""
    visit = plan.visits_months.index(rule.by_month)
    attended = trials.seen[:, 0, : visit + 1, :patients]
    last = np.where(attended, np.arange(visit + 1)[:, None], 0).max(axis=1)
    counts = trials.counts[rule.event][:, : visit + 1, :patients]
    had_event: Bools = np.take_along_axis(counts, last[:, None], axis=1)[:, 0] > 0
    return had_event, had_event | (last == visit)


@kernel
def _follow(
    arm: Arms, had_event: Bools, is_known: Bools, looks: Ints, boundary: Ints
) -> tuple[Ints, Ints]:
    """Look at which each trial crosses the boundary, and the patient who does it; or -1."""
    trials = arm.shape[0]
    crossed, last_judged = np.full(trials, -1), np.full(trials, -1)
    for trial in range(trials):
        judged = events = look = 0
        for p in range(arm.shape[1]):
            if look == looks.size:
                break
            if arm[trial, p] == 0 or not is_known[trial, p]:
                continue
            judged += 1
            events += 1 if had_event[trial, p] else 0
            if judged == looks[look]:
                if events >= boundary[look]:
                    crossed[trial], last_judged[trial] = look, p
                    break
                look += 1
    return crossed, last_judged


def check_watch(event: str, by_month: float, looks: tuple[int, ...], limit: float) -> None:
    """Raise ``ValueError`` for what no safety rule can be."""
    if event not in EVENTS:
        raise BadValue("event", f"is {event!r}; it must be one of {', '.join(EVENTS)}")
    if not 0 < by_month < float("inf"):
        raise BadValue("by_month", f"is {by_month:g}; it must be above 0")
    if not looks or min(looks) < 1 or list(looks) != sorted(set(looks)):
        raise BadValue("looks", f"is {list(looks)}; give numbers of treated patients that rise")
    if not 0.0 < limit < 1.0:
        raise BadValue("limit", f"is {limit:g}; a share of patients lies between 0 and 1")
