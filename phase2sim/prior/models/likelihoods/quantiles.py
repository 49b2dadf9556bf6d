"""Quartiles and ranges, with the median of the same patients if it is reported."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln

from phase2sim.core.arrays import Floats, Ints
from phase2sim.core.errors import BadEvidence
from phase2sim.core.kernels import kernel
from phase2sim.evidence.reported import Evidence, Reported
from phase2sim.prior.models.densities.order_statistics import between_quantiles_kernel
from phase2sim.prior.models.densities.pytensor_names import Tensor, pt
from phase2sim.prior.models.densities.row_density import RowDensity
from phase2sim.prior.models.likelihoods.counts import same_visit
from phase2sim.prior.models.likelihoods.locations import JointLocations, Locations, median_correction
from phase2sim.prior.models.unknowns.evidence_arrays import Cells, arm_visit, read_entries, to_model
from phase2sim.prior.models.unknowns.natural_history import Moments

QUARTILES = (0.25, 0.75)
FAR = 1000.0  # above every value on any model scale: nobody lies beyond


@dataclass(frozen=True, slots=True)
class Quantiles:
    """All quantiles of one visit, in one row; short rows are filled up."""

    entries: tuple[tuple[int, ...], ...]  # (row,) positions of the quartiles and of the range
    cell: Ints  # (row,)
    location: Ints  # (row,) the median's position in ``Locations``; -1 without one
    beside: Floats  # (row,) 1 with a median
    value: Floats  # (row, quantile) model scale, ascending; a filler lies far above
    is_median: Floats  # (row, quantile) 1 at the median
    weight: Floats  # (row, quantile) 0 for a filler
    spacing: Floats  # (row, quantile + 1) Dirichlet parameters less 1
    constant: Floats  # (row,)


def read_quantiles(evidence: Evidence, layout: Cells, medians: Locations) -> Quantiles:
    """Collect the quantiles of each visit.

    Raises ``BadEvidence`` where a count of the same patients is read too.
    """
    read = read_entries(evidence)
    groups: list[list[int]] = []
    for position, entry in enumerate(read):
        if entry.statistic in ("quartiles", "range"):
            _check_uncounted(read, entry)
            same = [group for group in groups if _same_patients(read[group[0]], entry)]
            if same:
                same[0].append(position)
            else:
                groups.append([position])
    medians_of = [_median(read, read[group[0]]) for group in groups]
    rows = [
        _row([read[position] for position in group], median)
        for group, median in zip(groups, medians_of, strict=True)
    ]
    location = np.array(
        [
            -1 if m is None else np.flatnonzero(medians.entry == read.index(m))[0]
            for m in medians_of
        ],
        dtype=np.int64,
    )
    first = [read[group[0]] for group in groups]
    cell = [layout.index[arm_visit(evidence, e, e.months[0])] for e in first]
    return _filled(groups, np.array(cell, dtype=np.int64), location, rows, [e.n for e in first])


def _filled(
    groups: list[list[int]],
    cell: Ints,
    location: Ints,
    rows: list[list[tuple[float, float, bool]]],
    n: list[int],
) -> Quantiles:
    """Rows of one length; where few quantiles are reported, fillers lie far above."""
    most = max((len(row) for row in rows), default=0)
    value, weight, is_median = np.zeros((3, len(rows), most))
    spacing, constant = np.zeros((len(rows), most + 1)), np.zeros(len(rows))
    for i, row in enumerate(rows):
        size = len(row)
        value[i] = [*(bound for _, bound, _ in row), *(FAR + np.arange(most - size))]
        weight[i, :size] = 1.0
        is_median[i, :size] = [middle for *_, middle in row]
        dirichlet = np.diff([0.0, *(position for position, *_ in row), n[i] + 1.0])
        spacing[i, : size + 1] = dirichlet - 1.0
        constant[i] = gammaln(n[i] + 1.0) - gammaln(dirichlet).sum()
    return Quantiles(
        entries=tuple(map(tuple, groups)),
        cell=cell,
        location=location,
        beside=(location >= 0).astype(np.float64),
        value=value,
        is_median=is_median,
        weight=weight,
        spacing=spacing,
        constant=constant,
    )


def quantile_density(
    table: Quantiles, medians: Locations, where: JointLocations | None, at: Moments
) -> Tensor:
    """Log density (row,); with a median over the median's own normal one, whose place it takes."""
    if where is None:
        patients = pt.stack([at.mean, at.sd], axis=1)[table.cell]
        nothing = np.tile([0.0, 1.0], (table.cell.size, 1))
        points, reported = pt.concatenate([patients, nothing], axis=1), np.zeros(table.cell.size)
    else:
        location = np.maximum(table.location, 0)
        points = where.beside(at, table.cell, location)
        reported = pt.as_tensor(medians.value)[location]
    return quantiles_beside.of(
        points,
        table.value,
        reported,
        table.is_median,
        table.beside,
        table.weight,
        table.spacing,
        table.constant,
    )


