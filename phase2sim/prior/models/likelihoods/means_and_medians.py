"""Likelihood of means and medians: jointly normal, because those of an arm share patients."""

import math
from dataclasses import dataclass

import numpy as np

from phase2sim.core.arrays import Bools, Floats, Ints
from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.core.kernels import kernel
from phase2sim.evidence.reported import LOCATIONS, Evidence, ReportedNumber
from phase2sim.prior.models.densities.location_covariance import location_covariance
from phase2sim.prior.models.densities.order_statistics import LOG_ROOT_TWO_PI
from phase2sim.prior.models.densities.pytensor_names import Tensor, pt
from phase2sim.prior.models.densities.quadrature import DEGREES, median_covariance, median_variance
from phase2sim.prior.models.densities.row_density import points_of
from phase2sim.prior.models.densities.summary_densities import correlated_normal
from phase2sim.prior.models.unknowns.evidence_arrays import (
    Cells,
    arm_visit,
    find_study_arm,
    is_raw,
    is_raw_mean,
    read_entries,
    to_model,
)
from phase2sim.prior.models.unknowns.natural_history import Moments, NaturalHistory
from phase2sim.prior.models.unknowns.scales import Scales


@dataclass(frozen=True, slots=True)
class Locations:
    """Means and medians; those of one arm have the same patients."""

    entry: Ints  # (location,) index in ``read_entries``
    cell: Ints  # (location,)
    n: Ints  # (location,)
    value: Floats  # (location,) raw if ``raw``, else model scale
    se: Floats  # (location,) as reported; nan if it follows from the SD and n
    reading: Floats  # (location,) SD of the error of reading a figure, on the scale of ``value``
    raw: Ints  # (location,) 1 for a mean of values that are not normal
    median: Bools  # (location,)
    weight_cv: Floats  # (location,) CV of the arm's assumed weight if doses use it, else 0
    study: Ints  # (location,) -1 if the study's deviation is sampled
    ties: Floats  # (tie, 5) two locations, their pair of cells, 1 if exact, 1 / n
    powers: Floats  # (tie, degree) coefficients of odd powers of rho


@dataclass(frozen=True, slots=True)
class JointLocations:
    """Joint density of the locations, and its components."""

    density: Tensor
    expected: Tensor  # (location,)
    se: Tensor  # (location,) marginal
    se_ratio: Tensor  # (location,) reported SE over the model's; 1 without a reported SE
    covariance: Tensor  # (location, location)
    weighted: Tensor  # (location,) precision times residual
    precision: Tensor  # (location, location)

    def given_the_others(self) -> Tensor:
        """Log density (location,) of each location given all the others."""
        precision = pt.diagonal(self.precision)
        return (pt.log(precision) - self.weighted**2 / precision - np.log(2.0 * np.pi)) / 2.0

    def beside(self, moments: Moments, cell: Ints, location: Ints) -> Tensor:
        """Points (row, 4) of exact densities that replace the normal density of a median.

        Mean and SD of the patients, expected value and standard error of the median.
        """
        return points_of(
            (moments.mean, cell),
            (moments.sd, cell),
            (self.expected, location),
            (self.se, location),
        )


def _median_correction(points: Floats, median: float, weight: float, slopes: Floats) -> float:
    """Correction of an exact log density, in SDs from the mean, that replaces a median's normal.

    It subtracts the log SD of the patients and the normal log density of the median, both times
    ``weight``, and adds the gradients. ``points`` is one row of ``JointLocations.beside``.
    """
    _, sd, expected, se = points
    z = (median - expected) / se
    slopes[1] -= weight / sd
    slopes[2] -= weight * z / se
    slopes[3] -= weight * (z * z - 1.0) / se
    return float(-weight * (math.log(sd) - z * z / 2.0 - math.log(se) - LOG_ROOT_TWO_PI))


median_correction = kernel(_median_correction)


def locations(evidence: Evidence, layout: Cells) -> Locations:
    """Collect means and medians, and the pairs of them with the same patients."""
    all_entries = read_entries(evidence)
    positions = [position for position, e in enumerate(all_entries) if e.statistic in LOCATIONS]
    positions.sort(key=lambda position: all_entries[position].study)  # each study is one block
    entries = [all_entries[position] for position in positions]
    cell = np.array([layout.index[arm_visit(evidence, e, e.months[0])] for e in entries], dtype=int)
    rows = [
        (i, j, layout.pair(cell[i], cell[j]))
        for i in range(len(entries))
        for j in range(i, len(entries))
        if layout.are_paired(cell[i], cell[j])
    ]
    n = np.array([e.n for e in entries], dtype=np.int64)
    raw = np.array([int(is_raw_mean(e)) for e in entries], dtype=np.int64)
    owner = layout.endpoint[cell]
    study = layout.study[cell]
    ties = [
        (i, j, pair, raw[i] * raw[j] * (owner[i] == owner[j]), 1.0 / max(n[i], n[j], 1))
        for i, j, pair in rows
    ]
    return Locations(
        entry=np.array(positions, dtype=np.int64),
        cell=cell,
        n=n,
        value=np.array([e.value if is_raw_mean(e) else to_model(e, e.value) for e in entries]),
        se=np.array([_reported_se(e) for e in entries]),
        reading=np.array([_on_own_scale(e, e.reading_sd or 0.0) for e in entries]),
        raw=raw,
        median=np.array([e.statistic == "median" for e in entries], dtype=bool),
        weight_cv=np.array([_weight_cv(evidence, e) for e in entries]),
        study=np.where(layout.sampled[study], -1, study),
        ties=np.array(ties, dtype=np.float64).reshape(-1, 5),
        powers=np.array([_powers(entries[i], entries[j]) for i, j, _ in rows]),
    )


