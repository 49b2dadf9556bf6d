"""Summary statistics that papers report, computed from simulated patients."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from phase2sim.core.arrays import Floats
from phase2sim.core.endpoints import DERIVED, ENDPOINTS, EVENTS, RESPONSES
from phase2sim.evidence.reported import REMISSION, ReportedNumber
from phase2sim.prior.replicates.averages import standardised_mean
from phase2sim.prior.replicates.events import SimulatedEvents, span_of
from phase2sim.prior.replicates.patients import ArmPopulation, Visit

_VISITS_OF_AN_AVERAGE = 49  # in equal steps


@dataclass(frozen=True, slots=True)
class Sample:
    """Simulated patients of one arm."""

    population: ArmPopulation
    value: Floats  # (patient, visit), model scale
    weight_factor: float  # true over assumed weight of a typical patient
    events: Mapping[str, SimulatedEvents]  # by outcome

    def model_values(self, visit: Visit, n: int) -> Floats:
        """Values (patient,) of the first ``n`` patients, model scale."""
        return self.value[:n, self.population.visits.index(visit)]

    def reported_values(self, entry: ReportedNumber, position: int) -> Floats:
        """Values (patient,) at one visit of an entry, on the entry's scale."""
        visit = summary_visits(entry)[position]
        latent = self.model_values(visit, entry.n or len(self.value))
        if entry.on_model_scale:
            return latent
        values = ENDPOINTS[entry.endpoint].scale.from_model(latent)
        return values * self.weight_factor if entry.by_weight else values

    def expected(self, entry: ReportedNumber, position: int) -> tuple[float, float]:
        """Mean and SD in the population at one visit of an entry, on the entry's scale."""
        visit = summary_visits(entry)[position]
        mean, sd = self.population.expected(visit, on_model_scale=entry.on_model_scale)
        factor = self.weight_factor if entry.by_weight else 1.0
        return mean * factor, sd * factor

    def expected_median(self, entry: ReportedNumber, position: int) -> float:
        """Population mean on the model scale at one visit of an entry, in the endpoint's unit."""
        visit = summary_visits(entry)[position]
        latent, _ = self.population.expected(visit, on_model_scale=True)
        return ENDPOINTS[entry.endpoint].from_model(latent)


type _Samples = Mapping[str, Sample]  # of one study, by arm
type _Summary = Callable[[ReportedNumber, _Samples, np.random.Generator], tuple[float, ...]]


def summary_visits(entry: ReportedNumber) -> tuple[Visit, ...]:
    """Visits that an entry reads, for each of its endpoints."""
    if entry.endpoint in EVENTS:
        return ()
    months = entry.months
    if entry.is_average:
        months = tuple(np.linspace(months[0], months[-1], _VISITS_OF_AN_AVERAGE).tolist())
    if entry.beyond == "below_baseline" and len(months) == 1:
        months = (0.0, *months)
    endpoints = [*entry.measured, *([entry.with_endpoint] if entry.with_endpoint else [])]
    return tuple(Visit(name, entry.clock, month) for month in months for name in endpoints)


def summarise(entry: ReportedNumber, arms: _Samples, rng: np.random.Generator) -> tuple[float, ...]:
    """Compute the numbers of one entry, in the order of ``named_values``."""
    value, *others = _summary(entry)(entry, arms, rng)
    if entry.reading_sd:
        value += entry.reading_sd * float(rng.standard_normal())
    return (value, *others)


def named_values(entry: ReportedNumber) -> tuple[tuple[str, float], ...]:
    """Name and reported value of each number of an entry."""
    if entry.bounds is not None:
        names = ("lower quartile", "upper quartile")
        if entry.statistic == "range":
            names = ("smallest", "largest")
        return tuple(zip(names, entry.bounds, strict=True))
    of_arms = "ratio" if entry.statistic == "ratio" else "difference"
    name = of_arms if entry.versus else NUMBER_NAMES.get(entry.statistic, entry.statistic)
    value = entry.elicited.mean if entry.elicited else entry.value
    spread = () if entry.sd is None else (("SD", entry.sd),)
    return ((name, value), *spread)


def renumbered(entry: ReportedNumber, values: tuple[float, ...]) -> ReportedNumber:
    """Return the entry with other numbers, in the order of ``named_values``."""
    text = " and ".join(f"{value:.12g}" for value in values)
    changed = replace(entry, as_reported=f"{text} (simulated)")
    if entry.bounds is not None:
        return replace(changed, bounds=(values[0], values[1]))
    if entry.elicited is not None:
        return replace(changed, elicited=replace(entry.elicited, mean=values[0]))
    value = values[0]
    if entry.statistic in COUNT_STATISTICS:
        value = float(round(value))
    return replace(changed, value=value, sd=values[1] if entry.sd is not None else None)


