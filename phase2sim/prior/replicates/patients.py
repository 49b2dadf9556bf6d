"""Patients of one reported arm, drawn once over all its endpoints and visits."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from phase2sim.core.arrays import Floats, Ints
from phase2sim.core.effect_shapes import SHAPES
from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.evidence.reported import (
    RANDOMISED,
    REFERENCE_AGE,
    ClassEffect,
    EffectAssumption,
    Evidence,
    StudyArm,
)
from phase2sim.prior.replicates.parameters import Parameters

ENROLMENT_TIMES = 128  # at which an average over an enrolment window is taken
_NODES, _HERMITE_WEIGHTS = np.polynomial.hermite_e.hermegauss(32)  # of a standard normal
_WEIGHTS = _HERMITE_WEIGHTS / _HERMITE_WEIGHTS.sum()


class Visit(NamedTuple):
    """One endpoint at one visit of an arm."""

    endpoint: str
    clock: str  # "entry" | "diagnosis"
    months: float


@dataclass(frozen=True, slots=True)
class StudyDeviation:
    """How one study differs from the average study, by endpoint."""

    level: Floats  # (endpoint,)
    slope: Floats  # (endpoint,) a month
    class_effect: Floats  # (endpoint,) of its treated arm, if it is randomised
    event_ratio: Floats  # (outcome,) of its rates to the average study's


def draw_study(truth: Parameters, rng: np.random.Generator) -> StudyDeviation:
    """Level, slope, effect and rates of a new study."""
    level, slope, effect = rng.standard_normal((3, len(truth.endpoints)))
    events = rng.standard_normal(len(truth.event_outcomes))
    return StudyDeviation(
        level=truth.level_sd * level,
        slope=truth.slope_sd * slope,
        class_effect=truth.class_mean + truth.class_sd * effect,
        event_ratio=np.exp(truth.event_study_sd * events),
    )


def to_endpoint_unit(latent: Floats, transformation: str) -> Floats:
    """Values in the endpoint's own unit from those on its model scale, any shape."""
    if transformation == "log1p":
        return np.expm1(latent)
    if transformation == "log":
        return np.exp(latent)
    if transformation == "root":
        return np.maximum(latent, 0.0) ** 2
    return latent