def _quantiles_beside(
    points: Floats,
    value: Floats,
    reported: Floats,
    is_median: Floats,
    beside: Floats,
    weight: Floats,
    spacing: Floats,
    constant: Floats,
) -> tuple[Floats, Floats]:
    """Log density (row,) of quantiles, over the normal one of the medians beside them."""
    z, slopes = np.zeros(value.shape), np.zeros(points.shape)
    for row in range(len(z)):
        for j in range(z.shape[1]):
            own = reported[row] if is_median[row, j] > 0.0 else value[row, j]
            z[row, j] = (own - points[row, 0]) / points[row, 1]
    found, by_z = between_quantiles_kernel(z, weight, spacing, constant)
    for row in range(len(z)):
        found[row] += median_correction(points[row], reported[row], beside[row], slopes[row])
        for j in range(z.shape[1]):
            others = weight[row, j] * (1.0 - is_median[row, j])
            found[row] -= others * math.log(points[row, 1])
            slopes[row, 0] -= by_z[row, j] / points[row, 1]
            slopes[row, 1] -= (by_z[row, j] * z[row, j] + others) / points[row, 1]
    return found, slopes


quantiles_beside: RowDensity = RowDensity("quantiles_beside", kernel(_quantiles_beside))


def _check_uncounted(read: Sequence[Reported], entry: Reported) -> None:
    counted = [e for e in read if e.statistic == "count" and e.beyond in ("below", "above")]
    for count in counted:
        if _same_patients(count, entry):
            raise BadEvidence(
                f"{entry.where}: {entry.statistic} beside the count of {count.where} have no joint"
                " likelihood. Mark one of the two as unused."
            )


def positions_of(entry: Reported) -> tuple[float, float]:
    """Which of the n values, counted from 1, the two reported bounds are."""
    n = entry.n
    if entry.statistic == "range":
        return 1.0, float(n)
    offset = {
        "hazen": lambda p: n * p + 0.5,
        "weibull": lambda p: (n + 1) * p,
        "linear": lambda p: 1 + (n - 1) * p,
    }[entry.quantile_method]
    low, high = map(offset, QUARTILES)
    return low, high


def _row(entries: list[Reported], median: Reported | None) -> list[tuple[float, float, bool]]:
    """Position, value on the model scale and whether it is the median, ascending."""
    found = []
    for entry in entries:
        if entry.bounds is None:
            raise BadEvidence(f"{entry.where}: the {entry.statistic} has no bounds. Give both.")
        for position, bound in zip(positions_of(entry), entry.bounds, strict=True):
            found.append((position, to_model(entry, bound), False))
    if median is not None:
        found.append(((median.n + 1) / 2.0, to_model(median, median.value), True))
    return sorted(found)


def _median(read: Sequence[Reported], one: Reported) -> Reported | None:
    return next(
        (e for e in read if e.statistic == "median" and _same_patients(e, one)),
        None,
    )


def _same_patients(one: Reported, other: Reported) -> bool:
    return one.n == other.n and same_visit(one, other)