def _mean(entry: ReportedNumber, arms: _Samples, rng: np.random.Generator) -> tuple[float, ...]:
    """Mean and, if reported, SD; a reported standard error rescales the error of the mean."""
    arm = arms[entry.arm]
    if entry.is_average:
        visits = range(_VISITS_OF_AN_AVERAGE)
        centre = float(np.mean([arm.expected(entry, visit)[0] for visit in visits]))
        return (centre + (entry.se or 0.0) * _average_error(entry, arm, rng),)
    values = arm.reported_values(entry, 0)
    mean = float(values.mean())
    if entry.se is not None:
        centre, sd = arm.expected(entry, 0)
        standard = (mean - centre) / sd * np.sqrt(entry.n) if entry.n else rng.standard_normal()
        mean = centre + entry.se * float(standard)
    return (mean,) if entry.sd is None else (mean, _sample_sd(values))


def _average_error(entry: ReportedNumber, arm: Sample, rng: np.random.Generator) -> float:
    """Error of the mean of patients' averages, in standard errors; independent if n is unknown."""
    if not entry.n:
        return float(rng.standard_normal())
    visits = summary_visits(entry)
    values = np.column_stack([arm.model_values(visit, entry.n) for visit in visits])
    return standardised_mean(arm.population, visits, values)


def _median(entry: ReportedNumber, arms: _Samples, rng: np.random.Generator) -> tuple[float, ...]:
    del rng
    return (float(np.median(arms[entry.arm].reported_values(entry, 0))),)


def _sd(entry: ReportedNumber, arms: _Samples, rng: np.random.Generator) -> tuple[float, ...]:
    del rng
    return (_sample_sd(arms[entry.arm].reported_values(entry, 0)),)


def _count(entry: ReportedNumber, arms: _Samples, rng: np.random.Generator) -> tuple[float, ...]:
    """Patients beyond a threshold, or below their own baseline."""
    del rng
    values = arms[entry.arm].reported_values(entry, 0)
    if entry.beyond == "below_baseline":
        return (float(np.sum(arms[entry.arm].reported_values(entry, 1) < values)),)
    if ENDPOINTS[entry.endpoint].scale.name == "root" and entry.threshold == 0.0:
        values = arms[entry.arm].model_values(
            summary_visits(entry)[0], entry.n
        )  # no insulin: at or below 0
        is_below = values <= 0.0
        return (float(np.sum(is_below if entry.beyond == "below" else ~is_below)),)
    threshold = np.float64(np.nan if entry.threshold is None else entry.threshold)
    is_beyond = values < threshold if entry.beyond == "below" else values > threshold
    return (float(np.sum(is_beyond)),)


def _remission(
    entry: ReportedNumber, arms: _Samples, rng: np.random.Generator
) -> tuple[float, ...]:
    """Patients in partial remission."""
    del rng
    rule = RESPONSES[REMISSION]
    visits = summary_visits(entry)
    latent = (arms[entry.arm].model_values(visit, entry.n) for visit in visits)
    values = [
        ENDPOINTS[visit.endpoint].scale.from_model(each)
        for visit, each in zip(visits, latent, strict=True)
    ]
    return (float(np.sum(DERIVED[rule.endpoint].derive(*values) <= rule.rule["at_most"])),)


def _quartiles(
    entry: ReportedNumber, arms: _Samples, rng: np.random.Generator
) -> tuple[float, ...]:
    del rng
    values, method = arms[entry.arm].reported_values(entry, 0), entry.quantile_method
    lower, upper = np.quantile(values, [0.25, 0.75], method=method)  # type: ignore[call-overload]
    return float(lower), float(upper)


def _range(entry: ReportedNumber, arms: _Samples, rng: np.random.Generator) -> tuple[float, ...]:
    del rng
    values = arms[entry.arm].reported_values(entry, 0)
    return float(values.min()), float(values.max())


def _difference(
    entry: ReportedNumber, arms: _Samples, rng: np.random.Generator
) -> tuple[float, ...]:
    """Change, slope or difference between arms, with its sampling error.

    A reported standard error is the whole error. Without one the error comes from the simulated
    patients, plus the elicited SD if there is one.
    """
    samples = [arms[entry.arm]] if not entry.versus else [arms[entry.arm], arms[entry.versus]]
    months = entry.months[-1] - entry.months[0] if entry.statistic == "slope" else 1.0
    last_position = len(entry.months) - 1
    by_patient = entry.se is None and (entry.n > 0 or entry.elicited is None)
    if by_patient:
        by_patient_values = [_patient_values(entry, arm, last_position) for arm in samples]
        means = [float(values.mean()) for values in by_patient_values]
    else:
        by_patient_values = []
        means = [
            arm.expected(entry, last_position)[0]
            - (arm.expected(entry, 0)[0] if last_position else 0.0)
            for arm in samples
        ]
    value = (means[0] - means[1] if entry.versus else means[0]) / months
    error = entry.elicited.sd if entry.elicited else entry.se or 0.0
    value += error * rng.standard_normal()
    return (value,) if entry.sd is None else (value, _pooled_sd(by_patient_values) / months)


