"""Expected values and covariance of means and medians that come from the same patients."""

import numpy as np

from phase2sim.contracts import Floats
from phase2sim.models.natural_history import Moments, NaturalHistory
from phase2sim.models.reported import Locations
from phase2sim.models.symbols import Tensor, pt


def expected(table: Locations, at: Moments) -> Tensor:
    """Expected value of every location summary, on its own scale."""
    mean = at.mean[table.cell]
    return pt.switch(table.raw, at.raw_mean[table.cell], mean) if table.raw.any() else mean


def covariance(table: Locations, at: Moments, history: NaturalHistory) -> Tensor:
    """Covariance (location, location) about the expected values, zero between endpoints.

    The sampling part is zero between arms; a reported standard error replaces the model's own and
    keeps the correlations. Level and slope of a study that are not sampled are added, so that they
    are integrated out.
    """
    entries = pt.concatenate([pt.zeros(1), _entries(table, at)])[table.place]
    scale = _scale(table, at, entries)
    sampling = entries * scale[:, None] * scale
    if not table.level.any():
        return sampling
    level, slope = (sd[:, None, None] ** 2 for sd in (history.level_sd, history.slope_sd))
    return sampling + pt.sum(table.level * level + table.slope * slope, axis=0)


def _entries(table: Locations, at: Moments) -> Tensor:
    """Covariances as if every summary were on the model scale, or relative to 1 + E(x) if raw."""
    log_covariance = at.covariance[table.pair]
    model_scale = log_covariance * even_polynomial(table.powers, at.correlation[table.pair])
    both = table.raw[table.first] * table.raw[table.second]
    if not both.any():
        return model_scale
    return pt.switch(both, table.per_patient * pt.expm1(both * log_covariance), model_scale)


def _scale(table: Locations, at: Moments, entries: Tensor) -> Tensor:
    """What multiplies each summary's error: to the raw scale, or to its reported standard error."""
    # d raw / d model at the mean of a lognormal (Stein): 1 + E(x); 1 where the summary is not raw
    slope = pt.switch(table.raw, 1.0 + expected(table, at), 1.0)
    reported = ~np.isnan(table.se)
    if not reported.any():
        return slope
    ratio = np.where(reported, table.se, 1.0) / pt.sqrt(pt.diagonal(entries))
    return pt.switch(reported, ratio, slope)


def even_polynomial(coefficients: Floats, rho: Tensor) -> Tensor:
    """Evaluate series (entry, degree) in the odd powers 1, 3, 5, ... of ``rho``, over ``rho``."""
    used = np.flatnonzero(np.any(coefficients != 0.0, axis=0))
    highest = int(used[-1]) if used.size else 0
    value = pt.as_tensor(coefficients[:, highest])
    for position in range(highest - 1, -1, -1):
        value = coefficients[:, position] + rho**2 * value
    return value
