"""Dropout by a logistic model whose intercepts meet stated rates, visit by visit."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numba import uint64
from scipy.optimize import brentq
from scipy.special import expit

from phase2sim.core.arrays import Arms, Bools, Floats
from phase2sim.core.contracts import Plan, Trials
from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.core.errors import BadValue
from phase2sim.core.kernels import kernel
from phase2sim.core.patient_parts import Missingness, Observer, Untreated
from phase2sim.core.randomness import PURPOSES, Word, fill_uniform, seed_word
from phase2sim.trial.patients.missingness.hazards import check_endpoint, check_ratio
from phase2sim.trial.patients.missingness.last_seen import carried_forward, flatten_trials

_WIDEST = 60.0  # of an intercept: beyond it a chance is 0 or 1


@dataclass(frozen=True, slots=True)
class Logistic(Missingness):
    """Dropout by visit, more likely after a worse last value (missing at random).

    ``lost`` is the share of untreated patients who are lost by each visit after baseline. Between
    two visits the odds of leaving are multiplied by ``odds_ratio_per_sd`` for every SD by which the
    last seen value of ``endpoint`` is worse than the untreated mean of its visit, and by
    ``odds_ratio_treated`` for a treated patient.

    Parameters
    ----------
    lost : tuple of float
        Share of untreated patients lost by each visit after baseline, from 0 to below 1, not
        falling.
    endpoint : str
        Endpoint that the odds of leaving depend on.
    odds_ratio_per_sd : float, default 1.5
        Odds ratio of leaving per SD by which the value is worse, from 0.01 to 100.
    odds_ratio_treated : float, default 1
        Odds ratio of leaving, treated relative to untreated patients, from 0.01 to 100.

    Raises
    ------
    BadValue
        If a value lies outside its limits.

    Notes
    -----
    The intercepts are calibrated on a pilot sample of untreated patients.

    Examples
    --------
    If 5 % are lost by month 6 and 10 % by month 12, 95 % and 90 % are seen there:

    >>> dropout = Logistic(lost=(0.05, 0.1), endpoint="hba1c")
    >>> [dropout.share_staying(month, (0.0, 6.0, 12.0))[0] for month in (6.0, 12.0)]
    [0.95, 0.9]
    """

    lost: tuple[float, ...]
    endpoint: str
    odds_ratio_per_sd: float = 1.5
    odds_ratio_treated: float = 1.0
    title: ClassVar[str] = "missing at random by visit, given the last value seen"
    unseen: ClassVar[bool] = False

    def __post_init__(self) -> None:
        _check(self.lost, self.endpoint, self.odds_ratio_per_sd, self.odds_ratio_treated)

    @property
    def endpoints(self) -> tuple[str, ...]:
        """``endpoint``."""
        return (self.endpoint,)

    def prepare(self, plan: Plan, untreated: Untreated) -> Observer:
        """Set the intercepts on a pilot of untreated patients."""
        return _calibrated(self, plan, untreated)

    def share_staying(self, month: float, visits_months: tuple[float, ...]) -> tuple[float, float]:
        """Share of patients who are still seen at a visit, as if treatment made no difference."""
        staying = 1.0 - self.lost[min(visits_months.index(month), len(self.lost)) - 1]
        return staying, staying


@dataclass(frozen=True, slots=True)
class Mnar(Missingness):
    """Dropout by visit, more likely before a worse value that nobody sees (not at random).

    As ``logistic``, but the odds depend on the value of ``endpoint`` at the visit that the patient
    will miss.

    Parameters
    ----------
    lost : tuple of float
        Share of untreated patients lost by each visit after baseline, from 0 to below 1, not
        falling.
    endpoint : str
        Endpoint that the odds of leaving depend on.
    odds_ratio_per_sd : float, default 1.5
        Odds ratio of leaving per SD by which the value is worse, from 0.01 to 100.
    odds_ratio_treated : float, default 1
        Odds ratio of leaving, treated relative to untreated patients, from 0.01 to 100.

    Raises
    ------
    BadValue
        If a value lies outside its limits.

    Notes
    -----
    The intercepts are calibrated on a pilot sample of untreated patients.

    Examples
    --------
    Both mechanisms lose the stated shares; this one depends on the value that is not seen:

    >>> dropout = Mnar(lost=(0.05, 0.1), endpoint="hba1c")
    >>> [dropout.share_staying(month, (0.0, 6.0, 12.0))[0] for month in (6.0, 12.0)]
    [0.95, 0.9]
    >>> dropout.unseen, Logistic(dropout.lost, dropout.endpoint).unseen
    (True, False)
    """

    lost: tuple[float, ...]
    endpoint: str
    odds_ratio_per_sd: float = 1.5
    odds_ratio_treated: float = 1.0
    title: ClassVar[str] = "missing not at random by visit, given the value that is not seen"
    unseen: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _check(self.lost, self.endpoint, self.odds_ratio_per_sd, self.odds_ratio_treated)

    @property
    def endpoints(self) -> tuple[str, ...]:
        """``endpoint``."""
        return (self.endpoint,)

    def prepare(self, plan: Plan, untreated: Untreated) -> Observer:
        """Set the intercepts on a pilot of untreated patients."""
        return _calibrated(self, plan, untreated)

    def share_staying(self, month: float, visits_months: tuple[float, ...]) -> tuple[float, float]:
        """Share of patients who are still seen at a visit, as if treatment made no difference."""
        staying = 1.0 - self.lost[min(visits_months.index(month), len(self.lost)) - 1]
        return staying, staying


@dataclass(frozen=True, slots=True)
class LostByOdds:
    """Either with its intercepts set: log odds before visit v + 1 are ``level + slope * value``.

    ``level`` and ``slope`` are (visit - 1,); the value is the last seen one, or with ``unseen``
    that of the visit itself.
    """

    endpoint: str
    level: Floats
    slope: Floats
    log_odds_treated: float
    unseen: bool

    def observe(self, trials: Trials, plan: Plan) -> Bools:
        """Which values are seen, in the shape of ``trials.value``."""
        seen = np.empty(trials.value.shape, dtype=np.bool_)
        read = _read(trials, plan.endpoints.index(self.endpoint), unseen=self.unseen)
        seed, first = seed_word(plan.seed), np.uint64(trials.first)
        _lose_by_odds(
            seen, read, trials.arm, self.level, self.slope, self.log_odds_treated, seed, first
        )
        return seen


def _read(trials: Trials, endpoint: int, *, unseen: bool) -> Floats:
    """Values that the odds before each visit after baseline depend on, (trial, visit, patient)."""
    if unseen:
        return trials.value[:, endpoint, 1:]
    return carried_forward(trials, endpoint)[:, :-1]


def _calibrated(part: Logistic | Mnar, plan: Plan, untreated: Untreated) -> LostByOdds:
    """Intercepts at which the pilot loses the stated shares.

    A patient counts with the chance of being there still, so that no draw blurs the intercepts.
    """
    visits = len(plan.visits_months) - 1
    if len(part.lost) != visits:
        raise BadValue(
            "lost", f"has {len(part.lost)} numbers; give {visits}, one a visit after baseline"
        )
    value = flatten_trials(
        _read(untreated(), plan.endpoints.index(part.endpoint), unseen=part.unseen)
    )
    worse = -ENDPOINTS[part.endpoint].benefit_sign * np.log(part.odds_ratio_per_sd)
    slope = worse / value.std(axis=1)
    staying = np.ones(value.shape[1])
    level = np.empty(visits)
    for v, leaving in enumerate(np.diff(part.lost, prepend=0.0)):
        odds = slope[v] * (value[v] - value[v].mean())
        intercept = _intercept(odds, staying, float(leaving))
        staying *= 1.0 - expit(intercept + odds)
        level[v] = intercept - slope[v] * value[v].mean()
    treated = float(np.log(part.odds_ratio_treated))
    return LostByOdds(part.endpoint, level, slope, treated, part.unseen)


def _intercept(odds: Floats, staying: Floats, leaving: float) -> float:
    """Intercept at which a share ``leaving`` of all goes, of those who are ``staying``."""
    if leaving <= 0.0:
        return -np.inf

    def excess(intercept: float) -> float:
        return float((staying * expit(intercept + odds)).mean()) - leaving

    return float(brentq(excess, -_WIDEST, _WIDEST))


def _check(lost: tuple[float, ...], endpoint: str, per_sd: float, treated: float) -> None:
    shares = list(lost)
    if not shares or shares != sorted(shares) or not 0 <= shares[0] <= shares[-1] < 1:
        raise BadValue(
            "lost",
            f"is {shares}; give shares from 0 to below 1 that do not fall, one a visit after"
            " baseline",
        )
    check_endpoint(endpoint)
    check_ratio("odds_ratio_per_sd", per_sd)
    check_ratio("odds_ratio_treated", treated)


_DROPOUT = np.uint64(PURPOSES["dropout"])


@kernel
def _lose_by_odds(
    seen: Bools,
    read: Floats,
    arm: Arms,
    level: Floats,
    slope: Floats,
    treated: float,
    seed: Word,
    first: Word,
) -> None:
    """Lose patients by one uniform each: gone once the chance of staying falls below it."""
    uniform = np.empty(seen.shape[3])
    endpoints, visits, patients = seen.shape[1:]
    for trial in range(seen.shape[0]):
        fill_uniform(uniform, seed, _DROPOUT, first + uint64(trial), uint64(0))
        for p in range(patients):
            more = treated if arm[trial, p] > 0 else 0.0
            staying = 1.0
            for v in range(visits):
                if v > 0 and uniform[p] < staying:
                    odds = level[v - 1] + slope[v - 1] * read[trial, v - 1, p] + more
                    staying /= 1.0 + np.exp(odds)
                for e in range(endpoints):
                    seen[trial, e, v, p] = uniform[p] < staying
