"""Evidence as constant arrays: what the graph multiplies the unknowns with."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import NamedTuple

import numpy as np

from phase2sim.core.arrays import Bools, Floats, Ints
from phase2sim.core.endpoints import ENDPOINTS, EVENTS
from phase2sim.core.errors import BadEvidence
from phase2sim.evidence.reported import (
    LOCATIONS,
    REFERENCE_AGE,
    Evidence,
    IndividualData,
    Reported,
    StudyArm,
)
from phase2sim.prior.models.densities.quadrature import KNOTS_MONTHS, basis, window_nodes
from phase2sim.prior.models.unknowns.scales import Scales, scales_of
from phase2sim.prior.models.unknowns.settings import PRIORS


class ArmVisit(NamedTuple):
    """One arm's patients at one visit, for one endpoint."""

    study: str
    arm: str
    endpoint: str
    window: tuple[float, float]  # months since diagnosis at entry
    months: float  # on the trial's clock


@dataclass(frozen=True, slots=True)
class Cells:
    """Every cell that some entry reads, and the pairs of cells that share patients."""

    endpoints: tuple[str, ...]
    index: dict[ArmVisit, int]
    pair_index: dict[tuple[int, int], int]  # ordered: first <= second
    endpoint: Ints  # (cell,)
    own: Floats  # (cell, endpoint) 1 at the cell's endpoint
    study: Ints  # (cell,) which study's level and slope of that endpoint
    studies: tuple[tuple[str, str], ...]  # (study, endpoint)
    sampled: Bools  # (study,) False where level and slope enter linearly, and are integrated out
    months: Floats  # (cell,)
    years: Floats  # (cell,) mean age of the arm less the reference age; 0 if not reported
    scale: Scales
    root_weight: Floats  # (cell, node) square root of the share that enrolled at each node
    basis: Floats  # (cell, node, knot) history at the node's months since diagnosis
    first: Ints  # (pair,) each cell with itself, then different cells of the same patients
    second: Ints  # (pair,)
    lag: Floats  # (pair,) months between the visits

    @property
    def study_endpoint(self) -> Ints:
        """Endpoint of each study effect."""
        names = [self.endpoints.index(endpoint) for _, endpoint in self.studies]
        return np.array(names, dtype=np.int64)

    def pair(self, one: int, other: int) -> int:
        """Position of a pair of cells of the same patients."""
        return self.pair_index[min(one, other), max(one, other)]

    def are_paired(self, one: int, other: int) -> bool:
        """Whether two cells are of the same patients."""
        return (min(one, other), max(one, other)) in self.pair_index


def read_entries(evidence: Evidence) -> tuple[Reported, ...]:
    """Entries that have a likelihood.

    Raises ``BadEvidence`` for an endpoint that no model reads, or if there is nothing to read.
    """
    entries = tuple(entry for entry in evidence.reported if not entry.unused)
    for entry in entries:
        if entry.endpoint not in PRIORS and entry.endpoint not in EVENTS:
            raise BadEvidence(
                f"{entry.where}: endpoint {entry.endpoint!r} has no model;"
                f" {', '.join((*PRIORS, *EVENTS))} have. Give the entry the reason in 'unused'."
            )
    if not evidence.individuals and all(not visits_of(entry) for entry in entries):
        raise BadEvidence(
            f"{', '.join(evidence.names)}: no entry can be read by the model. Add one that can."
        )
    return entries


def is_cross_correlation(entry: Reported) -> bool:
    """Whether the entry correlates two endpoints at one visit."""
    return entry.statistic == "correlation" and len(entry.months) == 1


def is_raw(entry: Reported) -> bool:
    """Whether the entry's scale differs from its endpoint's model scale."""
    return ENDPOINTS[entry.endpoint].transformation != "identity" and not entry.on_model_scale


def is_raw_mean(entry: Reported) -> bool:
    """Whether the entry is a mean of values that are not normal."""
    return entry.statistic == "mean" and is_raw(entry)


def to_model(entry: Reported, value: float) -> float:
    """Bring one value of the entry to the model scale, exactly."""
    return ENDPOINTS[entry.endpoint].to_model(value) if is_raw(entry) else value


def find_study_arm(evidence: Evidence, study: str, arm: str, where: str) -> StudyArm:
    """Find an arm.

    Raises ``BadEvidence`` if the evidence does not describe it.
    """
    for one in evidence.arms:
        if (one.study, one.arm) == (study, arm):
            return one
    raise BadEvidence(f"{where}: arm {arm!r} of study {study!r} is not described. Add the study.")


def visits_of(entry: Reported) -> tuple[float, ...]:
    """Months at which an entry reads a measured endpoint.

    A count below the own baseline also reads month 0; a percentage change reads both visits. A
    correlation of two endpoints at one visit reads none, since it is the same at every visit, and
    so do events.
    """
    if is_cross_correlation(entry) or entry.endpoint in EVENTS:
        return ()
    if entry.beyond == "below_baseline" and len(entry.months) == 1:
        return (0.0, *entry.months)
    return entry.months


def arm_visit(evidence: Evidence, entry: Reported, months: float) -> ArmVisit:
    """Name the cell of one of an entry's visits; on the diagnosis clock enrolment is at month 0."""
    arm = find_study_arm(evidence, entry.study, entry.arm, entry.where)
    window = (0.0, 0.0) if entry.clock == "diagnosis" else arm.months_since_diagnosis
    return ArmVisit(entry.study, entry.arm, entry.endpoint, window, float(months))


