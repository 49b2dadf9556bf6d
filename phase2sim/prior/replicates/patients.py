"""Simulated patients of one arm, drawn jointly over endpoints and visits."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy import special

from phase2sim.core.arrays import Floats, Ints
from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.core.entry_times import EntryTime
from phase2sim.core.history_priors import PRIORS
from phase2sim.evidence.ages import age_distribution
from phase2sim.evidence.care import share_of
from phase2sim.evidence.reported import (
    CARE_MONTHS,
    RANDOMISED,
    ClassEffect,
    EffectAssumption,
    Evidence,
    StudyArm,
    UnknownShare,
)
from phase2sim.prior.replicates.parameters import Parameters

ENROLMENT_TIMES = 128  # of an arm, for averages over them
_NODES, _HERMITE_WEIGHTS = np.polynomial.hermite_e.hermegauss(32)  # of a standard normal
_WEIGHTS = _HERMITE_WEIGHTS / _HERMITE_WEIGHTS.sum()


class Visit(NamedTuple):
    """One endpoint at one visit of an arm."""

    endpoint: str
    clock: str  # "entry" | "diagnosis"
    months: float


@dataclass(frozen=True, slots=True)
class StudyDeviation:
    """Deviation of one study from the average study, by endpoint."""

    level: Floats  # (endpoint,)
    slope: Floats  # (endpoint,) per month
    at_diagnosis: Floats  # (endpoint,) beyond the level; nothing of it is left after 3 months
    spread: Floats  # (endpoint,) SD over that of the average study
    share: Floats  # (endpoint,) permanent share of the variance
    class_effect: Floats  # (endpoint,) effect in its treated arm, if randomised
    event_ratio: Floats  # (outcome,) rate over that of the average study
    age: float = 0.0  # SDs of its arms' mean ages from what is expected, where not printed


def draw_study(truth: Parameters, rng: np.random.Generator, name: str = "") -> StudyDeviation:
    """Draw level, slope, effect and event rates of a new study.

    Its age is that of the fit's draw if the study of this ``name`` was fitted.
    """
    level, slope, first, effect, spread, share = rng.standard_normal((6, len(truth.endpoints)))
    events = rng.standard_normal(len(truth.event_outcomes))
    age = truth.study_age.get(name)
    return StudyDeviation(
        level=truth.level_sd * level,
        slope=truth.slope_sd * slope,
        at_diagnosis=truth.diagnosis_sd * first,
        spread=np.exp(truth.spread_sd * spread),
        share=special.expit(special.logit(truth.patient_share) + truth.share_sd * share),
        class_effect=truth.class_mean + truth.class_sd * effect,
        event_ratio=np.exp(truth.event_study_sd * events),
        age=rng.standard_normal() if age is None else age,
    )


def draw_care(evidence: Evidence, arm: StudyArm, rng: np.random.Generator) -> dict[str, float]:
    """Value of each covariate of care in an arm: as its source says, or drawn."""
    care = {}
    for name, covariate in evidence.care.items():
        match share_of(arm, covariate):
            case UnknownShare() as unknown:
                care[name] = float(rng.beta(*unknown.beta))
            case float(share):
                care[name] = share
    return care


@dataclass(frozen=True)
class ArmPopulation:
    """The population from which one arm of one study enrols."""

    evidence: Evidence
    arm: StudyArm
    visits: tuple[Visit, ...]
    truth: Parameters
    study: StudyDeviation
    care: Mapping[str, float] = field(default_factory=dict)  # by covariate

    @cached_property
    def endpoint(self) -> Ints:
        """Position (visit,) of each visit's endpoint."""
        return np.array([self.truth.endpoints.index(v.endpoint) for v in self.visits], dtype=int)

    @cached_property
    def months(self) -> Floats:
        """Months (visit,) on each visit's own clock."""
        return np.array([visit.months for visit in self.visits])

    @cached_property
    def from_diagnosis(self) -> Floats:
        """1 (visit,) where the clock starts at diagnosis, else 0."""
        return np.array([float(visit.clock == "diagnosis") for visit in self.visits])

    def moments(self, enrolled: Floats) -> tuple[Floats, Floats]:
        """Mean and SD (patient, visit), model scale, given months from diagnosis to enrolment."""
        entry = enrolled[:, None] * (1.0 - self.from_diagnosis)
        diagnosed = entry + self.months  # months since diagnosis
        since_entry = self.months - enrolled[:, None] * self.from_diagnosis
        mean, sd = np.empty_like(diagnosed), np.empty_like(diagnosed)
        for k in np.unique(self.endpoint):
            columns = self.endpoint == k
            since_diagnosis, since = diagnosed[:, columns], since_entry[:, columns]
            mean[:, columns] = np.interp(
                since_diagnosis, self.truth.knots_months, self.truth.history[k]
            )
            mean[:, columns] += self.study.level[k] + self.study.slope[k] * since
            mean[:, columns] += self._at_diagnosis(int(k), since_diagnosis)
            mean[:, columns] += self._of_age(int(k)) + self._of_treatment(int(k), since)
            mean[:, columns] += self._of_care(int(k), since_diagnosis)
            curve = np.interp(since_diagnosis, self.truth.knots_months, self.truth.sd[k])
            sd[:, columns] = self.study.spread[k] * curve
        return mean, sd

    def _at_diagnosis(self, k: int, since_diagnosis: Floats) -> Floats:
        """Deviation of the study in its first three months, which fades as the mean falls."""
        left = 1.0 - PRIORS[self.truth.endpoints[k]].first_month
        size = float(self.study.at_diagnosis[k])
        return np.asarray(size * np.interp(since_diagnosis, (0, 1, 3), (1, left, 0)))

    def _of_age(self, k: int) -> float:
        age = age_distribution(self.arm)
        years = age.mean + age.sd * self.study.age - self.evidence.reference_age
        return float(self.truth.age_slope[k] * years)

    def _of_care(self, k: int, since_diagnosis: Floats) -> Floats:
        """Shift of the mean by care, at months since diagnosis, in their shape."""
        share_there = np.clip(since_diagnosis / CARE_MONTHS, 0.0, 1.0)
        effects = self.truth.care_effect.items()
        return share_there * sum(self.care.get(name, 0.0) * float(of[k]) for name, of in effects)

    def _of_treatment(self, k: int, since: Floats) -> Floats:
        """Shift of the mean by treatment, at months since entry, in their shape."""
        if not self.arm.treated:
            return np.zeros_like(since)
        name = self.truth.endpoints[k]
        course: EffectAssumption | ClassEffect
        if self.arm.design == RANDOMISED:
            course, size, bias = self.evidence.classes[name], self.study.class_effect[k], 0.0
        else:
            course, size = self.evidence.effects[name], self.truth.effect[k]
            bias = self.truth.bias[k]
        shape = course.effect_shape()
        shape_at_month = shape.at(np.array([course.month]))[0]
        added: Floats = bias * (since > 0) + size * shape.at(since) / shape_at_month
        return added

    def correlation(self, enrolled: Floats) -> Floats:
        """Correlation (patient or 1, visit, visit) of the deviations of a patient."""
        alike = np.ptp(enrolled) == 0.0 or bool(self.from_diagnosis.all())
        entry = (enrolled[:1] if alike else enrolled)[:, None] * (1.0 - self.from_diagnosis)
        time = np.log2(entry + self.months + 0.5)  # doublings of the time since diagnosis
        lag = time[:, :, None] - time[:, None, :]
        rate = -np.log(self.truth.decay[self.endpoint])  # per doubling
        decay = np.exp(-np.abs(lag) * np.where(lag > 0.0, rate[:, None], rate))
        typical = sum(_parts(self.truth.patient_share[self.endpoint], rate))
        permanent, transient = _parts(self.study.share[self.endpoint], rate)
        between = self.truth.endpoint_correlation[np.ix_(self.endpoint, self.endpoint)]
        correlation: Floats = between / typical * (permanent + transient * decay)
        return correlation

    @cached_property
    def enrolment(self) -> Floats:
        """Months since diagnosis at entry, midpoints of equal shares of the patients."""
        return self.entry.times(ENROLMENT_TIMES)

    @cached_property
    def entry(self) -> EntryTime:
        """When the patients of the arm enter."""
        entry, learned = self.arm.months_since_diagnosis, self.evidence.learned_arms
        if not entry.learned or not self.truth.entry_tilt.size:
            return entry
        return entry.tilted(float(self.truth.entry_tilt[learned.index(self.arm)]))

    @cached_property
    def at_enrolment(self) -> tuple[Floats, Floats]:
        """Mean and SD (enrolment time, visit), model scale."""
        return self.moments(self.enrolment)

    def expected(self, visit: Visit, *, on_model_scale: bool) -> tuple[float, float]:
        """Mean and SD in the population at one visit, on the model scale or in the own unit."""
        column = self.visits.index(visit)
        mean, sd = (moment[:, column, None] for moment in self.at_enrolment)
        value = mean + sd * _NODES
        if not on_model_scale:
            value = ENDPOINTS[visit.endpoint].scale.from_model(value)
        weights = _WEIGHTS / len(mean)
        average = float(np.sum(value * weights))
        return average, float(np.sqrt(np.sum((value - average) ** 2 * weights)))

    def expected_correlation(self, first_visit: Visit, second_visit: Visit) -> float:
        """Correlation of two visits over all patients, model scale."""
        i, j = self.visits.index(first_visit), self.visits.index(second_visit)
        mean, sd = self.at_enrolment
        within = self.correlation(self.enrolment)[:, i, j]

        def covariance(a: int, b: int, rho: Floats | float) -> float:
            deviations = (mean[:, a] - mean[:, a].mean()) * (mean[:, b] - mean[:, b].mean())
            return float(np.mean(rho * sd[:, a] * sd[:, b] + deviations))

        variances = covariance(i, i, 1.0) * covariance(j, j, 1.0)
        return covariance(i, j, within) / float(np.sqrt(variances))

    def draw(self, patients: int, rng: np.random.Generator) -> Floats:
        """Values (patient, visit), model scale, of patients who enter as the arm's do."""
        enrolled = self.entry.quantiles(rng.uniform(size=patients))
        mean, sd = self.moments(enrolled)
        factor = _factor(self.correlation(enrolled))
        independent = rng.standard_normal((patients, len(self.visits)))
        return mean + sd * np.sum(factor * independent[:, None, :], axis=2)


