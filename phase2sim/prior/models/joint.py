"""The joint model: unknowns of patients and treatment, and every reported number's likelihood."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pymc as pm

from phase2sim.core.arrays import Floats
from phase2sim.evidence.reported import Evidence
from phase2sim.prior.models.densities.pytensor_names import Tensor, pt, shared
from phase2sim.prior.models.likelihoods import (
    changes,
    counts,
    events,
    locations,
    quantiles,
    spreads,
)
from phase2sim.prior.models.likelihoods import counts_below_baseline as falls
from phase2sim.prior.models.likelihoods.changes import Differences, Ratios
from phase2sim.prior.models.likelihoods.counts import Counts, CountsBesideMedian
from phase2sim.prior.models.likelihoods.counts_below_baseline import CountsBelowBaseline
from phase2sim.prior.models.likelihoods.events import EventCounts, EventTables, Rates
from phase2sim.prior.models.likelihoods.individual_data import individual_density
from phase2sim.prior.models.likelihoods.locations import JointLocations, Locations
from phase2sim.prior.models.likelihoods.quantiles import Quantiles
from phase2sim.prior.models.likelihoods.spreads import (
    ChangeSpreads,
    Correlations,
    JointSpread,
    ResidualSpreads,
    Spreads,
)
from phase2sim.prior.models.unknowns.effect import treatment_effect
from phase2sim.prior.models.unknowns.evidence_arrays import Cells, cells
from phase2sim.prior.models.unknowns.natural_history import (
    Moments,
    NaturalHistory,
    cell_moments,
    natural_history,
)
from phase2sim.prior.models.unknowns.settings import (
    EVENT_PRIORS,
    PRIORS,
    EndpointPriors,
    EventPriors,
)


@dataclass(frozen=True, slots=True)
class Tables:
    """Which entry is read by which likelihood, and the numbers it reads."""

    locations: Locations
    counts: Counts
    counts_beside: CountsBesideMedian
    quantiles: Quantiles
    falls: CountsBelowBaseline
    spreads: Spreads
    change_spreads: ChangeSpreads
    residual_spreads: ResidualSpreads
    differences: Differences
    raw_differences: Differences
    ratios: Ratios
    visit_correlations: Correlations
    endpoint_correlations: Correlations
    event_counts: EventCounts
    rates: Rates


SHARED = "numbers"
# Arrays that hold reported numbers: other evidence of the same shape swaps them, and nothing else.
NUMBERS: dict[str, tuple[str, ...]] = {
    "locations": ("value",),
    "counts": ("below", "log_choose"),
    "counts_beside": ("below", "ways"),
    "quantiles": ("value",),
    "falls": ("below", "log_choose"),
    "spreads": ("sd",),
    "change_spreads": ("sd",),
    "residual_spreads": ("sd",),
    "differences": ("value",),
    "raw_differences": ("value",),
    "ratios": ("value",),
    "visit_correlations": ("value",),
    "endpoint_correlations": ("value",),
    "event_counts": ("patients", "total", "log_choose", "terms", "constant"),
    "rates": ("log_rate",),
}


@dataclass(frozen=True, slots=True)
class Densities:
    """Log densities of a model's terms, and which entries each row of a term reads."""

    located: JointLocations | None
    spread: JointSpread | None
    rows: Mapping[str, Tensor]  # by table, (row,)


def joint_model(
    evidence: Evidence,
    priors: Mapping[str, EndpointPriors] = PRIORS,
    event_priors: EventPriors = EVENT_PRIORS,
) -> pm.Model:
    """Build the PyMC model of the evidence.

    Its variables are ``history``, ``sd`` (endpoint, knot), ``level_sd``, ``slope_sd``,
    ``patient_share``, ``decay``, ``age_slope`` (endpoint), ``endpoint_correlation`` (pair of
    endpoints) with several, ``effect`` and ``bias`` with a single arm, ``class_mean`` and
    ``class_sd`` with a class of randomised trials, ``event_rate`` and ``event_dispersion`` with
    events, and the unit normals behind them. Raises ``BadEvidence`` for entries that contradict
    each other or have no likelihood.
    """
    layout = cells(evidence)
    with pm.Model() as model:
        densities = declare(evidence, layout, priors, event_priors)
        if densities.located is not None:
            pm.Potential("locations", densities.located.density)
        if densities.spread is not None:
            pm.Potential("spreads", densities.spread.density)
        for name, density in densities.rows.items():
            pm.Potential(name, pt.sum(density))
    return model


