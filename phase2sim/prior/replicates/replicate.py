"""Replicated reports: the reported numbers computed from simulated patients."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from phase2sim.core.arrays import Floats
from phase2sim.core.endpoints import EVENTS
from phase2sim.evidence.reported import Evidence, ReportedNumber, StudyArm
from phase2sim.prior.replicates.events import SimulatedEvents, draw_events, span_of
from phase2sim.prior.replicates.parameters import Parameters
from phase2sim.prior.replicates.patients import (
    ArmPopulation,
    StudyDeviation,
    draw_care,
    draw_study,
    weight_factor,
)
from phase2sim.prior.replicates.summaries import (
    Sample,
    named_values,
    renumbered,
    summarise,
    summary_visits,
)

PATIENTS_IF_UNKNOWN = 100  # in an arm of unknown size


@dataclass(frozen=True, slots=True)
class Quantity:
    """One number of a report."""

    entry: ReportedNumber
    what: str  # "median", "SD", "lower quartile", "count", ...
    value: float  # in the endpoint's unit, or on the model scale if the entry is


def quantities(evidence: Evidence) -> tuple[Quantity, ...]:
    """Every number that a likelihood reads, in the order of the entries."""
    return tuple(
        Quantity(entry, what, value)
        for entry in _used_entries(evidence)
        for what, value in named_values(entry)
    )


def replicate(evidence: Evidence, truth: Parameters, rng: np.random.Generator) -> Floats:
    """Compute the reported numbers (quantity,) in new studies under one set of true parameters.

    The patients of an arm are drawn once, jointly over endpoints and visits; a number with a
    smaller n uses the first n patients. Arms of a study share its level and slope.
    """
    studies: dict[str, dict[str, Sample]] = {}
    truths: dict[str, StudyDeviation] = {}
    for arm, entries in _entries_by_arm(evidence).items():
        if arm.study not in truths:
            truths[arm.study] = draw_study(truth, rng, arm.study)
        visits = tuple(sorted({visit for entry in entries for visit in summary_visits(entry)}))
        care = draw_care(evidence, arm, rng)
        population = ArmPopulation(evidence, arm, visits, truth, truths[arm.study], care)
        studies.setdefault(arm.study, {})[arm.arm] = _sample(population, entries, rng)
    values: list[float] = []
    for entry in _used_entries(evidence):
        values += summarise(entry, studies[entry.study], rng)
    return np.array(values)


def with_values(evidence: Evidence, values: Floats) -> Evidence:
    """Return the evidence with ``values`` (quantity,) in place of its reported numbers.

    Counts are rounded. Standard errors, elicited SDs and unused entries do not change.
    """
    remaining = iter(float(value) for value in values)
    entries = tuple(
        entry
        if _is_unread(entry)
        else renumbered(entry, tuple(next(remaining) for _ in named_values(entry)))
        for entry in evidence.reported
    )
    text = f"{evidence.digest} {' '.join(float(value).hex() for value in values)}"
    return replace(evidence, reported=entries, digest=hashlib.sha256(text.encode()).hexdigest())


def _is_unread(entry: ReportedNumber) -> bool:
    return bool(entry.unused) or entry.statistic == "statement"


def _used_entries(evidence: Evidence) -> tuple[ReportedNumber, ...]:
    return tuple(entry for entry in evidence.reported if not _is_unread(entry))


def _entries_by_arm(evidence: Evidence) -> Mapping[StudyArm, list[ReportedNumber]]:
    """Entries that read each arm, in the order of the evidence."""
    entries_used = _used_entries(evidence)
    by_arm = {
        arm: [e for e in entries_used if e.study == arm.study and arm.arm in (e.arm, e.versus)]
        for arm in evidence.arms
    }
    return {arm: entries for arm, entries in by_arm.items() if entries}


def _sample(
    population: ArmPopulation, entries: Iterable[ReportedNumber], rng: np.random.Generator
) -> Sample:
    arm = population.arm
    sizes = [entry.n for entry in entries if entry.n and not entry.versus]
    patients = max([arm.patients, *sizes]) or PATIENTS_IF_UNKNOWN
    return Sample(
        population=population,
        value=population.draw(patients, rng),
        weight_factor=weight_factor(arm, rng),
        events=_events(population, entries, patients, rng),
    )


def _events(
    population: ArmPopulation,
    entries: Iterable[ReportedNumber],
    patients: int,
    rng: np.random.Generator,
) -> dict[str, SimulatedEvents]:
    truth = population.truth
    spans: dict[str, list[tuple[float, float]]] = {}
    for entry in entries:
        if entry.endpoint in EVENTS:
            spans.setdefault(entry.endpoint, []).append(span_of(entry))
    simulated = {}
    for outcome, outcome_spans in spans.items():
        row = truth.event_outcomes.index(outcome)
        rate = float(truth.event_rate[row, int(population.arm.treated)])
        rate *= float(population.study.event_ratio[row])
        dispersion = float(truth.event_dispersion[row])
        simulated[outcome] = draw_events(outcome_spans, rate, dispersion, patients, rng)
    return simulated
