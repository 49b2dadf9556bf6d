"""Share of patients without the analysed value; a missed visit is missed for all endpoints."""

from collections.abc import Sequence

import numpy as np

from phase2sim.core.analysis import Analysis
from phase2sim.core.arrays import Bools, Floats, Ints
from phase2sim.core.contracts import Plan
from phase2sim.core.kernels import kernel


def missing_shares(plan: Plan, analyses: Sequence[Analysis], is_seen: Bools) -> Floats:
    """Share of patients without the analysed value, (analysis, trial)."""
    return np.stack([1.0 - is_seen[:, 0, v].mean(axis=1) for v in _visits(plan, analyses)])


def missing_shares_first(
    plan: Plan, analyses: Sequence[Analysis], is_seen: Bools, sizes: tuple[int, ...]
) -> Floats:
    """As ``missing_shares``, among the first n patients, for each size: (size, analysis, trial)."""
    visits = _visits(plan, analyses)
    count_at = {v: _count_first(is_seen[:, 0, v], np.array(sizes)) for v in set(visits)}
    counts = np.stack([count_at[v] for v in visits], axis=1)
    share: Floats = 1.0 - counts / np.array(sizes)[:, None, None]
    return share


@kernel
def _count_first(is_seen: Bools, sizes: Ints) -> Ints:
    """How many of the first patients are seen, (size, trial); ``sizes`` rise."""
    counts = np.zeros((sizes.size, is_seen.shape[0]), np.int64)
    for trial in range(is_seen.shape[0]):
        total = i = 0
        for k in range(sizes.size):
            while i < sizes[k]:
                total += 1 if is_seen[trial, i] else 0
                i += 1
            counts[k, trial] = total
    return counts


def _visits(plan: Plan, analyses: Sequence[Analysis]) -> list[int]:
    """Visit of each analysis."""
    return [plan.visits_months.index(analysis.month) for analysis in analyses]