def declare(
    evidence: Evidence,
    layout: Cells,
    priors: Mapping[str, EndpointPriors],
    event_priors: EventPriors = EVENT_PRIORS,
) -> Densities:
    """Declare every unknown in the current PyMC model; return the densities of what is reported."""
    history = natural_history(layout, priors)
    at = cell_moments(layout, history, treatment_effect(evidence, layout))
    event_tables = events.read_events(evidence)
    table = _held(read_tables(evidence, layout, event_tables))
    located = None
    if table.locations.cell.size:
        located = locations.joint_locations(table.locations, layout, at, history)
    spread = spreads.joint_spread(table.spreads, at) if table.spreads.cell.size else None
    rows = _of_patients(table, at, history) | _beside(table, located, at)
    if _rows(table.falls):
        beside = None if located is None else (table.locations, located)
        rows["falls"] = falls.counts_below_baseline_density(table.falls, layout, at, history, beside)
    if evidence.individuals:
        rows["own_data"] = individual_density(evidence, layout, at)[None]
    if event_tables.outcomes:
        held = replace(event_tables, counts=table.event_counts, rates=table.rates)
        rows["event_counts"], rows["rates"] = events.event_densities(held, event_priors)
    return Densities(located, spread, rows)


def read_tables(evidence: Evidence, layout: Cells, counted: EventTables) -> Tables:
    """Sort the entries by likelihood."""
    located = locations.locations(evidence, layout)
    return Tables(
        locations=located,
        counts=counts.counts(evidence, layout),
        counts_beside=counts.counts_beside_median(evidence, layout, located),
        quantiles=quantiles.read_quantiles(evidence, layout, located),
        falls=falls.counts_below_baseline(evidence, layout, located),
        spreads=spreads.spreads(evidence, layout),
        change_spreads=spreads.change_spreads(evidence, layout),
        residual_spreads=spreads.residual_spreads(evidence, layout),
        differences=changes.differences(evidence, layout, raw=False),
        raw_differences=changes.differences(evidence, layout, raw=True),
        ratios=changes.ratios(evidence, layout),
        visit_correlations=spreads.visit_correlations(evidence, layout),
        endpoint_correlations=spreads.endpoint_correlations(evidence, layout),
        event_counts=counted.counts,
        rates=counted.rates,
    )


def reported_arrays(evidence: Evidence) -> dict[str, Floats]:
    """Arrays of reported numbers by table and field; of evidence of one shape in the same order."""
    return _numbers(read_tables(evidence, cells(evidence), events.read_events(evidence)))


def _numbers(tables: Tables) -> dict[str, Floats]:
    return {
        f"{name}.{field}": np.asarray(getattr(getattr(tables, name), field), dtype=np.float64)
        for name, held in NUMBERS.items()
        for field in held
        if _rows(getattr(tables, name))
    }


def flatten_numbers(arrays: Mapping[str, Floats]) -> Floats:
    """All the numbers, one after the other."""
    return np.concatenate([np.zeros(0), *(array.ravel() for array in arrays.values())])


def _held(tables: Tables) -> Tables:
    """Put the reported numbers into one shared vector, so that one compilation serves others.

    One, because every shared array costs a quarter of a second to compile.
    """
    arrays = _numbers(tables)
    values = flatten_numbers(arrays)
    vector = shared(values, name=SHARED, shape=values.shape)
    held: dict[str, dict[str, Any]] = {}
    start = 0
    for key, array in arrays.items():
        name, field = key.split(".")
        part = vector[start : start + array.size].reshape(array.shape)
        held.setdefault(name, {})[field] = part
        start += array.size
    return replace(
        tables, **{name: replace(getattr(tables, name), **parts) for name, parts in held.items()}
    )


def _rows(table: Any) -> int:  # noqa: ANN401 - any of the tables
    """How many numbers a table reads."""
    return len(getattr(table, fields(table)[0].name))


def _of_patients(table: Tables, at: Moments, history: NaturalHistory) -> dict[str, Tensor]:
    """Terms that read the patients' moments alone."""
    terms: dict[str, Callable[[Any], Tensor]] = {
        "counts": lambda of: counts.count_density(of, at),
        "change_spreads": lambda of: spreads.change_spread_density(of, at),
        "residual_spreads": lambda of: spreads.residual_spread_density(of, at),
        "differences": lambda of: changes.difference_density(of, at, raw=False),
        "raw_differences": lambda of: changes.difference_density(of, at, raw=True),
        "ratios": lambda of: changes.ratio_density(of, at),
        "visit_correlations": lambda of: spreads.visit_correlation_density(of, at),
        "endpoint_correlations": lambda of: spreads.endpoint_correlation_density(of, history),
    }
    return {
        name: density(getattr(table, name))
        for name, density in terms.items()
        if _rows(getattr(table, name))
    }


def _beside(table: Tables, located: JointLocations | None, at: Moments) -> dict[str, Tensor]:
    """Terms that take the place of a median's own density."""
    found = {}
    if table.counts_beside.cell.size and located is not None:
        found["counts_beside"] = counts.count_beside_median_density(
            table.counts_beside, table.locations, located, at
        )
    if table.quantiles.cell.size:
        found["quantiles"] = quantiles.quantile_density(
            table.quantiles, table.locations, located, at
        )
    return found
