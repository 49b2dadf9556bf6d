"""Exact normal likelihood of individual patients, from sums of squares by missing pattern."""

from collections.abc import Iterator

import numpy as np

from phase2sim.core.arrays import Floats, Ints
from phase2sim.evidence.reported import Evidence, IndividualData
from phase2sim.prior.models.densities.pytensor_names import Tensor, pt
from phase2sim.prior.models.densities.summary_densities import scattered_normal
from phase2sim.prior.models.unknowns.evidence_arrays import Cells, individual_cell
from phase2sim.prior.models.unknowns.natural_history import Moments


def individual_density(evidence: Evidence, layout: Cells, moments: Moments) -> Tensor:
    """Log density of all individual patients."""
    density = pt.as_tensor(0.0)
    for data in evidence.individuals:
        cell = np.array(
            [layout.index[individual_cell(evidence, data, column)] for column in data.columns]
        )
        for columns, rows in _patterns(data):
            density = density + _pattern_density(
                data.value[rows][:, columns], cell[columns], layout, moments
            )
    return density


def _patterns(data: IndividualData) -> Iterator[tuple[Ints, Ints]]:
    """Observed columns and patients of each missing pattern with at least one observation."""
    is_observed = ~np.isnan(data.value)
    patterns, pattern_index = np.unique(is_observed, axis=0, return_inverse=True)
    for position, pattern in enumerate(patterns):
        if pattern.any():
            yield np.flatnonzero(pattern), np.flatnonzero(pattern_index.ravel() == position)


def _pattern_density(value: Floats, cell: Ints, layout: Cells, moments: Moments) -> Tensor:
    patients = len(value)
    average = value.mean(axis=0)
    # Rows with the same sums of squares as the patients about their average.
    scatter = np.linalg.qr(value - average, mode="r")
    mean_residual = np.sqrt(patients) * (average - moments.mean[cell])
    residual = pt.concatenate([mean_residual[None, :], pt.as_tensor(scatter)], axis=0)
    pairs = np.array([[layout.pair(i, j) for j in cell] for i in cell], dtype=np.int64)
    return scattered_normal(residual, moments.covariance[pairs], float(patients))