def cells(evidence: Evidence) -> Cells:
    """Lay out every visit that the evidence reads."""
    entries = read_entries(evidence)
    reported = {arm_visit(evidence, e, m) for e in entries for m in visits_of(e)}
    named = sorted(reported | _compared(evidence, entries) | _own_data(evidence))
    endpoints = tuple(name for name in PRIORS if name in {cell.endpoint for cell in named})
    studies = tuple(sorted({(cell.study, cell.endpoint) for cell in named}))
    pairs = _pairs(named)
    first, second = np.array(pairs, dtype=np.int64).T
    months = np.array([cell.months for cell in named])
    owner = np.array([endpoints.index(cell.endpoint) for cell in named], dtype=np.int64)
    root_weight, at_nodes = _nodes(named)
    bent = {(e.study, e.endpoint) for e in entries if not _linear(e)}
    bent |= {(own.study, name) for own in evidence.individuals for name, _ in own.columns}
    years = {(a.study, a.arm): a.age_years - REFERENCE_AGE for a in evidence.arms if a.age_years}
    return Cells(
        endpoints=endpoints,
        index={cell: position for position, cell in enumerate(named)},
        pair_index={pair: position for position, pair in enumerate(pairs)},
        endpoint=owner,
        own=np.eye(len(endpoints))[owner],
        study=np.array([studies.index((c.study, c.endpoint)) for c in named], dtype=np.int64),
        studies=studies,
        sampled=np.array([pair in bent for pair in studies]),
        months=months,
        years=np.array([years.get((cell.study, cell.arm), 0.0) for cell in named]),
        scale=scales_of([cell.endpoint for cell in named]),
        root_weight=root_weight,
        basis=at_nodes,
        first=first,
        second=second,
        lag=np.abs(months[first] - months[second]),
    )


def _compared(evidence: Evidence, entries: Iterable[Reported]) -> set[ArmVisit]:
    """Cells of the arms that differences between arms are taken from."""
    return {
        arm_visit(evidence, replace(e, arm=e.versus), m)
        for e in entries
        if e.versus
        for m in e.months
    }


def _own_data(evidence: Evidence) -> set[ArmVisit]:
    return {
        individual_cell(evidence, own, column) for own in evidence.individuals for column in own.columns
    }


def individual_cell(evidence: Evidence, own: IndividualData, column: tuple[str, float]) -> ArmVisit:
    """Name the cell of one column of individual patients."""
    arm = find_study_arm(evidence, own.study, own.arm, f"{own.file}, individual {own.number}")
    return ArmVisit(own.study, own.arm, column[0], arm.months_since_diagnosis, column[1])


def _pairs(named: Sequence[ArmVisit]) -> list[tuple[int, int]]:
    """Every cell with itself, then those of the same patients, whatever their endpoints."""
    alone = [(cell, cell) for cell in range(len(named))]
    every = combinations(range(len(named)), 2)
    return alone + [(i, j) for i, j in every if _patients(named[i]) == _patients(named[j])]


def _patients(cell: ArmVisit) -> tuple[object, ...]:
    return (cell.study, cell.arm, cell.window)


def _nodes(named: Sequence[ArmVisit]) -> tuple[Floats, Floats]:
    """Enrolment times shared by all cells of the same patients, padded with weight 0."""
    visits: dict[tuple[object, ...], set[float]] = {}
    for cell in named:
        visits.setdefault(_patients(cell), set()).add(cell.months)
    times = {
        cell: window_nodes(cell.window, tuple(sorted(visits[_patients(cell)]))) for cell in named
    }
    most = max(node.size for node, _ in times.values())
    root_weight = np.zeros((len(named), most))
    at_nodes = np.zeros((len(named), most, KNOTS_MONTHS.size))
    for row, cell in enumerate(named):
        node, weight = times[cell]
        root_weight[row, : node.size] = np.sqrt(weight)
        at_nodes[row, : node.size] = basis(node + cell.months)
    return root_weight, at_nodes


@dataclass(frozen=True, slots=True)
class BaselineNodes:
    """Enrolment times over which a chance of falling below the own baseline is averaged."""

    weight: Floats  # (node,)
    at_baseline: Floats  # (node, knot)
    at_visit: Floats  # (node, knot)


def baseline_nodes(baseline: ArmVisit, visit: ArmVisit) -> BaselineNodes:
    """Quadrature over the enrolment window of one arm, exact to rounding for a smooth function."""
    nodes, weight = window_nodes(visit.window, (baseline.months, visit.months), per_piece=4)
    return BaselineNodes(weight, basis(nodes + baseline.months), basis(nodes + visit.months))


def _linear(entry: Reported) -> bool:
    """Whether the entry is normal about its study's level and slope, to first order if raw.

    Not a raw mean whose logarithm is modelled: a study's level multiplies it, and its SD with it.
    """
    if entry.endpoint in EVENTS or entry.statistic in ("correlation", "residual_sd"):
        return True
    multiplied = is_raw_mean(entry) and ENDPOINTS[entry.endpoint].transformation == "log"
    return entry.statistic in LOCATIONS and not multiplied