@dataclass(frozen=True)
class ArmPopulation:
    """All patients that one arm of one study could have enrolled."""

    evidence: Evidence
    arm: StudyArm
    visits: tuple[Visit, ...]
    truth: Parameters
    study: StudyDeviation

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
        """Mean and SD (patient, visit), model scale, of patients enrolled at these months."""
        entry = enrolled[:, None] * (1.0 - self.from_diagnosis)
        diagnosed = entry + self.months  # months since diagnosis
        since_entry = self.months - enrolled[:, None] * self.from_diagnosis
        mean, sd = np.empty_like(diagnosed), np.empty_like(diagnosed)
        for k in np.unique(self.endpoint):
            own = self.endpoint == k
            at, since = diagnosed[:, own], since_entry[:, own]
            mean[:, own] = np.interp(at, self.truth.knots_months, self.truth.history[k])
            mean[:, own] += self.study.level[k] + self.study.slope[k] * since
            mean[:, own] += self._of_age(int(k)) + self._of_treatment(int(k), since)
            sd[:, own] = np.interp(at, self.truth.knots_months, self.truth.sd[k])
        return mean, sd

    def _of_age(self, k: int) -> float:
        age = self.arm.age_years
        return 0.0 if age is None else float(self.truth.age_slope[k] * (age - REFERENCE_AGE))

    def _of_treatment(self, k: int, since: Floats) -> Floats:
        """What treatment adds at months since entry, in their shape."""
        if not self.arm.treated:
            return np.zeros_like(since)
        name = self.truth.endpoints[k]
        course: EffectAssumption | ClassEffect
        if self.arm.design == RANDOMISED:
            course, size, bias = self.evidence.classes[name], self.study.class_effect[k], 0.0
        else:
            course, size = self.evidence.effects[name], self.truth.effect[k]
            bias = self.truth.bias[k]
        shape = SHAPES[course.shape](**course.shape_options)
        whole = shape.at(np.array([course.month]))[0]
        added: Floats = bias * (since > 0) + size * shape.at(since) / whole
        return added

    def correlation(self, enrolled: Floats) -> Floats:
        """Correlation (patient or 1, visit, visit) of a patient's deviations."""
        mixed = 0.0 < self.from_diagnosis.sum() < self.from_diagnosis.size
        entry = (enrolled if mixed else np.zeros(1))[:, None] * (1.0 - self.from_diagnosis)
        at = entry + self.months
        lag = at[:, :, None] - at[:, None, :]
        share = self.truth.patient_share[self.endpoint]
        rate = -np.log(self.truth.decay[self.endpoint])  # a month
        stays = np.sqrt(np.outer(share, share))
        # Ornstein-Uhlenbeck processes driven by the same noise.
        fades = np.sqrt(np.outer(1.0 - share, 1.0 - share) * np.outer(rate, rate))
        fades = 2.0 * fades / (rate[:, None] + rate)
        kept = np.exp(-np.abs(lag) * np.where(lag > 0.0, rate[:, None], rate))
        between = self.truth.endpoint_correlation[np.ix_(self.endpoint, self.endpoint)]
        correlation: Floats = between / (stays + fades) * (stays + fades * kept)
        return correlation

    @cached_property
    def enrolment(self) -> Floats:
        """Months since diagnosis at entry, evenly over the window."""
        low, high = self.arm.months_since_diagnosis
        times = ENROLMENT_TIMES if high > low else 1
        return low + (high - low) * (np.arange(times) + 0.5) / times

    @cached_property
    def at_enrolment(self) -> tuple[Floats, Floats]:
        """Mean and SD (enrolment time, visit), model scale."""
        return self.moments(self.enrolment)

    def expected(self, visit: Visit, *, on_model_scale: bool) -> tuple[float, float]:
        """Mean and SD of all patients at one visit, on the model scale or in the own unit."""
        column = self.visits.index(visit)
        mean, sd = (of[:, column, None] for of in self.at_enrolment)
        value = mean + sd * _NODES
        if not on_model_scale:
            value = to_endpoint_unit(value, ENDPOINTS[visit.endpoint].transformation)
        weights = _WEIGHTS / len(mean)
        average = float(np.sum(value * weights))
        return average, float(np.sqrt(np.sum((value - average) ** 2 * weights)))

    def expected_correlation(self, one: Visit, other: Visit) -> float:
        """Correlation of two visits between all patients, model scale."""
        i, j = self.visits.index(one), self.visits.index(other)
        mean, sd = self.at_enrolment
        within = self.correlation(self.enrolment)[:, i, j]

        def covariance(a: int, b: int, rho: Floats | float) -> float:
            deviations = (mean[:, a] - mean[:, a].mean()) * (mean[:, b] - mean[:, b].mean())
            return float(np.mean(rho * sd[:, a] * sd[:, b] + deviations))

        variances = covariance(i, i, 1.0) * covariance(j, j, 1.0)
        return covariance(i, j, within) / float(np.sqrt(variances))

    def draw(self, patients: int, rng: np.random.Generator) -> Floats:
        """Values (patient, visit), model scale, of patients enrolled evenly over the window."""
        enrolled = rng.uniform(*self.arm.months_since_diagnosis, size=patients)
        mean, sd = self.moments(enrolled)
        factor = _factor(self.correlation(enrolled))
        independent = rng.standard_normal((patients, len(self.visits)))
        return mean + sd * np.sum(factor * independent[:, None, :], axis=2)


def _factor(correlation: Floats) -> Floats:
    """Matrices whose products with their transposes are the correlations, (..., visit, visit).

    Visits that determine one another have no Cholesky factor; then eigenvalues that rounding puts
    below 0 are set to 0.
    """
    try:
        return np.linalg.cholesky(correlation)
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(correlation)
        factor = vectors * np.sqrt(np.maximum(values, 0.0))[..., None, :]
        return factor / np.sqrt(np.sum(factor**2, axis=-1, keepdims=True))


def weight_factor(arm: StudyArm, rng: np.random.Generator) -> float:
    """True over assumed weight of an arm's typical patient; 1 if none is assumed."""
    if arm.weight_kg is None:
        return 1.0
    weight = -1.0
    while weight <= 0.0:
        weight = rng.normal(arm.weight_kg.mean, arm.weight_kg.sd)
    return weight / arm.weight_kg.mean
