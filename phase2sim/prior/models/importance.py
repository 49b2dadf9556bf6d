"""What the posterior draws would weigh without one entry: Pareto-smoothed importance sampling."""

import numpy as np
from arviz_stats.base.array import BaseArray  # what ArviZ itself computes with

from phase2sim.core.arrays import Floats


def leave_one_out(log_density: Floats) -> tuple[Floats, Floats]:
    """Weights (draw, entry), which sum to 1 over the draws, and Pareto k (entry,).

    ``log_density`` (draw, entry) is of each entry given all the others. Without it a draw weighs
    1 / density; the largest weights are smoothed by a generalised Pareto distribution, whose shape
    k says whether they can be trusted. Vehtari, Simpson, Gelman, Yao and Gabry, JMLR 2024.
    """
    draws, entries = log_density.shape
    weights, shape = np.full((draws, entries), 1.0 / draws), np.zeros(entries)
    for entry in range(entries):
        own = log_density[:, entry]
        if np.ptp(own) > 0:  # an entry that tells no draw from another has no weights to smooth
            log_weights, shape[entry] = BaseArray().psislw(own)  # type: ignore[no-untyped-call]
            weight = np.exp(log_weights - log_weights.max())
            weights[:, entry] = weight / weight.sum()
    return weights, shape