def joint_locations(
    table: Locations, layout: Cells, moments: Moments, history: NaturalHistory
) -> JointLocations:
    """Joint density of all locations."""
    mean = pt.switch(table.raw, moments.raw_mean[table.cell], moments.mean[table.cell])
    spread = covariance(table, layout, moments, history)
    density, weighted, precision = correlated_normal(table.value - mean, spread)
    se = pt.sqrt(pt.diagonal(spread))
    return JointLocations(
        density, mean, se, _reported_se_ratio(table, moments), spread, weighted, precision
    )


def _reported_se_ratio(table: Locations, moments: Moments) -> Tensor:
    """Reported over modelled standard error (location,); 1 without a reported one."""
    is_reported = ~np.isnan(table.se)
    if not is_reported.any():
        return np.ones(table.cell.size)
    is_variance = table.ties[:, 0] == table.ties[:, 1]
    pair = table.ties[is_variance, 2].astype(np.int64)
    variance = pt.switch(
        table.raw,
        table.ties[is_variance, 4] * moments.raw_covariance[pair],
        table.powers[is_variance, 0] * moments.covariance[pair],
    )
    return pt.switch(is_reported, np.where(is_reported, table.se, 1.0) / pt.sqrt(variance), 1.0)


def covariance(
    table: Locations, layout: Cells, moments: Moments, history: NaturalHistory
) -> Tensor:
    """Covariance (location, location)."""
    total: Tensor = location_covariance(
        moments.covariance,
        moments.correlation,
        moments.raw_covariance,
        pt.switch(table.raw, moments.raw_slope[table.cell], 1.0),
        _weight_sd(table, layout.scale.at(table.cell), moments),
        history.deviation_weight[table.cell],
        history.deviation_sd**2,
        table.ties,
        table.powers,
        table.se,
        _kin(table, layout),
    )
    return total + np.diag(table.reading**2) if table.reading.any() else total


def _kin(table: Locations, layout: Cells) -> Floats:
    """Locations (row, 3) of one study whose deviation is integrated out, two by two."""
    first, second = np.nonzero(np.triu(table.study[:, None] == table.study))
    integrated = table.study[first] >= 0
    first, second = first[integrated], second[integrated]
    endpoint = layout.endpoint[table.cell]
    return np.stack([first, second, endpoint[first]], axis=1).astype(np.float64)


def even_polynomial(coefficients: Floats, rho: Tensor) -> Tensor:
    """Evaluate series (entry, degree) in odd powers 1, 3, 5, ... of ``rho``, divided by ``rho``."""
    used_degrees = np.flatnonzero(np.any(coefficients != 0.0, axis=0))
    highest = int(used_degrees[-1]) if used_degrees.size else 0
    value = pt.as_tensor(coefficients[:, highest])
    for position in range(highest - 1, -1, -1):
        value = coefficients[:, position] + rho**2 * value
    return value


def _weight_sd(table: Locations, scale: Scales, moments: Moments) -> Tensor:
    """SD (location,) of doses per kg from the uncertain typical weight of the arm."""
    if not table.weight_cv.any():
        return np.zeros(table.cell.size)
    mean = moments.mean[table.cell]
    # derivative by the log weight: half as large for a square root
    value_slope = pt.switch(table.raw, moments.raw_mean[table.cell], mean / (1.0 + scale.root))
    return value_slope * table.weight_cv


def _weight_cv(evidence: Evidence, entry: ReportedNumber) -> float:
    if not entry.by_weight:
        return 0.0
    weight = find_study_arm(evidence, entry.study, entry.arm, entry.where).weight_kg
    return weight.sd / weight.mean if weight else 0.0


def _powers(entry: ReportedNumber, other_entry: ReportedNumber) -> Floats:
    n = max(entry.n, other_entry.n, 1)
    medians = entry.statistic == other_entry.statistic == "median"
    if medians and entry is other_entry:
        return np.append(median_variance(n), np.zeros(DEGREES.size - 1))
    if medians:
        return np.array(median_covariance(n))
    return np.append(1.0 / n, np.zeros(DEGREES.size - 1))


def _reported_se(entry: ReportedNumber) -> float:
    return float("nan") if entry.se is None else _on_own_scale(entry, entry.se)


def _on_own_scale(entry: ReportedNumber, error: float) -> float:
    """An error on the scale on which the entry is read, by the delta method."""
    if is_raw(entry) and not is_raw_mean(entry):
        return error * ENDPOINTS[entry.endpoint].scale.slope(entry.value)
    return error
