"""Dropout by a hazard: nobody lost, lost at random, or lost for what was seen before."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numba import uint64
from scipy.optimize import brentq

from phase2sim.core.arrays import Arms, Bools, Floats
from phase2sim.core.contracts import Plan, Trials
from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.core.errors import BadValue
from phase2sim.core.kernels import kernel
from phase2sim.core.patient_parts import Missingness, Observer, Untreated
from phase2sim.core.randomness import PURPOSES, Word, fill_uniform, seed_word
from phase2sim.trial.patients.missingness.last_seen import carried_forward, flatten_trials


@dataclass(frozen=True, slots=True)
class Complete(Missingness):
    """Every planned visit of every patient is seen.

    Examples
    --------
    All of the untreated, and of the treated, stay:

    >>> Complete().share_staying(12.0, (0.0, 6.0, 12.0))
    (1.0, 1.0)
    """

    title: ClassVar[str] = "nobody is lost"
    loses_nobody: ClassVar[bool] = True
    depends_on_outcome: ClassVar[bool] = False

    def prepare(self, plan: Plan, untreated: Untreated) -> Observer:
        """Nothing to set."""
        del plan, untreated
        return self

    def observe(self, trials: Trials, plan: Plan) -> Bools:
        """Which values are seen, in the shape of ``trials.value``."""
        del plan
        return trials.seen


@dataclass(frozen=True, slots=True)
class Mcar(Missingness):
    """Dropout at a constant hazard that depends on nothing (missing completely at random).

    ``share`` of untreated patients are lost by month ``by_month``; who is lost stays lost. Treated
    patients have ``hazard_ratio_treated`` times the hazard.

    Parameters
    ----------
    share : float
        Share of untreated patients lost by ``by_month``: 0, or from 1e-6 to below 1.
    by_month : float
        Month of that share, from 0.1 to 1200.
    hazard_ratio_treated : float, default 1
        Hazard of treated patients relative to untreated, from 0.01 to 100.

    Raises
    ------
    BadValue
        If a value lies outside its limits.

    Examples
    --------
    If 19 % are lost by month 12, ``sqrt(0.81)`` are still in the trial at month 6, and the square
    of that in an arm with twice the hazard:

    >>> dropout = Mcar(share=0.19, by_month=12.0, hazard_ratio_treated=2.0)
    >>> untreated, treated = dropout.share_staying(6.0, (0.0, 6.0, 12.0))
    >>> round(untreated, 6), round(treated, 6)
    (0.9, 0.81)
    """

    share: float
    by_month: float
    hazard_ratio_treated: float = 1.0
    title: ClassVar[str] = "missing completely at random"
    depends_on_outcome: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_share(self.share, self.by_month)
        check_ratio("hazard_ratio_treated", self.hazard_ratio_treated)

    @property
    def hazard(self) -> float:
        """Per month."""
        return float(-np.log1p(-self.share) / self.by_month)

    def still_in(self, months: Floats) -> Floats:
        """Share of untreated patients still in the trial at each month."""
        return np.exp(-self.hazard * months)

    def prepare(self, plan: Plan, untreated: Untreated) -> Observer:
        """Nothing to set."""
        del plan, untreated
        return self

    def observe(self, trials: Trials, plan: Plan) -> Bools:
        """Which values are seen, in the shape of ``trials.value``."""
        seen = np.empty(trials.value.shape, dtype=np.bool_)
        still_in = self.still_in(np.array(plan.visits_months))
        seed, first = seed_word(plan.seed), np.uint64(trials.first)
        if self.hazard_ratio_treated == 1.0:
            _lose_at_random(seen, still_in, seed, first)
        else:
            treated = still_in**self.hazard_ratio_treated
            _lose_by_arm(seen, np.stack([still_in, treated]), trials.arm, seed, first)
        return seen

    def share_staying(self, month: float, visits_months: tuple[float, ...]) -> tuple[float, float]:
        """Share of untreated, and of treated, patients who are still seen at a month."""
        del visits_months
        staying = float((1 - self.share) ** (month / self.by_month))
        return staying, staying**self.hazard_ratio_treated


@dataclass(frozen=True, slots=True)
class Mar(Missingness):
    """Dropout that depends on the last value seen (missing at random).

    After each visit the hazard is multiplied by ``hazard_ratio_per_sd`` for every SD by which the
    last seen value of ``endpoint`` is worse than the untreated mean of that visit. ``share`` of
    untreated patients are lost by month ``by_month``; who is lost stays lost. Treated patients have
    ``hazard_ratio_treated`` times the hazard of an untreated one with the same value.

    Parameters
    ----------
    share : float
        Share of untreated patients lost by ``by_month``: 0, or from 1e-6 to below 1.
    by_month : float
        Month of that share, from 0.1 to 1200.
    endpoint : str
        Endpoint that the hazard depends on.
    hazard_ratio_per_sd : float, default 1.5
        Hazard ratio per SD by which the last seen value is worse, from 0.01 to 100.
    hazard_ratio_treated : float, default 1
        Hazard of treated patients relative to untreated, from 0.01 to 100.

    Raises
    ------
    BadValue
        If a value lies outside its limits.

    Notes
    -----
    The baseline hazard is calibrated on a pilot sample of untreated patients.

    Examples
    --------
    The stated share is lost by the stated month; half of the hazard in treated patients loses
    ``1 - sqrt(0.81)`` of them:

    >>> dropout = Mar(0.19, 12.0, "c_peptide", hazard_ratio_treated=0.5)
    >>> untreated, treated = dropout.share_staying(12.0, (0.0, 6.0, 12.0))
    >>> round(untreated, 6), round(treated, 6)
    (0.81, 0.9)
    """

    share: float
    by_month: float
    endpoint: str
    hazard_ratio_per_sd: float = 1.5
    hazard_ratio_treated: float = 1.0
    title: ClassVar[str] = "missing at random, given the last value seen"

    def __post_init__(self) -> None:
        check_share(self.share, self.by_month)
        check_endpoint(self.endpoint)
        check_ratio("hazard_ratio_per_sd", self.hazard_ratio_per_sd)
        check_ratio("hazard_ratio_treated", self.hazard_ratio_treated)

    @property
    def endpoints(self) -> tuple[str, ...]:
        """``endpoint``."""
        return (self.endpoint,)

    def prepare(self, plan: Plan, untreated: Untreated) -> Observer:
        """Set the hazard on a pilot of untreated patients, whatever the scenario's seed."""
        trials = untreated()
        value = flatten_trials(carried_forward(trials, plan.endpoints.index(self.endpoint)))
        centre, sd = value.mean(axis=1), value.std(axis=1)
        worse = -ENDPOINTS[self.endpoint].benefit_sign * np.log(self.hazard_ratio_per_sd)
        slope = worse / sd
        months = np.array(plan.visits_months)
        at_risk = np.clip(
            np.minimum(np.append(months[1:], np.inf), self.by_month) - months, 0, None
        )
        relative = at_risk @ np.exp(slope[:, None] * (value - centre[:, None]))
        log_hazard = _log_hazard(relative, self.share)
        level = log_hazard - slope * centre
        return LostByLastValue(self.endpoint, level, slope, self.hazard_ratio_treated)

    def share_staying(self, month: float, visits_months: tuple[float, ...]) -> tuple[float, float]:
        """Share of untreated, and of treated, patients who are still seen at a month."""
        del visits_months
        staying = float((1 - self.share) ** (month / self.by_month))
        return staying, staying**self.hazard_ratio_treated


