"""Means and SDs on the reported scale, given those on the model scale.

A model-scale value is normal with mean ``m`` and SD ``s``. The reported value is that value, its
``exp`` (minus 1 for ln(x + 1)), its square, or, of log odds, a share of the way between two limits.
Doses of 0, where the latent root is below 0, are not treated separately: with ``m`` three SDs above
0 they change a mean dose by less than 0.01 %. Moments of log odds are by Gauss-Hermite quadrature,
their covariances by Mehler's expansion.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.polynomial import hermite_e

from phase2sim.core.arrays import Floats, Ints
from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.core.model_scales import Log, Log1p, Logit, ModelScale, Root, SquareRoot
from phase2sim.prior.models.densities.pytensor_names import Tensor, pt

_NODE, _WEIGHT = hermite_e.hermegauss(40)
_WEIGHT = _WEIGHT / _WEIGHT.sum()
_TERMS = 12  # of Mehler's expansion


@dataclass(frozen=True, slots=True)
class Scales:
    """Transformation of each row's endpoint, as indicators."""

    plain: Floats
    log: Floats
    offset: Floats  # 1 for ln(x + 1)
    root: Floats
    logit: Floats
    low: Floats  # limits of log odds, else 0 and 1
    high: Floats

    def at(self, rows: Ints) -> "Scales":
        """Select rows."""
        return Scales(*(getattr(self, field.name)[rows] for field in fields(self)))

    @property
    def log_odds(self) -> Ints:
        """Rows on the scale of log odds."""
        return np.flatnonzero(self.logit)


def scales_of(endpoints: Sequence[str]) -> Scales:
    """Scales of rows with these endpoints."""
    scales = [ENDPOINTS[name].scale for name in endpoints]
    names = np.array([scale.name for scale in scales])
    limits = [scale.domain if scale.name == Logit.name else (0.0, 1.0) for scale in scales]
    low, high = np.array(limits).reshape(-1, 2).T
    return Scales(
        plain=(names == ModelScale.name).astype(float),
        log=np.isin(names, (Log.name, Log1p.name)).astype(float),
        offset=(names == Log1p.name).astype(float),
        root=np.isin(names, (Root.name, SquareRoot.name)).astype(float),
        logit=(names == Logit.name).astype(float),
        low=low,
        high=high,
    )


def raw_mean(scale: Scales, mean: Tensor, sd: Tensor) -> Tensor:
    """Mean of the reported value."""
    exponential = pt.exp(scale.log * (mean + sd**2 / 2.0))
    value = (
        scale.plain * mean + scale.log * exponential - scale.offset + scale.root * (mean**2 + sd**2)
    )
    return _with_log_odds(
        scale, value, lambda odds, m, s: _coefficients(odds, m, s, 1)[0], mean, sd
    )


def raw_slope(scale: Scales, mean: Tensor, sd: Tensor) -> Tensor:
    """Derivative of the mean of the reported value by ``m``.

    By Stein's lemma it is also the ratio of the covariances that the reported and the model-scale
    value have with any jointly normal variable.
    """
    exponential = pt.exp(scale.log * (mean + sd**2 / 2.0))
    value = scale.plain + scale.log * exponential + scale.root * 2.0 * mean
    return _with_log_odds(
        scale, value, lambda odds, m, s: _coefficients(odds, m, s, 2)[1] / s, mean, sd
    )


def raw_covariance(
    scale: Scales,
    same: Floats,
    slopes: Tensor,
    covariance: Tensor,
    *,
    mean: tuple[Tensor, Tensor],
    sd: tuple[Tensor, Tensor],
) -> Tensor:
    """Covariance of two reported values.

    ``slopes`` is the product of their ``raw_slope``, ``covariance`` the covariance on the model
    scale, ``same`` 1 if both have the same endpoint: then exact, else to first order. ``scale`` is
    that of the first; ``mean`` and ``sd`` are those of both on the model scale.
    """
    log, root = scale.log * same, scale.root * same
    first_order = pt.switch(log > 0, pt.expm1(log * covariance), covariance)
    value = slopes * first_order + 2.0 * root * covariance**2
    rows = np.flatnonzero(scale.logit * same)
    if not rows.size:
        return value
    odds, sds = scale.at(rows), [each[rows] for each in sd]
    first, second = (
        _coefficients(odds, m[rows], s, _TERMS) for m, s in zip(mean, sds, strict=True)
    )
    rho = covariance[rows] / (sds[0] * sds[1])
    total = sum(first[k] * second[k] * rho**k / math.factorial(k) for k in range(1, _TERMS))
    return pt.set_subtensor(value[rows], total)


