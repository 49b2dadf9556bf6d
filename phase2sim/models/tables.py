"""Evidence as constant arrays: what the graph multiplies the unknowns with."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from phase2sim.contracts import Bools, Floats, Ints
from phase2sim.endpoints import ENDPOINTS
from phase2sim.errors import BadEvidence
from phase2sim.knowledge import Evidence, Reported, StudyArm
from phase2sim.models.settings import PRIORS
from phase2sim.models.summaries import basis, window_nodes, window_products
from phase2sim.shapes import SHAPES

LOCATIONS = ("mean", "median", "geometric_mean")


class Cell(NamedTuple):
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
    index: dict[Cell, int]
    pair_index: dict[tuple[int, int], int]  # ordered: first <= second
    endpoint: Ints  # (cell,)
    study: Ints  # (cell,) which study's level and slope of that endpoint
    studies: tuple[tuple[str, str], ...]  # (study, endpoint)
    sampled: Bools  # (study,) False where level and slope enter linearly, and are integrated out
    months: Floats  # (cell,)
    log_scale: Floats  # (cell,) 1 where the endpoint is modelled on ln(x + 1), else 0
    weights: Floats  # (cell, endpoint x knot): history averaged over the window
    biased: Floats  # (cell,) 1 after the treatment of a single arm
    shape: Floats  # (cell,) share of the single arm's effect
    first: Ints  # (pair,) each cell with itself, then different cells of the same patients
    second: Ints  # (pair,)
    lag: Floats  # (pair,) months between the visits
    pair_owner: Floats  # (pair, endpoint) 1 at the pair's endpoint
    products: Floats  # (pair, endpoint x knot, endpoint x knot): mean product over the window
    spread: Floats  # (pair, endpoint x knot, endpoint x knot): covariance over the window

    @property
    def study_endpoint(self) -> Ints:
        """Endpoint of each study effect."""
        names = [self.endpoints.index(endpoint) for _, endpoint in self.studies]
        return np.array(names, dtype=np.int64)

    def pair(self, one: int, other: int) -> int:
        """Position of a pair of cells of the same arm and endpoint."""
        return self.pair_index[min(one, other), max(one, other)]


def read_entries(evidence: Evidence) -> tuple[Reported, ...]:
    """Entries that have a likelihood.

    Raises ``BadEvidence`` for an endpoint that no model reads.
    """
    entries = tuple(entry for entry in evidence.reported if not entry.unused)
    for entry in entries:
        if entry.endpoint not in PRIORS:
            raise BadEvidence(
                f"{entry.where}: endpoint {entry.endpoint!r} has no model;"
                f" {', '.join(PRIORS)} have. Give the entry the reason in 'unused'."
            )
    if all(is_cross_correlation(entry) for entry in entries):
        raise BadEvidence(
            f"{', '.join(evidence.names)}: no entry can be read by the model. Add one that can."
        )
    return entries


def is_cross_correlation(entry: Reported) -> bool:
    """Whether the entry correlates two endpoints at one visit."""
    return entry.statistic == "correlation" and len(entry.months) == 1


def modelled(entries: Iterable[Reported]) -> tuple[str, ...]:
    """Endpoints with a number of their own among the entries, in the model's order."""
    present = {entry.endpoint for entry in entries if not is_cross_correlation(entry)}
    return tuple(name for name in PRIORS if name in present)


def is_raw(entry: Reported) -> bool:
    """Whether the entry's scale differs from its endpoint's model scale."""
    return _transformed(entry.endpoint) and not entry.on_model_scale


def _transformed(endpoint: str) -> bool:
    return ENDPOINTS[endpoint].model_unit != ENDPOINTS[endpoint].unit


def to_model(entry: Reported, value: float) -> float:
    """Bring one value of the entry to the model scale, exactly."""
    return ENDPOINTS[entry.endpoint].to_model(value) if is_raw(entry) else value


def arm_of(evidence: Evidence, entry: Reported) -> StudyArm:
    """Find the arm that an entry is about.

    Raises ``BadEvidence`` if the evidence does not describe it.
    """
    for arm in evidence.arms:
        if (arm.study, arm.arm) == (entry.study, entry.arm):
            return arm
    raise BadEvidence(
        f"{entry.where}: arm {entry.arm!r} of study {entry.study!r} is not described."
        " Add the study."
    )


def visits_of(entry: Reported) -> tuple[float, ...]:
    """Months an entry reads; a count below the own baseline also reads month 0.

    A correlation of two endpoints at one visit reads none: it is the same at every visit.
    """
    if is_cross_correlation(entry):
        return ()
    if entry.beyond == "below_baseline" and len(entry.months) == 1:
        return (0.0, *entry.months)
    return entry.months


def cell_of(evidence: Evidence, entry: Reported, months: float) -> Cell:
    """Name the cell of one of an entry's visits; on the diagnosis clock enrolment is at month 0."""
    arm = arm_of(evidence, entry)
    window = (0.0, 0.0) if entry.clock == "diagnosis" else arm.months_since_diagnosis
    return Cell(entry.study, entry.arm, entry.endpoint, window, float(months))


