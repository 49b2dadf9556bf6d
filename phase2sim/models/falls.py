"""Patients below their own baseline, averaged over when patients enrolled."""

import math
from dataclasses import dataclass

import numpy as np

from phase2sim.contracts import Floats, Ints
from phase2sim.kernels import kernel
from phase2sim.knowledge import Evidence
from phase2sim.models.natural_history import Moments, NaturalHistory
from phase2sim.models.order_statistics import averaged_count_kernel, log_choose
from phase2sim.models.row_density import RowDensity
from phase2sim.models.symbols import Tensor, pt
from phase2sim.models.tables import Cell, Cells, baseline_nodes, cell_of, read_entries


@dataclass(frozen=True, slots=True)
class Falls:
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


def falls(evidence: Evidence, layout: Cells) -> Falls:
    """Collect counts below the own baseline."""
    names: dict[int, Cell] = {position: cell for cell, position in layout.index.items()}
    found = []
    for position, e in enumerate(read_entries(evidence)):
        if e.statistic == "count" and e.beyond == "below_baseline":
            first = e.months[0] if len(e.months) > 1 else 0.0
            baseline = layout.index[cell_of(evidence, e, first)]
            visit = layout.index[cell_of(evidence, e, e.months[-1])]
            found.append((position, e, baseline, visit))
    nodes = [baseline_nodes(names[one], names[other]) for _, _, one, other in found]
    most = max((node.weight.size for node in nodes), default=0)
    n = np.array([e.n for _, e, *_ in found], dtype=np.int64)
    below = np.array([round(e.value) for _, e, *_ in found], dtype=np.float64)

    def padded(rows: list[Floats]) -> Floats:
        return np.array([
            np.concatenate([row, np.zeros((most - len(row), *row.shape[1:]))]) for row in rows
        ])  # fmt: skip

    return Falls(
        entry=np.array([position for position, *_ in found], dtype=np.int64),
        baseline=np.array([one for *_, one, _ in found], dtype=np.int64),
        visit=np.array([other for *_, other in found], dtype=np.int64),
        n=n,
        below=below,
        log_choose=log_choose(n, below),
        weight=padded([node.weight for node in nodes]),
        at_baseline=padded([node.at_baseline for node in nodes]),
        at_visit=padded([node.at_visit for node in nodes]),
    )


def fall_density(table: Falls, layout: Cells, at: Moments, history: NaturalHistory) -> Tensor:
    """Log probability (fall,)."""
    drift = (at.shift[table.visit] - at.shift[table.baseline])[:, None]
    by_endpoint = [history.mean, history.sd, history.share[:, None], history.decay[:, None]]
    unknowns = pt.concatenate(by_endpoint, axis=1)
    own = pt.sum(layout.own[table.visit][:, :, None] * unknowns, axis=1)
    return falls_below.of(
        pt.concatenate([own, drift], axis=1),
        table.below,
        table.n,
        table.log_choose,
        table.weight,
        table.at_baseline,
        table.at_visit,
        layout.months[table.visit] - layout.months[table.baseline],
    )


def _curves(points: Floats, basis: Floats, knots: int) -> tuple[float, float]:
    """Mean and SD at one node, of the curves that lead ``points``."""
    mean, sd = 0.0, 0.0
    for k in range(knots):
        mean += basis[k] * points[k]
        sd += basis[k] * points[knots + k]
    return mean, sd


curves = kernel(_curves)


def _fall_slopes(  # noqa: PLR0913 - one node of one row
    points: Floats, at_baseline: Floats, at_visit: Floats, lag: float, by_z: float, slopes: Floats
) -> float:
    """How far 0 lies from the mean change in its SDs; adds its slopes times ``by_z``."""
    knots = len(at_baseline)
    share, decay, drift = points[2 * knots], points[2 * knots + 1], points[2 * knots + 2]
    start, before = curves(points, at_baseline, knots)
    end, after = curves(points, at_visit, knots)
    rho = share + (1.0 - share) * decay**lag
    variance = before**2 + after**2 - 2.0 * rho * before * after
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
    return float(-change / sd)


fall_slopes = kernel(_fall_slopes)


def _falls_below(  # noqa: PLR0913 - the arrays of a table
    points: Floats,
    below: Floats,
    n: Floats,
    ways: Floats,
    weight: Floats,
    at_baseline: Floats,
    at_visit: Floats,
    lag: Floats,
) -> tuple[Floats, Floats]:
    """Log chance (row,); points are means and SDs at the knots, share, decay and drift."""
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


falls_below: RowDensity = RowDensity("falls_below", 1, kernel(_falls_below))
