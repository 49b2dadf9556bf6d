"""Events at a constant hazard: stopping the treatment, and starting another one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numba import uint64

from phase2sim.core.arrays import Arms, Floats, Ints
from phase2sim.core.contracts import Plan, Trials
from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.core.errors import BadValue
from phase2sim.core.kernels import kernel
from phase2sim.core.randomness import PURPOSES, Word, fill_uniform, seed_word
from phase2sim.trial.patients.missingness.hazards import check_ratio, check_share

_LONGEST_HALF_LIFE = 1200.0
_DISCONTINUATION, _OTHER_THERAPY = np.uint64(1), np.uint64(2)  # places of their streams
_INTERCURRENT = np.uint64(PURPOSES["intercurrent"])


@dataclass(frozen=True, slots=True)
class Discontinuation:
    """Treatment is stopped, and what it added fades back to natural history.

    ``share`` of untreated patients stop by month ``by_month``, at a constant hazard; treated ones
    at ``hazard_ratio_treated`` times it. Half of the effect is lost each ``half_life_months``; 0
    loses it at once.

    Parameters
    ----------
    share : float
        Share of untreated patients who stop by ``by_month``: 0, or from 1e-6 to below 1.
    by_month : float
        Month of that share, from 0.1 to 1200.
    half_life_months : float, default 0
        Months in which half of the effect is lost after the stop, from 0 (at once) to 1200.
    hazard_ratio_treated : float, default 1
        Hazard of treated patients relative to untreated, from 0.01 to 100.

    Raises
    ------
    BadValue
        If a value lies outside its limits.

    Examples
    --------
    If 19 % stop by month 12, ``1 - sqrt(0.81)`` = 10 % stop before month 6, whose visit (number 1)
    is then the first after the stop:

    >>> from types import SimpleNamespace
    >>> value = np.zeros((1, 1, 3, 10_000))  # (trial, endpoint, visit, patient)
    >>> trials = SimpleNamespace(first=0, arm=np.zeros((1, 10_000), dtype=np.int8), value=value)
    >>> plan = SimpleNamespace(seed=1, visits_months=(0.0, 6.0, 12.0))
    >>> first_after = Discontinuation(0.19, 12.0).strike(trials, plan, np.zeros_like(value))
    >>> round(float((first_after == 1).mean()), 2)
    0.1
    """

    share: float
    by_month: float
    half_life_months: float = 0.0
    hazard_ratio_treated: float = 1.0
    title: ClassVar[str] = "treatment stopped"
    endpoints: ClassVar[tuple[str, ...]] = ()
    watched_endpoints: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        check_share(self.share, self.by_month)
        check_ratio("hazard_ratio_treated", self.hazard_ratio_treated)
        if not 0 <= self.half_life_months <= _LONGEST_HALF_LIFE:
            raise BadValue(
                "half_life_months",
                f"is {self.half_life_months:g}; it must lie between 0 and {_LONGEST_HALF_LIFE:g}",
            )

    def strike(self, trials: Trials, plan: Plan, gain: Floats) -> Ints:
        """Take back the effect after the event; the first visit after it, (trial, patient)."""
        when = _when(self.share, self.by_month, self.hazard_ratio_treated)
        months, after = np.array(plan.visits_months), np.empty(trials.arm.shape, dtype=np.int64)
        time = np.empty(trials.arm.shape)
        seed, first = seed_word(plan.seed), np.uint64(trials.first)
        _times(time, after, trials.arm, when, months, _DISCONTINUATION, seed, first)
        _fade(trials.value, gain, time, after, months, self.half_life_months)
        return after


@dataclass(frozen=True, slots=True)
class OtherTherapy:
    """Another disease-modifying therapy is started, and moves the values after it.

    ``share`` of untreated patients start by month ``by_month``, at a constant hazard; treated ones
    at ``hazard_ratio_treated`` times it. ``effect`` is by endpoint, on the model scale.

    Parameters
    ----------
    share : float
        Share of untreated patients who start by ``by_month``: 0, or from 1e-6 to below 1.
    by_month : float
        Month of that share, from 0.1 to 1200.
    effect : mapping of str to float, default {}
        Effect by endpoint, on the model scale, within the endpoint's largest effect.
    hazard_ratio_treated : float, default 1
        Hazard of treated patients relative to untreated, from 0.01 to 100.

    Raises
    ------
    BadValue
        If a value lies outside its limits.

    Examples
    --------
    Of all patients 19 % start by month 12 and ``1 - sqrt(0.81)`` = 10 % by month 6. If the therapy
    raises C-peptide by 0.1, the means rise by 0.01 at month 6 and by 0.019 at month 12, here to two
    decimals:

    >>> from types import SimpleNamespace
    >>> value = np.zeros((1, 1, 3, 10_000))  # (trial, endpoint, visit, patient)
    >>> trials = SimpleNamespace(first=0, arm=np.zeros((1, 10_000), dtype=np.int8), value=value)
    >>> months = (0.0, 6.0, 12.0)
    >>> plan = SimpleNamespace(seed=1, endpoints=("c_peptide",), visits_months=months)
    >>> therapy = OtherTherapy(0.19, 12.0, {"c_peptide": 0.1})
    >>> first_after = therapy.strike(trials, plan, np.zeros_like(value))
    >>> value.mean(axis=(0, 1, 3)).round(2).tolist()
    [0.0, 0.01, 0.02]
    """

    share: float
    by_month: float
    effect: Mapping[str, float] = field(default_factory=dict)
    hazard_ratio_treated: float = 1.0
    title: ClassVar[str] = "another therapy started"
    watched_endpoints: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        check_share(self.share, self.by_month)
        check_ratio("hazard_ratio_treated", self.hazard_ratio_treated)
        check_effect(self.effect)

    @property
    def endpoints(self) -> tuple[str, ...]:
        """What it changes."""
        return tuple(self.effect)

    def strike(self, trials: Trials, plan: Plan, gain: Floats) -> Ints:
        """Add the therapy's effect after the event; the first visit after it, (trial, patient)."""
        del gain
        when = _when(self.share, self.by_month, self.hazard_ratio_treated)
        months, after = np.array(plan.visits_months), np.empty(trials.arm.shape, dtype=np.int64)
        time = np.empty(trials.arm.shape)
        seed, first = seed_word(plan.seed), np.uint64(trials.first)
        _times(time, after, trials.arm, when, months, _OTHER_THERAPY, seed, first)
        add_after(trials.value, by_endpoint(self.effect, plan), after)
        return after