def _with_log_odds(
    scale: Scales, value: Tensor, of_odds: Callable[..., Tensor], *moments: Tensor
) -> Tensor:
    """Replace the rows on the scale of log odds by a function of their mean and SD."""
    rows = scale.log_odds
    if not rows.size:
        return value
    return pt.set_subtensor(value[rows], of_odds(scale.at(rows), *(m[rows] for m in moments)))


def _between_limits(odds: Scales, mean: Tensor, sd: Tensor) -> Tensor:
    """Reported value (row, node) of log odds at the nodes of the quadrature."""
    latent = mean[:, None] + sd[:, None] * _NODE
    return odds.low[:, None] + (odds.high - odds.low)[:, None] * pt.sigmoid(latent)


def _coefficients(odds: Scales, mean: Tensor, sd: Tensor, terms: int) -> list[Tensor]:
    """Mean of the reported value times each Hermite polynomial of the standard normal, (row,)."""
    value = _between_limits(odds, mean, sd)
    return [pt.sum(value * _WEIGHT * hermite_e.hermeval(_NODE, np.eye(terms)[k]), axis=1)
            for k in range(terms)]  # fmt: skip


def raw_kurtosis(scale: Scales, mean: Tensor, sd: Tensor) -> Tensor:
    """Kurtosis of the reported value; 3 for a normal distribution."""
    w = pt.exp(scale.log * sd**2)
    lognormal = w**4 + 2.0 * w**3 + 3.0 * w**2 - 3.0
    ratio = (mean / sd) ** 2
    square = 3.0 + 12.0 * (1.0 + 4.0 * ratio) / (1.0 + 2.0 * ratio) ** 2  # noncentral chi-square
    value = 3.0 * scale.plain + scale.log * lognormal + scale.root * square
    return _with_log_odds(scale, value, _kurtosis_of_log_odds, mean, sd)


def _kurtosis_of_log_odds(odds: Scales, mean: Tensor, sd: Tensor) -> Tensor:
    raw = _between_limits(odds, mean, sd)
    deviation = raw - pt.sum(raw * _WEIGHT, axis=1)[:, None]
    variance = pt.sum(deviation**2 * _WEIGHT, axis=1)
    return pt.sum(deviation**4 * _WEIGHT, axis=1) / variance**2


def log_of_raw(scale: Scales, mean: Tensor) -> tuple[Tensor, Tensor]:
    """Log of the reported median at model-scale value ``mean``, and its derivative by ``mean``.

    Used for percent changes, whose endpoint must be positive.
    """
    exponential = pt.exp(scale.offset * mean)
    median_factor = exponential - scale.offset  # exp(mean) - 1 for ln(x + 1), else 1
    positive_mean = pt.switch(scale.plain + scale.root > 0, mean, 1.0)
    share = pt.sigmoid(mean)
    power = scale.plain + 2.0 * scale.root
    exponent = scale.log - scale.offset
    value = power * pt.log(positive_mean) + exponent * mean + pt.log(median_factor)
    slope = power / positive_mean + exponent + scale.offset * exponential / median_factor
    rows = scale.log_odds
    if rows.size:
        width = scale.high[rows] - scale.low[rows]
        median = scale.low[rows] + width * share[rows]
        value = pt.set_subtensor(value[rows], pt.log(median))
        of_odds = width * share[rows] * (1.0 - share[rows]) / median
        slope = pt.set_subtensor(slope[rows], of_odds)
    return value, slope
