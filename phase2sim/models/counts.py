"""Patients beyond a threshold, perhaps beside a median, and patients below their own baseline."""

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln

from phase2sim.contracts import Floats, Ints
from phase2sim.endpoints import EVENTS
from phase2sim.errors import BadEvidence
from phase2sim.knowledge import Evidence, Reported
from phase2sim.models.likelihoods import normal
from phase2sim.models.locations import Located, Locations
from phase2sim.models.natural_history import Moments, NaturalHistory, visit_correlation
from phase2sim.models.order_statistics import count_below, log_ways, median_and_count
from phase2sim.models.symbols import Tensor, pt
from phase2sim.models.tables import (
    Cell,
    Cells,
    baseline_nodes,
    cell_of,
    read_entries,
    to_model,
)


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


@dataclass(frozen=True, slots=True)
class Falls:
    """How many of n lie below their own baseline."""

    entry: Ints  # (fall,)
    baseline: Ints  # cells
    visit: Ints
    n: Ints
    below: Floats
    log_choose: Floats
    weight: Floats  # (fall, node) shares that enrolled at each node
    at_baseline: Floats  # (fall, node, knot)
    at_visit: Floats  # (fall, node, knot)


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
        log_choose=_log_choose(n, below),
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


def falls(evidence: Evidence, layout: Cells) -> Falls:
    """Collect counts below the own baseline."""
    names: dict[int, Cell] = {position: cell for cell, position in layout.index.items()}
    found = []
    for position, e in enumerate(read_entries(evidence)):
        if e.statistic == "count" and e.beyond == "below_baseline":
            first = e.months[0] if len(e.months) > 1 else 0.0
            baseline = layout.index[cell_of(evidence, e, first)]
            visit = layout.index[cell_of(evidence, e, e.months[-1])]
            found.append((position, e, baseline, visit))
    nodes = [baseline_nodes(names[one], names[other]) for _, _, one, other in found]
    most = max((node.weight.size for node in nodes), default=0)
    n = np.array([e.n for _, e, *_ in found], dtype=np.int64)
    below = np.array([round(e.value) for _, e, *_ in found], dtype=np.float64)

    def padded(rows: list[Floats]) -> Floats:
        return np.array([
            np.concatenate([row, np.zeros((most - len(row), *row.shape[1:]))]) for row in rows
        ])  # fmt: skip

    return Falls(
        entry=np.array([position for position, *_ in found], dtype=np.int64),
        baseline=np.array([one for *_, one, _ in found], dtype=np.int64),
        visit=np.array([other for *_, other in found], dtype=np.int64),
        n=n,
        below=below,
        log_choose=_log_choose(n, below),
        weight=padded([node.weight for node in nodes]),
        at_baseline=padded([node.at_baseline for node in nodes]),
        at_visit=padded([node.at_visit for node in nodes]),
    )


def count_density(table: Counts, at: Moments) -> Tensor:
    """Log probability (count,)."""
    z = (table.threshold - at.mean[table.cell]) / at.sd[table.cell]
    return count_below(z[:, None], table.below, table.n, table.log_choose)


def count_beside_median_density(
    table: CountsBesideMedian, medians: Locations, where: Located, at: Moments
) -> Tensor:
    """Log of the exact joint density (count,) over the median's own normal one.

    It takes the place of the median's normal density: the other visits stay normal given the
    median, and no patient counts twice.
    """
    mean, sd = at.mean[table.cell], at.sd[table.cell]
    reported = pt.as_tensor(medians.value)[table.location]
    beside = pt.stack([reported, table.threshold], axis=1)
    z = (beside - mean[:, None]) / sd[:, None]
    exact = median_and_count(z, table.below, table.n, table.ways) - pt.log(sd)
    return exact - normal(reported, where.expected[table.location], where.se[table.location])


def fall_density(table: Falls, layout: Cells, at: Moments, history: NaturalHistory) -> Tensor:
    """Log probability (fall,), averaged over when patients enrolled."""
    own = layout.own[table.visit]

    def curve(of: Tensor, basis: Floats) -> Tensor:
        by_knot = pt.sum(own[:, :, None] * of, axis=1)
        return pt.sum(basis * by_knot[:, None, :], axis=2)

    drift = (at.shift[table.visit] - at.shift[table.baseline])[:, None]
    change = curve(history.mean, table.at_visit - table.at_baseline) + drift
    before, after = curve(history.sd, table.at_baseline), curve(history.sd, table.at_visit)
    lag = layout.months[table.visit] - layout.months[table.baseline]
    share, decay = (pt.sum(own * of, axis=1) for of in (history.share, history.decay))
    rho = visit_correlation(share, decay, lag)[:, None]
    # A node that only fills up the row has SDs of 0: keep it finite, its weight is 0.
    variance = before**2 + after**2 - 2.0 * rho * before * after + (table.weight == 0)
    z = -change / pt.sqrt(variance)
    return count_below(z, table.below, table.n, table.log_choose, table.weight)


def _counted(evidence: Evidence, layout: Cells) -> list[tuple[int, Reported, int]]:
    return [
        (position, entry, layout.index[cell_of(evidence, entry, entry.months[0])])
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


def _log_choose(n: Ints, k: Floats) -> Floats:
    return np.asarray(gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0))
