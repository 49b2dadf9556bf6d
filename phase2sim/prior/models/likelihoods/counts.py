"""Patients beyond a threshold, perhaps beside a median."""

from dataclasses import dataclass

import numpy as np

from phase2sim.core.arrays import Floats, Ints
from phase2sim.core.endpoints import EVENTS
from phase2sim.core.errors import BadEvidence
from phase2sim.core.kernels import kernel
from phase2sim.evidence.reported import Evidence, Reported
from phase2sim.prior.models.densities.order_statistics import (
    count_below,
    log_choose,
    log_ways,
    median_count_kernel,
    median_quadrature,
)
from phase2sim.prior.models.densities.pytensor_names import Tensor, pt
from phase2sim.prior.models.densities.row_density import RowDensity
from phase2sim.prior.models.likelihoods.locations import JointLocations, Locations, median_correction
from phase2sim.prior.models.unknowns.evidence_arrays import Cells, arm_visit, read_entries, to_model
from phase2sim.prior.models.unknowns.natural_history import Moments


@dataclass(frozen=True, slots=True)
class Counts:
    """How many of n lie below a threshold at one visit."""

    entry: Ints  # (count,) position among the entries that are read
    cell: Ints
    n: Ints
    below: Floats
    log_choose: Floats
    threshold: Floats  # model scale


@dataclass(frozen=True, slots=True)
class CountsBesideMedian:
    """The same where the median of the same patients is reported too."""

    entry: Ints  # (count,)
    cell: Ints
    n: Ints
    below: Floats
    ways: Floats
    threshold: Floats  # model scale
    location: Ints  # position of the median in ``Locations``


def counts(evidence: Evidence, layout: Cells) -> Counts:
    """Collect counts beyond a threshold at visits without a median of the same patients."""
    found = [one for one in _counted(evidence, layout) if _median_beside(evidence, one[1]) is None]
    below = np.array([_below(entry) for _, entry, _ in found], dtype=np.float64)
    n = np.array([entry.n for _, entry, _ in found], dtype=np.int64)
    return Counts(
        entry=np.array([position for position, _, _ in found], dtype=np.int64),
        cell=np.array([cell for _, _, cell in found], dtype=np.int64),
        n=n,
        below=below,
        log_choose=log_choose(n, below),
        threshold=np.array([_threshold(entry) for _, entry, _ in found]),
    )


def counts_beside_median(
    evidence: Evidence, layout: Cells, medians: Locations
) -> CountsBesideMedian:
    """Collect counts beyond a threshold beside the median of the same patients.

    Raises ``BadEvidence`` where a count contradicts its median, or two counts share one.
    """
    read = read_entries(evidence)
    found: list[tuple[int, Reported, int, int]] = []
    for position, entry, cell in _counted(evidence, layout):
        beside = _median_beside(evidence, entry)
        if beside is not None:
            location = int(np.flatnonzero(medians.entry == read.index(beside))[0])
            if any(location == other for *_, other in found):
                raise BadEvidence(
                    f"{entry.where}: a second count beside the same median has no likelihood."
                    " Mark one of the two as unused."
                )
            _check_possible(entry, float(medians.value[location]))
            found.append((position, entry, cell, location))
    below = np.array([_below(entry) for _, entry, *_ in found], dtype=np.int64)
    n = np.array([entry.n for _, entry, *_ in found], dtype=np.int64)
    return CountsBesideMedian(
        entry=np.array([position for position, *_ in found], dtype=np.int64),
        cell=np.array([cell for *_, cell, _ in found], dtype=np.int64),
        n=n,
        below=below.astype(np.float64),
        ways=log_ways(below, n),
        threshold=np.array([_threshold(entry) for _, entry, *_ in found]),
        location=np.array([location for *_, location in found], dtype=np.int64),
    )


def count_density(table: Counts, at: Moments) -> Tensor:
    """Log probability (count,)."""
    z = (table.threshold - at.mean[table.cell]) / at.sd[table.cell]
    return count_below(z[:, None], table.below, table.n, table.log_choose)


def count_beside_median_density(
    table: CountsBesideMedian, medians: Locations, where: JointLocations, at: Moments
) -> Tensor:
    """Log of the exact joint density (count,) over the median's own normal one.

    It takes the place of the median's normal density: the other visits stay normal given the
    median, and no patient counts twice.
    """
    reported = pt.as_tensor(medians.value)[table.location]
    return median_and_count_beside.of(
        where.beside(at, table.cell, table.location),
        pt.stack([reported, table.threshold], axis=1),
        table.below,
        table.n,
        table.ways,
        median_quadrature(table.n),
    )


def _median_and_count_beside(
    points: Floats, value: Floats, below: Floats, n: Floats, ways: Floats, quadrature: Floats
) -> tuple[Floats, Floats]:
    """Log density (row,) of medians and thresholds ``value`` (row, 2), over the medians' normal."""
    z = (value - points[:, :1]) / points[:, 1:2]
    found, by_z = median_count_kernel(z, below, n, ways, quadrature)
    slopes = np.zeros(points.shape)
    for row in range(len(z)):
        once = median_correction(points[row], value[row, 0], 1.0, slopes[row])
        found[row] += once
        for j in range(2):
            slopes[row, 0] -= by_z[row, j] / points[row, 1]
            slopes[row, 1] -= by_z[row, j] * z[row, j] / points[row, 1]
    return found, slopes


median_and_count_beside: RowDensity = RowDensity(
    "median_and_count_beside", kernel(_median_and_count_beside)
)


def _counted(evidence: Evidence, layout: Cells) -> list[tuple[int, Reported, int]]:
    return [
        (position, entry, layout.index[arm_visit(evidence, entry, entry.months[0])])
        for position, entry in enumerate(read_entries(evidence))
        if entry.statistic == "count"
        and entry.endpoint not in EVENTS
        and entry.beyond != "below_baseline"
    ]


def _median_beside(evidence: Evidence, count: Reported) -> Reported | None:
    return next(
        (
            one
            for one in read_entries(evidence)
            if one.statistic == "median" and one.n == count.n and same_visit(one, count)
        ),
        None,
    )


def same_visit(one: Reported, other: Reported) -> bool:
    """Whether two entries are of one arm, endpoint and visit."""
    return (one.study, one.arm, one.endpoint, one.clock, one.months) == (
        other.study,
        other.arm,
        other.endpoint,
        other.clock,
        other.months,
    )


def _below(entry: Reported) -> int:
    return round(entry.value) if entry.beyond == "below" else entry.n - round(entry.value)


def _threshold(entry: Reported) -> float:
    if entry.threshold is None:
        raise BadEvidence(f"{entry.where}: the count has no threshold. Give below or above.")
    return to_model(entry, entry.threshold)


def _check_possible(entry: Reported, median: float) -> None:
    below, half, above = _below(entry), entry.n // 2, _threshold(entry) - median
    if below < half:
        possible = above < 0
    elif below > half:
        possible = above > 0
    else:
        possible = entry.n % 2 == 0 or above <= 0
    if not possible:
        raise BadEvidence(
            f"{entry.where}: {below} of {entry.n} below the threshold contradicts the median"
            " of the same visit. Check both numbers."
        )
