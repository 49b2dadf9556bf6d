"""What was reported, and what is assumed beside it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from phase2sim.core.arrays import Floats

LOCATIONS = ("mean", "median", "geometric_mean")  # statistics that locate a distribution
CONTROL_ARM, SINGLE_ARM, RANDOMISED = "control-arm", "single-arm", "randomised"
REFERENCE_AGE = 12.0  # years; an arm that does not report its mean age is taken to have this one


@dataclass(frozen=True, slots=True)
class Normal:
    """An elicited statement: our distribution for a number that was only described."""

    mean: float
    sd: float


@dataclass(frozen=True, slots=True)
class StudyArm:
    """Who was in one reported arm, and when they could enrol."""

    study: str
    arm: str
    design: str  # "control-arm" | "single-arm" | "randomised"
    patients: int  # 0 if not reported
    months_since_diagnosis: tuple[float, float]  # at entry; (0, 0) if followed from diagnosis
    source: str
    treated: bool = False  # given the therapy, or one of its class
    age_years: float | None = None  # mean; None if not reported
    weight_kg: Normal | None = None  # of a typical patient, where doses are reported per day
    population: str = ""
    dose: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Reported:
    """One number as it was reported, in the endpoint's own unit (``on_model_scale`` if so given).

    ``months`` holds one visit, or the two visits that a change, slope or correlation spans; they
    count from ``clock``: ``"entry"`` (randomisation, infusion) or ``"diagnosis"``.
    """

    file: str
    number: int  # position in the file, from 1
    study: str
    arm: str
    endpoint: str  # a key of ENDPOINTS, or an outcome of EVENTS
    statistic: str  # a key of phase2sim.evidence.STATISTICS
    value: float  # for a count: how many; nan for an elicited statement, quartiles and a range
    n: int
    months: tuple[float, ...]
    clock: str
    status: str  # "published" | "quoted" | "derived" | "computed" | "elicited"
    source: str
    as_reported: str  # value, spread and unit, as typed
    unit: str = ""
    on_model_scale: bool = False
    sd: float | None = None
    se: float | None = None
    threshold: float | None = None  # counts beyond it
    beyond: str = ""  # "below" | "above" | "below_baseline"; "" for patients with an event
    bounds: tuple[float, float] | None = None  # of quartiles or of a range
    quantile_method: str = "hazen"  # "hazen" | "weibull" | "linear", as numpy.quantile names them
    by_weight: bool = False  # value is a daily dose over the arm's typical weight
    elicited: Normal | None = None
    place: str = ""
    why: str = ""
    with_endpoint: str = ""  # the other endpoint of a correlation at one visit
    versus: str = ""  # the arm that a difference between arms is taken from
    note: str = ""
    unused: str = ""  # the reason why no likelihood reads it; empty if one does

    @property
    def where(self) -> str:
        """File and entry, for messages and ledgers."""
        return f"{self.file}, entry {self.number}"


@dataclass(frozen=True, slots=True)
class IndividualData:
    """Own data: every patient of one arm, model scale."""

    file: str
    number: int  # position among the file's [[individual]] tables, from 1
    study: str
    arm: str
    columns: tuple[tuple[str, float], ...]  # (endpoint, month since entry) of each column
    value: Floats  # (patient, column), nan where not seen
    source: str


@dataclass(frozen=True, slots=True)
class EffectAssumption:
    """What is assumed about one treatment's effect on one endpoint, model scale."""

    kind: ClassVar[str] = "effect"
    endpoint: str
    month: float  # the effect's size is its size at this month
    shape: str
    shape_options: Mapping[str, float]
    sceptical_sd: float  # the sceptical prior is N(0, sceptical_sd)
    bias_sd: float  # single arm minus what a control arm would have shown ~ N(0, bias_sd)
    why: str
    prior: Normal | None = None  # before the evidence, in place of the sceptical one
    shared: float = 0.0  # share of the variance common to all endpoints, in benefit's direction

    @property
    def before(self) -> Normal:
        """Prior of the effect that the fit starts from where no class evidence stands above it."""
        return self.prior or Normal(0.0, self.sceptical_sd)


@dataclass(frozen=True, slots=True)
class ClassEffect:
    """What is assumed about the effects of a class of therapies on one endpoint, model scale.

    A trial's effect is N(class mean, between); class mean ~ N(0, sceptical_sd), between half-normal
    with scale ``between_trials_sd``.
    """

    kind: ClassVar[str] = "class_effect"
    endpoint: str
    month: float
    shape: str
    shape_options: Mapping[str, float]
    sceptical_sd: float
    between_trials_sd: float
    why: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that was reported in one or more evidence files."""

    names: tuple[str, ...]
    arms: tuple[StudyArm, ...]
    reported: tuple[Reported, ...]
    effects: Mapping[str, EffectAssumption]  # by endpoint; empty without a single-arm study
    digest: str  # sha256 of what the files say, whatever their comments and layout
    classes: Mapping[str, ClassEffect] = field(default_factory=dict)  # by endpoint
    individuals: tuple[IndividualData, ...] = ()
