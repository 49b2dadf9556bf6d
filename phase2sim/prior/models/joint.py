"""The joint model: parameters of patients and treatment, and likelihoods of all entries."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pymc as pm

from phase2sim.core.arrays import Floats
from phase2sim.core.history_priors import PRIORS, EndpointPriors
from phase2sim.evidence.reported import Evidence
from phase2sim.prior.models.densities.pytensor_names import Tensor, pt, shared
from phase2sim.prior.models.likelihoods import (
    changes,
    counts,
    counts_below_baseline,
    events,
    quantiles,
    remission_counts,
    spreads,
)
from phase2sim.prior.models.likelihoods import means_and_medians as locations
from phase2sim.prior.models.likelihoods.changes import Differences, Ratios
from phase2sim.prior.models.likelihoods.counts import Counts, CountsBesideMedian
from phase2sim.prior.models.likelihoods.counts_below_baseline import CountsBelowBaseline
from phase2sim.prior.models.likelihoods.events import EventCounts, EventTables, Rates
from phase2sim.prior.models.likelihoods.individual_data import individual_density
from phase2sim.prior.models.likelihoods.means_and_medians import JointLocations, Locations
from phase2sim.prior.models.likelihoods.quantiles import Quantiles
from phase2sim.prior.models.likelihoods.remission_counts import RemissionCounts
from phase2sim.prior.models.likelihoods.spreads import (
    ChangeSpreads,
    Correlations,
    JointSpread,
    ResidualSpreads,
    Spreads,
)
from phase2sim.prior.models.likelihoods.study_effects import study_effects
from phase2sim.prior.models.unknowns.care import care_shift
from phase2sim.prior.models.unknowns.effect import treatment_effect
from phase2sim.prior.models.unknowns.entry_tilt import root_weights
from phase2sim.prior.models.unknowns.evidence_arrays import Cells, cells
from phase2sim.prior.models.unknowns.natural_history import (
    Moments,
    NaturalHistory,
    cell_moments,
    natural_history,
)
from phase2sim.prior.models.unknowns.settings import EVENT_PRIORS, EventPriors


@dataclass(frozen=True, slots=True)
class Tables:
    """Entries sorted by likelihood, as arrays."""

    locations: Locations
    counts: Counts
    counts_beside: CountsBesideMedian
    quantiles: Quantiles
    falls: CountsBelowBaseline
    remissions: RemissionCounts
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
# Arrays of reported numbers; a compiled model can exchange these and no others.
NUMBERS: dict[str, tuple[str, ...]] = {
    "locations": ("value",),
    "counts": ("below", "log_choose"),
    "counts_beside": ("below", "ways"),
    "quantiles": ("value",),
    "falls": ("below", "log_choose"),
    "remissions": ("count", "log_choose"),
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
    """Log densities of the terms of a model."""

    locations: JointLocations | None
    spread: JointSpread | None
    rows: Mapping[str, Tensor]  # by table, (row,)
    locations_given_effects: JointLocations | None  # given the effects that counts read, if any


def joint_model(
    evidence: Evidence,
    priors: Mapping[str, EndpointPriors] = PRIORS,
    event_priors: EventPriors = EVENT_PRIORS,
) -> pm.Model:
    """Build the PyMC model of the evidence.

    Its variables are ``history``, ``sd`` (endpoint, knot), ``level_sd``, ``slope_sd``,
    ``diagnosis_sd``, ``patient_share``, ``decay``, ``age_slope`` (endpoint),
    ``endpoint_correlation`` (pair of endpoints) with several, ``effect`` and ``bias`` with a single
    arm, ``class_mean`` and ``class_sd`` with a class of randomised trials, ``care_effect`` with
    covariates of care, ``event_rate`` and ``event_dispersion`` with events, and the standard
    normals that they are computed from. Raises ``BadEvidence`` for entries that contradict each
    other or have no likelihood.
    """
    layout = cells(evidence)
    with pm.Model() as model:
        densities = declare(evidence, layout, priors, event_priors)
        if densities.locations is not None:
            pm.Potential("locations", densities.locations.density)
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
    """Declare all parameters in the current PyMC model; return the densities of the entries."""
    history = natural_history(layout, priors)
    entered = root_weights(layout, history.entry_tilt)
    added = treatment_effect(evidence, layout) + care_shift(evidence, layout, entered)
    moments = cell_moments(layout, history, added)
    event_tables = events.read_events(evidence)
    table = _share_numbers(read_tables(evidence, layout, event_tables))
    joint = None
    if table.locations.cell.size:
        joint = locations.joint_locations(table.locations, layout, moments, history)
    located = None if joint is None else (table.locations, joint)
    effects = study_effects(layout, moments, history, located)
    spread = spreads.joint_spread(table.spreads, moments) if table.spreads.cell.size else None
    rows = _moment_terms(table, moments, history) | _median_terms(table, joint, moments)
    if _rows(table.remissions):
        counted = moments if effects is None else effects.added_to(moments)
        rows["remissions"] = remission_counts.remission_density(table.remissions, counted)
    if _rows(table.falls):
        rows["falls"] = counts_below_baseline.counts_below_baseline_density(
            table.falls, layout, moments, history, located
        )
    if evidence.individuals:
        rows["own_data"] = individual_density(evidence, layout, moments)[None]
    if event_tables.outcomes:
        shared_tables = replace(event_tables, counts=table.event_counts, rates=table.rates)
        rows["event_counts"], rows["rates"] = events.event_densities(shared_tables, event_priors)
    given = (
        joint
        if effects is None or located is None
        else effects.given(located[0], moments, located[1])
    )
    return Densities(joint, spread, rows, given)


def read_tables(evidence: Evidence, layout: Cells, counted: EventTables) -> Tables:
    """Sort the entries into tables by likelihood."""
    location_table = locations.locations(evidence, layout)
    return Tables(
        locations=location_table,
        counts=counts.counts(evidence, layout),
        counts_beside=counts.counts_beside_median(evidence, layout, location_table),
        quantiles=quantiles.read_quantiles(evidence, layout, location_table),
        falls=counts_below_baseline.counts_below_baseline(evidence, layout, location_table),
        remissions=remission_counts.remission_counts(evidence, layout),
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
    """Arrays of reported numbers, named ``table.field``, in a fixed order."""
    return _numbers(read_tables(evidence, cells(evidence), events.read_events(evidence)))


def _numbers(tables: Tables) -> dict[str, Floats]:
    return {
        f"{name}.{field}": np.asarray(getattr(getattr(tables, name), field), dtype=np.float64)
        for name, number_fields in NUMBERS.items()
        for field in number_fields
        if _rows(getattr(tables, name))
    }


def flatten_numbers(arrays: Mapping[str, Floats]) -> Floats:
    """All numbers in one vector."""
    return np.concatenate([np.zeros(0), *(array.ravel() for array in arrays.values())])


def _share_numbers(tables: Tables) -> Tables:
    """Replace reported numbers by one shared vector, so that a compiled model can exchange them.

    A single vector, because every shared array costs a quarter of a second to compile.
    """
    arrays = _numbers(tables)
    values = flatten_numbers(arrays)
    vector = shared(values, name=SHARED, shape=values.shape)
    symbolic: dict[str, dict[str, Any]] = {}
    start = 0
    for key, array in arrays.items():
        name, field = key.split(".")
        part = vector[start : start + array.size].reshape(array.shape)
        symbolic.setdefault(name, {})[field] = part
        start += array.size
    return replace(
        tables,
        **{name: replace(getattr(tables, name), **parts) for name, parts in symbolic.items()},
    )


def _rows(table: Any) -> int:  # noqa: ANN401 - any of the tables
    """Number of rows of a table."""
    return len(getattr(table, fields(table)[0].name))


def _moment_terms(table: Tables, moments: Moments, history: NaturalHistory) -> dict[str, Tensor]:
    """Terms that depend only on the moments of patients."""
    terms: dict[str, Callable[[Any], Tensor]] = {
        "counts": lambda rows: counts.count_density(rows, moments),
        "change_spreads": lambda rows: spreads.change_spread_density(rows, moments),
        "residual_spreads": lambda rows: spreads.residual_spread_density(rows, moments),
        "differences": lambda rows: changes.difference_density(rows, moments, raw=False),
        "raw_differences": lambda rows: changes.difference_density(rows, moments, raw=True),
        "ratios": lambda rows: changes.ratio_density(rows, moments),
        "visit_correlations": lambda rows: spreads.visit_correlation_density(rows, moments),
        "endpoint_correlations": lambda rows: spreads.endpoint_correlation_density(rows, history),
    }
    return {
        name: density(getattr(table, name))
        for name, density in terms.items()
        if _rows(getattr(table, name))
    }


def _median_terms(
    table: Tables, joint: JointLocations | None, moments: Moments
) -> dict[str, Tensor]:
    """Terms that replace the normal density of a median."""
    terms = {}
    if table.counts_beside.cell.size and joint is not None:
        terms["counts_beside"] = counts.count_beside_median_density(
            table.counts_beside, table.locations, joint, moments
        )
    if table.quantiles.cell.size:
        terms["quantiles"] = quantiles.quantile_density(
            table.quantiles, table.locations, joint, moments
        )
    return terms
