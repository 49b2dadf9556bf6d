"""Expected values and covariance of means and medians that come from the same patients."""

import numpy as np

from phase2sim.contracts import Floats, Ints
from phase2sim.models.likelihoods import raw_covariance, raw_mean
from phase2sim.models.natural_history import Moments, NaturalHistory
from phase2sim.models.reported import Locations
from phase2sim.models.symbols import Tensor, pt


def expected(table: Locations, at: Moments) -> Tensor:
    """Expected value of every location summary, on its own scale."""
    mean = at.mean[table.cell]
    if not table.raw.any():
        return mean
    return pt.switch(table.raw, raw_mean(mean, at.sd[table.cell]), mean)


def covariance(table: Locations, at: Moments, history: NaturalHistory, endpoint: Ints) -> Tensor:
    """Covariance (location, location) about the expected values, zero between endpoints.

    The sampling part is zero between arms; a reported standard error replaces the model's own and
    keeps the correlations. Level and slope of a study that are not sampled are added, so that they
    are integrated out. ``endpoint`` (location,) is that of each summary.
    """
    entries = _entries(table, at)
    own = np.diagonal(table.place) - 1
    if not np.isnan(table.se).all():
        reported = ~np.isnan(table.se)
        ratio = np.where(reported, table.se, 1.0) / pt.sqrt(entries[own])
        scale = pt.switch(reported, ratio, 1.0)
        entries = entries * scale[table.first] * scale[table.second]
    sampling = pt.concatenate([pt.zeros(1), entries])[table.place]
    if not table.level.any():
        return sampling
    level, slope = history.level_sd[endpoint] ** 2, history.slope_sd[endpoint] ** 2
    return sampling + table.level * level + table.slope * slope


def _entries(table: Locations, at: Moments) -> Tensor:
    first, second = table.cell[table.first], table.cell[table.second]
    standardised = odd_polynomial(table.powers, at.correlation[table.pair])
    entries = at.sd[first] * at.sd[second] * standardised
    if not table.raw.any():
        return entries
    mean = raw_mean(at.mean, at.sd)
    both = table.raw[table.first] * table.raw[table.second]
    # d raw / d model at the mean of a lognormal (Stein): 1 + E(x); 1 where the summary is not raw
    slope = pt.switch(table.raw, 1.0 + mean[table.cell], 1.0)
    mixed = entries * slope[table.first] * slope[table.second]
    raw = raw_covariance(mean[first], mean[second], at.covariance[table.pair])
    return pt.switch(both, raw * table.per_patient, mixed)


def odd_polynomial(coefficients: Floats, rho: Tensor) -> Tensor:
    """Evaluate series (entry, degree) in the odd powers 1, 3, 5, ... of ``rho`` (entry,)."""
    used = np.flatnonzero(np.any(coefficients != 0.0, axis=0))
    highest = int(used[-1]) if used.size else 0
    value = pt.as_tensor(coefficients[:, highest])
    for position in range(highest - 1, -1, -1):
        value = coefficients[:, position] + rho**2 * value
    return rho * value
