"""Which outcomes are seen: nobody lost, lost at random, or lost for what was seen before."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numba import uint64
from scipy.optimize import brentq

from phase2sim.contracts import Bools, Floats, Missingness, Plan, Trials, Truth
from phase2sim.endpoints import ENDPOINTS
from phase2sim.kernels import kernel
from phase2sim.patients.outcomes import draw
from phase2sim.randomness import PURPOSES, Word, fill_uniform, seed_word


@dataclass(frozen=True, slots=True)
class Complete:
    """Every planned visit of every patient is seen."""

    title: ClassVar[str] = "nobody is lost"

    def prepare(self, plan: Plan, untreated: Truth) -> Missingness:
        """Nothing to set."""
        del plan, untreated
        return self

    def observe(self, trials: Trials, plan: Plan) -> Bools:
        """Which values are seen, in the shape of ``trials.value``."""
        del plan
        return trials.seen


@dataclass(frozen=True, slots=True)
class Mcar:
    """Dropout at a constant hazard that depends on nothing (missing completely at random).

    ``share`` of the patients are lost by month ``by_month``; who is lost stays lost.
    """

    share: float
    by_month: float
    title: ClassVar[str] = "missing completely at random"

    def __post_init__(self) -> None:
        _check_share(self.share, self.by_month)

    @property
    def hazard(self) -> float:
        """Per month."""
        return float(-np.log1p(-self.share) / self.by_month)

    def still_in(self, months: Floats) -> Floats:
        """Share of patients still in the trial at each month."""
        return np.exp(-self.hazard * months)

    def prepare(self, plan: Plan, untreated: Truth) -> Missingness:
        """Nothing to set."""
        del plan, untreated
        return self

    def observe(self, trials: Trials, plan: Plan) -> Bools:
        """Which values are seen, in the shape of ``trials.value``."""
        seen = np.empty(trials.value.shape, dtype=np.bool_)
        still_in = self.still_in(np.array(plan.visits_months))
        _lose_at_random(seen, still_in, seed_word(plan.seed), np.uint64(trials.first))
        return seen


@dataclass(frozen=True, slots=True)
class Mar:
    """Dropout that depends on the last value seen (missing at random).

    After each visit the hazard is multiplied by ``hazard_ratio_per_sd`` for every SD by which the
    last seen value of ``endpoint`` is worse than the untreated mean of that visit. ``share`` of
    untreated patients are lost by month ``by_month``; who is lost stays lost.
    """

    share: float
    by_month: float
    endpoint: str
    hazard_ratio_per_sd: float = 1.5
    title: ClassVar[str] = "missing at random, given the last value seen"

    def __post_init__(self) -> None:
        _check_share(self.share, self.by_month)
        if self.endpoint not in ENDPOINTS:
            raise ValueError(f"endpoint is {self.endpoint!r}; use one of {', '.join(ENDPOINTS)}")
        if not 1 / _LARGEST_RATIO <= self.hazard_ratio_per_sd <= _LARGEST_RATIO:
            raise ValueError(
                f"hazard_ratio_per_sd is {self.hazard_ratio_per_sd:g}; it must lie between"
                f" {1 / _LARGEST_RATIO:g} and {_LARGEST_RATIO:g}; 1 is missing completely at random"
            )

    def prepare(self, plan: Plan, untreated: Truth) -> Missingness:
        """Set the hazard on a pilot of untreated patients, whatever the scenario's seed."""
        e = plan.endpoints.index(self.endpoint)
        pilot = replace(plan, seed=_PILOT_SEED, patients=_PILOT_PATIENTS)
        control = np.zeros((1, _PILOT_PATIENTS), dtype=np.int8)
        value = draw(pilot, untreated, control, first=0).value[0, e]
        centre, sd = value.mean(axis=1), value.std(axis=1)
        worse = -ENDPOINTS[self.endpoint].benefit_sign * np.log(self.hazard_ratio_per_sd)
        slope = worse / sd
        months = np.array(plan.visits_months)
        at_risk = np.clip(
            np.minimum(np.append(months[1:], np.inf), self.by_month) - months, 0, None
        )
        relative = at_risk @ np.exp(slope[:, None] * (value - centre[:, None]))
        log_hazard = _log_hazard(relative, self.share)
        return LostByLastValue(self.endpoint, log_hazard - slope * centre, slope)

    def observe(self, trials: Trials, plan: Plan) -> Bools:
        """Not before ``prepare``."""
        del trials, plan
        raise TypeError("prepare this part before it observes")


@dataclass(frozen=True, slots=True)
class LostByLastValue:
    """``Mar`` with its hazard set: log hazard is ``level + slope * last value``, (visit,) each."""

    endpoint: str
    level: Floats
    slope: Floats

    def prepare(self, plan: Plan, untreated: Truth) -> Missingness:
        """Already prepared."""
        del plan, untreated
        return self

    def observe(self, trials: Trials, plan: Plan) -> Bools:
        """Which values are seen, in the shape of ``trials.value``."""
        seen = np.empty(trials.value.shape, dtype=np.bool_)
        last = trials.value[:, plan.endpoints.index(self.endpoint)]
        months = np.array(plan.visits_months)
        seed, first = seed_word(plan.seed), np.uint64(trials.first)
        _lose_by_last_value(seen, last, self.level, self.slope, months, seed, first)
        return seen


MISSINGNESS: dict[str, type[Missingness]] = {
    "none": Complete,
    "mcar": Mcar,
    "mar": Mar,
}

_LARGEST_RATIO = 100.0
_SMALLEST_SHARE = 1e-6
_FIRST_MONTH, _LAST_MONTH = 0.1, 1200.0
_PILOT_PATIENTS = 100_000
_PILOT_SEED = 20_250_101  # any fixed number: the hazard must not move with the scenario's seed
_DROPOUT = np.uint64(PURPOSES["dropout"])


def _check_share(share: float, by_month: float) -> None:
    if not (share == 0 or _SMALLEST_SHARE <= share < 1):
        raise ValueError(
            f"share is {share:g}; it must be 0, or at least {_SMALLEST_SHARE:g} and below 1"
        )
    if not _FIRST_MONTH <= by_month <= _LAST_MONTH:
        raise ValueError(
            f"by_month is {by_month:g}; it must lie between {_FIRST_MONTH:g} and {_LAST_MONTH:g}"
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
def _lose_by_last_value(  # noqa: PLR0913 - a kernel takes arrays, not objects
    seen: Bools,
    value: Floats,
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
            limit = -np.log(uniform[p])  # an exponential threshold for the cumulative hazard
            cumulative = 0.0
            for v in range(visits):
                if v > 0 and cumulative < limit:
                    hazard = np.exp(level[v - 1] + slope[v - 1] * value[trial, v - 1, p])
                    cumulative += hazard * (months[v] - months[v - 1])
                for e in range(endpoints):
                    seen[trial, e, v, p] = cumulative < limit or v == 0
