"""Weights of posterior draws without an entry, or for another prior: Pareto-smoothed."""

import numpy as np
from arviz_stats.base.array import BaseArray  # the implementation behind ArviZ

from phase2sim.core.arrays import Floats


def leave_one_out(log_density: Floats) -> tuple[Floats, Floats]:
    """Weights (draw, entry) without each entry, which sum to 1 over draws, and Pareto k (entry,).

    ``log_density`` (draw, entry) is the log density of each entry given all others. Without the
    entry a draw has weight 1 / density. The largest weights are smoothed by a generalised Pareto
    distribution; a large shape k means unreliable weights. Vehtari, Simpson, Gelman, Yao and Gabry,
    JMLR 2024.
    """
    draws, entries = log_density.shape
    weights, shape = np.full((draws, entries), 1.0 / draws), np.zeros(entries)
    for entry in range(entries):
        entry_density = log_density[:, entry]
        if np.ptp(entry_density) > 0:  # equal densities leave equal weights
            log_weights, shape[entry] = BaseArray().psislw(entry_density)  # type: ignore[no-untyped-call]
            weight = np.exp(log_weights - log_weights.max())
            weights[:, entry] = weight / weight.sum()
    return weights, shape


def importance_weights(log_ratio: Floats) -> tuple[Floats, Floats]:
    """Weights (draw, density) for other posteriors, which sum to 1 over draws, and Pareto k.

    ``log_ratio`` (draw, density) is the log of each other density over the sampled one, up to a
    constant. The same smoothing as in ``leave_one_out``.
    """
    return leave_one_out(-log_ratio)