def cells(evidence: Evidence) -> Cells:
    """Lay out every visit that the evidence reads."""
    entries = read_entries(evidence)
    named = sorted({cell_of(evidence, e, m) for e in entries for m in visits_of(e)})
    endpoints = modelled(entries)
    studies = tuple(sorted({(cell.study, cell.endpoint) for cell in named}))
    pairs = _pairs(named)
    products = np.array([_products(named[one], named[other]) for one, other in pairs])
    weights = np.array([_weights(cell) for cell in named])
    first, second = np.array(pairs, dtype=np.int64).T
    months = np.array([cell.months for cell in named])
    owner = np.array([endpoints.index(cell.endpoint) for cell in named], dtype=np.int64)
    owned = np.eye(len(endpoints))[owner]
    on, share = _treated(evidence), _shares(evidence)
    bent = {(e.study, e.endpoint) for e in entries if not _linear(e)}
    return Cells(
        endpoints=endpoints,
        index={cell: position for position, cell in enumerate(named)},
        pair_index={pair: position for position, pair in enumerate(pairs)},
        endpoint=owner,
        study=np.array([studies.index((c.study, c.endpoint)) for c in named], dtype=np.int64),
        studies=studies,
        sampled=np.array([pair in bent for pair in studies]),
        months=months,
        log_scale=np.array([float(_transformed(c.endpoint)) for c in named]),
        weights=_placed(weights, owned),
        biased=np.array([float(cell.months > 0 and on(cell)) for cell in named]),
        shape=np.array([share(c.endpoint, c.months) if on(c) else 0.0 for c in named]),
        first=first,
        second=second,
        lag=np.abs(months[first] - months[second]),
        pair_owner=owned[first],
        products=_placed(products, owned[first]),
        spread=_placed(
            products - weights[first][:, :, None] * weights[second][:, None, :], owned[first]
        ),
    )


def _pairs(named: Sequence[Cell]) -> list[tuple[int, int]]:
    """Every cell with itself, then those of the same patients."""
    alone = [(cell, cell) for cell in range(len(named))]
    every = combinations(range(len(named)), 2)
    return alone + [(i, j) for i, j in every if named[i][:4] == named[j][:4]]


def _treated(evidence: Evidence) -> Callable[[Cell], bool]:
    single = {(a.study, a.arm) for a in evidence.arms if a.design == "single-arm"}
    return lambda cell: cell[:2] in single


@dataclass(frozen=True, slots=True)
class BaselineNodes:
    """Enrolment times over which a chance of falling below the own baseline is averaged."""

    weight: Floats  # (node,)
    at_baseline: Floats  # (node, knot)
    at_visit: Floats  # (node, knot)


def baseline_nodes(baseline: Cell, visit: Cell) -> BaselineNodes:
    """Quadrature over the enrolment window of one arm, exact to rounding for a smooth function."""
    nodes, weight = window_nodes(visit.window, (baseline.months, visit.months), per_piece=4)
    return BaselineNodes(weight, basis(nodes + baseline.months), basis(nodes + visit.months))


def _linear(entry: Reported) -> bool:
    """Whether the entry is normal about a linear function of its study's level and slope."""
    if entry.statistic in ("correlation", "residual_sd"):
        return True
    return entry.statistic in LOCATIONS and not (entry.statistic == "mean" and is_raw(entry))


def _weights(cell: Cell) -> Floats:
    nodes, weight = window_nodes(cell.window, (cell.months,))
    average: Floats = weight @ basis(nodes + cell.months)
    return average


def _products(one: Cell, other: Cell) -> NDArray[np.float64]:
    # The form is read with both curves alike, so only its symmetric part counts.
    product = window_products(one.window, one.months, other.months)
    return (product + product.T) / 2.0 if one == other else product


def _placed(constants: Floats, owned: Floats) -> Floats:
    """Constants (row, knot, ...) in the places of the row's endpoint, zero elsewhere.

    Shapes (row, endpoint x knot, ...): every axis over knots becomes one over all endpoints' knots.
    """
    placed = constants
    for axis in range(1, constants.ndim):
        owner = owned.reshape(len(owned), *(1,) * (axis - 1), -1, *(1,) * (constants.ndim - axis))
        spread = owner * np.expand_dims(placed, axis)
        placed = spread.reshape(*placed.shape[:axis], -1, *placed.shape[axis + 1 :])
    return placed


def _shares(evidence: Evidence) -> Callable[[str, float], float]:
    def share(endpoint: str, months: float) -> float:
        if endpoint not in evidence.effects:
            raise BadEvidence(
                f"{', '.join(evidence.names)}: a single arm reports {endpoint!r} but"
                f" effect.{endpoint} is missing. State what is assumed of its effect."
            )
        assumed = evidence.effects[endpoint]
        at = SHAPES[assumed.shape](**assumed.shape_options).at(np.array([months, assumed.month]))
        if not at[1] > 0:
            raise BadEvidence(
                f"{', '.join(evidence.names)}: effect.{endpoint}.month is {assumed.month:g}, when"
                f" shape {assumed.shape!r} has no effect yet. Choose a later month."
            )
        return float(at[0] / at[1])

    return share
