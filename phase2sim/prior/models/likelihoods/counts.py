"""Likelihoods of counts below or above a threshold, with or without a median."""

from dataclasses import dataclass

import numpy as np

from phase2sim.core.arrays import Floats, Ints
from phase2sim.core.errors import BadEvidence
from phase2sim.core.kernels import kernel
from phase2sim.evidence.reported import Evidence, ReportedNumber
from phase2sim.prior.models.densities.order_statistics import (
    averaged_count,
    log_choose,
    log_ways,
    median_count_kernel,
    median_quadrature,
)
from phase2sim.prior.models.densities.pytensor_names import Tensor, pt
from phase2sim.prior.models.densities.row_density import RowDensity
from phase2sim.prior.models.likelihoods.means_and_medians import (
    JointLocations,
    Locations,
    median_correction,
)
from phase2sim.prior.models.unknowns.evidence_arrays import (
    Cells,
    arm_visit,
    is_exact_median,
    read_entries,
    to_model,
)
from phase2sim.prior.models.unknowns.natural_history import Moments


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts of patients below a threshold at one visit."""

    entry: Ints  # (count,) index in ``read_entries``
    cell: Ints
    n: Ints
    below: Floats
    log_choose: Floats
    threshold: Floats  # model scale


@dataclass(frozen=True, slots=True)
class CountsBesideMedian:
    """Counts below a threshold whose patients also have a reported median."""

    entry: Ints  # (count,)
    cell: Ints
    n: Ints
    below: Floats
    ways: Floats
    threshold: Floats  # model scale
    location: Ints  # index of the median in ``Locations``


def counts(evidence: Evidence, layout: Cells) -> Counts:
    """Collect threshold counts at visits without a median of the same patients."""
    rows = [
        row
        for row in _threshold_counts(evidence, layout)
        if _median_beside(evidence, row[1]) is None
    ]
    count = np.array([_count_below(entry) for _, entry, _ in rows], dtype=np.float64)
    n = np.array([entry.n for _, entry, _ in rows], dtype=np.int64)
    return Counts(
        entry=np.array([position for position, _, _ in rows], dtype=np.int64),
        cell=np.array([cell for _, _, cell in rows], dtype=np.int64),
        n=n,
        below=count,
        log_choose=log_choose(n, count),
        threshold=np.array([_threshold(entry) for _, entry, _ in rows]),
    )


def counts_beside_median(
    evidence: Evidence, layout: Cells, medians: Locations
) -> CountsBesideMedian:
    """Collect threshold counts at visits with a median of the same patients.

    Raises ``BadEvidence`` if a count contradicts its median, or two counts have the same median.
    """
    entries = read_entries(evidence)
    rows: list[tuple[int, ReportedNumber, int, int]] = []
    for position, entry, cell in _threshold_counts(evidence, layout):
        median = _median_beside(evidence, entry)
        if median is not None:
            location = int(np.flatnonzero(medians.entry == entries.index(median))[0])
            if any(location == used_location for *_, used_location in rows):
                raise BadEvidence(
                    f"{entry.where}: a second count beside the same median has no likelihood."
                    " Mark one of the two as unused."
                )
            _check_possible(entry, float(medians.value[location]))
            rows.append((position, entry, cell, location))
    count = np.array([_count_below(entry) for _, entry, *_ in rows], dtype=np.int64)
    n = np.array([entry.n for _, entry, *_ in rows], dtype=np.int64)
    return CountsBesideMedian(
        entry=np.array([position for position, *_ in rows], dtype=np.int64),
        cell=np.array([cell for *_, cell, _ in rows], dtype=np.int64),
        n=n,
        below=count.astype(np.float64),
        ways=log_ways(count, n),
        threshold=np.array([_threshold(entry) for _, entry, *_ in rows]),
        location=np.array([location for *_, location in rows], dtype=np.int64),
    )


def count_density(table: Counts, moments: Moments) -> Tensor:
    """Log probability (count,)."""
    z = (table.threshold - moments.mean[table.cell]) / moments.sd[table.cell]
    everyone = np.ones((len(table.n), 1))
    return averaged_count.of(z[:, None], table.below, table.n, table.log_choose, everyone)


def count_beside_median_density(
    table: CountsBesideMedian, medians: Locations, joint: JointLocations, moments: Moments
) -> Tensor:
    """Log of the exact joint density (count,), minus that of the median's normal density.

    The median is already in the joint normal density of all locations. The difference replaces its
    part there, so no patient counts twice and other visits stay normal given the median.
    """
    reported_medians = pt.as_tensor(medians.value)[table.location]
    return median_and_count_beside.of(
        joint.beside(moments, table.cell, table.location),
        pt.stack([reported_medians, table.threshold], axis=1),
        table.below,
        table.n,
        table.ways,
        median_quadrature(table.n),
    )


def _median_and_count_beside(
    points: Floats, value: Floats, count: Floats, n: Floats, ways: Floats, quadrature: Floats
) -> tuple[Floats, Floats]:
    """Log density (row,) of medians and counts minus the medians' normal density.

    ``value`` (row, 2) are medians and thresholds.
    """
    z = (value - points[:, :1]) / points[:, 1:2]
    density, by_z = median_count_kernel(z, count, n, ways, quadrature)
    slopes = np.zeros(points.shape)
    for row in range(len(z)):
        correction = median_correction(points[row], value[row, 0], 1.0, slopes[row])
        density[row] += correction
        for j in range(2):
            slopes[row, 0] -= by_z[row, j] / points[row, 1]
            slopes[row, 1] -= by_z[row, j] * z[row, j] / points[row, 1]
    return density, slopes


median_and_count_beside: RowDensity = RowDensity(
    "median_and_count_beside", kernel(_median_and_count_beside)
)


def _threshold_counts(evidence: Evidence, layout: Cells) -> list[tuple[int, ReportedNumber, int]]:
    return [
        (position, entry, layout.index[arm_visit(evidence, entry, entry.months[0])])
        for position, entry in enumerate(read_entries(evidence))
        if entry.statistic == "count"
        and entry.measured == (entry.endpoint,)
        and entry.beyond != "below_baseline"
    ]


def _median_beside(evidence: Evidence, count: ReportedNumber) -> ReportedNumber | None:
    return next(
        (
            entry
            for entry in read_entries(evidence)
            if is_exact_median(entry) and entry.n == count.n and same_visit(entry, count)
        ),
        None,
    )


def same_visit(entry: ReportedNumber, other_entry: ReportedNumber) -> bool:
    """True if two entries have the same arm, endpoint and visit."""
    return (entry.study, entry.arm, entry.endpoint, entry.clock, entry.months) == (
        other_entry.study,
        other_entry.arm,
        other_entry.endpoint,
        other_entry.clock,
        other_entry.months,
    )


def _count_below(entry: ReportedNumber) -> int:
    return round(entry.value) if entry.beyond == "below" else entry.n - round(entry.value)


def _threshold(entry: ReportedNumber) -> float:
    if entry.threshold is None:
        raise BadEvidence(f"{entry.where}: the count has no threshold. Give below or above.")
    return to_model(entry, entry.threshold)


def _check_possible(entry: ReportedNumber, median: float) -> None:
    count, half, distance = _count_below(entry), entry.n // 2, _threshold(entry) - median
    if count < half:
        possible = distance < 0
    elif count > half:
        possible = distance > 0
    else:
        possible = entry.n % 2 == 0 or distance <= 0
    if not possible:
        raise BadEvidence(
            f"{entry.where}: {count} of {entry.n} below the threshold contradicts the median"
            " of the same visit. Check both numbers."
        )