def _patient_values(entry: ReportedNumber, arm: Sample, last_position: int) -> Floats:
    """Value or change (patient,) in an arm; of all its patients in a difference between arms."""
    whole_entry = replace(entry, n=0) if entry.versus else entry
    values = arm.reported_values(whole_entry, last_position)
    return values - arm.reported_values(whole_entry, 0) if last_position else values


def _percent_change(
    entry: ReportedNumber, arms: _Samples, rng: np.random.Generator
) -> tuple[float, ...]:
    """Percent change of the median; a reported standard error is normal on the log ratio."""
    arm = arms[entry.arm]
    if entry.se is None:
        before, after = (float(np.median(arm.reported_values(entry, i))) for i in (0, 1))
        return (100.0 * (after / before - 1.0),)
    log_ratio = np.log(arm.expected_median(entry, 1) / arm.expected_median(entry, 0))
    log_ratio += entry.se / (100.0 + entry.value) * rng.standard_normal()
    return (100.0 * float(np.expm1(log_ratio)),)


def _ratio(entry: ReportedNumber, arms: _Samples, rng: np.random.Generator) -> tuple[float, ...]:
    """Ratio of the medians of two arms; its standard error is normal on the log ratio."""
    arm, versus = (arms[name].expected_median(entry, 0) for name in (entry.arm, entry.versus))
    return (arm / versus * float(np.exp((entry.se or 0.0) * rng.standard_normal())),)


def _correlation(
    entry: ReportedNumber, arms: _Samples, rng: np.random.Generator
) -> tuple[float, ...]:
    """Correlation between two visits, or between two endpoints at one visit."""
    arm = arms[entry.arm]
    first_visit, second_visit = summary_visits(entry)
    if entry.elicited is None:
        return (
            float(
                np.corrcoef(
                    arm.model_values(first_visit, entry.n), arm.model_values(second_visit, entry.n)
                )[0, 1]
            ),
        )
    truth = arm.population.truth
    if entry.with_endpoint:  # of the deviations, at any time of enrolment
        positions = (
            truth.endpoints.index(first_visit.endpoint),
            truth.endpoints.index(second_visit.endpoint),
        )
        rho = float(truth.endpoint_correlation[positions])
    else:
        rho = arm.population.expected_correlation(first_visit, second_visit)
    return (rho + entry.elicited.sd * rng.standard_normal(),)


def _residual_sd(
    entry: ReportedNumber, arms: _Samples, rng: np.random.Generator
) -> tuple[float, ...]:
    """Residual SD of a regression on the first visit and the arm; the sample is split into two."""
    del rng
    before, after = (arms[entry.arm].reported_values(entry, i) for i in (0, 1))
    arm = (np.arange(entry.n) % 2).astype(np.float64)
    design = np.column_stack([np.ones(entry.n), arm, before])
    coefficients = np.linalg.lstsq(design, after)[0]
    squares = float(np.sum((after - design @ coefficients) ** 2))
    return (float(np.sqrt(squares / (entry.n - design.shape[1]))),)


def _event_count(
    entry: ReportedNumber, arms: _Samples, rng: np.random.Generator
) -> tuple[float, ...]:
    """Events, patients with an event, or events per patient-month.

    The standard error of a reported rate is the whole error of the log rate.
    """
    start, end = span_of(entry)
    arm_events = arms[entry.arm].events[entry.endpoint]
    if entry.statistic == "rate" and entry.se is not None:
        return (arm_events.rate * float(np.exp(entry.se / entry.value * rng.standard_normal())),)
    events = arm_events.within((start, end))[: entry.n or None]
    if entry.statistic == "count":
        return (float(np.sum(events > 0)),)
    total = float(events.sum())
    return (total if entry.statistic == "events" else total / (len(events) * (end - start)),)


def _sample_sd(values: Floats) -> float:
    return float(values.std(ddof=1))


def _pooled_sd(groups: list[Floats]) -> float:
    squares = sum(float(np.sum((values - values.mean()) ** 2)) for values in groups)
    return float(np.sqrt(squares / sum(len(values) - 1 for values in groups)))


def _summary(entry: ReportedNumber) -> _Summary:
    if entry.endpoint in EVENTS:
        return _event_count
    if entry.endpoint == REMISSION:
        return _remission
    if entry.statistic == "ratio":
        return _ratio
    return _difference if entry.versus else SUMMARIES[entry.statistic]


NUMBER_NAMES: Mapping[str, str] = {
    "geometric_mean": "mean",
    "sd": "SD",
    "residual_sd": "SD given the first visit",
    "percent_change": "percent change",
}
COUNT_STATISTICS = frozenset({"count", "events"})
SUMMARIES: Mapping[str, _Summary] = {
    "mean": _mean,
    "geometric_mean": _mean,
    "median": _median,
    "sd": _sd,
    "count": _count,
    "quartiles": _quartiles,
    "range": _range,
    "change": _difference,
    "slope": _difference,
    "percent_change": _percent_change,
    "correlation": _correlation,
    "residual_sd": _residual_sd,
}
