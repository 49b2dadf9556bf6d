"""Evidence as data: study arms, reported numbers, individual data and assumed effects."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import mul
from typing import ClassVar

from phase2sim.core.arrays import Floats
from phase2sim.core.effect_shapes import SHAPES, EffectShape
from phase2sim.core.endpoints import ENDPOINTS, EVENTS, RESPONSES, drawn_for
from phase2sim.core.entry_times import EntryTime

REMISSION = "partial_remission"  # patients, by HbA1c and insulin at one visit
LOCATIONS = ("mean", "median", "geometric_mean")  # statistics that locate a distribution
CONTROL_ARM, SINGLE_ARM, RANDOMISED = "control-arm", "single-arm", "randomised"
CARE_MONTHS = 3.0  # since diagnosis, over which what a covariate of care does comes in
REFERENCE_AGE = 12.0  # years: curves are those of patients of this age


@dataclass(frozen=True, slots=True)
class Normal:
    """An elicited normal distribution, for a quantity that the source describes only in words."""

    mean: float
    sd: float


@dataclass(frozen=True, slots=True)
class UnknownShare:
    """A beta distribution of a share that the source does not print."""

    mean: float
    sd: float

    @property
    def beta(self) -> tuple[float, float]:
        """Its two parameters."""
        size = self.mean * (1.0 - self.mean) / self.sd**2 - 1.0
        return self.mean * size, (1.0 - self.mean) * size


@dataclass(frozen=True, slots=True)
class CareEffect:
    """Prior of what a covariate does to the mean of an endpoint, model scale."""

    endpoint: str
    prior: Normal  # of the mean where the covariate is 1 minus that where it is 0


@dataclass(frozen=True, slots=True)
class CareCovariate:
    """A covariate of care or era, from 0 to 1: such as the share of patients with a sensor.

    What it does to a mean is 0 at diagnosis, grows evenly and is whole from ``CARE_MONTHS`` on.
    """

    name: str
    if_not_stated: float | UnknownShare  # of an arm that does not say it
    effects: tuple[CareEffect, ...]
    why: str


@dataclass(frozen=True, slots=True)
class StudyArm:
    """One arm of a study: its patients, and when after diagnosis they could enrol."""

    study: str
    arm: str
    design: str  # "control-arm" | "single-arm" | "randomised"
    patients: int  # 0 if not reported
    months_since_diagnosis: EntryTime  # at entry; 0 if followed from diagnosis
    source: str
    treated: bool = False  # received the therapy, or another of its class
    age_years: float | Normal | None = None  # mean: printed or elicited; None for the default
    age_why: str = ""
    weight_kg: Normal | None = None  # of a typical patient, where doses are reported per day
    weight_why: str = ""
    population: str = ""
    dose: str = ""
    note: str = ""
    care: tuple[
        tuple[str, float | UnknownShare], ...
    ] = ()  # covariates of care that its source says
    care_why: str = ""
    clock: str = "diagnosis"  # or "entry": what the untreated course is counted from


@dataclass(frozen=True, slots=True)
class ReportedNumber:
    """One reported number, in the endpoint's unit, or on the model scale if ``on_model_scale``.

    ``months`` holds one visit, or the two visits of a change, slope or correlation. They count from
    ``clock``: ``"entry"`` (randomisation or infusion) or ``"diagnosis"``.
    """

    file: str
    number: int  # position in the file, from 1
    study: str
    arm: str
    endpoint: str  # a key of ENDPOINTS, REMISSION, or an outcome of EVENTS
    statistic: str  # a key of phase2sim.evidence.statistics.STATISTICS
    value: float  # of a count: patients; nan if elicited, or for bounds
    n: int
    months: tuple[float, ...]
    clock: str
    status: str  # "published" | "quoted" | "derived" | "computed" | "elicited"
    source: str
    as_reported: str  # value, spread and unit as in the file
    unit: str = ""
    on_model_scale: bool = False
    sd: float | None = None
    se: float | None = None
    reading_sd: float | None = None  # error of reading the number off a figure
    threshold: float | None = None  # of a count: patients below or above it
    beyond: str = ""  # "below" | "above" | "below_baseline"; "" for patients with an event
    bounds: tuple[float, float] | None = None  # of quartiles or of a range
    quantile_method: str = "hazen"  # "hazen" | "weibull" | "linear", as numpy.quantile names them
    by_weight: bool = False  # value is a daily dose over the arm's typical weight
    elicited: Normal | None = None
    place_in_source: str = ""
    why: str = ""
    with_endpoint: str = ""  # the other endpoint of a correlation at one visit
    versus: str = ""  # the arm that a difference between arms is taken from
    note: str = ""
    unused: str = ""  # the reason why no likelihood reads it; empty if one does

    @property
    def is_average(self) -> bool:
        """True for the mean of patients' averages over several months."""
        return self.statistic == "mean" and len(self.months) > 1

    @property
    def where(self) -> str:
        """File and entry number, for messages and ledgers."""
        return f"{self.file}, entry {self.number}"

    @property
    def measured(self) -> tuple[str, ...]:
        """Measured endpoints that the number follows from: two for remission, none for events."""
        if self.endpoint == REMISSION:
            return drawn_for(RESPONSES[REMISSION].endpoint)
        return () if self.endpoint in EVENTS else (self.endpoint,)


