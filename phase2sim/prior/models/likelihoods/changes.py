"""Likelihoods of changes, slopes, differences between arms, and percent changes."""

from dataclasses import dataclass, replace

import numpy as np

from phase2sim.core.arrays import Floats, Ints
from phase2sim.core.errors import BadEvidence
from phase2sim.evidence.reported import Evidence, ReportedNumber
from phase2sim.prior.models.densities.pytensor_names import Tensor, pt
from phase2sim.prior.models.densities.quadrature import DEGREES, median_covariance, median_variance
from phase2sim.prior.models.densities.summary_densities import normal
from phase2sim.prior.models.likelihoods.means_and_medians import even_polynomial
from phase2sim.prior.models.unknowns.evidence_arrays import Cells, arm_visit, is_raw, read_entries
from phase2sim.prior.models.unknowns.natural_history import Moments
from phase2sim.prior.models.unknowns.scales import Scales, log_of_raw

DIFFERENCES = ("change", "slope", "difference")
RATIOS = ("percent_change", "ratio")


@dataclass(frozen=True, slots=True)
class Differences:
    """Changes and slopes between two visits, and differences between two arms."""

    entry: Ints  # (difference,) index in ``read_entries``
    value: Floats
    se: Floats  # reported, or elicited SD; 0 if an SD is reported
    contrast: Floats  # (difference, cell) +1 and -1, over the months of a slope
    sampling: Floats  # (difference, pair) sampling variance to add to se**2


@dataclass(frozen=True, slots=True)
class Ratios:
    """Percent changes of a median between two visits, and ratios of medians of two arms."""

    entry: Ints  # (ratio,)
    value: Floats  # log of the later over the earlier, or of the arm over its comparator
    se: Floats  # reported; nan if it follows from the patients' SDs
    cells: Ints  # (ratio, 2) earlier and later
    pairs: Ints  # (ratio, 3) earlier with itself, later with itself, both
    powers: Floats  # (ratio, 3, degree) as in ``Locations``
    scale: Scales  # (ratio,)


def differences(evidence: Evidence, layout: Cells, *, raw: bool) -> Differences:
    """Collect differences on the reported scale (``raw``) or on the model scale."""
    indexed_entries = [
        (position, e)
        for position, e in enumerate(read_entries(evidence))
        if e.statistic in DIFFERENCES and is_raw(e) is raw
    ]
    contrast = np.zeros((len(indexed_entries), layout.months.size))
    sampling = np.zeros((len(indexed_entries), layout.first.size))
    for row, (_, entry) in enumerate(indexed_entries):
        minus, plus = _sides(evidence, layout, entry)
        months = entry.months[1] - entry.months[0] if entry.statistic == "slope" else 1.0
        contrast[row, [minus, plus]] = -1.0 / months, 1.0 / months
        if entry.n and (entry.elicited or entry.se is None):
            pairs = [layout.pair(minus, minus), layout.pair(plus, plus), layout.pair(minus, plus)]
            sampling[row, pairs] = np.array([1.0, 1.0, -2.0]) / (entry.n * months**2)
    return Differences(
        entry=np.array([position for position, _ in indexed_entries], dtype=np.int64),
        value=np.array([e.elicited.mean if e.elicited else e.value for _, e in indexed_entries]),
        se=np.array([_difference_se(e) for _, e in indexed_entries]),
        contrast=contrast,
        sampling=sampling,
    )


def ratios(evidence: Evidence, layout: Cells) -> Ratios:
    """Collect percent changes of medians, and ratios between arms."""
    entries = read_entries(evidence)
    indexed_entries = [(position, e) for position, e in enumerate(entries) if e.statistic in RATIOS]
    cells = np.array(
        [_sides(evidence, layout, e) for _, e in indexed_entries], dtype=np.int64
    ).reshape(-1, 2)
    pairs = [
        # Two arms have no patient in common, and their ratio has a reported error.
        (layout.pair(i, i), layout.pair(j, j), layout.pair(i, j if layout.are_paired(i, j) else i))
        for i, j in cells
    ]
    return Ratios(
        entry=np.array([position for position, _ in indexed_entries], dtype=np.int64),
        value=np.array([_log_ratio(e) for _, e in indexed_entries]),
        se=np.array([_ratio_se(e) for _, e in indexed_entries]),
        cells=cells,
        pairs=np.array(pairs, dtype=np.int64).reshape(-1, 3),
        powers=np.array([_powers(max(e.n, 1)) for _, e in indexed_entries]).reshape(
            -1, 3, DEGREES.size
        ),
        scale=layout.scale.at(cells[:, 0]),
    )


def difference_density(table: Differences, moments: Moments, *, raw: bool) -> Tensor:
    """Log density (difference,)."""
    mean = moments.raw_mean if raw else moments.mean
    covariance = moments.raw_covariance if raw else moments.covariance
    difference = pt.sum(table.contrast * mean, axis=1)
    variance = table.se**2 + pt.sum(table.sampling * covariance, axis=1)
    return normal(table.value, difference, pt.sqrt(variance))


def ratio_density(table: Ratios, moments: Moments) -> Tensor:
    """Log density (ratio,) of the log ratio, by the delta method."""
    (before, before_slope), (after, after_slope) = (
        log_of_raw(table.scale, moments.mean[table.cells[:, side]]) for side in (0, 1)
    )
    before_variance, after_variance, both_covariance = (
        moments.covariance[table.pairs[:, i]]
        * even_polynomial(table.powers[:, i], moments.correlation[table.pairs[:, i]])
        for i in range(3)
    )
    variance = (
        before_slope**2 * before_variance
        + after_slope**2 * after_variance
        - 2.0 * before_slope * after_slope * both_covariance
    )
    is_reported = ~np.isnan(table.se)
    se = pt.switch(is_reported, np.where(is_reported, table.se, 1.0), pt.sqrt(variance))
    return normal(table.value, after - before, se)


def _sides(evidence: Evidence, layout: Cells, entry: ReportedNumber) -> tuple[int, int]:
    """Cells that are subtracted and added, in this order."""
    if entry.versus:
        (month,) = entry.months
        minus = arm_visit(evidence, replace(entry, arm=entry.versus), month)
        return layout.index[minus], layout.index[arm_visit(evidence, entry, month)]
    before, after = (layout.index[arm_visit(evidence, entry, month)] for month in entry.months)
    return before, after


def _difference_se(entry: ReportedNumber) -> float:
    if entry.elicited:
        return entry.elicited.sd
    if entry.se is not None:
        return entry.se
    if entry.sd is not None:
        return 0.0  # the error follows from the SD and n
    raise BadEvidence(
        f"{entry.where}: the {entry.statistic} has no standard error. Give se, ci95 or sd."
    )


def _log_ratio(entry: ReportedNumber) -> float:
    return float(np.log(entry.value if entry.versus else 1.0 + entry.value / 100.0))


def _ratio_se(entry: ReportedNumber) -> float:
    """Standard error of the log ratio; nan if it follows from the patients' SDs."""
    if entry.versus and entry.se is not None:
        return entry.se
    return float("nan") if entry.se is None else entry.se / (100.0 + entry.value)


def _powers(n: int) -> list[Floats]:
    variance = np.append(median_variance(n), np.zeros(DEGREES.size - 1))
    return [variance, variance, np.array(median_covariance(n))]