def _parts(share: Floats, rate: Floats) -> tuple[Floats, Floats]:
    """Permanent and transient part (visit, visit) of the correlation without a lag.

    The transient parts are Ornstein-Uhlenbeck processes with the same driving noise.
    """
    transient = np.sqrt(np.outer(1.0 - share, 1.0 - share) * np.outer(rate, rate))
    return np.sqrt(np.outer(share, share)), 2.0 * transient / (rate[:, None] + rate)


def _factor(correlation: Floats) -> Floats:
    """Factors F (..., visit, visit) of the correlations F F'.

    Singular correlations have no Cholesky factor; then negative eigenvalues from rounding are set
    to 0.
    """
    try:
        return np.linalg.cholesky(correlation)
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(correlation)
        factor = vectors * np.sqrt(np.maximum(values, 0.0))[..., None, :]
        return factor / np.sqrt(np.sum(factor**2, axis=-1, keepdims=True))


def weight_factor(arm: StudyArm, rng: np.random.Generator) -> float:
    """Draw the true over the assumed weight of an arm's typical patient; 1 if none is assumed."""
    if arm.weight_kg is None:
        return 1.0
    weight = -1.0
    while weight <= 0.0:
        weight = rng.normal(arm.weight_kg.mean, arm.weight_kg.sd)
    return weight / arm.weight_kg.mean
