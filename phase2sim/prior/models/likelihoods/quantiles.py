"""Likelihood of quartiles and ranges, with the median of the same patients if reported."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln

from phase2sim.core.arrays import Floats, Ints
from phase2sim.core.errors import BadEvidence
from phase2sim.core.kernels import kernel
from phase2sim.evidence.reported import Evidence, ReportedNumber
from phase2sim.prior.models.densities.order_statistics import between_quantiles_kernel
from phase2sim.prior.models.densities.pytensor_names import Tensor, pt
from phase2sim.prior.models.densities.row_density import RowDensity
from phase2sim.prior.models.likelihoods.counts import same_visit
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

QUARTILES = (0.25, 0.75)
FAR = 1000.0  # above every value on any model scale


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Quantiles of each visit, one row per visit, padded to the same length."""

    entries: tuple[tuple[int, ...], ...]  # (row,) indices in ``read_entries``
    cell: Ints  # (row,)
    location: Ints  # (row,) index of the median in ``Locations``; -1 if none
    beside: Floats  # (row,) 1 with a median
    value: Floats  # (row, quantile) model scale, ascending; padding is ``FAR``
    is_median: Floats  # (row, quantile) 1 for the median
    weight: Floats  # (row, quantile) 0 for padding
    spacing: Floats  # (row, quantile + 1) Dirichlet parameters minus 1
    constant: Floats  # (row,)


def read_quantiles(evidence: Evidence, layout: Cells, medians: Locations) -> Quantiles:
    """Collect the quantiles of each visit.

    Raises ``BadEvidence`` if a count of the same patients is read too.
    """
    entries = read_entries(evidence)
    groups: list[list[int]] = []
    for position, entry in enumerate(entries):
        if entry.statistic in ("quartiles", "range"):
            _check_uncounted(entries, entry)
            same_groups = [group for group in groups if _same_patients(entries[group[0]], entry)]
            if same_groups:
                same_groups[0].append(position)
            else:
                groups.append([position])
    medians_of = [_median(entries, entries[group[0]]) for group in groups]
    rows = [
        _row([entries[position] for position in group], median)
        for group, median in zip(groups, medians_of, strict=True)
    ]
    location = np.array(
        [
            -1 if m is None else np.flatnonzero(medians.entry == entries.index(m))[0]
            for m in medians_of
        ],
        dtype=np.int64,
    )
    first_entries = [entries[group[0]] for group in groups]
    cell = [layout.index[arm_visit(evidence, e, e.months[0])] for e in first_entries]
    return _padded_rows(
        groups, np.array(cell, dtype=np.int64), location, rows, [e.n for e in first_entries]
    )


def _padded_rows(
    groups: list[list[int]],
    cell: Ints,
    location: Ints,
    rows: list[list[tuple[float, float, bool]]],
    n: list[int],
) -> Quantiles:
    """Rows of equal length; short rows are padded with values far above."""
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
    table: Quantiles, medians: Locations, joint: JointLocations | None, moments: Moments
) -> Tensor:
    """Log density (row,); with a median, minus the median's normal density, which it replaces."""
    if joint is None:
        patients = pt.stack([moments.mean, moments.sd], axis=1)[table.cell]
        no_median = np.tile([0.0, 1.0], (table.cell.size, 1))
        points, reported_medians = (
            pt.concatenate([patients, no_median], axis=1),
            np.zeros(table.cell.size),
        )
    else:
        location = np.maximum(table.location, 0)
        points = joint.beside(moments, table.cell, location)
        reported_medians = pt.as_tensor(medians.value)[location]
    return quantiles_beside.of(
        points,
        table.value,
        reported_medians,
        table.is_median,
        table.beside,
        table.weight,
        table.spacing,
        table.constant,
    )


def _quantiles_beside(
    points: Floats,
    value: Floats,
    medians: Floats,
    is_median: Floats,
    beside: Floats,
    weight: Floats,
    spacing: Floats,
    constant: Floats,
) -> tuple[Floats, Floats]:
    """Log density (row,) of quantiles, minus the normal density of medians at the same visit."""
    z, slopes = np.zeros(value.shape), np.zeros(points.shape)
    for row in range(len(z)):
        for j in range(z.shape[1]):
            quantile = medians[row] if is_median[row, j] > 0.0 else value[row, j]
            z[row, j] = (quantile - points[row, 0]) / points[row, 1]
    density, by_z = between_quantiles_kernel(z, weight, spacing, constant)
    for row in range(len(z)):
        density[row] += median_correction(points[row], medians[row], beside[row], slopes[row])
        for j in range(z.shape[1]):
            other_weight = weight[row, j] * (1.0 - is_median[row, j])
            density[row] -= other_weight * math.log(points[row, 1])
            slopes[row, 0] -= by_z[row, j] / points[row, 1]
            slopes[row, 1] -= (by_z[row, j] * z[row, j] + other_weight) / points[row, 1]
    return density, slopes


quantiles_beside: RowDensity = RowDensity("quantiles_beside", kernel(_quantiles_beside))


def _check_uncounted(entries: Sequence[ReportedNumber], entry: ReportedNumber) -> None:
    counts = [e for e in entries if e.statistic == "count" and e.beyond in ("below", "above")]
    for count in counts:
        if _same_patients(count, entry):
            raise BadEvidence(
                f"{entry.where}: {entry.statistic} beside the count of {count.where} have no joint"
                " likelihood. Mark one of the two as unused."
            )


def positions_of(entry: ReportedNumber) -> tuple[float, float]:
    """Ranks of the two reported bounds among the n values, counted from 1; may be fractional."""
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


def _row(
    entries: list[ReportedNumber], median: ReportedNumber | None
) -> list[tuple[float, float, bool]]:
    """Rank, value on the model scale and True for the median, of each quantile, ascending."""
    quantiles = []
    for entry in entries:
        if entry.bounds is None:
            raise BadEvidence(f"{entry.where}: the {entry.statistic} has no bounds. Give both.")
        for position, bound in zip(positions_of(entry), entry.bounds, strict=True):
            quantiles.append((position, to_model(entry, bound), False))
    if median is not None:
        quantiles.append(((median.n + 1) / 2.0, to_model(median, median.value), True))
    return sorted(quantiles)


def _median(entries: Sequence[ReportedNumber], entry: ReportedNumber) -> ReportedNumber | None:
    return next(
        (
            candidate
            for candidate in entries
            if is_exact_median(candidate) and _same_patients(candidate, entry)
        ),
        None,
    )


def _same_patients(entry: ReportedNumber, other_entry: ReportedNumber) -> bool:
    return entry.n == other_entry.n and same_visit(entry, other_entry)
