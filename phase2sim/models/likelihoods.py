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


def correlated_normal(residual: Tensor, covariance: Tensor) -> Tensor:
    """Log density of one multivariate normal, given values minus means; nan if not definite."""
    outputs: Tensor = CorrelatedNormal()(residual, covariance)
    return outputs[0]


def raw_mean(mean: Tensor, sd: Tensor) -> Tensor:
    """Mean of x when ln(x + 1) is normal."""
    return pt.expm1(mean + sd**2 / 2.0)


def raw_covariance(mean: Tensor, other_mean: Tensor, log_covariance: Tensor) -> Tensor:
    """Covariance of x and y from their raw means and the covariance of ln(x + 1) and ln(y + 1)."""
    return (1.0 + mean) * (1.0 + other_mean) * pt.expm1(log_covariance)


def log_normal_kurtosis(sd: Tensor) -> Tensor:
    """Kurtosis of x when ln(x + 1) is normal with this SD; 3 is the normal distribution's."""
    w = pt.exp(sd**2)
    return w**4 + 2.0 * w**3 + 3.0 * w**2 - 3.0


def sample_sd(reported: Floats, n: Floats, sd: Tensor) -> Tensor:
    """Log density of sample SDs of n normal values: (n - 1) s^2 / sd^2 is chi-square(n - 1)."""
    df = n - 1.0
    constant = df / 2.0 * np.log(df / 2.0) - gammaln(df / 2.0) + np.log(2.0 / reported)
    ratio = 2.0 * (np.log(reported) - pt.log(sd))
    return constant + df / 2.0 * (ratio - pt.exp(ratio))


def sample_raw_sd(reported: Floats, n: Floats, sd: Tensor, raw: Tensor) -> Tensor:
    """Log density of the log of raw sample SDs: delta method about the raw SD.

    ``sd`` is the SD of ln(x + 1), which fixes the kurtosis; the variance is (kurtosis - 1) / (4 n).
    """
    se = pt.sqrt((log_normal_kurtosis(sd) - 1.0) / (4.0 * n))
    return normal(np.log(reported), pt.log(raw), se)


def correlation(value: Floats, se: Floats, elicited: Floats, rho: Tensor) -> Tensor:
    """Log density of correlations: Fisher's z for reported ones, the stated normal for elicited."""
    reported = normal(np.arctanh(np.where(elicited > 0, 0.0, value)), pt.arctanh(rho), se)
    return pt.switch(elicited > 0, normal(value, rho, se), reported)


def binomial(k: int, n: int, log_p: Tensor, log_q: Tensor) -> Tensor:
    """Log probability of k successes of n, given the logs of the chance and of its complement."""
    result = pt.as_tensor(_log_choose(n, k))
    result = result + k * log_p if k else result
    return result + (n - k) * log_q if n > k else result


def count_below(below: int, n: int, threshold: float, mean: Tensor, sd: Tensor) -> Tensor:
    """Log probability that ``below`` of n normal values lie below a threshold."""
    z = (threshold - mean) / sd
    return binomial(below, n, log_cdf(z), log_cdf(-z))


def _log_choose(n: int, k: int) -> float:
    return float(gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0))
