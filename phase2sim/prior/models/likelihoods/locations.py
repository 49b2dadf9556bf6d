"""Means and medians: one joint normal, because those of one arm come from the same patients."""

import math
from dataclasses import dataclass

import numpy as np

from phase2sim.core.arrays import Bools, Floats, Ints
from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.core.kernels import kernel
from phase2sim.evidence.reported import LOCATIONS, Evidence, Reported
from phase2sim.prior.models.densities.location_covariance import location_covariance
from phase2sim.prior.models.densities.order_statistics import LOG_ROOT_TWO_PI
from phase2sim.prior.models.densities.pytensor_names import Tensor, pt
from phase2sim.prior.models.densities.quadrature import DEGREES, median_covariance, median_variance
from phase2sim.prior.models.densities.summary_densities import correlated_normal
from phase2sim.prior.models.unknowns.evidence_arrays import (
    Cells,
    find_study_arm,
    arm_visit,
    is_raw,
    is_raw_mean,
    read_entries,
    to_model,
)
from phase2sim.prior.models.unknowns.natural_history import Moments, NaturalHistory
from phase2sim.prior.models.unknowns.scales import Scales


@dataclass(frozen=True, slots=True)
class Locations:
    """Means and medians; those of one arm come from the same patients."""

    entry: Ints  # (location,) position among the entries that are read
    cell: Ints  # (location,)
    n: Ints  # (location,)
    value: Floats  # (location,) raw if ``raw``, else model scale
    se: Floats  # (location,) as reported; nan where it follows from the SD between patients
    raw: Ints  # (location,) 1 for a mean of values that are not normal
    median: Bools  # (location,)
    weight_cv: Floats  # (location,) of the arm's typical weight if doses were divided by it, else 0
    study: Ints  # (location,) -1 where the study's level and slope are sampled
    ties: Floats  # (tie, 5) two locations of the same patients, pair of cells, 1 if exact, 1 / n
    powers: Floats  # (tie, degree) of the standardised summaries, odd powers of rho


@dataclass(frozen=True, slots=True)
class JointLocations:
    """Joint density of the locations and what it is made of."""

    density: Tensor
    expected: Tensor  # (location,)
    se: Tensor  # (location,) of one location alone
    as_reported: Tensor  # (location,) its reported SE over that of its patients; 1 without one
    covariance: Tensor  # (location, location)
    weighted: Tensor  # (location,) precision times residual
    precision: Tensor  # (location, location)

    def given_the_others(self) -> Tensor:
        """Log density (location,) of each location given all the others."""
        own = pt.diagonal(self.precision)
        return (pt.log(own) - self.weighted**2 / own - np.log(2.0 * np.pi)) / 2.0

    def beside(self, at: Moments, cell: Ints, location: Ints) -> Tensor:
        """Points (row, 4) of densities that take the place of medians' own normal ones.

        Mean and SD of the patients, expected value and standard error of the median.
        """
        patients = pt.stack([at.mean, at.sd], axis=1)[cell]
        return pt.concatenate(
            [patients, pt.stack([self.expected, self.se], axis=1)[location]], axis=1
        )


def _median_correction(points: Floats, reported: float, beside: float, slopes: Floats) -> float:
    """What one row of ``JointLocations.beside`` takes from an exact density given in SDs from the mean.

    The log of the patients' SD for the median itself, and its normal density, both ``beside``
    times; adds their slopes.
    """
    _, sd, expected, se = points
    z = (reported - expected) / se
    slopes[1] -= beside / sd
    slopes[2] -= beside * z / se
    slopes[3] -= beside * (z * z - 1.0) / se
    return float(-beside * (math.log(sd) - z * z / 2.0 - math.log(se) - LOG_ROOT_TWO_PI))


median_correction = kernel(_median_correction)


def locations(evidence: Evidence, layout: Cells) -> Locations:
    """Collect the location summaries and which of them share patients."""
    read = read_entries(evidence)
    positions = [position for position, e in enumerate(read) if e.statistic in LOCATIONS]
    positions.sort(key=lambda position: read[position].study)  # independent blocks side by side
    entries = [read[position] for position in positions]
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
        raw=raw,
        median=np.array([e.statistic == "median" for e in entries], dtype=bool),
        weight_cv=np.array([_weight_cv(evidence, e) for e in entries]),
        study=np.where(layout.sampled[study], -1, study),
        ties=np.array(ties, dtype=np.float64).reshape(-1, 5),
        powers=np.array([_powers(entries[i], entries[j]) for i, j, _ in rows]),
    )


