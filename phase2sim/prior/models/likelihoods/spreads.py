"""Likelihoods of SDs between patients, of changes and of residuals, and of correlations."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from phase2sim.core.arrays import Floats, Ints
from phase2sim.core.errors import BadEvidence
from phase2sim.evidence.reported import LOCATIONS, Evidence, ReportedNumber
from phase2sim.prior.models.densities.order_statistics import LOG_ROOT_TWO_PI
from phase2sim.prior.models.densities.pytensor_names import Tensor, pt
from phase2sim.prior.models.densities.summary_densities import (
    correlated_normal,
    correlation_density,
    normal,
    sample_sd,
    sd_freedom,
)
from phase2sim.prior.models.unknowns.evidence_arrays import (
    Cells,
    arm_visit,
    is_cross_correlation,
    is_raw,
    read_entries,
)
from phase2sim.prior.models.unknowns.natural_history import Moments, NaturalHistory
from phase2sim.prior.models.unknowns.scales import Scales, raw_kurtosis

FEWEST = 4  # patients of a correlation: of three or fewer it says nearly nothing


@dataclass(frozen=True, slots=True)
class Spreads:
    """SDs between patients; those of one arm have the same patients."""

    entry: Ints  # (spread,) index in ``read_entries``
    cell: Ints
    sd: Floats  # raw if ``raw``, else model scale
    n: Floats
    raw: Floats  # (spread,) 1 for an SD of values that are not normal
    scale: Scales  # (spread,)
    pair: Ints  # (tie,) pair of cells of the same patients
    overlap: Floats  # (tie,) square root of the smaller over the larger n
    tie_index: Ints  # (spread, spread) 0 if independent, 1 on the diagonal, else 2 + tie


@dataclass(frozen=True, slots=True)
class JointSpread:
    """Joint density of the SDs between patients."""

    density: Tensor  # sum of ``apart``, and the normal density of ``score``
    given_the_others: Tensor  # (spread,)
    apart: Tensor  # (spread,) density of an SD less that of its score, as if independent
    score: Tensor  # (spread,) standard normal
    correlation: Tensor  # (spread, spread) of the scores


@dataclass(frozen=True, slots=True)
class ChangeSpreads:
    """SDs of changes between two visits."""

    entry: Ints  # (spread,)
    pairs: Ints  # (spread, 3) first with itself, second with itself, both
    sd: Floats
    n: Floats
    raw: Floats  # (spread,) 1 for changes of values that are not normal


@dataclass(frozen=True, slots=True)
class ResidualSpreads:
    """Residual SDs of an outcome adjusted for an earlier visit, over all arms."""

    entry: Ints  # (spread,)
    cell: Ints  # the later visit
    pair: Ints  # the two visits
    sd: Floats
    n: Floats


@dataclass(frozen=True, slots=True)
class Correlations:
    """Correlations between two visits of one endpoint, or of two endpoints at one visit."""

    entry: Ints  # (correlation,)
    pair: Ints  # pair of cells, or index in the flat matrix of endpoints
    value: Floats
    n: Floats
    elicited_sd: Floats  # 0 if reported


def spreads(evidence: Evidence, layout: Cells) -> Spreads:
    """Collect SDs, with or without a mean.

    Raises ``BadEvidence`` for two SDs of the same patients at one visit.
    """
    indexed_entries = [
        (position, e)
        for position, e in enumerate(read_entries(evidence))
        if _sd(e) is not None and e.n > 1
    ]
    entries = [e for _, e in indexed_entries]
    cell = _cells(evidence, layout, entries)
    n = np.array([e.n for e in entries], dtype=np.float64)
    tie_index = np.eye(len(entries), dtype=np.int64)
    ties: list[tuple[int, float]] = []
    for i, j in combinations(range(len(entries)), 2):
        if cell[i] == cell[j]:
            raise BadEvidence(
                f"{entries[j].where}: the SD of these patients is also in {entries[i].where}."
                " Mark one of the two as unused."
            )
        if layout.are_paired(cell[i], cell[j]):
            tie_index[i, j] = tie_index[j, i] = 2 + len(ties)
            ties.append((layout.pair(cell[i], cell[j]), min(n[i], n[j]) / max(n[i], n[j])))
    return Spreads(
        entry=np.array([position for position, _ in indexed_entries], dtype=np.int64),
        cell=cell,
        sd=np.array([_sd(e) for e in entries], dtype=np.float64),
        n=n,
        raw=np.array([is_raw(e) for e in entries], dtype=np.float64),
        scale=layout.scale.at(cell),
        pair=np.array([pair for pair, _ in ties], dtype=np.int64),
        overlap=np.sqrt([share for _, share in ties]),
        tie_index=tie_index,
    )


def change_spreads(evidence: Evidence, layout: Cells) -> ChangeSpreads:
    """Collect SDs of changes."""
    indexed_entries = [
        (position, e)
        for position, e in enumerate(read_entries(evidence))
        if e.statistic == "change" and e.sd is not None and e.n > 1
    ]
    entries = [e for _, e in indexed_entries]
    first, second = _cells(evidence, layout, entries, 0), _cells(evidence, layout, entries, 1)
    pairs = [
        _pairs(layout, *sides) for sides in ((first, first), (second, second), (first, second))
    ]
    return ChangeSpreads(
        entry=np.array([position for position, _ in indexed_entries], dtype=np.int64),
        pairs=np.stack(pairs, axis=1),
        sd=np.array([e.sd for e in entries], dtype=np.float64),
        n=np.array([e.n for e in entries], dtype=np.float64),
        raw=np.array([is_raw(e) for e in entries], dtype=np.float64),
    )


def residual_spreads(evidence: Evidence, layout: Cells) -> ResidualSpreads:
    """Collect SDs at one visit given another, on the model scale."""
    all_entries = read_entries(evidence)
    indexed_entries = [
        (position, e) for position, e in enumerate(all_entries) if e.statistic == "residual_sd"
    ]
    entries = [e for _, e in indexed_entries]
    first, second = _cells(evidence, layout, entries, 0), _cells(evidence, layout, entries, 1)
    return ResidualSpreads(
        entry=np.array([position for position, _ in indexed_entries], dtype=np.int64),
        cell=second,
        pair=_pairs(layout, first, second),
        sd=np.array([e.value for e in entries], dtype=np.float64),
        n=np.array([e.n for e in entries], dtype=np.float64),
    )


def visit_correlations(evidence: Evidence, layout: Cells) -> Correlations:
    """Collect correlations between two visits, on the model scale."""
    indexed_entries = _correlation_entries(evidence, cross=False)
    entries = [e for _, e in indexed_entries]
    first, second = _cells(evidence, layout, entries, 0), _cells(evidence, layout, entries, 1)
    return _correlations(indexed_entries, _pairs(layout, first, second))


def endpoint_correlations(evidence: Evidence, layout: Cells) -> Correlations:
    """Collect correlations of two modelled endpoints at one visit."""
    endpoints = layout.endpoints
    indexed_entries = [
        (position, e)
        for position, e in _correlation_entries(evidence, cross=True)
        if e.endpoint in endpoints and e.with_endpoint in endpoints
    ]
    pair = [
        endpoints.index(e.endpoint) * len(endpoints) + endpoints.index(e.with_endpoint)
        for _, e in indexed_entries
    ]
    return _correlations(indexed_entries, np.array(pair, dtype=np.int64))


def joint_spread(table: Spreads, moments: Moments) -> JointSpread:
    """Joint density of all SDs between patients.

    Each variance is chi-square. Variances of the same patients have a Gaussian copula whose
    correlation is the squared correlation of the values; the normal scores are cube roots (Wilson
    and Hilferty 1931).
    """
    model_sd = moments.sd[table.cell]
    sd = pt.switch(table.raw > 0, pt.sqrt(moments.raw_covariance[table.cell]), model_sd)
    kurtosis = pt.switch(
        table.raw > 0, raw_kurtosis(table.scale, moments.mean[table.cell], model_sd), 3.0
    )
    freedom = sd_freedom(table.n, kurtosis)
    alone = sample_sd(table.sd, freedom, sd)
    spare = 2.0 / (9.0 * freedom)
    third = pt.exp((pt.log(table.sd) - pt.log(sd)) * 2.0 / 3.0)
    score = (third - 1.0 + spare) / pt.sqrt(spare)
    independent = -(score**2) / 2.0 - LOG_ROOT_TWO_PI
    apart = alone - independent
    if not table.pair.size:
        return JointSpread(pt.sum(alone), alone, apart, score, pt.eye(table.cell.size))
    ties = moments.correlation[table.pair] ** 2 * table.overlap
    correlated = pt.concatenate([[0.0, 1.0], ties])[table.tie_index]
    joint, weighted, precision = correlated_normal(score, correlated)
    own_precision = pt.diagonal(precision)
    conditional = (pt.log(own_precision) - weighted**2 / own_precision) / 2.0 - LOG_ROOT_TWO_PI
    return JointSpread(pt.sum(apart) + joint, apart + conditional, apart, score, correlated)


def change_spread_density(table: ChangeSpreads, moments: Moments) -> Tensor:
    """Log density (spread,)."""
    raw, plain = moments.raw_covariance[table.pairs], moments.covariance[table.pairs]
    covariance = pt.switch(table.raw[:, None] > 0, raw, plain)
    variance = covariance[:, 0] + covariance[:, 1] - 2.0 * covariance[:, 2]
    return sample_sd(table.sd, table.n - 1.0, pt.sqrt(variance))


def residual_spread_density(table: ResidualSpreads, moments: Moments) -> Tensor:
    """Log density (spread,), with n - 3 degrees of freedom after intercept, arm and baseline."""
    residual = moments.sd[table.cell] * pt.sqrt(1.0 - moments.correlation[table.pair] ** 2)
    return sample_sd(table.sd, table.n - 3.0, residual)


def visit_correlation_density(table: Correlations, moments: Moments) -> Tensor:
    """Log density (correlation,)."""
    return _correlation_rows(table, moments.correlation[table.pair])


def endpoint_correlation_density(table: Correlations, history: NaturalHistory) -> Tensor:
    """Log density (correlation,)."""
    rho = history.endpoint_correlation.flatten()[table.pair]
    return _correlation_rows(table, rho)


def _correlation_rows(table: Correlations, rho: Tensor) -> Tensor:
    """Log density (correlation,): of a reported sample correlation, or the stated normal."""
    elicited = table.elicited_sd > 0.0
    stated = normal(table.value, rho, np.where(elicited, table.elicited_sd, 1.0))
    reported = correlation_density(pt.switch(elicited, 0.0, table.value), table.n, rho)
    return pt.switch(elicited, stated, reported)


def _sd(entry: ReportedNumber) -> float | None:
    if entry.statistic == "sd":
        return entry.value
    return entry.sd if entry.statistic in LOCATIONS else None


def _correlation_entries(evidence: Evidence, *, cross: bool) -> list[tuple[int, ReportedNumber]]:
    return [
        (position, e)
        for position, e in enumerate(read_entries(evidence))
        if e.statistic == "correlation" and is_cross_correlation(e) is cross
    ]


def _correlations(indexed_entries: list[tuple[int, ReportedNumber]], pair: Ints) -> Correlations:
    entries = [e for _, e in indexed_entries]
    return Correlations(
        entry=np.array([position for position, _ in indexed_entries], dtype=np.int64),
        pair=pair,
        value=np.array([e.elicited.mean if e.elicited else e.value for e in entries]),
        n=np.array([FEWEST if e.elicited else _patients(e) for e in entries], dtype=np.float64),
        elicited_sd=np.array([e.elicited.sd if e.elicited else 0.0 for e in entries]),
    )


def _patients(entry: ReportedNumber) -> int:
    if entry.n < FEWEST:
        raise BadEvidence(f"{entry.where}: a correlation needs n above 3; it is {entry.n}.")
    return entry.n


def _cells(
    evidence: Evidence, layout: Cells, entries: list[ReportedNumber], visit: int = 0
) -> Ints:
    indices = [layout.index[arm_visit(evidence, e, e.months[visit])] for e in entries]
    return np.array(indices, dtype=np.int64)


def _pairs(layout: Cells, first: Ints, second: Ints) -> Ints:
    return np.array([layout.pair(i, j) for i, j in zip(first, second, strict=True)], dtype=np.int64)
