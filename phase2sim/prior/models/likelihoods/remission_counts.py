"""Likelihood of counts of partial remission, of HbA1c and insulin of the same patients.

A patient is in partial remission with HbA1c (%) plus 4 times the daily dose (U/kg) of at most 9
(Mortensen et al., Diabetes Care 2009; 32: 1384). Given the root of the dose, HbA1c is normal; the
chance of remission is the average of its CDF over the roots. Given level and slope of the study,
the count is treated as independent of the means of the same patients; see ``study_effects``.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import roots_hermitenorm

from phase2sim.core.arrays import Floats, Ints
from phase2sim.core.endpoints import DERIVED, RESPONSES
from phase2sim.core.kernels import kernel
from phase2sim.evidence.reported import REMISSION, Evidence
from phase2sim.prior.models.densities.order_statistics import averaged_count_kernel, log_choose
from phase2sim.prior.models.densities.pytensor_names import Tensor
from phase2sim.prior.models.densities.row_density import RowDensity, points_of
from phase2sim.prior.models.unknowns.evidence_arrays import Cells, arm_visit, read_entries
from phase2sim.prior.models.unknowns.natural_history import Moments

LIMIT = RESPONSES[REMISSION].rule["at_most"]
OUTCOME = DERIVED[RESPONSES[REMISSION].endpoint]
# HbA1c (%) that weighs as much as 1 U/kg/day.
PER_DOSE = float(OUTCOME.derive(np.zeros(1), np.ones(1))[0])
ROOTS = 48  # nodes: the chance is off by 1e-5 up to a correlation of 0.8, by 2e-4 at 0.9


@dataclass(frozen=True, slots=True)
class RemissionCounts:
    """Counts of patients in partial remission at one visit."""

    entry: Ints  # (count,) index in ``read_entries``
    cell: Ints  # (count, 2) HbA1c and insulin
    pair: Ints  # (count,) of these two
    n: Ints
    count: Floats
    log_choose: Floats


def remission_counts(evidence: Evidence, layout: Cells) -> RemissionCounts:
    """Collect counts of partial remission, with the two cells of each."""
    rows = [(i, e) for i, e in enumerate(read_entries(evidence)) if e.endpoint == REMISSION]
    cell = [
        [layout.index[arm_visit(evidence, e, e.months[0], name)] for name in OUTCOME.of]
        for _, e in rows
    ]
    n = np.array([e.n for _, e in rows], dtype=np.int64)
    count = np.array([round(e.value) for _, e in rows], dtype=np.float64)
    return RemissionCounts(
        entry=np.array([position for position, _ in rows], dtype=np.int64),
        cell=np.array(cell, dtype=np.int64).reshape(-1, 2),
        pair=np.array([layout.pair(i, j) for i, j in cell], dtype=np.int64),
        n=n,
        count=count,
        log_choose=log_choose(n, count),
    )


def remission_density(table: RemissionCounts, moments: Moments) -> Tensor:
    """Log probability (count,)."""
    both = table.cell
    return remission_row.of(
        points_of((moments.mean, both), (moments.sd, both), (moments.correlation, table.pair)),
        table.count,
        table.n,
        table.log_choose,
        remission_quadrature(len(table.entry)),
        remission_rule(len(table.entry)),
    )


def remission_quadrature(rows: int) -> Floats:
    """Standard normal nodes and their weights (row, 2, node), for the root of the dose."""
    node, weight = roots_hermitenorm(ROOTS)
    return np.tile([node, weight / weight.sum()], (rows, 1, 1))


def remission_rule(rows: int) -> Floats:
    """Largest outcome in remission, and HbA1c (%) that weighs as much as 1 U/kg/day, (row, 2).

    A kernel takes them as an input: one that was compiled with other constants would be used again.
    """
    return np.tile([LIMIT, PER_DOSE], (rows, 1))


def _limit_given_root(point: Floats, rule: Floats, x: float) -> tuple[float, float]:
    """SDs from the mean of HbA1c to the limit, given ``x`` SDs of the root; the root, 0 or more."""
    root = max(point[1] + point[3] * x, 0.0)
    hba1c = point[0] + point[2] * point[4] * x
    kept = point[2] * math.sqrt(1.0 - point[4] ** 2)
    return (rule[0] - hba1c - rule[1] * root**2) / kept, root


limit_given_root = kernel(_limit_given_root)


def _remission(
    points: Floats, count: Floats, n: Floats, ways: Floats, quadrature: Floats, rule: Floats
) -> tuple[Floats, Floats]:
    """Log probability (row,) that ``count`` of n are in remission.

    ``points`` (row, 5) are the means of HbA1c and of the root of the dose, their SDs, and the
    correlation. Given the root HbA1c is normal: the chance is the mean of its CDF over the nodes.
    """
    node, weight = quadrature[:, 0], quadrature[:, 1]
    z, root = np.zeros(node.shape), np.zeros(node.shape)
    for row in range(len(z)):
        for j in range(z.shape[1]):
            z[row, j], root[row, j] = limit_given_root(points[row], rule[row], node[row, j])
    log_chance, by_z = averaged_count_kernel(z, count, n, ways, weight)
    slopes = np.zeros(points.shape)
    for row in range(len(z)):
        sd, rho = points[row, 2], points[row, 4]
        by_hba1c = -by_z[row] / (sd * math.sqrt(1.0 - rho**2))
        by_root = by_hba1c * rule[row, 1] * 2.0 * root[row]
        by_log_kept = -np.sum(by_z[row] * z[row])
        slopes[row, 0] = np.sum(by_hba1c)
        slopes[row, 1] = np.sum(by_root)
        slopes[row, 2] = np.sum(by_hba1c * node[row]) * rho + by_log_kept / sd
        slopes[row, 3] = np.sum(by_root * node[row])
        slopes[row, 4] = np.sum(by_hba1c * node[row]) * sd - by_log_kept * rho / (1.0 - rho**2)
    return log_chance, slopes


remission_row: RowDensity = RowDensity("remission", kernel(_remission))
