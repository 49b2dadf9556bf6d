"""Means and SDs on the reported scale, given those on the model scale.

A model-scale value is normal with mean ``m`` and SD ``s``. The reported value is that value, its
``exp`` (minus 1 for ln(x + 1)), or its square. Doses of 0, where the latent root is below 0, are
not treated separately: with ``m`` three SDs above 0 they change a mean dose by less than 0.01 %.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from phase2sim.core.arrays import Floats, Ints
from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.prior.models.densities.pytensor_names import Tensor, pt


@dataclass(frozen=True, slots=True)
class Scales:
    """Transformation of each row's endpoint, as indicators."""

    plain: Floats
    log: Floats
    offset: Floats  # 1 for ln(x + 1)
    root: Floats

    def at(self, rows: Ints) -> "Scales":
        """Select rows."""
        return Scales(self.plain[rows], self.log[rows], self.offset[rows], self.root[rows])


def scales_of(endpoints: Sequence[str]) -> Scales:
    """Scales of rows with these endpoints."""
    names = np.array([ENDPOINTS[name].transformation for name in endpoints])
    logs = np.isin(names, ("log", "log1p"))
    return Scales(
        plain=(names == "identity").astype(float),
        log=logs.astype(float),
        offset=(names == "log1p").astype(float),
        root=(names == "root").astype(float),
    )


def raw_mean(scale: Scales, mean: Tensor, sd: Tensor) -> Tensor:
    """Mean of the reported value."""
    exponential = pt.exp(scale.log * (mean + sd**2 / 2.0))
    return (
        scale.plain * mean + scale.log * exponential - scale.offset + scale.root * (mean**2 + sd**2)
    )


def raw_slope(scale: Scales, mean: Tensor, sd: Tensor) -> Tensor:
    """Derivative of the mean of the reported value by ``m``.

    By Stein's lemma it is also the ratio of the covariances that the reported and the model-scale
    value have with any jointly normal variable.
    """
    exponential = pt.exp(scale.log * (mean + sd**2 / 2.0))
    return scale.plain + scale.log * exponential + scale.root * 2.0 * mean


def raw_covariance(scale: Scales, same: Floats, slopes: Tensor, covariance: Tensor) -> Tensor:
    """Covariance of two reported values.

    ``slopes`` is the product of their ``raw_slope``, ``covariance`` the covariance on the model
    scale, ``same`` 1 if both have the same endpoint: then exact, else to first order. ``scale`` is
    that of the first.
    """
    log, root = scale.log * same, scale.root * same
    first_order = pt.switch(log > 0, pt.expm1(log * covariance), covariance)
    return slopes * first_order + 2.0 * root * covariance**2


def raw_kurtosis(scale: Scales, mean: Tensor, sd: Tensor) -> Tensor:
    """Kurtosis of the reported value; 3 for a normal distribution."""
    w = pt.exp(scale.log * sd**2)
    lognormal = w**4 + 2.0 * w**3 + 3.0 * w**2 - 3.0
    ratio = (mean / sd) ** 2
    square = 3.0 + 12.0 * (1.0 + 4.0 * ratio) / (1.0 + 2.0 * ratio) ** 2  # noncentral chi-square
    return 3.0 * scale.plain + scale.log * lognormal + scale.root * square


def log_of_raw(scale: Scales, mean: Tensor) -> tuple[Tensor, Tensor]:
    """Log of the reported median at model-scale value ``mean``, and its derivative by ``mean``.

    Used for percent changes, whose endpoint must be positive.
    """
    exponential = pt.exp(scale.offset * mean)
    median_factor = exponential - scale.offset  # exp(mean) - 1 for ln(x + 1), else 1
    positive_mean = pt.switch(scale.plain + scale.root > 0, mean, 1.0)
    power = scale.plain + 2.0 * scale.root
    exponent = scale.log - scale.offset
    value = power * pt.log(positive_mean) + exponent * mean + pt.log(median_factor)
    slope = power / positive_mean + exponent + scale.offset * exponential / median_factor
    return value, slope
