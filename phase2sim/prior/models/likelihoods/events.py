"""Likelihoods of counted outcomes: patients with an event, total events, and event rates.

The events of a patient over a span are negative binomial, with mean ``rate * months`` and variance
``mean + dispersion * mean^2``.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pymc as pm
from scipy.special import gammaln

from phase2sim.core.arrays import Floats, Ints
from phase2sim.core.endpoints import EVENTS
from phase2sim.core.kernels import kernel
from phase2sim.evidence.reported import Evidence, ReportedNumber
from phase2sim.prior.models.densities.pytensor_names import Tensor, pt
from phase2sim.prior.models.densities.row_density import RowDensity
from phase2sim.prior.models.densities.summary_densities import normal
from phase2sim.prior.models.unknowns.evidence_arrays import find_study_arm, read_entries
from phase2sim.prior.models.unknowns.settings import EVENT_PRIORS, EventPriors

TERMS = 256  # padding, so that other totals fit the compiled arrays


@dataclass(frozen=True, slots=True)
class EventCounts:
    """Counts of one outcome in one arm over one span."""

    entries: tuple[tuple[int, ...], ...]  # (row,) indices in ``read_entries``
    outcome: Ints  # (row,)
    treated: Floats  # (row,) 1 in a treated arm
    study: Ints  # (row,) index of study and outcome
    months: Floats  # (row,) of follow-up per patient
    n: Floats  # (row,) patients
    patients: Floats  # (row,) patients with an event; 0 if not reported
    total: Floats  # (row,) events; 0 if not reported
    kind: Ints  # (row,) PATIENTS, TOTAL or BOTH
    log_choose: Floats  # (row,) log of n choose patients
    terms: Floats  # (row, power) log coefficients of powers of 1 / dispersion; -inf for none
    constant: Floats  # (row,) log of total factorial


@dataclass(frozen=True, slots=True)
class Rates:
    """Events per patient-month, with a standard error."""

    entry: Ints  # (rate,)
    outcome: Ints
    treated: Floats
    study: Ints
    log_rate: Floats
    se: Floats  # of the log


@dataclass(frozen=True, slots=True)
class EventTables:
    """Counts and rates of all outcomes; ``outcomes`` is empty if there are none."""

    outcomes: tuple[str, ...]
    studies: int
    counts: EventCounts
    rates: Rates


PATIENTS, TOTAL, BOTH = range(3)


def read_events(evidence: Evidence) -> EventTables:
    """Collect events; patients and total of the same arm, outcome and span form one row."""
    indexed_entries = [(i, e) for i, e in enumerate(read_entries(evidence)) if e.endpoint in EVENTS]
    outcomes = tuple(name for name in EVENTS if any(e.endpoint == name for _, e in indexed_entries))
    studies = sorted({(e.study, e.endpoint) for _, e in indexed_entries})
    groups: dict[tuple[object, ...], list[tuple[int, ReportedNumber]]] = {}
    for position, e in indexed_entries:
        if e.statistic != "rate":
            groups.setdefault((e.study, e.arm, e.endpoint, e.months, e.n), []).append((position, e))
    rates = [(i, e) for i, e in indexed_entries if e.statistic == "rate"]
    group_entries = [group[0][1] for group in groups.values()]

    def row_indices(entries: list[ReportedNumber]) -> tuple[Ints, Floats, Ints]:
        arms = [find_study_arm(evidence, e.study, e.arm, e.where) for e in entries]
        return (
            np.array([outcomes.index(e.endpoint) for e in entries], dtype=np.int64),
            np.array([float(arm.treated) for arm in arms]),
            np.array([studies.index((e.study, e.endpoint)) for e in entries], dtype=np.int64),
        )

    rate_indices = row_indices([e for _, e in rates])
    return EventTables(
        outcomes=outcomes,
        studies=len(studies),
        counts=_event_counts(list(groups.values()), row_indices(group_entries)),
        rates=Rates(
            np.array([i for i, _ in rates], dtype=np.int64),
            *rate_indices,
            np.log([e.value for _, e in rates]),
            np.array([(e.se or np.nan) / e.value for _, e in rates]),
        ),
    )


def event_densities(
    tables: EventTables, prior: EventPriors = EVENT_PRIORS
) -> tuple[Tensor, Tensor]:
    """Declare event parameters in the current PyMC model; return log densities (row,), (rate,)."""
    outcomes = len(tables.outcomes)
    centre, spread = prior.log_rate
    base = centre + spread * pm.Normal("event_base_raw", shape=outcomes)
    ratio = prior.log_ratio_sd * pm.Normal("event_ratio_raw", shape=outcomes)
    between = pm.HalfNormal("event_study_sd", sigma=prior.log_study_scale)
    study = between * pm.Normal("event_study_raw", shape=tables.studies)
    dispersion = pm.HalfNormal("event_dispersion", sigma=np.full(outcomes, prior.dispersion_scale))
    pm.Deterministic("event_rate", pt.exp(pt.stack([base, base + ratio], axis=1)))

    def log_rate(table: EventCounts | Rates) -> Tensor:
        return base[table.outcome] + table.treated * ratio[table.outcome] + study[table.study]

    counts, rates = tables.counts, tables.rates
    row_dispersion = dispersion[counts.outcome]
    mean = pt.exp(log_rate(counts)) * counts.months
    return (
        _count_density(counts, mean, row_dispersion),
        normal(rates.log_rate, log_rate(rates), rates.se) if rates.entry.size else pt.zeros(0),
    )


def _count_density(table: EventCounts, mean: Tensor, dispersion: Tensor) -> Tensor:
    """Log probability (row,) of the patients with an event, of the total, or of both.

    With r = 1 / dispersion and q = dispersion mean / (1 + dispersion mean), the events of a patient
    have the generating function ((1 - q) / (1 - q z))^r. The joint probability needs the
    coefficient of z^total in ((1 - z)^-r - 1)^patients, a polynomial in r with positive
    coefficients.
    """
    r = 1.0 / dispersion
    log_none = -r * pt.log1p(dispersion * mean)  # of one patient
    log_q = pt.log(dispersion * mean) - pt.log1p(dispersion * mean)
    log_any = pt.log(-pt.expm1(log_none))
    patients = table.log_choose + table.patients * log_any + (table.n - table.patients) * log_none
    all_r = table.n * r
    total = pt.gammaln(all_r + table.total) - pt.gammaln(all_r) - table.constant
    total = total + table.n * log_none + table.total * log_q
    series = log_series.of(pt.log(r)[:, None], table.terms)
    joint = table.log_choose + table.n * log_none + table.total * log_q + series
    return pt.switch(
        pt.eq(table.kind, PATIENTS), patients, pt.switch(pt.eq(table.kind, TOTAL), total, joint)
    )


def _log_series(log_r: Floats, terms: Floats) -> tuple[Floats, Floats]:
    """Log (row,) of polynomials in r with log coefficients ``terms`` (row, power)."""
    log_value, slopes = np.zeros(len(terms)), np.zeros(log_r.shape)
    for row in range(len(terms)):
        peak = -math.inf
        for power in range(terms.shape[1]):
            peak = max(peak, terms[row, power] + power * log_r[row, 0])
        total, by_power = 0.0, 0.0
        for power in range(terms.shape[1]):
            share = math.exp(terms[row, power] + power * log_r[row, 0] - peak)
            total += share
            by_power += share * power
        log_value[row] = peak + math.log(total)
        slopes[row, 0] = by_power / total
    return log_value, slopes


log_series: RowDensity = RowDensity("log_series", kernel(_log_series))


def _event_counts(
    groups: list[list[tuple[int, ReportedNumber]]], indices: tuple[Ints, Floats, Ints]
) -> EventCounts:
    patients, totals, kinds = [], [], []
    for group in groups:
        by_kind = {e.statistic: round(e.value) for _, e in group}
        patients.append(by_kind.get("count", 0))
        totals.append(by_kind.get("events", 0))
        kinds.append(BOTH if len(by_kind) > 1 else TOTAL if "events" in by_kind else PATIENTS)
    first_entries = [group[0][1] for group in groups]
    n, k = np.array([float(e.n) for e in first_entries]), np.array(patients, dtype=np.float64)
    most = max(TERMS, 2 * max(totals, default=0))
    # Rows without both numbers do not use the series, but its gradient must be finite there.
    series_sizes = [
        (k, total) if kind == BOTH else (0, 0)
        for k, total, kind in zip(patients, totals, kinds, strict=True)
    ]
    return EventCounts(
        tuple(tuple(position for position, _ in group) for group in groups),
        *indices,
        months=np.array([e.months[-1] - e.months[0] for e in first_entries]),
        n=n,
        patients=k,
        total=np.array(totals, dtype=np.float64),
        kind=np.array(kinds, dtype=np.int64),
        log_choose=gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0),
        terms=np.array([log_terms(k, total, most) for k, total in series_sizes]).reshape(
            -1, most + 1
        ),
        constant=gammaln(np.array(totals) + 1.0),
    )


def log_terms(patients: int, total: int, most: int) -> Floats:
    """Log coefficients of r^0, r^1, ... in the coefficient of z^total in ((1-z)^-r - 1)^patients.

    They are k! S(m, k) c(total, m) / total! with k patients and Stirling numbers of the second and
    first kind; -inf for a coefficient of 0.
    """
    second, first = _stirling_second(total), _stirling_first(total)
    terms = np.full(most + 1, -np.inf)
    ways = 1
    for j in range(2, patients + 1):
        ways *= j
    for m in range(patients, min(total, most) + 1):
        value = ways * second[m][patients] * first[total][m]
        if value:
            terms[m] = _log(value) - gammaln(total + 1.0)
    return terms


def _log(value: int) -> float:
    """Log of an integer of any size."""
    shift = max(value.bit_length() - 60, 0)
    return float(np.log(float(value >> shift)) + shift * np.log(2.0))


@lru_cache
def _stirling_second(most: int) -> tuple[tuple[int, ...], ...]:
    rows = [(1, *(0,) * most)]
    for _ in range(most):
        previous = rows[-1]
        rows.append((0, *(k * previous[k] + previous[k - 1] for k in range(1, most + 1))))
    return tuple(rows)


@lru_cache
def _stirling_first(most: int) -> tuple[tuple[int, ...], ...]:
    rows = [(1, *(0,) * most)]
    for n in range(most):
        previous = rows[-1]
        rows.append((0, *(n * previous[k] + previous[k - 1] for k in range(1, most + 1))))
    return tuple(rows)
