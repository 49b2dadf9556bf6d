"""Evidence as constant arrays for the model graph."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import NamedTuple

import numpy as np

from phase2sim.core.arrays import Bools, Floats, Ints
from phase2sim.core.endpoints import ENDPOINTS, EVENTS
from phase2sim.core.entry_times import EntryTime
from phase2sim.core.errors import BadEvidence
from phase2sim.core.history_priors import PRIORS
from phase2sim.evidence.ages import age_distribution, arms_of_unknown_age
from phase2sim.evidence.reported import (
    LOCATIONS,
    REMISSION,
    Evidence,
    IndividualData,
    ReportedNumber,
    StudyArm,
)
from phase2sim.prior.models.densities.quadrature import (
    KNOTS_MONTHS,
    basis,
    entry_nodes,
    unit_quadrature,
)
from phase2sim.prior.models.unknowns.scales import Scales, scales_of
from phase2sim.prior.patient_time import patient_time

_NODES_OF_AN_AVERAGE = 12
_NODES_IF_LEARNED = 3  # per piece


class ArmVisit(NamedTuple):
    """One endpoint of one arm at one visit."""

    study: str
    arm: str
    endpoint: str
    entry: EntryTime  # when its patients entered, or at diagnosis
    months: float  # since entry, or since diagnosis if so reported; the middle of an average
    span: float = 0.0  # months that a patient's average is over; 0 for one visit


@dataclass(frozen=True, slots=True)
class Cells:
    """Cells (endpoint, arm and visit) that entries read, and pairs with the same patients."""

    endpoints: tuple[str, ...]
    index: dict[ArmVisit, int]
    pair_index: dict[tuple[int, int], int]  # ordered: first <= second
    endpoint: Ints  # (cell,)
    by_endpoint: Floats  # (cell, endpoint) 1 for the cell's endpoint, else 0
    study: Ints  # (cell,) index in ``studies``
    studies: tuple[tuple[str, str], ...]  # (study, endpoint)
    sampled: Bools  # (study,) False if level and slope are integrated out, as linear terms
    counted: Bools  # (study,) True if not sampled, and a count reads it given the study's means
    own_spread: Bools  # (study,) True if it reports how much patients vary
    own_share: Bools  # (study,) True if it reports how much of that is permanent
    months: Floats  # (cell,)
    years: Floats  # (cell,) expected mean age of the arm minus the reference age
    years_sd: Floats  # (cell, study of unknown age) SD of that mean; 0 if printed
    unknown_age: tuple[str, ...]  # studies with an arm whose mean age is not printed
    scale: Scales
    root_weight: Floats  # (cell, node) square root of the share enrolled at the node
    learned: Floats  # (cell, learned arm) 1 where the spread of the arm's entry is learned
    position: Floats  # (cell, node) of the node in a window with a learned spread, -1 to 1
    basis: Floats  # (cell, node, knot) interpolation weights at the node
    time: Floats  # (cell, node) ``patient_time`` of the visit
    first: Ints  # (pair,) first cell: each cell with itself, then others
    second: Ints  # (pair,)

    def of_study(self, chosen: Bools) -> Floats:
        """1 (cell, chosen study) where a cell is of one of the chosen studies, else 0."""
        return np.asarray(self.study[:, None] == np.flatnonzero(chosen), dtype=np.float64)

    @property
    def study_endpoint(self) -> Ints:
        """Index of the endpoint of each study effect."""
        names = [self.endpoints.index(endpoint) for _, endpoint in self.studies]
        return np.array(names, dtype=np.int64)

    def pair(self, cell: int, other_cell: int) -> int:
        """Index of a pair of cells with the same patients."""
        return self.pair_index[min(cell, other_cell), max(cell, other_cell)]

    def are_paired(self, cell: int, other_cell: int) -> bool:
        """True if two cells have the same patients."""
        return (min(cell, other_cell), max(cell, other_cell)) in self.pair_index


def read_entries(evidence: Evidence) -> tuple[ReportedNumber, ...]:
    """Entries that have a likelihood.

    Raises ``BadEvidence`` for an endpoint without a model, or if no entry has a likelihood.
    """
    entries = tuple(entry for entry in evidence.reported if not entry.unused)
    for entry in entries:
        if not set(entry.measured) <= set(PRIORS):
            raise BadEvidence(
                f"{entry.where}: endpoint {entry.endpoint!r} has no model;"
                f" {', '.join((*PRIORS, *EVENTS))} have. Give the entry the reason in 'unused'."
            )
    if not evidence.individuals and all(not visits_of(entry) for entry in entries):
        raise BadEvidence(
            f"{', '.join(evidence.names)}: no entry can be read by the model. Add one that can."
        )
    return entries


def is_cross_correlation(entry: ReportedNumber) -> bool:
    """True if the entry is a correlation of two endpoints at one visit."""
    return entry.statistic == "correlation" and len(entry.months) == 1


def is_raw(entry: ReportedNumber) -> bool:
    """True if the entry's scale is not its endpoint's model scale."""
    return not ENDPOINTS[entry.endpoint].scale.is_linear and not entry.on_model_scale


def is_raw_mean(entry: ReportedNumber) -> bool:
    """True if the entry is a mean of values that are not normal."""
    return entry.statistic == "mean" and is_raw(entry)


def is_exact_median(entry: ReportedNumber) -> bool:
    """True for a median without a reading error, which is jointly distributed with counts."""
    return entry.statistic == "median" and not entry.reading_sd


def to_model(entry: ReportedNumber, value: float) -> float:
    """Convert one value of the entry to the model scale."""
    return ENDPOINTS[entry.endpoint].to_model(value) if is_raw(entry) else value


def find_study_arm(evidence: Evidence, study: str, arm: str, where: str) -> StudyArm:
    """Find an arm of a study.

    Raises ``BadEvidence`` if the evidence does not describe it.
    """
    for study_arm in evidence.arms:
        if (study_arm.study, study_arm.arm) == (study, arm):
            return study_arm
    raise BadEvidence(f"{where}: arm {arm!r} of study {study!r} is not described. Add the study.")


def visits_of(entry: ReportedNumber) -> tuple[float, ...]:
    """Months at which an entry reads a measured endpoint.

    A count below the own baseline also reads month 0, and a percent change reads both visits.
    Events read no visit; nor do correlations of two endpoints, which are the same at every visit.
    """
    if is_cross_correlation(entry) or entry.endpoint in EVENTS:
        return ()
    if entry.beyond == "below_baseline" and len(entry.months) == 1:
        return (0.0, *entry.months)
    return entry.months[:1] if entry.is_average else entry.months


def arm_visit(
    evidence: Evidence, entry: ReportedNumber, months: float, endpoint: str = ""
) -> ArmVisit:
    """Cell of one visit of an entry; on the diagnosis clock everybody enters at 0.

    An average over several months is a visit in their middle whose curves are averaged over them.
    ``endpoint`` is one of those that the entry reads; its own by default.
    """
    arm = find_study_arm(evidence, entry.study, entry.arm, entry.where)
    entered = EntryTime() if entry.clock == "diagnosis" else arm.months_since_diagnosis
    span = entry.months[1] - entry.months[0] if entry.is_average else 0.0
    middle = float(months) + span / 2.0
    return ArmVisit(entry.study, entry.arm, endpoint or entry.endpoint, entered, middle, span)


def cells(evidence: Evidence) -> Cells:
    """Collect every cell that the evidence reads."""
    entries = read_entries(evidence)
    reported_visits = _reported_cells(evidence, entries)
    visits = sorted(
        reported_visits | _comparator_cells(evidence, entries) | _individual_cells(evidence)
    )
    endpoints = tuple(name for name in PRIORS if name in {cell.endpoint for cell in visits})
    studies = tuple(sorted({(cell.study, cell.endpoint) for cell in visits}))
    pairs = _pairs(visits)
    first, second = np.array(pairs, dtype=np.int64).T
    months = np.array([cell.months for cell in visits])
    owner = np.array([endpoints.index(cell.endpoint) for cell in visits], dtype=np.int64)
    nodes = _nodes(visits, evidence.learned_arms)
    nonlinear, counted, spread, share = _kinds(evidence, entries, studies)
    unknown_age, years, years_sd = _ages(evidence, visits)
    return Cells(
        endpoints=endpoints,
        index={cell: position for position, cell in enumerate(visits)},
        pair_index={pair: position for position, pair in enumerate(pairs)},
        endpoint=owner,
        by_endpoint=np.eye(len(endpoints))[owner],
        study=np.array([studies.index((c.study, c.endpoint)) for c in visits], dtype=np.int64),
        studies=studies,
        sampled=nonlinear,
        counted=counted & ~nonlinear,
        own_spread=spread,
        own_share=share,
        months=months,
        years=years,
        years_sd=years_sd,
        unknown_age=unknown_age,
        scale=scales_of([cell.endpoint for cell in visits]),
        root_weight=nodes.root_weight,
        learned=nodes.learned,
        position=nodes.position,
        basis=nodes.basis,
        time=nodes.time,
        first=first,
        second=second,
    )


def _kinds(
    evidence: Evidence, entries: Sequence[ReportedNumber], studies: Iterable[tuple[str, str]]
) -> Iterator[Bools]:
    """True (study,) with nonlinear entries; with counts of remission; with spreads; with shares."""
    own_data = {(data.study, name) for data in evidence.individuals for name, _ in data.columns}

    def with_entries(chosen: Callable[[ReportedNumber], bool]) -> set[tuple[str, str]]:
        return {(e.study, name) for e in entries if chosen(e) for name in e.measured}

    for kind in (
        own_data | with_entries(lambda entry: not _is_linear(entry)),
        with_entries(lambda entry: entry.endpoint == REMISSION),
        own_data | with_entries(_tells_spread),
        own_data | with_entries(_tells_share),
    ):
        yield np.array([study in kind for study in studies])


def _ages(evidence: Evidence, visits: Sequence[ArmVisit]) -> tuple[tuple[str, ...], Floats, Floats]:
    """Studies of unknown age; years (cell,) over the reference age and their SD (cell, study)."""
    unknown = tuple(dict.fromkeys(arm.study for arm in arms_of_unknown_age(evidence)))
    ages = {(arm.study, arm.arm): age_distribution(arm) for arm in evidence.arms}
    of_cell = [ages[cell.study, cell.arm] for cell in visits]
    of_study = np.array([[cell.study == study for study in unknown] for cell in visits])
    years = np.array([age.mean for age in of_cell]) - evidence.reference_age
    sd = np.array([age.sd for age in of_cell])
    return unknown, years, sd[:, None] * of_study.reshape(len(visits), len(unknown))


def _reported_cells(evidence: Evidence, entries: Iterable[ReportedNumber]) -> set[ArmVisit]:
    """Cells of the arms of all entries, for each endpoint that an entry follows from."""
    return {
        arm_visit(evidence, e, month, name)
        for e in entries
        for name in e.measured
        for month in visits_of(e)
    }


def _comparator_cells(evidence: Evidence, entries: Iterable[ReportedNumber]) -> set[ArmVisit]:
    """Cells of the comparator arms of differences."""
    return {
        arm_visit(evidence, replace(e, arm=e.versus), m)
        for e in entries
        if e.versus
        for m in e.months
    }


def _individual_cells(evidence: Evidence) -> set[ArmVisit]:
    return {
        individual_cell(evidence, data, column)
        for data in evidence.individuals
        for column in data.columns
    }


def individual_cell(
    evidence: Evidence, data: IndividualData, column: tuple[str, float]
) -> ArmVisit:
    """Cell of one column of individual data."""
    arm = find_study_arm(evidence, data.study, data.arm, f"{data.file}, individual {data.number}")
    return ArmVisit(data.study, data.arm, column[0], arm.months_since_diagnosis, column[1])


def _pairs(visits: Sequence[ArmVisit]) -> list[tuple[int, int]]:
    """Each cell with itself, then all pairs with the same patients, of any endpoints."""
    pairs = [(cell, cell) for cell in range(len(visits))]
    combinations_of_two = combinations(range(len(visits)), 2)
    return pairs + [
        (i, j) for i, j in combinations_of_two if _patients(visits[i]) == _patients(visits[j])
    ]


def _patients(cell: ArmVisit) -> tuple[object, ...]:
    return (cell.study, cell.arm, cell.entry)


def _is_of(cell: ArmVisit, arm: StudyArm) -> bool:
    """True if the entry of the cell's patients is that of the arm, not diagnosis."""
    same = (cell.study, cell.arm) == (arm.study, arm.arm)
    return same and cell.entry == arm.months_since_diagnosis


