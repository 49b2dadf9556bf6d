"""Log densities of reported statistics, as PyTensor expressions."""

import numpy as np
from scipy.special import gammaln

from phase2sim.core.arrays import Floats
from phase2sim.prior.models.densities.correlated_normal import CorrelatedNormal
from phase2sim.prior.models.densities.order_statistics import LOG_ROOT_TWO_PI
from phase2sim.prior.models.densities.pytensor_names import Tensor, pt

_DEGREE = 15


def normal(value: Tensor | Floats, mean: Tensor, sd: Tensor) -> Tensor:
    """Log density of normal values, elementwise."""
    return -(((value - mean) / sd) ** 2) / 2.0 - pt.log(sd) - LOG_ROOT_TWO_PI


def correlated_normal(residual: Tensor, covariance: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Log density of one multivariate normal, given its residuals (value,).

    Also returns the residuals times the precision (value,), and the precision; all nan if the
    covariance is not positive definite.
    """
    outputs: Tensor = CorrelatedNormal()(residual[None, :], covariance, 1.0)
    return outputs[0], outputs[1][0], outputs[2]


def scattered_normal(residual: Tensor, covariance: Tensor, patients: float) -> Tensor:
    """Log density of ``patients`` normal vectors with the sum of squares of ``residual``."""
    outputs: Tensor = CorrelatedNormal()(residual, covariance, patients)
    return outputs[0]


def sample_sd(sample_sds: Floats | Tensor, df: Floats | Tensor, sd: Tensor) -> Tensor:
    """Log density of sample SDs: df s^2 / sd^2 is chi-square(df), n - 1 for n normal values."""
    log_reported = pt.log(sample_sds)
    constant = df / 2.0 * pt.log(df / 2.0) - pt.gammaln(df / 2.0) + np.log(2.0) - log_reported
    ratio = 2.0 * (log_reported - pt.log(sd))
    return constant + df / 2.0 * (ratio - pt.exp(ratio))


def sd_freedom(n: Floats, kurtosis: Tensor) -> Tensor:
    """Degrees of freedom of the chi-square with the mean and variance of a sample variance.

    The variance of s^2 over sd^4 is (kurtosis - 3) / n + 2 / (n - 1): n - 1 for normal values.
    """
    return 2.0 / ((kurtosis - 3.0) / n + 2.0 / (n - 1.0))


def correlation_density(value: Tensor | Floats, n: Floats, rho: Tensor) -> Tensor:
    """Log density of sample correlations of ``n`` patients, four or more, with normal values.

    Exact (Hotelling 1953, equation 25), but for the rest of the hypergeometric series: at most
    3e-4 of the density for four patients, 1e-7 for ten.
    """
    log_rest = (n - 1.0) / 2.0 * pt.log1p(-(rho**2)) - (n - 1.5) * pt.log1p(-rho * value)
    constant = np.log(n - 2.0) + gammaln(n - 1.0) - gammaln(n - 0.5) - LOG_ROOT_TWO_PI
    log_of_value = (n - 4.0) / 2.0 * pt.log1p(-(value**2))
    return constant + log_of_value + log_rest + pt.log(_half_half_series(n - 0.5, rho * value))


def _half_half_series(bottom: Floats, product: Tensor) -> Tensor:
    """Hypergeometric 2F1(1/2, 1/2; bottom; (1 + product) / 2) to degree ``_DEGREE``."""
    total: Tensor = pt.ones_like(product)
    for k in range(_DEGREE - 1, -1, -1):
        ratio = (k + 0.5) ** 2 / ((bottom + k) * (k + 1.0))
        total = 1.0 + ratio * (1.0 + product) / 2.0 * total
    return total
