"""Which entry is read by which likelihood, as constant arrays over the cells."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from phase2sim.contracts import Floats, Ints
from phase2sim.errors import BadEvidence
from phase2sim.knowledge import Evidence, Reported
from phase2sim.models.summaries import DEGREES, median_covariance, median_variance
from phase2sim.models.tables import (
    LOCATIONS,
    Cells,
    cell_of,
    is_cross_correlation,
    is_raw,
    read_entries,
    to_model,
)


@dataclass(frozen=True, slots=True)
class Locations:
    """Means and medians; those of one arm and endpoint come from the same patients."""

    cell: Ints  # (location,)
    value: Floats  # (location,) raw if ``raw``, else model scale
    se: Floats  # (location,) as reported; nan where it follows from the SD between patients
    raw: Ints  # (location,) 1 for a mean on the raw scale of an endpoint modelled on ln(x + 1)
    first: Ints  # (entry,) of the covariance: location
    second: Ints  # (entry,)
    pair: Ints  # (entry,) pair of cells
    per_patient: Floats  # (entry,) 1 / the larger n
    powers: Floats  # (entry, degree): covariance of the standardised summaries, odd powers of rho
    place: Ints  # (location, location): 0 if independent, else 1 + covariance entry
    level: Floats  # (endpoint, location, location) 1 for the same study, if integrated out
    slope: Floats  # (endpoint, location, location) the same, times the months of both visits


@dataclass(frozen=True, slots=True)
class Spreads:
    """SDs between patients."""

    cell: Ints  # (spread,)
    sd: Floats
    n: Floats


@dataclass(frozen=True, slots=True)
class Differences:
    """Changes and slopes between two visits."""

    value: Floats  # (difference,)
    se: Floats  # (difference,) of the report, or of the elicited statement
    contrast: Floats  # (difference, cell) second visit minus first, per month for a slope
    sampling: Floats  # (difference, pair) variance of a sample's own change, where it adds to se


@dataclass(frozen=True, slots=True)
class Correlations:
    """Correlations between two visits of one endpoint, or of the endpoints at one visit."""

    pair: Ints  # (correlation,)
    value: Floats
    se: Floats  # of atanh(value) if reported, of value itself if elicited
    elicited: Floats  # 1 where elicited


@dataclass(frozen=True, slots=True)
class ResidualSpreads:
    """SDs of an outcome given (adjusted for) an earlier visit, all arms together."""

    cell: Ints  # (spread,) the later visit
    pair: Ints  # (spread,) the two visits
    sd: Floats
    n: Floats


@dataclass(frozen=True, slots=True)
class Count:
    """How many of n lie below a threshold at one visit, perhaps beside the visit's median."""

    cell: int
    n: int
    below: int
    threshold: float  # model scale
    median: float | None  # model scale; of the same visit
    location: int  # position of that median in ``Locations``; -1 without one


@dataclass(frozen=True, slots=True)
class Falls:
    """How many of n lie below their own baseline."""

    baseline: int  # cells
    visit: int
    n: int
    below: int


def locations(evidence: Evidence, layout: Cells) -> Locations:
    """Collect the location summaries and which of them share patients."""
    entries = [e for e in read_entries(evidence) if e.statistic in LOCATIONS]
    where = [layout.index[cell_of(evidence, e, e.months[0])] for e in entries]
    rows = [
        (i, j, layout.pair(where[i], where[j]))
        for i in range(len(entries))
        for j in range(i, len(entries))
        if (min(where[i], where[j]), max(where[i], where[j])) in layout.pair_index
    ]
    place = np.zeros((len(entries), len(entries)), dtype=np.int64)
    for position, (i, j, _) in enumerate(rows, start=1):
        place[i, j] = place[j, i] = position
    first, second, pair = _ints(rows, 3)
    cell = np.array(where, dtype=np.int64)
    study = layout.study[cell]
    integrated = ~layout.sampled[study]
    same = (study[:, None] == study) & integrated
    level = same * np.eye(len(layout.endpoints))[layout.endpoint[cell]].T[:, None, :]
    return Locations(
        cell=cell,
        value=np.array([e.value if _raw_mean(e) else to_model(e, e.value) for e in entries]),
        se=np.array([_location_se(e) for e in entries]),
        raw=np.array([int(_raw_mean(e)) for e in entries], dtype=np.int64),
        first=first,
        second=second,
        pair=pair,
        per_patient=np.array([1.0 / max(entries[i].n, entries[j].n) for i, j, _ in rows]),
        powers=np.array([_powers(entries[i], entries[j]) for i, j, _ in rows]),
        place=place,
        level=level,
        slope=level * np.outer(layout.months[cell], layout.months[cell]),
    )