@dataclass(frozen=True, slots=True)
class LostByLastValue:
    """``Mar`` with its hazard set: log hazard is ``level + slope * last value``, (visit,) each."""

    endpoint: str
    level: Floats
    slope: Floats
    hazard_ratio_treated: float = 1.0

    def observe(self, trials: Trials, plan: Plan) -> Bools:
        """Which values are seen, in the shape of ``trials.value``."""
        seen = np.empty(trials.value.shape, dtype=np.bool_)
        last = carried_forward(trials, plan.endpoints.index(self.endpoint))
        months = np.array(plan.visits_months)
        seed, first = seed_word(plan.seed), np.uint64(trials.first)
        ratio = np.array([1.0, self.hazard_ratio_treated])
        _lose_by_last_value(
            seen, last, trials.arm, ratio, self.level, self.slope, months, seed, first
        )
        return seen


_LARGEST_RATIO = 100.0
_SMALLEST_SHARE = 1e-6
_FIRST_MONTH, _LAST_MONTH = 0.1, 1200.0
_DROPOUT = np.uint64(PURPOSES["dropout"])


def check_share(share: float, by_month: float) -> None:
    """Raise ``ValueError`` for what cannot be the share lost by a month."""
    if not (share == 0 or _SMALLEST_SHARE <= share < 1):
        raise BadValue(
            "share", f"is {share:g}; it must be 0, or at least {_SMALLEST_SHARE:g} and below 1"
        )
    if not _FIRST_MONTH <= by_month <= _LAST_MONTH:
        raise BadValue(
            "by_month", f"is {by_month:g}; it must lie between {_FIRST_MONTH:g} and {_LAST_MONTH:g}"
        )


