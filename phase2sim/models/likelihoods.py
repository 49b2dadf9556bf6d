"""Log densities of reported summaries, as PyTensor expressions."""

import math

import numpy as np
from scipy.special import gammaln

from phase2sim.contracts import Floats
from phase2sim.models.correlated_normal import CorrelatedNormal
from phase2sim.models.symbols import Tensor, pt

LOG_ROOT_TWO_PI = 0.5 * math.log(2.0 * math.pi)


def log_cdf(z: Tensor) -> Tensor:
    """Log of the standard normal CDF, accurate in both tails."""
    lower, upper = pt.minimum(z, -1.0), pt.maximum(z, -1.0)  # each branch sees only its own side
    in_lower = pt.log(pt.erfcx(-lower / math.sqrt(2.0)) / 2.0) - lower**2 / 2.0
    return pt.switch(z < -1.0, in_lower, pt.log1p(-pt.erfc(upper / math.sqrt(2.0)) / 2.0))


def normal(value: Tensor | Floats, mean: Tensor, sd: Tensor) -> Tensor:
    """Log density of normal values, elementwise."""
    return -(((value - mean) / sd) ** 2) / 2.0 - pt.log(sd) - LOG_ROOT_TWO_PI


def correlated_normal(residual: Tensor, covariance: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Log density of one multivariate normal, given values minus means (value,).

    With it the residuals times the precision (value,), and the precision; all nan if the covariance
    is not positive definite.
    """
    outputs: Tensor = CorrelatedNormal()(residual[None, :], covariance, 1.0)
    return outputs[0], outputs[1][0], outputs[2]


def scattered_normal(residual: Tensor, covariance: Tensor, patients: float) -> Tensor:
    """Log density of ``patients`` normal vectors whose sum of squares is that of ``residual``."""
    outputs: Tensor = CorrelatedNormal()(residual, covariance, patients)
    return outputs[0]


def sample_sd(reported: Floats, n: Floats, sd: Tensor) -> Tensor:
    """Log density of sample SDs of n normal values: (n - 1) s^2 / sd^2 is chi-square(n - 1)."""
    df = n - 1.0
    log_reported = pt.log(reported)
    constant = df / 2.0 * np.log(df / 2.0) - gammaln(df / 2.0) + np.log(2.0) - log_reported
    ratio = 2.0 * (log_reported - pt.log(sd))
    return constant + df / 2.0 * (ratio - pt.exp(ratio))


def log_normal_sd(reported: Floats, n: Floats, sd: Tensor, kurtosis: Tensor) -> Tensor:
    """Log density of the log of sample SDs of values that are not normal: delta method.

    The log of a sample SD has variance (kurtosis - 1) / (4 n).
    """
    return normal(pt.log(reported), pt.log(sd), pt.sqrt((kurtosis - 1.0) / (4.0 * n)))


def correlation(value: Floats, se: Floats, elicited: Floats, rho: Tensor) -> Tensor:
    """Log density of correlations: Fisher's z for reported ones, the stated normal for elicited."""
    reported = normal(pt.arctanh(pt.switch(elicited > 0, 0.0, value)), pt.arctanh(rho), se)
    return pt.switch(elicited > 0, normal(value, rho, se), reported)