@dataclass(frozen=True, slots=True)
class IndividualData:
    """Individual data of all patients of one arm, model scale."""

    file: str
    number: int  # position among the file's [[individual]] tables, from 1
    study: str
    arm: str
    columns: tuple[tuple[str, float], ...]  # (endpoint, month since entry) of each column
    value: Floats  # (patient, column), nan where missing
    source: str


class _TimeCourse:
    """The time course of an effect, named in an evidence file."""

    __slots__ = ()
    shape: str
    shape_options: Mapping[str, float]

    def effect_shape(self) -> EffectShape:
        """Build the time course from its name and options."""
        return SHAPES[self.shape](**dict(self.shape_options))


@dataclass(frozen=True, slots=True)
class EffectAssumption(_TimeCourse):
    """Assumptions about the effect of one treatment on one endpoint, model scale."""

    kind: ClassVar[str] = "effect"
    endpoint: str
    month: float  # at which the effect has its stated size
    shape: str
    shape_options: Mapping[str, float]
    sceptical_sd: float  # the sceptical prior is N(0, sceptical_sd)
    bias_sd: float  # SD of single arm minus control arm without any effect
    why: str
    prior: Normal | None = None  # before the evidence, in place of the sceptical one
    shared: float = 0.0  # share of the variance common to all endpoints, in benefit's direction
    reasons: Mapping[str, str] = field(default_factory=dict)  # by key: why it is assumed

    @property
    def before(self) -> Normal:
        """Prior of the effect in a fit without evidence on its class."""
        return self.prior or Normal(0.0, self.sceptical_sd)


@dataclass(frozen=True, slots=True)
class ClassEffect(_TimeCourse):
    """Assumptions about the effects of a class of therapies on one endpoint, model scale.

    The effect in a trial is N(class mean, SD between trials). The class mean is
    N(0, ``sceptical_sd``); the SD between trials is half-normal with scale ``between_trials_sd``.
    """

    kind: ClassVar[str] = "class_effect"
    endpoint: str
    month: float
    shape: str
    shape_options: Mapping[str, float]
    sceptical_sd: float
    between_trials_sd: float
    why: str
    reasons: Mapping[str, str] = field(default_factory=dict)  # by key: why it is assumed


def _mean_age(age: float | Normal | None) -> float:
    match age:
        case Normal():
            return age.mean
        case None:
            return REFERENCE_AGE
        case printed:
            return printed


@dataclass(frozen=True, slots=True)
class Evidence:
    """Contents of one or more evidence files."""

    names: tuple[str, ...]
    arms: tuple[StudyArm, ...]
    reported: tuple[ReportedNumber, ...]
    effects: Mapping[str, EffectAssumption]  # by endpoint; empty without a single-arm study
    digest: str  # sha256 of the contents, without comments and layout
    classes: Mapping[str, ClassEffect] = field(default_factory=dict)  # by endpoint
    individuals: tuple[IndividualData, ...] = ()
    care: Mapping[str, CareCovariate] = field(default_factory=dict)  # by name

    @property
    def clock(self) -> str:
        """What the untreated course is counted from: ``"entry"`` if all arms say so."""
        return "entry" if all(arm.clock == "entry" for arm in self.arms) else "diagnosis"

    @property
    def reference_age(self) -> float:
        """Mean age of the patients whose curves a fit estimates, years.

        With an endpoint that ships it is ``REFERENCE_AGE``. Otherwise it is the average of the mean
        ages that the file states, weighted by patients.
        """
        names = {name for number in self.reported for name in number.measured}
        names |= {name for data in self.individuals for name, _ in data.columns}
        stated = [arm for arm in self.arms if arm.age_years is not None]
        if not stated or any(map(ENDPOINTS.ships, names)):
            return REFERENCE_AGE
        weights = [max(arm.patients, 1) for arm in stated]
        ages = [_mean_age(arm.age_years) for arm in stated]
        return float(sum(map(mul, ages, weights)) / sum(weights))

    @property
    def learned_arms(self) -> tuple[StudyArm, ...]:
        """Arms of which the fit learns how their entry is spread over its window."""
        return tuple(arm for arm in self.arms if arm.months_since_diagnosis.learned)
