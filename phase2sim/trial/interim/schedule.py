"""When the looks of a trial are due, and how much of the information each is planned to have."""

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from phase2sim.core.arrays import Floats
from phase2sim.core.errors import BadValue
from phase2sim.trial.interim.reestimation import Reestimation

_ROUNDING = 1e-9  # of a share of the patients
_LONGEST_TO_DECIDE = 120.0


@dataclass(frozen=True, slots=True)
class PlannedLook:
    """An interim look: once so many patients were due at a visit, or at a calendar month.

    One of ``patients``, ``share`` (of all patients) and ``calendar_months`` (since the trial's
    opening) is given; ``month`` is the visit. ``information`` is what part of that of the final
    analysis is planned; that of the patients if it is not given.
    """

    month: float | None = None
    patients: int | None = None
    share: float | None = None
    calendar_months: float | None = None
    information: float | None = None

    @property
    def is_by_calendar(self) -> bool:
        """Whether the calendar says when."""
        return self.calendar_months is not None

    def patients_of(self, total: int) -> int:
        """How many of ``total`` patients must have been due at the visit."""
        if self.patients is not None:
            return self.patients
        return math.ceil((self.share or 0.0) * total - _ROUNDING)

    def fraction(self, total: int) -> float:
        """Planned fraction of the information."""
        if self.information is not None:
            return self.information
        return self.patients_of(total) / total


@dataclass(frozen=True, slots=True)
class Schedule:
    """The interim looks of a trial, in their order; the final analysis is none of them."""

    looks: tuple[PlannedLook, ...] = ()
    months_to_decide: float = 0.0  # from a look to its decision: patients enrol meanwhile
    patients: int = 0  # planned, in all arms together
    ratio: tuple[int, int] = (1, 1)  # of control and treatment
    reestimation: Reestimation | None = None  # at the last look
    analyse_overrun: bool = False  # once all who are enrolled at a look's decision are followed
    drops_arms: bool = False  # each treated arm has its analysis, and may be dropped at a look

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.looks)

    @property
    def fractions(self) -> Floats:
        """Planned fractions of the information at every look, the final analysis last."""
        return np.array([*(look.fraction(self.patients) for look in self.looks), 1.0])


def check_looks(
    looks: tuple[PlannedLook, ...], patients: int, visits_months: tuple[float, ...]
) -> None:
    """Raise ``ValueError`` for looks that cannot be held, or not in this order."""
    if not looks:
        raise BadValue(
            "looks",
            "is empty; give one interim look or more, such as"
            " looks = [{ share = 0.5, month = 6 }], or use kind = 'fixed'",
        )
    for number, look in enumerate(looks, start=1):
        _check_look(look, f"looks[{number}]", patients, visits_months)
    if len({look.is_by_calendar for look in looks}) > 1:
        raise BadValue(
            "looks",
            "are by patients and by calendar: their order would differ from trial to trial."
            " Use one of both for all",
        )
    _check_order(looks, patients)


def check_months_to_decide(months: float) -> None:
    """Raise ``ValueError`` for a time that no decision takes."""
    if not 0 <= months <= _LONGEST_TO_DECIDE:
        raise BadValue(
            "months_to_decide", f"is {months:g}; it must lie between 0 and {_LONGEST_TO_DECIDE:g}"
        )


def _check_look(
    look: PlannedLook, key: str, patients: int, visits_months: tuple[float, ...]
) -> None:
    timings = {
        "patients": look.patients,
        "share": look.share,
        "calendar_months": look.calendar_months,
    }
    named = [key for key, value in timings.items() if value is not None]
    if len(named) != 1:
        raise BadValue(
            key,
            f"has {' and '.join(named) or 'no time'}; give one of patients, share and"
            " calendar_months",
        )
    if look.information is not None and not 0 < look.information < 1:
        raise BadValue(
            f"{key}.information",
            f"is {look.information:g}; it must lie between 0 and 1, that of the final analysis",
        )
    if look.calendar_months is not None:
        _check_calendar(look, key)
        return
    if look.month is None or look.month not in visits_months[1:]:
        visits = ", ".join(f"{month:g}" for month in visits_months[1:])
        what = "is missing" if look.month is None else f"is {look.month:g}"
        raise BadValue(
            f"{key}.month",
            f"{what}; it is the visit at which the patients must have been due, one of {visits}",
        )
    if look.share is not None and not 0 < look.share < 1:
        raise BadValue(f"{key}.share", f"is {look.share:g}; it must lie between 0 and 1")
    if not 1 <= look.patients_of(patients) < patients:
        raise BadValue(
            f"{key}.{named[0]}",
            f"is {timings[named[0]]:g}, which is {look.patients_of(patients)} of"
            f" {patients} patients; it must be at least 1 and fewer than all",
        )


def _check_calendar(look: PlannedLook, key: str) -> None:
    if look.calendar_months is None or look.calendar_months <= 0:
        raise BadValue(f"{key}.calendar_months", f"is {look.calendar_months}; it must be above 0")
    if look.month is not None:
        raise BadValue(f"{key}.month", "does nothing beside calendar_months. Leave it out")
    if look.information is None:
        raise BadValue(
            f"{key}.information",
            "is missing; say which part of the information is planned then, such as 0.5",
        )


def _check_order(looks: tuple[PlannedLook, ...], patients: int) -> None:
    for number, (before, look) in enumerate(pairwise(looks), start=2):
        if look.calendar_months is not None and before.calendar_months is not None:
            later = look.calendar_months > before.calendar_months
        else:
            later = look.patients_of(patients) > before.patients_of(patients) and (
                (look.month or 0.0) >= (before.month or 0.0)
            )
        if not later:
            raise BadValue(
                f"looks[{number}]",
                f"is not due after looks[{number - 1}]; give them in the order of"
                " time, with more patients and no earlier visit",
            )