class EntryNodes(NamedTuple):
    """Times of entry over which the curves of each cell are averaged."""

    root_weight: Floats  # (cell, node) square root of the share entering there
    position: Floats  # (cell, node) in the window, -1 to 1; 0 unless the spread is learned
    learned: Floats  # (cell, learned arm) 1 where the spread of the arm's entry is learned
    basis: Floats  # (cell, node, knot)
    time: Floats  # (cell, node)


def _nodes(cells: Sequence[ArmVisit], learned: Sequence[StudyArm]) -> EntryNodes:
    """Times of entry common to all cells with the same patients, padded with weight 0."""
    months_of_patients: dict[tuple[object, ...], set[float]] = {}
    for cell in cells:
        months_of_patients.setdefault(_patients(cell), set()).add(cell.months)
    times = {
        cell: _times(cell.entry, tuple(sorted(months_of_patients[_patients(cell)])))
        for cell in cells
    }
    most = max(node.size for node, _ in times.values())
    root_weight, position, time = np.zeros((3, len(cells), most))
    at_nodes = np.zeros((len(cells), most, KNOTS_MONTHS.size))
    for row, cell in enumerate(cells):
        node, weight = times[cell]
        root_weight[row, : node.size] = np.sqrt(weight)
        at_nodes[row, : node.size] = _averaged_basis(node, cell)
        time[row, : node.size] = patient_time(node + cell.months)
        if cell.entry.learned:
            position[row, : node.size] = cell.entry.position(node)
    of_arm = [[_is_of(cell, arm) for arm in learned] for cell in cells]
    return EntryNodes(root_weight, position, np.array(of_arm, dtype=np.float64), at_nodes, time)