def check_effect(effect: Mapping[str, float]) -> None:
    """Raise ``ValueError`` for effects on what no patient has, or of a size that none can be."""
    for name, size in effect.items():
        if name not in ENDPOINTS:
            raise BadValue("effect", f"names {name!r}; use {', '.join(ENDPOINTS)}")
        limit = ENDPOINTS[name].largest_effect
        if not abs(size) <= limit:
            raise BadValue(
                "effect",
                f"of {name} is {size:g}; on the {ENDPOINTS[name].model_unit} scale it must"
                f" lie between -{limit:g} and {limit:g}",
            )


def by_endpoint(effect: Mapping[str, float], plan: Plan) -> Floats:
    """Effect on each endpoint of the plan, 0 where none is named."""
    return np.array([effect.get(name, 0.0) for name in plan.endpoints])


def _when(share: float, by_month: float, hazard_ratio_treated: float) -> Floats:
    """Months that a unit of cumulative hazard takes: untreated, treated."""
    hazard = -np.log1p(-share) / by_month
    with np.errstate(divide="ignore"):
        return np.asarray(1.0 / (hazard * np.array([1.0, hazard_ratio_treated])))


@kernel
def _times(
    time: Floats,
    after: Ints,
    arm: Arms,
    when: Floats,
    months: Floats,
    address: Word,
    seed: Word,
    first: Word,
) -> None:
    """Exponential times of the event, and the first visit after each."""
    uniform = np.empty(arm.shape[1])
    for trial in range(arm.shape[0]):
        fill_uniform(uniform, seed, _INTERCURRENT, first + uint64(trial), address)
        for p in range(arm.shape[1]):
            event_month = -np.log(uniform[p]) * when[1 if arm[trial, p] > 0 else 0]
            v = 1
            while v < months.shape[0] and months[v] <= event_month:
                v += 1
            time[trial, p], after[trial, p] = event_month, v


@kernel
def _fade(
    value: Floats, gain: Floats, time: Floats, after: Ints, months: Floats, half_life: float
) -> None:
    """Leave of the effect what has not faded since the event."""
    endpoints, visits, patients = value.shape[1:]
    for trial in range(value.shape[0]):
        for p in range(patients):
            for v in range(after[trial, p], visits):
                left = 0.0
                if half_life > 0.0:
                    left = np.exp2(-(months[v] - time[trial, p]) / half_life)
                for e in range(endpoints):
                    value[trial, e, v, p] -= (1.0 - left) * gain[trial, e, v, p]


@kernel
def add_after(value: Floats, effect: Floats, after: Ints) -> None:
    """Add an effect (endpoint,) to the values of each patient from a visit on."""
    endpoints, visits, patients = value.shape[1:]
    for trial in range(value.shape[0]):
        for e in range(endpoints):
            if effect[e] != 0.0:
                for v in range(1, visits):
                    for p in range(patients):
                        if v >= after[trial, p]:
                            value[trial, e, v, p] += effect[e]
