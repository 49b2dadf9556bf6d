"""Single visits that are missed by patients who come again."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numba import uint64
from scipy.optimize import brentq
from scipy.special import expit

from phase2sim.core.arrays import Bools, Floats, Ints
from phase2sim.core.contracts import Plan, Trials
from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.core.errors import BadValue
from phase2sim.core.kernels import kernel
from phase2sim.core.patient_parts import Missingness, Observer, Untreated
from phase2sim.core.randomness import PURPOSES, Word, fill_uniform, seed_word
from phase2sim.trial.patients.missingness.hazards import check_endpoint, check_ratio
from phase2sim.trial.patients.missingness.last_seen import flatten_trials

_WIDEST = 60.0


@dataclass(frozen=True, slots=True)
class NoGaps(Missingness):
    """Patients miss no visit before they leave.

    Examples
    --------
    >>> NoGaps().loses_nobody, NoGaps().depends_on_outcome
    (True, False)
    """

    title: ClassVar[str] = "no single visit is missed"
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
class Sporadic(Missingness):
    """A ``share`` of the visits after baseline is missed, each by itself, by chance.

    Parameters
    ----------
    share : float
        Share of the visits after baseline that is missed, from 0 to below 1.

    Raises
    ------
    BadValue
        If a value lies outside its limits.

    Examples
    --------
    One visit in ten is missed with odds of 1/9:

    >>> from types import SimpleNamespace
    >>> plan = SimpleNamespace(endpoints=("c_peptide",))
    >>> observer = Sporadic(0.1).prepare(plan, None)
    >>> round(float(np.exp(-observer.level)), 6)
    9.0
    """

    share: float
    title: ClassVar[str] = "single visits missed completely at random"
    depends_on_outcome: ClassVar[bool] = False

    def __post_init__(self) -> None:
        _check_share(self.share)

    def prepare(self, plan: Plan, untreated: Untreated) -> Observer:
        """Return the part with its odds set, the same for everybody."""
        del untreated
        level = np.log(self.share) - np.log1p(-self.share) if self.share > 0 else -np.inf
        return MissedByOdds(plan.endpoints[0], float(level), 0.0)


@dataclass(frozen=True, slots=True)
class SporadicByBaseline(Missingness):
    """As ``mcar``, but patients with a worse baseline of ``endpoint`` miss more (at random).

    Their odds are multiplied by ``odds_ratio_per_sd`` for every SD by which the baseline is worse
    than the mean. ``share`` is of all untreated patients' visits.

    Parameters
    ----------
    share : float
        Share of the visits after baseline that untreated patients miss, from 0 to below 1.
    endpoint : str
        Endpoint whose baseline the odds depend on.
    odds_ratio_per_sd : float, default 1.5
        Odds ratio of missing a visit per SD by which the baseline is worse, from 0.01 to 100.

    Raises
    ------
    BadValue
        If a value lies outside its limits.

    Notes
    -----
    The intercept is calibrated on a pilot sample of untreated patients.

    Examples
    --------
    In a pilot of two patients, one SD (0.1) below and above the mean of 0.3, half of all visits are
    missed: the odds at the mean are 1, and 1.5 for the patient with less C-peptide:

    >>> from types import SimpleNamespace
    >>> plan = SimpleNamespace(endpoints=("c_peptide",))
    >>> pilot = SimpleNamespace(value=np.array([[[[0.2, 0.4]]]]))
    >>> observer = SporadicByBaseline(0.5, "c_peptide").prepare(plan, lambda: pilot)
    >>> odds = np.exp(observer.level + observer.slope * np.array([0.3, 0.2]))
    >>> odds.round(6).tolist()
    [1.0, 1.5]
    """

    share: float
    endpoint: str
    odds_ratio_per_sd: float = 1.5
    title: ClassVar[str] = "single visits missed at random, given the baseline"

    def __post_init__(self) -> None:
        _check_share(self.share)
        check_endpoint(self.endpoint)
        check_ratio("odds_ratio_per_sd", self.odds_ratio_per_sd)

    @property
    def endpoints(self) -> tuple[str, ...]:
        """``endpoint``."""
        return (self.endpoint,)

    def prepare(self, plan: Plan, untreated: Untreated) -> Observer:
        """Set the intercept on a pilot of untreated patients."""
        baseline = flatten_trials(untreated().value[:, plan.endpoints.index(self.endpoint)])[0]
        worse = -ENDPOINTS[self.endpoint].benefit_sign * np.log(self.odds_ratio_per_sd)
        slope = float(worse / baseline.std())
        if self.share == 0.0:
            return MissedByOdds(self.endpoint, -np.inf, slope)

        def excess(level: float) -> float:
            return float(expit(level + slope * (baseline - baseline.mean())).mean()) - self.share

        level = float(brentq(excess, -_WIDEST, _WIDEST))
        return MissedByOdds(self.endpoint, level - slope * float(baseline.mean()), slope)


@dataclass(frozen=True, slots=True)
class MissedByOdds:
    """Either with its odds set: log odds of missing a visit are ``level + slope * baseline``."""

    endpoint: str
    level: float
    slope: float

    def observe(self, trials: Trials, plan: Plan) -> Bools:
        """Which values are seen, in the shape of ``trials.value``."""
        seen = np.empty(trials.value.shape, dtype=np.bool_)
        baseline = trials.value[:, plan.endpoints.index(self.endpoint), 0]
        places = np.array([round(month * 100) for month in plan.visits_months], dtype=np.int64)
        seed, first = seed_word(plan.seed), np.uint64(trials.first)
        _miss(seen, baseline, self.level, self.slope, places, seed, first)
        return seen


def _check_share(share: float) -> None:
    if not 0 <= share < 1:
        raise BadValue("share", f"is {share:g}; it must be from 0 to below 1")


_GAPS = np.uint64(PURPOSES["gaps"])


@kernel
def _miss(
    seen: Bools,
    baseline: Floats,
    level: float,
    slope: float,
    places: Ints,
    seed: Word,
    first: Word,
) -> None:
    """Miss visits by a uniform each, from a stream of the visit's own."""
    uniform = np.empty(seen.shape[3])
    endpoints, visits, patients = seen.shape[1:]
    staying = np.empty(patients)
    for trial in range(seen.shape[0]):
        for p in range(patients):
            staying[p] = 1.0 / (1.0 + np.exp(level + slope * baseline[trial, p]))
        for v in range(visits):
            fill_uniform(uniform, seed, _GAPS, first + uint64(trial), uint64(places[v]))
            for p in range(patients):
                attends = v == 0 or uniform[p] < staying[p]
                for e in range(endpoints):
                    seen[trial, e, v, p] = attends
