"""Patients below their own baseline, averaged over when patients enrolled.

The same patients' mean or median at either visit says how far they lie from what is expected, and
moves the chance with it: it is that of a change given both, to first and second moments.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from phase2sim.core.arrays import Floats, Ints
from phase2sim.core.kernels import kernel
from phase2sim.evidence.reported import Evidence
from phase2sim.prior.models.densities.order_statistics import averaged_count_kernel, log_choose
from phase2sim.prior.models.densities.pytensor_names import Tensor, pt
from phase2sim.prior.models.densities.row_density import RowDensity
from phase2sim.prior.models.likelihoods.locations import JointLocations, Locations
from phase2sim.prior.models.unknowns.evidence_arrays import (
    ArmVisit,
    Cells,
    arm_visit,
    baseline_nodes,
    read_entries,
)
from phase2sim.prior.models.unknowns.natural_history import Moments, NaturalHistory


@dataclass(frozen=True, slots=True)
class CountsBelowBaseline:
    """How many of n lie below their own baseline."""

    entry: Ints  # (fall,)
    baseline: Ints  # cells
    visit: Ints
    n: Ints
    below: Floats
    log_choose: Floats
    weight: Floats  # (fall, node) shares that enrolled at each node
    at_baseline: Floats  # (fall, node, knot)
    at_visit: Floats  # (fall, node, knot)
    pairs: Ints  # (fall, 3) of cells: baseline with itself, visit with itself, both
    location: Ints  # (fall, 2) of the same patients at baseline and visit; 0 where there is none
    shared: Floats  # (fall, 2) 1 / n of that location, 0 where there is none


def counts_below_baseline(evidence: Evidence, layout: Cells, located: Locations) -> CountsBelowBaseline:
    """Collect counts below the own baseline, and the locations of the same patients."""
    names: dict[int, ArmVisit] = {position: cell for cell, position in layout.index.items()}
    found = []
    for position, e in enumerate(read_entries(evidence)):
        if e.statistic == "count" and e.beyond == "below_baseline":
            first = e.months[0] if len(e.months) > 1 else 0.0
            baseline = layout.index[arm_visit(evidence, e, first)]
            visit = layout.index[arm_visit(evidence, e, e.months[-1])]
            found.append((position, e, baseline, visit))
    nodes = [baseline_nodes(names[one], names[other]) for _, _, one, other in found]
    most = max((node.weight.size for node in nodes), default=0)
    n = np.array([e.n for _, e, *_ in found], dtype=np.int64)
    below = np.array([round(e.value) for _, e, *_ in found], dtype=np.float64)

    def padded(rows: list[Floats]) -> Floats:
        return np.array([
            np.concatenate([row, np.zeros((most - len(row), *row.shape[1:]))]) for row in rows
        ])  # fmt: skip

    beside, shared = _beside(located, [(e.n, one, other) for _, e, one, other in found])
    return CountsBelowBaseline(
        entry=np.array([position for position, *_ in found], dtype=np.int64),
        baseline=np.array([one for *_, one, _ in found], dtype=np.int64),
        visit=np.array([other for *_, other in found], dtype=np.int64),
        n=n,
        below=below,
        log_choose=log_choose(n, below),
        weight=padded([node.weight for node in nodes]),
        at_baseline=padded([node.at_baseline for node in nodes]),
        at_visit=padded([node.at_visit for node in nodes]),
        pairs=np.array(
            [[layout.pair(i, i), layout.pair(j, j), layout.pair(i, j)] for *_, i, j in found],
            dtype=np.int64,
        ).reshape(-1, 3),
        location=beside,
        shared=shared,
    )


def _beside(located: Locations, counts_below_baseline: Sequence[tuple[int, int, int]]) -> tuple[Ints, Floats]:
    """Locations (fall, 2) of patients that a fall shares, and 1 / n of each.

    ``counts_below_baseline`` are n and the cells of baseline and visit. Where there is no location both are 0.
    """
    location = np.zeros((len(counts_below_baseline), 2), dtype=np.int64)
    shared = np.zeros((len(counts_below_baseline), 2))
    for row, (n, *cells) in enumerate(counts_below_baseline):
        for side, cell in enumerate(cells):
            there = np.flatnonzero(located.cell == cell)
            if there.size:
                nearest = int(min(there, key=lambda one: abs(located.n[one] - n)))
                location[row, side] = nearest
                shared[row, side] = 1.0 / max(n, located.n[nearest])
    return location, shared


def counts_below_baseline_density(
    table: CountsBelowBaseline,
    layout: Cells,
    at: Moments,
    history: NaturalHistory,
    locations: tuple[Locations, JointLocations] | None,
) -> Tensor:
    """Log probability (fall,) given the locations of the same patients."""
    drift = at.shift[table.visit] - at.shift[table.baseline]
    less = pt.zeros_like(drift)
    if locations is not None and table.shared.any():
        moved, less = _given(table, at, *locations)
        drift = drift + moved
    by_endpoint = [history.mean, history.sd, history.share[:, None], history.decay[:, None]]
    unknowns = pt.concatenate(by_endpoint, axis=1)
    own = pt.sum(layout.own[table.visit][:, :, None] * unknowns, axis=1)
    return falls_below.of(
        pt.concatenate([own, drift[:, None], less[:, None]], axis=1),
        table.below,
        table.n,
        table.log_choose,
        table.weight,
        table.at_baseline,
        table.at_visit,
        layout.months[table.visit] - layout.months[table.baseline],
    )


def _given(
    table: CountsBelowBaseline, at: Moments, locations: Locations, located: JointLocations
) -> tuple[Tensor, Tensor]:
    """How far the locations move the mean change of a patient, and what they take of its variance.

    A patient's own value varies with a mean or a median of n as their mean does: the covariance is
    that of the values over n (times the slope of a raw mean, by Stein's lemma).
    """
    before, after, both = (at.covariance[table.pairs[:, k]] for k in range(3))
    one, other = table.location[:, 0], table.location[:, 1]
    scaled = located.as_reported * pt.switch(locations.raw, at.raw_slope[locations.cell], 1.0)
    at_first = table.shared[:, 0] * (both - before) * scaled[one]
    at_last = table.shared[:, 1] * (after - both) * scaled[other]
    # A location that is not there has no covariance with anything.
    own_first = located.se[one] ** 2
    own_last = located.se[other] ** 2
    tie = located.covariance[one, other] * (table.shared > 0.0).all(axis=1)
    determinant = own_first * own_last - tie**2
    by_first = (at_first * own_last - at_last * tie) / determinant
    by_last = (at_last * own_first - at_first * tie) / determinant
    beyond = locations.value - located.expected
    moved = by_first * beyond[one] + by_last * beyond[other]
    return moved, by_first * at_first + by_last * at_last


def _curves(points: Floats, basis: Floats, knots: int) -> tuple[float, float]:
    """Mean and SD at one node, of the curves that lead ``points``."""
    mean, sd = 0.0, 0.0
    for k in range(knots):
        mean += basis[k] * points[k]
        sd += basis[k] * points[knots + k]
    return mean, sd


curves = kernel(_curves)


def _fall_slopes(
    points: Floats, at_baseline: Floats, at_visit: Floats, lag: float, by_z: float, slopes: Floats
) -> float:
    """How far 0 lies from the mean change in its SDs; adds its slopes times ``by_z``."""
    knots = len(at_baseline)
    share, decay = points[2 * knots], points[2 * knots + 1]
    drift, less = points[2 * knots + 2], points[2 * knots + 3]
    start, before = curves(points, at_baseline, knots)
    end, after = curves(points, at_visit, knots)
    rho = share + (1.0 - share) * decay**lag
    variance = before**2 + after**2 - 2.0 * rho * before * after - less
    change, sd = end - start + drift, math.sqrt(variance)
    by_change, by_variance = -by_z / sd, by_z * change / (2.0 * sd * variance)
    by_before = 2.0 * by_variance * (before - rho * after)
    by_after = 2.0 * by_variance * (after - rho * before)
    by_rho = -2.0 * by_variance * before * after
    for k in range(knots):
        slopes[k] += by_change * (at_visit[k] - at_baseline[k])
        slopes[knots + k] += by_before * at_baseline[k] + by_after * at_visit[k]
    slopes[2 * knots] += by_rho * (1.0 - decay**lag)
    slopes[2 * knots + 1] += by_rho * (1.0 - share) * lag * decay ** (lag - 1.0)
    slopes[2 * knots + 2] += by_change
    slopes[2 * knots + 3] -= by_variance
    return float(-change / sd)


fall_slopes = kernel(_fall_slopes)


def _falls_below(
    points: Floats,
    below: Floats,
    n: Floats,
    ways: Floats,
    weight: Floats,
    at_baseline: Floats,
    at_visit: Floats,
    lag: Floats,
) -> tuple[Floats, Floats]:
    """Log chance (row,); points: means and SDs at the knots, share, decay, drift, less variance."""
    z, slopes = np.zeros(weight.shape), np.zeros(points.shape)
    for row in range(len(z)):
        for j in range(z.shape[1]):
            if weight[row, j] > 0.0:
                z[row, j] = fall_slopes(
                    points[row], at_baseline[row, j], at_visit[row, j], lag[row], 0.0, slopes[row]
                )
    found, by_z = averaged_count_kernel(z, below, n, ways, weight)
    for row in range(len(z)):
        for j in range(z.shape[1]):
            if weight[row, j] > 0.0:
                fall_slopes(
                    points[row],
                    at_baseline[row, j],
                    at_visit[row, j],
                    lag[row],
                    by_z[row, j],
                    slopes[row],
                )
    return found, slopes


falls_below: RowDensity = RowDensity("falls_below", kernel(_falls_below))