def check_endpoint(endpoint: str) -> None:
    """Raise ``ValueError`` unless patients have this outcome."""
    if endpoint not in ENDPOINTS:
        raise BadValue("endpoint", f"is {endpoint!r}; use one of {', '.join(ENDPOINTS)}")


def check_ratio(key: str, ratio: float) -> None:
    """Raise ``ValueError`` for a ratio of hazards or odds that is no sensible number."""
    if not 1 / _LARGEST_RATIO <= ratio <= _LARGEST_RATIO:
        raise BadValue(
            key,
            f"is {ratio:g}; it must lie between {1 / _LARGEST_RATIO:g} and"
            f" {_LARGEST_RATIO:g}; 1 makes no difference",
        )


def _log_hazard(relative: Floats, share: float) -> float:
    """Log hazard at which ``share`` is lost, given each patient's relative cumulative hazard."""
    if share == 0:
        return float("-inf")
    return float(brentq(lambda log: -np.expm1(-np.exp(log) * relative).mean() - share, -50.0, 50.0))


@kernel
def _lose_at_random(seen: Bools, still_in: Floats, seed: Word, first: Word) -> None:
    uniform = np.empty(seen.shape[3])
    for trial in range(seen.shape[0]):
        fill_uniform(uniform, seed, _DROPOUT, first + uint64(trial), uint64(0))
        for e in range(seen.shape[1]):
            for v in range(seen.shape[2]):
                for p in range(seen.shape[3]):
                    seen[trial, e, v, p] = uniform[p] < still_in[v]


@kernel
def _lose_by_arm(seen: Bools, still_in: Floats, arm: Arms, seed: Word, first: Word) -> None:
    """As ``_lose_at_random``, with a row of ``still_in`` for control and one for the others."""
    uniform = np.empty(seen.shape[3])
    for trial in range(seen.shape[0]):
        fill_uniform(uniform, seed, _DROPOUT, first + uint64(trial), uint64(0))
        for e in range(seen.shape[1]):
            for v in range(seen.shape[2]):
                for p in range(seen.shape[3]):
                    treated = 1 if arm[trial, p] > 0 else 0
                    seen[trial, e, v, p] = uniform[p] < still_in[treated, v]


@kernel
def _lose_by_last_value(
    seen: Bools,
    value: Floats,
    arm: Arms,
    ratio: Floats,
    level: Floats,
    slope: Floats,
    months: Floats,
    seed: Word,
    first: Word,
) -> None:
    """Lose patients at log hazard ``level + slope * last value``; (visit,) each."""
    uniform = np.empty(seen.shape[3])
    endpoints, visits, patients = seen.shape[1:]
    for trial in range(seen.shape[0]):
        fill_uniform(uniform, seed, _DROPOUT, first + uint64(trial), uint64(0))
        for p in range(patients):
            # An exponential threshold for the cumulative hazard.
            limit = -np.log(uniform[p]) / ratio[1 if arm[trial, p] > 0 else 0]
            cumulative = 0.0
            for v in range(visits):
                if v > 0 and cumulative < limit:
                    hazard = np.exp(level[v - 1] + slope[v - 1] * value[trial, v - 1, p])
                    cumulative += hazard * (months[v] - months[v - 1])
                for e in range(endpoints):
                    seen[trial, e, v, p] = cumulative < limit or v == 0
