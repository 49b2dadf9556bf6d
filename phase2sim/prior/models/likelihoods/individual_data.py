"""Individual patients: their exact normal likelihood, from sums of squares by missing pattern."""

from collections.abc import Iterator

import numpy as np

from phase2sim.core.arrays import Floats, Ints
from phase2sim.evidence.reported import Evidence, IndividualData
from phase2sim.prior.models.densities.pytensor_names import Tensor, pt
from phase2sim.prior.models.densities.summary_densities import scattered_normal
from phase2sim.prior.models.unknowns.evidence_arrays import Cells, individual_cell
from phase2sim.prior.models.unknowns.natural_history import Moments


def individual_density(evidence: Evidence, layout: Cells, at: Moments) -> Tensor:
    """Log density of all individual patients."""
    density = pt.as_tensor(0.0)
    for own in evidence.individuals:
        cell = np.array([layout.index[individual_cell(evidence, own, column)] for column in own.columns])
        for seen, rows in _patterns(own):
            density = density + _pattern_density(own.value[rows][:, seen], cell[seen], layout, at)
    return density


def _patterns(own: IndividualData) -> Iterator[tuple[Ints, Ints]]:
    """Columns that are seen and the patients who have just those; nobody without any."""
    seen = ~np.isnan(own.value)
    patterns, of = np.unique(seen, axis=0, return_inverse=True)
    for position, pattern in enumerate(patterns):
        if pattern.any():
            yield np.flatnonzero(pattern), np.flatnonzero(of.ravel() == position)


def _pattern_density(value: Floats, cell: Ints, layout: Cells, at: Moments) -> Tensor:
    patients = len(value)
    average = value.mean(axis=0)
    # Rows whose sum of squares is the patients' own about their average.
    scatter = np.linalg.qr(value - average, mode="r")
    about = np.sqrt(patients) * (average - at.mean[cell])
    residual = pt.concatenate([about[None, :], pt.as_tensor(scatter)], axis=0)
    pairs = np.array([[layout.pair(i, j) for j in cell] for i in cell], dtype=np.int64)
    return scattered_normal(residual, at.covariance[pairs], float(patients))