def joint_locations(table: Locations, layout: Cells, at: Moments, history: NaturalHistory) -> JointLocations:
    """Joint density of all locations."""
    mean = pt.switch(table.raw, at.raw_mean[table.cell], at.mean[table.cell])
    spread = covariance(table, layout, at, history)
    density, weighted, precision = correlated_normal(table.value - mean, spread)
    se = pt.sqrt(pt.diagonal(spread))
    return JointLocations(density, mean, se, _as_reported(table, at), spread, weighted, precision)


def _as_reported(table: Locations, at: Moments) -> Tensor:
    """Reported standard error (location,) over that of the location's patients; 1 without one."""
    reported = ~np.isnan(table.se)
    if not reported.any():
        return np.ones(table.cell.size)
    alone = table.ties[:, 0] == table.ties[:, 1]
    pair = table.ties[alone, 2].astype(np.int64)
    variance = pt.switch(
        table.raw,
        table.ties[alone, 4] * at.raw_covariance[pair],
        table.powers[alone, 0] * at.covariance[pair],
    )
    return pt.switch(reported, np.where(reported, table.se, 1.0) / pt.sqrt(variance), 1.0)


def covariance(table: Locations, layout: Cells, at: Moments, history: NaturalHistory) -> Tensor:
    """Covariance (location, location) about the expected values."""
    return location_covariance(
        at.covariance,
        at.correlation,
        at.raw_covariance,
        pt.switch(table.raw, at.raw_slope[table.cell], 1.0),
        _by_weight(table, layout.scale.at(table.cell), at),
        history.level_sd**2,
        history.slope_sd**2,
        table.ties,
        table.powers,
        table.se,
        np.stack([table.study, layout.endpoint[table.cell], layout.months[table.cell]], axis=1),
    )


def even_polynomial(coefficients: Floats, rho: Tensor) -> Tensor:
    """Evaluate series (entry, degree) in the odd powers 1, 3, 5, ... of ``rho``, over ``rho``."""
    used = np.flatnonzero(np.any(coefficients != 0.0, axis=0))
    highest = int(used[-1]) if used.size else 0
    value = pt.as_tensor(coefficients[:, highest])
    for position in range(highest - 1, -1, -1):
        value = coefficients[:, position] + rho**2 * value
    return value


def _by_weight(table: Locations, scale: Scales, at: Moments) -> Tensor:
    """SD (location,) that the arm's unknown typical weight gives to doses divided by it."""
    if not table.weight_cv.any():
        return np.zeros(table.cell.size)
    mean = at.mean[table.cell]
    # d value / d log weight: a square root moves by half as much
    moved = pt.switch(table.raw, at.raw_mean[table.cell], mean / (1.0 + scale.root))
    return moved * table.weight_cv


def _weight_cv(evidence: Evidence, entry: Reported) -> float:
    if not entry.by_weight:
        return 0.0
    weight = find_study_arm(evidence, entry.study, entry.arm, entry.where).weight_kg
    return weight.sd / weight.mean if weight else 0.0


def _powers(one: Reported, other: Reported) -> Floats:
    n = max(one.n, other.n, 1)
    medians = one.statistic == other.statistic == "median"
    if medians and one is other:
        return np.append(median_variance(n), np.zeros(DEGREES.size - 1))
    if medians:
        return np.array(median_covariance(n))
    return np.append(1.0 / n, np.zeros(DEGREES.size - 1))


def _reported_se(entry: Reported) -> float:
    if entry.se is None:
        return float("nan")
    if is_raw(entry) and not is_raw_mean(entry):
        return entry.se * _model_slope(ENDPOINTS[entry.endpoint].transformation, entry.value)
    return entry.se


def _model_slope(transformation: str, value: float) -> float:
    """Derivative of the model scale by the reported value, for the delta method."""
    if transformation == "log1p":
        return 1.0 / (1.0 + value)
    return 1.0 / value if transformation == "log" else 0.5 / float(np.sqrt(value))
