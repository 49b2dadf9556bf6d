"""Likelihood of counts below the own baseline, averaged over the time of enrolment.

The same patients' mean or median at either visit is informative about their change. So the
probability is that of a negative change given both locations, up to second moments.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from phase2sim.core.arrays import Floats, Ints
from phase2sim.core.kernels import kernel
from phase2sim.evidence.reported import Evidence
from phase2sim.prior.models.densities.change_given_locations import change_given_locations
from phase2sim.prior.models.densities.order_statistics import (
    averaged_count_kernel,
    log_cdf,
    log_choose,
)
from phase2sim.prior.models.densities.pytensor_names import Tensor, pt
from phase2sim.prior.models.densities.quadrature import KNOTS_MONTHS
from phase2sim.prior.models.densities.row_density import RowDensity, points_of
from phase2sim.prior.models.likelihoods.means_and_medians import JointLocations, Locations
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
    """Counts of patients below their own baseline."""

    entry: Ints  # (count,) index in ``read_entries``
    baseline: Ints  # cells
    visit: Ints
    n: Ints
    below: Floats
    log_choose: Floats
    weight: Floats  # (count, node) share enrolled at each node, where not tilted
    position: Floats  # (count, node) in the window, -1 to 1; 0 unless the spread is learned
    at_baseline: Floats  # (count, node, knot)
    at_visit: Floats  # (count, node, knot)
    lag: Floats  # (count, node) of ``patient_time`` between the visits
    pairs: Ints  # (count, 3) baseline with itself, visit with itself, both
    location: Ints  # (count, 2) of the same patients at baseline and visit; 0 if none
    shared: Floats  # (count, 2) 1 / n of that location; 0 if none


def counts_below_baseline(
    evidence: Evidence, layout: Cells, locations: Locations
) -> CountsBelowBaseline:
    """Collect counts below the own baseline, with the locations of the same patients."""
    names: dict[int, ArmVisit] = {position: cell for cell, position in layout.index.items()}
    rows = []
    for position, e in enumerate(read_entries(evidence)):
        if e.statistic == "count" and e.beyond == "below_baseline":
            first_month = e.months[0] if len(e.months) > 1 else 0.0
            baseline = layout.index[arm_visit(evidence, e, first_month)]
            visit = layout.index[arm_visit(evidence, e, e.months[-1])]
            rows.append((position, e, baseline, visit))
    nodes = [baseline_nodes(names[i], names[j]) for _, _, i, j in rows]
    n = np.array([e.n for _, e, *_ in rows], dtype=np.int64)
    count = np.array([round(e.value) for _, e, *_ in rows], dtype=np.float64)
    location, shared = _shared_locations(locations, [(e.n, i, j) for _, e, i, j in rows])
    return CountsBelowBaseline(
        entry=np.array([position for position, *_ in rows], dtype=np.int64),
        baseline=np.array([i for *_, i, _ in rows], dtype=np.int64),
        visit=np.array([j for *_, j in rows], dtype=np.int64),
        n=n,
        below=count,
        log_choose=log_choose(n, count),
        weight=_padded([node.weight for node in nodes]),
        position=_padded([node.position for node in nodes]),
        at_baseline=_padded([node.at_baseline for node in nodes]),
        at_visit=_padded([node.at_visit for node in nodes]),
        lag=_padded([node.lag for node in nodes]),
        pairs=np.array(
            [[layout.pair(i, i), layout.pair(j, j), layout.pair(i, j)] for *_, i, j in rows],
            dtype=np.int64,
        ).reshape(-1, 3),
        location=location,
        shared=shared,
    )


def _padded(rows: Sequence[Floats]) -> Floats:
    """Rows of different lengths as one array, with zeros behind the shorter ones."""
    most = max((len(row) for row in rows), default=0)
    return np.array([
        np.concatenate([row, np.zeros((most - len(row), *row.shape[1:]))]) for row in rows
    ])  # fmt: skip


def _shared_locations(
    locations: Locations, counts: Sequence[tuple[int, int, int]]
) -> tuple[Ints, Floats]:
    """Locations (count, 2) of the same patients, and 1 / n of each; both 0 if there is none.

    ``counts`` are n and the cells of baseline and visit.
    """
    location = np.zeros((len(counts), 2), dtype=np.int64)
    shared = np.zeros((len(counts), 2))
    for row, (n, *cells) in enumerate(counts):
        for side, cell in enumerate(cells):
            candidates = np.flatnonzero(locations.cell == cell)
            if candidates.size:
                nearest = int(
                    min(candidates, key=lambda candidate: abs(locations.n[candidate] - n))
                )
                location[row, side] = nearest
                shared[row, side] = 1.0 / max(n, locations.n[nearest])
    return location, shared


def counts_below_baseline_density(
    table: CountsBelowBaseline,
    layout: Cells,
    moments: Moments,
    history: NaturalHistory,
    locations: tuple[Locations, JointLocations] | None,
) -> Tensor:
    """Log probability (count,), given the locations of the same patients."""
    drift = moments.shift[table.visit] - moments.shift[table.baseline]
    kept = pt.ones_like(drift)
    if locations is not None and table.shared.any():
        location_shift, kept = _given_locations(table, moments, *locations)
        drift = drift + location_shift
    count, endpoint = np.arange(len(table.visit)), layout.endpoint[table.visit]
    knots = endpoint[:, None] * KNOTS_MONTHS.size + np.arange(KNOTS_MONTHS.size)
    return below_baseline.of(
        points_of(
            (history.mean.ravel(), knots),
            (history.sd.ravel(), knots),
            (history.spread, table.visit),
            (history.cell_share, table.visit),
            (history.decay, endpoint),
            (drift, count),
            (kept, count),
            (pt.as_tensor(history.entry_tilt), table.visit),
        ),
        table.below,
        table.n,
        table.log_choose,
        table.weight,
        table.position,
        table.at_baseline,
        table.at_visit,
        table.lag,
    )


def _given_locations(
    table: CountsBelowBaseline, moments: Moments, locations: Locations, joint: JointLocations
) -> tuple[Tensor, Tensor]:
    """Shift of a patient's mean change given the locations, and share of its variance that is kept.

    The covariance of a patient's value with a mean or median of n patients is that of the values
    over n, times the slope of a raw mean by Stein's lemma. All are of patients who enter at any
    time, whose changes may vary much more than those of patients who enter together: so the latter
    keep the same share of their variance, not the variance less the same number.
    """
    slope = pt.switch(locations.raw, moments.raw_slope[locations.cell], 1.0)
    outputs: Any = change_given_locations(
        moments.covariance,
        joint.covariance,
        locations.value - joint.expected,
        joint.se_ratio * slope,
        table.pairs,
        table.location,
        table.shared,
    )
    shift, kept = outputs
    return shift, kept


def _curves(points: Floats, basis: Floats, knots: int) -> tuple[float, float]:
    """Mean and SD at one node, from the curves at the start of ``points`` and the spread."""
    mean, sd = 0.0, 0.0
    for k in range(knots):
        mean += basis[k] * points[k]
        sd += basis[k] * points[knots + k]
    return mean, points[2 * knots] * sd


curves = kernel(_curves)


def _curve_gradient(
    by: tuple[float, float, float], points: Floats, basis: tuple[Floats, Floats], slopes: Floats
) -> None:
    """Add the gradient by curves and spread, given that by change and SDs at both visits."""
    by_change, by_before, by_after = by
    at_baseline, at_visit = basis
    knots = len(at_baseline)
    for k in range(knots):
        by_sd = by_before * at_baseline[k] + by_after * at_visit[k]
        slopes[k] += by_change * (at_visit[k] - at_baseline[k])
        slopes[knots + k] += by_sd * points[2 * knots]
        slopes[2 * knots] += by_sd * points[knots + k]


curve_gradient = kernel(_curve_gradient)


def _change_slopes(
    points: Floats, bases: tuple[Floats, Floats], lag: float, by_z: float, slopes: Floats
) -> float:
    """Distance z of 0 from the mean change, in SDs; adds its gradient times ``by_z``."""
    at_baseline, at_visit = bases
    knots = len(at_baseline)
    others = 2 * knots + 1
    share, decay, drift, kept = points[others : others + 4]
    start, before = curves(points, at_baseline, knots)
    end, after = curves(points, at_visit, knots)
    rho = share + (1.0 - share) * decay**lag
    variance = before**2 + after**2 - 2.0 * rho * before * after
    change, sd = end - start + drift, math.sqrt(kept * variance)
    by_change, by_variance = -by_z / sd, by_z * change / (2.0 * sd * variance)
    by_before = 2.0 * by_variance * (before - rho * after)
    by_after = 2.0 * by_variance * (after - rho * before)
    by_rho = -2.0 * by_variance * before * after
    curve_gradient((by_change, by_before, by_after), points, bases, slopes)
    slopes[others] += by_rho * (1.0 - decay**lag)
    slopes[others + 1] += by_rho * (1.0 - share) * lag * decay ** (lag - 1.0)
    slopes[others + 2] += by_change
    slopes[others + 3] += by_variance * variance / kept
    return float(-change / sd)


change_slopes = kernel(_change_slopes)


def _tilted(weight: Floats, position: Floats, tilt: float) -> Floats:
    """Weights (node,) times exp(tilt * position), with the same sum; 0 where there is no node."""
    tilted = weight * np.exp(tilt * position)
    return tilted * (np.sum(weight) / np.sum(tilted))


tilted = kernel(_tilted)


def _tilt_slope(
    z: Floats, weight: Floats, position: Floats, count: float, count_above: float
) -> float:
    """Derivative of the log probability of a count by the tilt of the weights (node,)."""
    middle = np.sum(weight * position) / np.sum(weight)
    below, above, by_below, by_above = 0.0, 0.0, 0.0, 0.0
    for j in range(len(z)):
        if weight[j] > 0.0:
            low, high = weight[j] * math.exp(log_cdf(z[j])), weight[j] * math.exp(log_cdf(-z[j]))
            below, above = below + low, above + high
            by_below += low * (position[j] - middle)
            by_above += high * (position[j] - middle)
    slope = count * by_below / below if count > 0.0 else 0.0
    return float(slope + (count_above * by_above / above if count_above > 0.0 else 0.0))


tilt_slope = kernel(_tilt_slope)


def _below_baseline(
    points: Floats,
    count: Floats,
    n: Floats,
    ways: Floats,
    even: Floats,
    position: Floats,
    at_baseline: Floats,
    at_visit: Floats,
    lag: Floats,
) -> tuple[Floats, Floats]:
    """Log probability (row,).

    ``points`` (row, point) are means and SDs at the knots, what the patients' SD is over these,
    share, decay, drift, share of the variance that is kept, and tilt of the entry times, whose
    weights (row, node) are ``even`` without a tilt.
    """
    z, slopes, weight = np.zeros(even.shape), np.zeros(points.shape), np.zeros(even.shape)
    for row in range(len(z)):
        weights = tilted(even[row], position[row], points[row, -1])
        for j in range(z.shape[1]):
            weight[row, j] = weights[j]
            if weights[j] > 0.0:
                bases, gap = (at_baseline[row, j], at_visit[row, j]), lag[row, j]
                z[row, j] = change_slopes(points[row], bases, gap, 0.0, slopes[row])
    log_chance, by_z = averaged_count_kernel(z, count, n, ways, weight)
    for row in range(len(z)):
        slopes[row, -1] = tilt_slope(
            z[row], weight[row], position[row], count[row], n[row] - count[row]
        )
        for j in range(z.shape[1]):
            if weight[row, j] > 0.0:
                bases, gap = (at_baseline[row, j], at_visit[row, j]), lag[row, j]
                change_slopes(points[row], bases, gap, by_z[row, j], slopes[row])
    return log_chance, slopes


below_baseline: RowDensity = RowDensity("falls_below", kernel(_below_baseline))