def _times(entry: EntryTime, months: tuple[float, ...]) -> tuple[Floats, Floats]:
    """Times of entry and weights; more of them where a tilt will change the weights."""
    return entry_nodes(entry, months, _NODES_IF_LEARNED if entry.learned else 2)


def _averaged_basis(nodes: Floats, cell: ArmVisit) -> Floats:
    """Interpolation weights (node, knot), averaged over the months of the cell."""
    step, weight = unit_quadrature(_NODES_OF_AN_AVERAGE if cell.span else 1)
    months = cell.months + cell.span * (step - 0.5)
    return np.asarray(np.tensordot(basis(nodes[:, None] + months), weight, axes=(1, 0)))


@dataclass(frozen=True, slots=True)
class BaselineNodes:
    """Times of entry over which the probability to be below the own baseline is averaged."""

    weight: Floats  # (node,)
    position: Floats  # (node,) in the window, -1 to 1; 0 unless the spread is learned
    at_baseline: Floats  # (node, knot)
    at_visit: Floats  # (node, knot)
    lag: Floats  # (node,) of ``patient_time`` between the visits


def baseline_nodes(baseline: ArmVisit, visit: ArmVisit) -> BaselineNodes:
    """Quadrature over the entry times of one arm, exact to rounding for smooth functions."""
    entry = visit.entry
    per_piece = 6 if entry.learned else 4
    nodes, weight = entry_nodes(entry, (baseline.months, visit.months), per_piece)
    position = entry.position(nodes) if entry.learned else np.zeros_like(nodes)
    before, after = nodes + baseline.months, nodes + visit.months
    lag = patient_time(after) - patient_time(before)
    return BaselineNodes(weight, position, basis(before), basis(after), lag)


def _is_linear(entry: ReportedNumber) -> bool:
    """True if the entry is normal given its study's deviation, to first order if raw.

    True also for a count of remission, which is read given the means of its study, and for an SD on
    the model scale, which no deviation moves. False for a raw mean of a log-modelled endpoint,
    because a study's level multiplies it and its SD.
    """
    if entry.endpoint in {*EVENTS, REMISSION} or entry.statistic in ("correlation", "residual_sd"):
        return True
    if entry.statistic == "sd":
        return not is_raw(entry)
    multiplied = is_raw_mean(entry) and ENDPOINTS[entry.endpoint].scale.name == "log"
    return entry.statistic in LOCATIONS and not multiplied


def _tells_spread(entry: ReportedNumber) -> bool:
    """True if the entry says how much patients vary."""
    return entry.sd is not None or entry.statistic in ("sd", "residual_sd", "quartiles", "range")


def _tells_share(entry: ReportedNumber) -> bool:
    """True if the entry says how values of one endpoint at two visits go together."""
    of_change = entry.statistic == "change" and entry.sd is not None
    of_visits = entry.statistic == "correlation" and not is_cross_correlation(entry)
    return of_change or of_visits or entry.statistic == "residual_sd"
