"""Log density of each entry given all others, at every draw, for leave-one-out weights."""

from collections.abc import Callable, Mapping

import numpy as np
import pymc as pm

from phase2sim.core.arrays import Floats, Ints
from phase2sim.core.history_priors import PRIORS
from phase2sim.evidence.reported import Evidence
from phase2sim.prior.draws import PriorDraws
from phase2sim.prior.models.densities.pytensor_names import Tensor, function, pt
from phase2sim.prior.models.joint import Densities, Tables, declare, read_tables
from phase2sim.prior.models.likelihoods.events import read_events
from phase2sim.prior.models.unknowns.evidence_arrays import cells, read_entries

DRAWS_BETWEEN_REPORTS = 500


def pointwise(
    evidence: Evidence, prior: PriorDraws, report: Callable[[str], None] = lambda _line: None
) -> Floats:
    """Log density (draw, entry) that a draw loses without the entry, in ``read_entries`` order.

    Jointly modelled numbers are conditioned on each other: a location on the other locations of its
    study, an SD on the other SDs of the same patients, a count or quantiles on their median. A
    median with a count or quantiles is left out together with them, patients with an event together
    with their total, and quartiles together with a range.
    """
    report("compiling what each number contributes")
    layout = cells(evidence)
    tables = read_tables(evidence, layout, read_events(evidence))
    with pm.Model() as model:
        densities = declare(evidence, layout, PRIORS)
    by_entry = _by_entry(densities, tables, len(read_entries(evidence)))
    evaluate = function(model.free_RVs, by_entry, on_unused_input="ignore")
    draws = len(prior.history)
    log_density = np.empty((draws, len(read_entries(evidence))))
    for draw in range(draws):
        if draw % DRAWS_BETWEEN_REPORTS == 0:
            report(f"weighing each number: {draw} of {draws} draws")
        log_density[draw] = evaluate(*_point(model, prior.sampled, draw))
    return log_density


def _point(model: pm.Model, sampled: Mapping[str, Floats], draw: int) -> list[Floats]:
    return [sampled[variable.name][draw] for variable in model.free_RVs]


def _by_entry(densities: Densities, tables: Tables, entries: int) -> Tensor:
    """Sum, for each entry, the rows of all terms that read it, (entry,)."""
    total = pt.zeros(entries)
    joint = densities.locations_given_effects
    if joint is not None:
        total = total + _sum_by_entry(
            joint.given_the_others(), _single_entries(tables.locations.entry), entries
        )
    if densities.spread is not None:
        readers = _single_entries(tables.spreads.entry)
        total = total + _sum_by_entry(densities.spread.given_the_others, readers, entries)
    for name, density in densities.rows.items():
        if name != "own_data":
            total = total + _sum_by_entry(density, _readers(tables, name), entries)
    return total


def _readers(tables: Tables, name: str) -> list[list[int]]:
    """Indices of the entries that each row of a term reads."""
    table = getattr(tables, name)
    if name == "event_counts":
        return [list(row) for row in table.entries]
    if name == "quantiles":
        beside = zip(table.entries, table.location, strict=True)
        return [[*row, *_median_entry(tables, int(location))] for row, location in beside]
    if name == "falls":
        shared_locations = zip(table.location, table.shared > 0.0, strict=True)
        location_entries = [
            tables.locations.entry[location[is_shared]] for location, is_shared in shared_locations
        ]
        return [
            [int(fall), *map(int, beside_entries)]
            for fall, beside_entries in zip(table.entry, location_entries, strict=True)
        ]
    if name == "counts_beside":
        beside = zip(table.entry, table.location, strict=True)
        return [[int(entry), *_median_entry(tables, int(location))] for entry, location in beside]
    return _single_entries(table.entry)


def _median_entry(tables: Tables, location: int) -> list[int]:
    return [int(tables.locations.entry[location])] if location >= 0 else []


def _single_entries(entry: Ints) -> list[list[int]]:
    return [[int(position)] for position in entry]


def _sum_by_entry(density: Tensor, readers: list[list[int]], entries: int) -> Tensor:
    reads = np.zeros((entries, len(readers)))
    for row, positions in enumerate(readers):
        reads[positions, row] = 1.0
    return pt.sum(reads * density, axis=1)