def spreads(evidence: Evidence, layout: Cells, *, raw: bool) -> Spreads:
    """Collect SDs reported beside a location: on the raw scale, or on the model scale."""
    entries = [
        e
        for e in read_entries(evidence)
        if e.statistic in LOCATIONS and e.sd is not None and e.n > 1 and is_raw(e) is raw
    ]
    return Spreads(
        cell=_cells(evidence, layout, entries),
        sd=np.array([e.sd for e in entries], dtype=np.float64),
        n=np.array([e.n for e in entries], dtype=np.float64),
    )


def residual_spreads(evidence: Evidence, layout: Cells) -> ResidualSpreads:
    """Collect SDs at one visit given another, on the model scale."""
    entries = [e for e in read_entries(evidence) if e.statistic == "residual_sd"]
    first, second = _cells(evidence, layout, entries, 0), _cells(evidence, layout, entries, 1)
    pairs = [layout.pair(i, j) for i, j in zip(first, second, strict=True)]
    return ResidualSpreads(
        cell=second,
        pair=np.array(pairs, dtype=np.int64),
        sd=np.array([e.value for e in entries], dtype=np.float64),
        n=np.array([e.n for e in entries], dtype=np.float64),
    )


def differences(evidence: Evidence, layout: Cells, *, raw: bool) -> Differences:
    """Collect changes and slopes: on the raw scale, or on the model scale."""
    entries = [
        e for e in read_entries(evidence) if e.statistic in ("change", "slope") and is_raw(e) is raw
    ]
    first, second = _cells(evidence, layout, entries, 0), _cells(evidence, layout, entries, 1)
    months = [e.months[1] - e.months[0] if e.statistic == "slope" else 1.0 for e in entries]
    contrast = np.zeros((len(entries), layout.months.size))
    sampling = np.zeros((len(entries), layout.first.size))
    for row, (entry, i, j) in enumerate(zip(entries, first, second, strict=True)):
        contrast[row, [i, j]] = -1.0 / months[row], 1.0 / months[row]
        if entry.elicited and entry.n:
            pairs = [layout.pair(i, i), layout.pair(j, j), layout.pair(i, j)]
            sampling[row, pairs] = np.array([1.0, 1.0, -2.0]) / (entry.n * months[row] ** 2)
    return Differences(
        value=np.array([e.elicited.mean if e.elicited else e.value for e in entries]),
        se=np.array([_difference_se(e) for e in entries]),
        contrast=contrast,
        sampling=sampling,
    )


def correlations(evidence: Evidence, layout: Cells) -> Correlations:
    """Collect correlations between two visits, on the model scale."""
    entries = [
        e
        for e in read_entries(evidence)
        if e.statistic == "correlation" and not is_cross_correlation(e)
    ]
    first, second = _cells(evidence, layout, entries, 0), _cells(evidence, layout, entries, 1)
    pairs = [layout.pair(i, j) for i, j in zip(first, second, strict=True)]
    return _correlations(entries, np.array(pairs, dtype=np.int64))


def cross_correlations(evidence: Evidence) -> Correlations:
    """Collect correlations of the two endpoints at one visit; their pair is 0."""
    entries = [e for e in read_entries(evidence) if is_cross_correlation(e)]
    return _correlations(entries, np.zeros(len(entries), dtype=np.int64))


def counts(evidence: Evidence, layout: Cells, medians: Locations) -> tuple[Count, ...]:
    """Collect counts beyond a threshold, each beside the median of its visit if that is reported.

    Raises ``BadEvidence`` where a count contradicts the median, or a visit has two counts and a
    median.
    """
    read = read_entries(evidence)
    located = [e for e in read if e.statistic in LOCATIONS]
    found: list[Count] = []
    for entry in read:
        if entry.statistic != "count" or entry.beyond == "below_baseline":
            continue
        cell = layout.index[cell_of(evidence, entry, entry.months[0])]
        beside = [
            position
            for position, e in enumerate(located)
            if e.statistic == "median" and medians.cell[position] == cell and e.n == entry.n
        ]
        found.append(_count(entry, cell, beside, medians))
        _consistent(entry, found)
    return tuple(found)


