"""Rescue treatment after a visit at which the value was too bad, such as more insulin."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numba import uint64

from phase2sim.core.arrays import Floats, Ints
from phase2sim.core.contracts import Plan, Trials
from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.core.errors import BadValue
from phase2sim.core.kernels import kernel
from phase2sim.core.randomness import PURPOSES, Word, fill_uniform, seed_word
from phase2sim.trial.patients.intercurrent.chance import add_after, by_endpoint, check_effect

_MONTHS_APART = 100  # places of visits, above those of events at a constant hazard
_INTERCURRENT = np.uint64(PURPOSES["intercurrent"])


@dataclass(frozen=True, slots=True)
class Rescue:
    """Insulin is intensified when ``endpoint`` is beyond ``limit``, and works from the next visit.

    ``limit`` is in the endpoint's unit. At each visit after baseline, from ``from_month`` on, a
    patient beyond it is rescued with probability ``chance``, once. ``effect`` is by endpoint, on
    the model scale.

    Parameters
    ----------
    limit : float
        Value beyond which a patient is rescued, in the endpoint's unit and its plausible range.
    effect : mapping of str to float
        Effect by endpoint, on the model scale, within the endpoint's largest effect.
    endpoint : str
        Endpoint that is compared with the limit.
    from_month : float, default 0
        First month of the comparison, 0 or more.
    chance : float, default 1
        Probability of a rescue per visit beyond the limit, from 0 to 1.

    Raises
    ------
    BadValue
        If ``endpoint`` is unknown, or another value lies outside its limits.

    Examples
    --------
    The second of two patients has an HbA1c of 9 % at month 6. The rescue lowers it by 1 at the
    visit of month 12 (number 2); no visit (number 3) follows an event of the first patient:

    >>> from types import SimpleNamespace
    >>> value = np.tile([7.0, 9.0], (1, 1, 3, 1))  # (trial, endpoint, visit, patient)
    >>> trials = SimpleNamespace(first=0, arm=np.zeros((1, 2), dtype=np.int8), value=value)
    >>> months = (0.0, 6.0, 12.0)
    >>> plan = SimpleNamespace(seed=1, endpoints=("hba1c",), visits_months=months)
    >>> Rescue(8.5, {"hba1c": -1.0}, "hba1c").strike(trials, plan, np.zeros_like(value)).tolist()
    [[3, 2]]
    >>> value[0, 0, 2].tolist()
    [7.0, 8.0]
    """

    limit: float
    effect: Mapping[str, float]
    endpoint: str
    from_month: float = 0.0
    chance: float = 1.0
    title: ClassVar[str] = "rescue"

    def __post_init__(self) -> None:
        if self.endpoint not in ENDPOINTS:
            raise BadValue("endpoint", f"is {self.endpoint!r}; use one of {', '.join(ENDPOINTS)}")
        low, high = ENDPOINTS[self.endpoint].plausible
        if not low <= self.limit <= high:
            raise BadValue(
                "limit",
                f"is {self.limit:g}; {ENDPOINTS[self.endpoint].label} lies between {low:g}"
                f" and {high:g} {ENDPOINTS[self.endpoint].unit}",
            )
        check_effect(self.effect)
        if not self.from_month >= 0:
            raise BadValue("from_month", f"is {self.from_month:g}; it must be 0 or more")
        if not 0 <= self.chance <= 1:
            raise BadValue("chance", f"is {self.chance:g}; it must lie between 0 and 1")

    @property
    def endpoints(self) -> tuple[str, ...]:
        """What it reads and changes."""
        return tuple(dict.fromkeys((self.endpoint, *self.effect)))

    @property
    def watched_endpoints(self) -> tuple[str, ...]:
        """What is compared with the limit."""
        return (self.endpoint,)

    def strike(self, trials: Trials, plan: Plan, gain: Floats) -> Ints:
        """Add what the rescue does; the first visit after the event, (trial, patient)."""
        del gain
        measure = ENDPOINTS[self.endpoint]
        months = np.array(plan.visits_months)
        watched = (months > 0) & (months >= self.from_month)
        after = np.empty(trials.arm.shape, dtype=np.int64)
        _find(
            after,
            -measure.benefit_sign * trials.value[:, plan.endpoints.index(self.endpoint)],
            -measure.benefit_sign * measure.to_model(self.limit),
            np.where(watched, self.chance, 0.0),
            np.array([round(month * 100) + _MONTHS_APART for month in plan.visits_months]),
            seed_word(plan.seed),
            np.uint64(trials.first),
        )
        add_after(trials.value, by_endpoint(self.effect, plan), after)
        return after


@kernel
def _find(
    after: Ints,
    worse: Floats,
    limit: float,
    chance: Floats,
    places: Ints,
    seed: Word,
    first: Word,
) -> None:
    """Find the visit after the first at which a patient is beyond the limit and is rescued."""
    trials, visits, patients = worse.shape
    uniform = np.zeros(patients)
    for trial in range(trials):
        after[trial] = visits
        for v in range(visits - 1, 0, -1):
            if chance[v] == 0.0:
                continue
            if chance[v] < 1.0:
                address = uint64(places[v])
                fill_uniform(uniform, seed, _INTERCURRENT, first + uint64(trial), address)
            for p in range(patients):
                if worse[trial, v, p] > limit and uniform[p] < chance[v]:
                    after[trial, p] = min(v + 1, visits)
