"""SDs between patients, SDs given baseline, and correlations."""

from dataclasses import dataclass

import numpy as np

from phase2sim.contracts import Floats, Ints
from phase2sim.errors import BadEvidence
from phase2sim.knowledge import Evidence, Reported
from phase2sim.models.likelihoods import correlation, log_normal_sd, sample_sd
from phase2sim.models.natural_history import Moments, NaturalHistory
from phase2sim.models.scales import Scales, raw_kurtosis
from phase2sim.models.symbols import Tensor, pt
from phase2sim.models.tables import (
    LOCATIONS,
    Cells,
    cell_of,
    is_cross_correlation,
    is_raw,
    read_entries,
)

FEWEST_FOR_FISHER = 4


@dataclass(frozen=True, slots=True)
class Spreads:
    """SDs between patients, all on the model scale or all on the reported one."""

    entry: Ints  # (spread,) position among the entries that are read
    cell: Ints
    sd: Floats
    n: Floats
    scale: Scales  # (spread,)


@dataclass(frozen=True, slots=True)
class ResidualSpreads:
    """SDs of an outcome given (adjusted for) an earlier visit, all arms together."""

    entry: Ints  # (spread,)
    cell: Ints  # the later visit
    pair: Ints  # the two visits
    sd: Floats
    n: Floats


@dataclass(frozen=True, slots=True)
class Correlations:
    """Correlations between two visits of one endpoint, or of two endpoints at one visit."""

    entry: Ints  # (correlation,)
    pair: Ints  # of cells; or place in the flat matrix of endpoints
    value: Floats
    se: Floats  # of atanh(value) if reported, of value itself if elicited
    elicited: Floats  # 1 where elicited


def spreads(evidence: Evidence, layout: Cells, *, raw: bool) -> Spreads:
    """Collect SDs, beside a location or alone: on the reported scale, or on the model scale."""
    found = [
        (position, e)
        for position, e in enumerate(read_entries(evidence))
        if _sd(e) is not None and e.n > 1 and is_raw(e) is raw
    ]
    cell = _cells(evidence, layout, [e for _, e in found])
    return Spreads(
        entry=np.array([position for position, _ in found], dtype=np.int64),
        cell=cell,
        sd=np.array([_sd(e) for _, e in found], dtype=np.float64),
        n=np.array([e.n for _, e in found], dtype=np.float64),
        scale=layout.scale.at(cell),
    )


def residual_spreads(evidence: Evidence, layout: Cells) -> ResidualSpreads:
    """Collect SDs at one visit given another, on the model scale."""
    read = read_entries(evidence)
    found = [(position, e) for position, e in enumerate(read) if e.statistic == "residual_sd"]
    entries = [e for _, e in found]
    first, second = _cells(evidence, layout, entries, 0), _cells(evidence, layout, entries, 1)
    return ResidualSpreads(
        entry=np.array([position for position, _ in found], dtype=np.int64),
        cell=second,
        pair=_pairs(layout, first, second),
        sd=np.array([e.value for e in entries], dtype=np.float64),
        n=np.array([e.n for e in entries], dtype=np.float64),
    )


def visit_correlations(evidence: Evidence, layout: Cells) -> Correlations:
    """Collect correlations between two visits, on the model scale."""
    found = _correlated(evidence, cross=False)
    entries = [e for _, e in found]
    first, second = _cells(evidence, layout, entries, 0), _cells(evidence, layout, entries, 1)
    return _correlations(found, _pairs(layout, first, second))


def endpoint_correlations(evidence: Evidence, layout: Cells) -> Correlations:
    """Collect correlations of two endpoints at one visit, both of which the model has."""
    known = layout.endpoints
    found = [
        (position, e)
        for position, e in _correlated(evidence, cross=True)
        if e.endpoint in known and e.with_endpoint in known
    ]
    place = [known.index(e.endpoint) * len(known) + known.index(e.with_endpoint) for _, e in found]
    return _correlations(found, np.array(place, dtype=np.int64))


def spread_density(table: Spreads, at: Moments, *, raw: bool) -> Tensor:
    """Log density (spread,)."""
    sd = at.sd[table.cell]
    if not raw:
        return sample_sd(table.sd, table.n, sd)
    kurtosis = raw_kurtosis(table.scale, at.mean[table.cell], sd)
    return log_normal_sd(table.sd, table.n, pt.sqrt(at.raw_covariance[table.cell]), kurtosis)


def residual_spread_density(table: ResidualSpreads, at: Moments) -> Tensor:
    """Log density (spread,): intercept, arm and baseline leave n - 3 degrees of freedom."""
    residual = at.sd[table.cell] * pt.sqrt(1.0 - at.correlation[table.pair] ** 2)
    return sample_sd(table.sd, table.n - 2.0, residual)


def visit_correlation_density(table: Correlations, at: Moments) -> Tensor:
    """Log density (correlation,)."""
    return correlation(table.value, table.se, table.elicited, at.correlation[table.pair])


def endpoint_correlation_density(table: Correlations, history: NaturalHistory) -> Tensor:
    """Log density (correlation,)."""
    rho = history.endpoint_correlation.flatten()[table.pair]
    return correlation(table.value, table.se, table.elicited, rho)


def _sd(entry: Reported) -> float | None:
    if entry.statistic == "sd":
        return entry.value
    return entry.sd if entry.statistic in LOCATIONS else None


def _correlated(evidence: Evidence, *, cross: bool) -> list[tuple[int, Reported]]:
    return [
        (position, e)
        for position, e in enumerate(read_entries(evidence))
        if e.statistic == "correlation" and is_cross_correlation(e) is cross
    ]


def _correlations(found: list[tuple[int, Reported]], pair: Ints) -> Correlations:
    entries = [e for _, e in found]
    return Correlations(
        entry=np.array([position for position, _ in found], dtype=np.int64),
        pair=pair,
        value=np.array([e.elicited.mean if e.elicited else e.value for e in entries]),
        se=np.array([e.elicited.sd if e.elicited else _fisher_se(e) for e in entries]),
        elicited=np.array([float(e.elicited is not None) for e in entries]),
    )


def _fisher_se(entry: Reported) -> float:
    if entry.n < FEWEST_FOR_FISHER:  # Fisher's variance is 1 / (n - 3)
        raise BadEvidence(f"{entry.where}: a correlation needs n above 3; it is {entry.n}.")
    return 1.0 / float(np.sqrt(entry.n - 3.0))


def _cells(evidence: Evidence, layout: Cells, entries: list[Reported], visit: int = 0) -> Ints:
    found = [layout.index[cell_of(evidence, e, e.months[visit])] for e in entries]
    return np.array(found, dtype=np.int64)


def _pairs(layout: Cells, first: Ints, second: Ints) -> Ints:
    return np.array([layout.pair(i, j) for i, j in zip(first, second, strict=True)], dtype=np.int64)
