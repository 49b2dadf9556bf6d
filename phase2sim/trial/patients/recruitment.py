"""When patients enrol, and where: at once, at a steady pace, or as a Poisson process by site."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numba import uint64

from phase2sim.core.arrays import Floats, Ints
from phase2sim.core.contracts import Arrivals, Plan
from phase2sim.core.errors import BadValue
from phase2sim.core.kernels import kernel
from phase2sim.core.patient_parts import Recruitment
from phase2sim.core.randomness import (
    PURPOSES,
    Word,
    next_bits,
    seed_word,
    stream_state,
    uniforms,
    unit,
)

_SLOWEST, _FASTEST = 1e-3, 1e5  # patients a month
_LONGEST_RAMP = 240.0


@dataclass(frozen=True, slots=True)
class AllAtOnce(Recruitment):
    """Everybody enrols on the day the trial opens, at sites that are equally likely.

    Examples
    --------
    >>> AllAtOnce().arrive(seed=1, first=0, shape=(1, 3), sites=1).months.tolist()
    [[0.0, 0.0, 0.0]]
    """

    title: ClassVar[str] = "no recruitment time"
    takes_time: ClassVar[bool] = False

    def arrive(self, seed: int, first: int, shape: tuple[int, int], sites: int) -> Arrivals:
        """When and where the patients (trial, patient) enrol."""
        return Arrivals(np.broadcast_to(0.0, shape), _anywhere(seed, first, shape, sites))


@dataclass(frozen=True, slots=True)
class Steady(Recruitment):
    """One patient after another at equal intervals, ``per_month`` a month, the first at once.

    Parameters
    ----------
    per_month : float
        Patients per month, from 0.001 to 100,000.

    Raises
    ------
    BadValue
        If a value lies outside its limits.

    Examples
    --------
    Four patients per month come a quarter of a month apart:

    >>> Steady(per_month=4.0).arrive(seed=1, first=0, shape=(1, 5), sites=1).months.tolist()
    [[0.0, 0.25, 0.5, 0.75, 1.0]]
    """

    per_month: float
    title: ClassVar[str] = "at a steady pace"

    def __post_init__(self) -> None:
        _check_pace(self.per_month)

    def expected_months(self, patients: int) -> float:
        """Months until so many patients have enrolled."""
        return patients / self.per_month

    def arrive(self, seed: int, first: int, shape: tuple[int, int], sites: int) -> Arrivals:
        """When and where the patients (trial, patient) enrol."""
        months = np.broadcast_to(np.arange(shape[1]) / self.per_month, shape)
        return Arrivals(months, _anywhere(seed, first, shape, sites))


@dataclass(frozen=True, slots=True)
class PoissonRecruitment(Recruitment):
    """A Poisson process at every site, all sites together ``per_month`` once all are open.

    Sites open at equal intervals, the first at once and the last at ``ramp_up_months``; each has an
    equal share of the pace. A site closes with its ``most_per_site``-th patient, and its pace is
    lost to the trial.

    Parameters
    ----------
    per_month : float
        Patients per month at all sites together, once all are open, from 0.001 to 100,000.
    ramp_up_months : float, default 0
        Month at which the last site opens, from 0 to 240.
    most_per_site : int, optional
        Largest number of patients per site, from 1. Unlimited if omitted.

    Raises
    ------
    BadValue
        If ``per_month``, ``ramp_up_months`` or ``most_per_site`` lies outside its limits.

    Examples
    --------
    The 100th patient of a Poisson process with 5 patients per month enrols after 20 months on
    average (gamma distribution), with a standard deviation of 2 months between trials:

    >>> arrivals = PoissonRecruitment(5.0).arrive(seed=1, first=0, shape=(2000, 100), sites=1)
    >>> last = arrivals.months[:, -1]
    >>> round(float(last.mean())), round(float(last.std()))
    (20, 2)
    """

    per_month: float
    ramp_up_months: float = 0.0
    most_per_site: int | None = None
    title: ClassVar[str] = "a Poisson process at every site"

    def __post_init__(self) -> None:
        _check_pace(self.per_month)
        if not 0 <= self.ramp_up_months <= _LONGEST_RAMP:
            raise BadValue(
                "ramp_up_months",
                f"is {self.ramp_up_months:g}; it must lie between 0 and {_LONGEST_RAMP:g}",
            )
        if self.most_per_site is not None and self.most_per_site < 1:
            raise BadValue("most_per_site", f"is {self.most_per_site}; it must be 1 or more")

    @property
    def differs_by_site(self) -> bool:
        """Whether sites open one after another, or close."""
        return self.ramp_up_months > 0 or self.most_per_site is not None

    def expected_months(self, patients: int) -> float:
        """Months until so many patients have enrolled, on average once all sites are open."""
        return self.ramp_up_months / 2 + patients / self.per_month

    def check(self, plan: Plan) -> None:
        """Raise ``BadValue`` where one site is to open by and by, or sites fill up too soon."""
        if self.ramp_up_months and plan.sites == 1:
            raise BadValue(
                "ramp_up_months",
                f"is {self.ramp_up_months:g}, in which sites open one after another, but"
                " population.sites is 1. Say how many there are",
            )
        most = self.most_per_site
        if most is not None and most * plan.sites < plan.patients:
            raise BadValue(
                "most_per_site",
                f"is {most}; {plan.sites} sites then enrol at most {most * plan.sites} of"
                f" {plan.patients} patients. Raise it, or population.sites",
            )

    def arrive(self, seed: int, first: int, shape: tuple[int, int], sites: int) -> Arrivals:
        """When and where the patients (trial, patient) enrol.

        ``most_per_site`` times ``sites`` must be as many as the patients, else nobody could come.
        """
        opening = self.ramp_up_months * np.arange(sites) / max(sites - 1, 1)
        most = shape[1] if self.most_per_site is None else self.most_per_site
        if most * sites < shape[1]:
            raise BadValue("most_per_site", f"is {most}; {sites} sites cannot enrol {shape[1]}")
        months, site = np.empty(shape), np.empty(shape, dtype=np.int64)
        pace = self.per_month / sites
        _recruit(months, site, opening, pace, most, seed_word(seed), np.uint64(first))
        return Arrivals(months, site)


RECRUITMENTS: dict[str, type[Recruitment]] = {
    "at_once": AllAtOnce,
    "steady": Steady,
    "poisson": PoissonRecruitment,
}


def _check_pace(per_month: float) -> None:
    if not _SLOWEST <= per_month <= _FASTEST:
        raise BadValue(
            "per_month", f"is {per_month:g}; it must lie between {_SLOWEST:g} and {_FASTEST:,.0f}"
        )


def _anywhere(seed: int, first: int, shape: tuple[int, int], sites: int) -> Ints:
    if sites == 1:
        return np.broadcast_to(np.int64(0), shape)
    return (uniforms(shape, seed, "site", first) * sites).astype(np.int64)


_RECRUITMENT = np.uint64(PURPOSES["recruitment"])


@kernel
def _recruit(
    months: Floats, site: Ints, opening: Floats, pace: float, most: int, seed: Word, first: Word
) -> None:
    """Waiting times of one exponential each, spent at the pace of the sites that are open."""
    sites = opening.shape[0]
    enrolled = np.empty(sites, dtype=np.int64)
    for trial in range(months.shape[0]):
        a, b, c, counter = stream_state(seed, _RECRUITMENT, first + uint64(trial), uint64(0))
        enrolled[:] = 0
        opened, closed, now = 1, 0, opening[0]
        for i in range(months.shape[1]):
            bits, a, b, c, counter = next_bits(a, b, c, counter)
            waiting = -np.log1p(-unit(bits))
            while opened < sites:
                reach = (opened - closed) * pace * (opening[opened] - now)
                if reach >= waiting:
                    break
                waiting -= reach
                now = opening[opened]
                opened += 1
            now += waiting / ((opened - closed) * pace)
            bits, a, b, c, counter = next_bits(a, b, c, counter)
            ahead = np.int64(unit(bits) * (opened - closed))  # open sites before the chosen one
            chosen = 0
            for k in range(opened):
                if enrolled[k] < most:
                    if ahead == 0:
                        chosen = k
                        break
                    ahead -= 1
            enrolled[chosen] += 1
            if enrolled[chosen] == most:
                closed += 1
            months[trial, i] = now
            site[trial, i] = chosen