def falls(evidence: Evidence, layout: Cells) -> tuple[Falls, ...]:
    """Collect counts below the own baseline."""
    return tuple(
        Falls(
            baseline=layout.index[cell_of(evidence, e, e.months[0] if len(e.months) > 1 else 0.0)],
            visit=layout.index[cell_of(evidence, e, e.months[-1])],
            n=e.n,
            below=round(e.value),
        )
        for e in read_entries(evidence)
        if e.statistic == "count" and e.beyond == "below_baseline"
    )


def _correlations(entries: list[Reported], pair: Ints) -> Correlations:
    return Correlations(
        pair=pair,
        value=np.array([e.elicited.mean if e.elicited else e.value for e in entries]),
        se=np.array([e.elicited.sd if e.elicited else _fisher_se(e) for e in entries]),
        elicited=np.array([float(e.elicited is not None) for e in entries]),
    )


def _count(entry: Reported, cell: int, beside: list[int], medians: Locations) -> Count:
    if entry.threshold is None:
        raise BadEvidence(f"{entry.where}: the count has no threshold. Give below or above.")
    below = round(entry.value) if entry.beyond == "below" else entry.n - round(entry.value)
    location = beside[0] if beside else -1
    return Count(
        cell=cell,
        n=entry.n,
        below=below,
        threshold=to_model(entry, entry.threshold),
        median=float(medians.value[location]) if beside else None,
        location=location,
    )


def _consistent(entry: Reported, found: list[Count]) -> None:
    count = found[-1]
    if count.median is None:
        return
    if sum(other.cell == count.cell for other in found) > 1:
        raise BadEvidence(
            f"{entry.where}: a second count beside the same median has no likelihood."
            " Mark one of the two as unused."
        )
    if not _possible(count.below, count.n, count.threshold - count.median):
        raise BadEvidence(
            f"{entry.where}: {count.below} of {count.n} below the threshold contradicts the median"
            " of the same visit. Check both numbers."
        )


def _possible(below: int, n: int, threshold_above_median: float) -> bool:
    half = n // 2
    if below < half:
        return threshold_above_median < 0
    if below > half:
        return threshold_above_median > 0
    return n % 2 == 0 or threshold_above_median <= 0


def _powers(one: Reported, other: Reported) -> Floats:
    n = max(one.n, other.n)
    medians = one.statistic == other.statistic == "median"
    if medians and one is other:
        return np.append(median_variance(n), np.zeros(DEGREES.size - 1))
    if medians:
        return np.array(median_covariance(n))
    return np.append(1.0 / n, np.zeros(DEGREES.size - 1))


def _raw_mean(entry: Reported) -> bool:
    return entry.statistic == "mean" and is_raw(entry)


def _location_se(entry: Reported) -> float:
    if entry.se is None:
        return float("nan")
    if is_raw(entry) and not _raw_mean(entry):
        return entry.se / (1.0 + entry.value)  # delta method for ln(x + 1)
    return entry.se


def _difference_se(entry: Reported) -> float:
    if entry.elicited:
        return entry.elicited.sd
    if entry.se is not None:
        return entry.se
    if entry.sd is not None:
        return entry.sd / float(np.sqrt(entry.n))
    raise BadEvidence(
        f"{entry.where}: the {entry.statistic} has no standard error. Give se, ci95 or sd."
    )


def _fisher_se(entry: Reported) -> float:
    if entry.n <= 3:  # noqa: PLR2004  # Fisher's variance is 1 / (n - 3)
        raise BadEvidence(f"{entry.where}: a correlation needs n above 3; it is {entry.n}.")
    return 1.0 / float(np.sqrt(entry.n - 3.0))


def _cells(evidence: Evidence, layout: Cells, entries: Iterable[Reported], visit: int = 0) -> Ints:
    found = [layout.index[cell_of(evidence, e, e.months[visit])] for e in entries]
    return np.array(found, dtype=np.int64)


def _ints(rows: list[tuple[int, int, int]], columns: int) -> tuple[Ints, ...]:
    table = np.array(rows, dtype=np.int64).reshape(len(rows), columns)
    return tuple(table.T)
