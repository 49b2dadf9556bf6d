"""Events of the treated, patient by patient in order of enrolment, against a boundary."""

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from phase2sim.contracts import Arms, Bools, Floats, Ints, Plan, Trials
from phase2sim.endpoints import EVENTS
from phase2sim.kernels import kernel


class SafetyRule(Protocol):
    """A part that says how many patients with an event stop a trial."""

    evidence_is: ClassVar[str]  # what ``evidence`` holds, in words

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
class Watched:
    """How a batch of trials went under a safety rule; (trial,) each."""

    look: Ints  # at which it stopped, -1 if at none
    treated: Ints  # patients judged when it stopped, or all that could be

    @property
    def stopped(self) -> Bools:
        """True where the trial was stopped for harm."""
        return self.look >= 0


def watch(rule: SafetyRule, plan: Plan, trials: Trials, patients: int | None = None) -> Watched:
    """Follow the first patients of each trial, or all, in order of enrolment.

    A patient counts once an event is seen, or when followed to ``by_month`` without one; who is
    lost before that without an event says nothing and is left out.
    """
    visit = plan.visits_months.index(rule.by_month)
    seen = trials.seen[:, 0, : visit + 1, :patients]
    last = np.where(seen, np.arange(visit + 1)[:, None], 0).max(axis=1)
    counts = trials.counts[rule.event][:, : visit + 1, :patients]
    had = np.take_along_axis(counts, last[:, None], axis=1)[:, 0] > 0
    known = had | (last == visit)
    arm = np.ascontiguousarray(trials.arm[:, :patients])
    looks = np.array(rule.looks, dtype=np.int64)
    return Watched(*_follow(arm, had, known, looks, rule.boundary()))


@kernel
def _follow(arm: Arms, had: Bools, known: Bools, looks: Ints, boundary: Ints) -> tuple[Ints, Ints]:
    """Look at which each trial stops, or -1, and the treated patients judged by then."""
    trials = arm.shape[0]
    stopped, judged = np.full(trials, -1), np.zeros(trials, np.int64)
    for trial in range(trials):
        events = look = 0
        for p in range(arm.shape[1]):
            if arm[trial, p] == 0 or not known[trial, p]:
                continue
            judged[trial] += 1
            events += 1 if had[trial, p] else 0
            if look < looks.size and judged[trial] == looks[look]:
                if events >= boundary[look]:
                    stopped[trial] = look
                    break
                look += 1
    return stopped, judged


def check_watch(event: str, by_month: float, looks: tuple[int, ...], limit: float) -> None:
    """Raise ``ValueError`` for what no safety rule can be."""
    if event not in EVENTS:
        raise ValueError(f"event is {event!r}; it must be one of {', '.join(EVENTS)}")
    if not 0 < by_month < float("inf"):
        raise ValueError(f"by_month is {by_month:g}; it must be above 0")
    if not looks or min(looks) < 1 or list(looks) != sorted(set(looks)):
        raise ValueError(f"looks is {list(looks)}; give numbers of treated patients that rise")
    if not 0.0 < limit < 1.0:
        raise ValueError(f"limit is {limit:g}; a share of patients lies between 0 and 1")
