"""Frozen values that one part of the program hands to the next, and the source of the truth.

Axis names used throughout: ``trial``, ``arm``, ``endpoint``, ``visit`` (baseline first),
``patient`` (in order of randomisation), ``knot`` (of a mean curve on the diagnosis clock). Arm 0 is
control.
Effects are treatment minus control on the endpoint's model scale.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from phase2sim.core.arrays import Arms, Bools, Floats, Ints
from phase2sim.core.background_therapy import BackgroundTherapy
from phase2sim.core.draws_error import Picks
from phase2sim.core.entry_times import EntryTime

AGE, SITE = "age", "site"  # factors that are no endpoint's baseline

# Raised by every change that moves numbers; the changelog lists old -> new.
RESULTS_VERSION = 10


@dataclass(frozen=True, slots=True)
class Truth:
    """What is true in each trial of a batch, on the model scale.

    A leading axis of length 1 stands for "the same in every trial". A patient enrolled ``d`` months
    after diagnosis has mean ``history(d + t) + shift + effect`` at a visit ``t`` months later, and
    residual ``visit_factor @ (endpoint_factor @ z)`` with independent standard normal ``z``:
    ``endpoint_factor`` mixes endpoints, ``visit_factor`` mixes visits and carries the SDs.
    """

    knots_months: Floats  # (knot,)
    history: Floats  # (trial, endpoint, knot)
    shift: Floats  # (trial, endpoint, visit)
    effect: Floats  # (trial, arm, endpoint, visit); arm 0 is zero
    visit_factor: Floats  # (trial, endpoint, visit, visit), lower triangular
    endpoint_factor: Floats  # (trial, endpoint, endpoint), lower triangular
    # (arm, endpoint, visit, modifier): what a unit of each of ``Plan.modifiers`` above its mean
    # adds to a patient's effect; empty where nothing modifies it.
    modification: Floats = field(default_factory=lambda: np.zeros((0, 0, 0, 0)))
    log_rate_ratio: Floats = field(default_factory=lambda: np.zeros((0, 0)))  # (arm, counted)


class TruthSource(ABC):
    """Says what is true in any stretch of trials; the same trial always gets the same truth."""

    __slots__ = ()
    is_fixed: ClassVar[bool] = False  # the same truth in every trial

    if TYPE_CHECKING:  # a property here would be the default of a subclass's field

        @property
        def label(self) -> str:
            """``target``, ``null``, ``prior`` or ``sceptical``."""

    @abstractmethod
    def truth(self, first: int, trials: int) -> Truth:
        """Truth of trials ``first`` to ``first + trials - 1``.

        Parameters
        ----------
        first : int
            Number of the first trial, from 0.
        trials : int
            Number of trials, 1 or more.

        Returns
        -------
        Truth
            Means, effects and variation of each of the trials, on the model scale.
        """

    def picks(self, first: int, trials: int) -> Picks | None:
        """Prior draws behind trials ``first`` to ``first + trials - 1``.

        Parameters
        ----------
        first : int
            Number of the first trial, from 0.
        trials : int
            Number of trials, 1 or more.

        Returns
        -------
        Picks or None
            The draw of each trial; None where the truth is no draw.
        """
        del first, trials
        return None


@dataclass(frozen=True, slots=True)
class Counted:
    """How often an event happens to untreated patients, and what its rate goes with."""

    per_month: float  # where the endpoint it is tied to is ``at``
    dispersion: float = 0.0  # variance of a patient's own rate, whose mean is 1
    tied_to: str = ""  # an endpoint
    per_unit: float = 0.0  # log of the rate ratio for a unit more of it, model scale
    at: float = 0.0  # model scale


@dataclass(frozen=True, slots=True)
class Plan:
    """The fixed facts of a simulated trial."""

    seed: int
    arms: tuple[str, ...]
    patients: int
    endpoints: tuple[str, ...]
    visits_months: tuple[float, ...]  # baseline (0) first
    months_since_diagnosis: EntryTime
    age_years: tuple[float, float]
    age_strata: tuple[float, ...] = ()  # cut points; a patient's stratum is how many they reach
    per_year_of_age: Mapping[str, float] = field(default_factory=dict)  # by endpoint, model scale
    age_normal: tuple[float, float] | None = None  # mean and SD before it is cut to ``age_years``
    sites: int = 1
    site_sd: Mapping[str, float] = field(default_factory=dict)  # by endpoint, model scale
    # By endpoint, model scale: lowest and highest baseline with which a patient may enrol, and
    # cut points of baseline strata.
    eligible: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    baseline_strata: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    # What the effect varies with, AGE or the baseline of an endpoint -> its mean in the trial.
    modifiers: Mapping[str, float] = field(default_factory=dict)
    counted: Mapping[str, Counted] = field(default_factory=dict)  # by event
    background: BackgroundTherapy | None = None


@dataclass(frozen=True, slots=True)
class Arrivals:
    """When the patients of a batch enrol, and where."""

    months: Floats  # (trial, patient), from the trial's opening, rising
    site: Ints  # (trial, patient), from 0


@dataclass(frozen=True, slots=True)
class Entrants:
    """The patients of a batch before anybody knows their arm."""

    first: int  # number of the first trial
    arrivals: Arrivals
    months_since_diagnosis: Floats  # (trial, patient)
    age_years: Floats  # (trial, patient)
    stratum: Ints  # (trial, patient), of age and baseline together
    factors: Mapping[str, Ints]  # AGE, SITE or an endpoint -> level (trial, patient)
    # (trial, endpoint, patient) standard normals behind the baseline of those who passed
    # screening; empty where everybody does.
    baseline: Floats


@dataclass(frozen=True, slots=True)
class Trials:
    """A batch of complete trials: every outcome exists, whether or not it is seen."""

    first: int  # number of the first trial
    arm: Arms  # (trial, patient)
    months_since_diagnosis: Floats  # (trial, patient)
    age_years: Floats  # (trial, patient)
    stratum: Ints  # (trial, patient)
    value: Floats  # (trial, endpoint, visit, patient), model scale
    seen: Bools  # same shape; False where a visit was missed
    arrivals: Arrivals | None = None
    has_gaps: bool = False  # a visit may be missed between two that are seen
    struck: Ints | None = None  # (event, trial, patient): first visit after it; None: no events
    counts: Mapping[str, Ints] = field(default_factory=dict)  # (trial, visit, patient), so far
    recruited: Bools | None = None  # (trial, patient); None: all, whatever looks have dropped

    @property
    def enrolment_months(self) -> Floats:
        """Months (trial, patient) from the trial's opening to each enrolment, which rise.

        Raises ``ValueError`` for trials without, which no recruitment simulated.
        """
        if self.arrivals is None:
            raise ValueError("these trials have no arrivals")
        return self.arrivals.months


@dataclass(frozen=True, slots=True)
class Reading:
    """What one analysis reads: one endpoint of a batch, or of one real data set (trial = 1)."""

    arm: Arms  # (trial, patient)
    baseline: Floats  # (trial, patient), nan where not seen
    value: Floats  # (trial, visit, patient), visits after baseline, nan where not seen
    visits_months: tuple[float, ...]  # of ``value``
    age_years: Floats  # (trial, patient)
    stratum: Ints  # (trial, patient)
    factors: Mapping[str, Ints] = field(default_factory=dict)  # further columns of a data set
    months_at_risk: Floats | None = None  # shape of ``value``, where that holds counts
    seed: int = 0  # of an analysis that draws
    first: int = 0  # number of the first trial: where its stream starts

    def of_first(self, patients: int, trials: Ints | slice = slice(None)) -> "Reading":
        """Return what is read of the first patients only, in all trials or in some."""
        cut: dict[str, Any] = {
            name: np.ascontiguousarray(getattr(self, name)[trials, ..., :patients])
            for name in ("arm", "baseline", "value", "age_years", "stratum")
        }
        factors = {name: codes[trials, :patients] for name, codes in self.factors.items()}
        at_risk = self.months_at_risk
        if at_risk is not None:
            at_risk = np.ascontiguousarray(at_risk[trials, ..., :patients])
        return replace(self, **cut, factors=factors, months_at_risk=at_risk)


@dataclass(frozen=True, slots=True)
class Estimates:
    """What one analysis says about each trial of a batch; all fields (trial,).

    Of several numbers of patients at once they are (size, trial).
    ``p`` is one-sided, for benefit over ``null_effect``. A trial it could not answer has
    ``failed`` True, nan elsewhere, and in ``reason`` an index into ``FAILURES``. An analysis whose
    test is not a t test of ``effect`` and ``se`` brings its own ``test``, and one that answers
    with a simpler model where its own does not converge says so in ``fallback``.
    """

    effect: Floats
    se: Floats
    df: Floats
    p: Floats
    reason: NDArray[np.int8]  # 0 where it did not fail
    test: "OwnTest | None" = None
    details: Mapping[str, Floats] = field(default_factory=dict)  # further numbers to report
    fallback: NDArray[np.int8] | None = None  # an index into ``FALLBACKS``; None: it has none

    @property
    def failed(self) -> Bools:
        """True where the analysis could not answer."""
        return self.reason > 0


@dataclass(frozen=True, slots=True)
class OwnTest:
    """A test and an interval that do not come from effect and standard error; fields (trial,)."""

    statistic: Floats
    p_two_sided: Floats
    lower: Floats  # of the 95 % confidence interval
    upper: Floats


FAILURES: tuple[str, ...] = (
    "",
    "too few patients with data",
    "an arm without data",
    "covariates that determine one another",
    "no variation in the outcome",
    "the fit did not converge",
    "covariates that separate responders from the rest",
    "an arm with every value below the limit",
)
(
    TOO_FEW, EMPTY_ARM, COLLINEAR, NO_VARIATION, NOT_CONVERGED, SEPARATED, ALL_BELOW,
) = range(1, len(FAILURES))  # fmt: skip

# What answers where an analysis's own model has no maximum: a mixed model's simpler covariances, in
# turn; the test that theory has for data in which an arm has no event, responder or measured value.
FALLBACKS: tuple[str, ...] = (
    "",
    "heterogeneous Toeplitz covariance",
    "heterogeneous AR(1) covariance",
    "compound symmetry",
    "the conditional exact test",
    "the score test",
    "the score test without covariates",
)
EXACT_TEST, SCORE_TEST, UNADJUSTED_SCORE = range(4, len(FALLBACKS))


CONFIDENCE = 0.95  # two-sided, of every confidence interval
MODEL_SCALE = "model"
GO, STOP, CONSIDER, UNDECIDED = 1, 0, 2, -1  # verdicts; the last for a failed analysis
