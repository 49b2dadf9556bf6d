"""Likelihood of counts of partial remission, of HbA1c and insulin of the same patients.

A patient is in partial remission with HbA1c (%) plus 4 times the daily dose (U/kg) of at most 9
(Mortensen et al., Diabetes Care 2009; 32: 1384). Given the root of the dose, HbA1c is normal; the
chance of remission is the average of its CDF over the roots. Given level and slope of the study,
the count is treated as independent of the means of the same patients; see ``study_effects``.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import roots_hermitenorm

from phase2sim.core.arrays import Floats, Ints
from phase2sim.core.endpoints import DERIVED, RESPONSES
from phase2sim.evidence.reported import REMISSION, Evidence
from phase2sim.prior.models.densities.order_statistics import count_below, log_choose
from phase2sim.prior.models.densities.pytensor_names import Tensor, pt
from phase2sim.prior.models.unknowns.evidence_arrays import Cells, arm_visit, read_entries
from phase2sim.prior.models.unknowns.natural_history import Moments

LIMIT = RESPONSES[REMISSION].rule["at_most"]
OUTCOME = DERIVED[RESPONSES[REMISSION].endpoint]
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
    z, weight = remission_quadrature(
        moments.mean[table.cell], moments.sd[table.cell], moments.correlation[table.pair]
    )
    return count_below(
        z, table.count, table.n, table.log_choose, np.tile(weight, (len(table.entry), 1))
    )


def remission_quadrature(mean: Tensor, sd: Tensor, correlation: Tensor) -> tuple[Tensor, Floats]:
    """Points (row, node) and weights (node,): the chance of remission is the mean CDF of a point.

    ``mean`` and ``sd`` (row, 2) are of HbA1c and of the root of the dose.
    """
    node, weight = roots_hermitenorm(ROOTS)
    root = mean[:, 1:] + sd[:, 1:] * node
    given_root = mean[:, :1] + sd[:, :1] * correlation[:, None] * node
    dose = pt.maximum(root, 0.0) ** 2
    residual_sd = sd[:, :1] * pt.sqrt(1.0 - correlation[:, None] ** 2)
    return (LIMIT - OUTCOME.derive(given_root, dose)) / residual_sd, weight / weight.sum()
