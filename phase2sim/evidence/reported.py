"""What was reported, what is assumed beside it, and what a fit makes of both.

Axis names as in ``contracts``; ``draw`` is a posterior draw.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from phase2sim.core.contracts import Floats
from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.core.io.data_frames import frame_of
from phase2sim.core.io.views import View, Viewed

if TYPE_CHECKING:
    from pandas import DataFrame
    from xarray import Dataset

CONTROL_ARM, SINGLE_ARM, RANDOMISED = "control-arm", "single-arm", "randomised"
_BY_ENDPOINT = ("effect", "level_sd", "slope_sd", "patient_share", "decay")
_LIMITS = (0.025, 0.975)
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


@dataclass(frozen=True, slots=True, repr=False)
class PriorDraws(Viewed):
    """Joint posterior draws given the evidence: the prior for the next trial.

    Model scale, leading axis ``draw``. The level and slope of a new trial's control arm vary around
    ``history`` by ``level_sd`` and ``slope_sd`` (per month since randomisation).

    >>> import phase2sim
    >>> prior = phase2sim.fit("gxipc1", "t1d-natural-history")
    >>> prior.frame().endpoint.tolist()
    ['hba1c', 'c_peptide', 'insulin', 'glucose']
    >>> prior.dataset().history.dims
    ('draw', 'endpoint', 'months_since_diagnosis')
    """

    endpoints: tuple[str, ...]
    knots_months: Floats  # (knot,), months since diagnosis
    history: Floats  # (draw, endpoint, knot) mean of untreated patients of the reference age
    sd: Floats  # (draw, endpoint, knot) between patients at one time since diagnosis
    level_sd: Floats  # (draw, endpoint) between studies
    slope_sd: Floats  # (draw, endpoint) between studies, per month
    patient_share: Floats  # (draw, endpoint) of the variance that a patient keeps for ever
    decay: Floats  # (draw, endpoint) correlation of the rest a month apart
    endpoint_correlation: Floats  # (draw, endpoint, endpoint)
    effect: Floats  # (draw, endpoint); nan where the evidence has no treated arm
    effects: Mapping[str, EffectAssumption]
    provenance: Mapping[str, object]  # digest, names, versions, seed, diagnostics, elicited inputs
    bias: Floats = field(default_factory=lambda: np.zeros((0, 0)))  # (draw, endpoint), nan if none
    class_mean: Floats = field(default_factory=lambda: np.zeros((0, 0)))  # (draw, endpoint), same
    class_sd: Floats = field(default_factory=lambda: np.zeros((0, 0)))  # (draw, endpoint), same
    age_slope: Floats = field(default_factory=lambda: np.zeros((0, 0)))  # (draw, endpoint) a year
    event_outcomes: tuple[str, ...] = ()
    event_rate: Floats = field(default_factory=lambda: np.zeros((0, 0, 2)))
    # (draw, outcome, 2): of untreated and of treated patients, a month
    event_dispersion: Floats = field(default_factory=lambda: np.zeros((0, 0)))  # (draw, outcome)
    sampled: Mapping[str, Floats] = field(default_factory=dict)  # (draw, ...) all that was sampled

    def frame(self) -> "DataFrame":
        """The fitted effects as a pandas data frame, one line an endpoint, model scale."""
        return frame_of(list(self._effects()))

    def dataset(self) -> "Dataset":
        """Every draw of what patients are simulated from, as an xarray dataset, model scale."""
        import xarray as xr  # noqa: PLC0415 - half a second, and only who asks for it needs it

        by_endpoint, knot = ("draw", "endpoint"), "months_since_diagnosis"
        dimensions: dict[str, tuple[str, ...]] = dict.fromkeys(_BY_ENDPOINT, by_endpoint)
        dimensions |= dict.fromkeys(("history", "sd"), (*by_endpoint, knot))
        dimensions["endpoint_correlation"] = (*by_endpoint, "with_endpoint")
        return xr.Dataset(
            {name: (over, getattr(self, name)) for name, over in dimensions.items()},
            coords={
                "endpoint": list(self.endpoints),
                "with_endpoint": list(self.endpoints),
                knot: self.knots_months,
            },
        )

    def view(self) -> View:
        """The fitted effects, each with its 95 % interval."""
        rows = tuple(
            (
                row["endpoint"],
                f"{row['month']:g}",
                f"{row['mean']:+.3f}",
                f"{row['low']:+.3f} to {row['high']:+.3f}",
                f"{row['benefit']:.2f}",
            )
            for row in self._effects()
        )
        elicited = self.provenance.get("elicited")
        names = self.provenance.get("evidence")
        notes = ["Model scale. Of the benefit, the share of the draws that are in its direction."]
        if isinstance(elicited, list) and elicited:
            notes.append(f"{len(elicited)} inputs are elicited: our judgement, not published.")
        return View(
            f"Prior given {', '.join(names) if isinstance(names, list) else 'evidence'}:"
            f" {len(self.history):,} draws",
            ("endpoint", "month", "effect", "95 %", "benefit"),
            rows,
            tuple(notes),
            words=1,
        )

    def _effects(self) -> Iterator[dict[str, Any]]:
        """Mean, SD, 95 % limits and chance of benefit of each effect that was fitted."""
        for place, name in enumerate(self.endpoints):
            if name not in self.effects:
                continue
            draws = self.effect[:, place]
            low, high = np.quantile(draws, _LIMITS)
            yield {
                "endpoint": name,
                "month": self.effects[name].month,
                "unit": ENDPOINTS[name].model_unit,
                "mean": float(draws.mean()),
                "sd": float(draws.std(ddof=1)),
                "low": float(low),
                "high": float(high),
                "benefit": float((draws * ENDPOINTS[name].benefit_sign > 0.0).mean()),
            }
