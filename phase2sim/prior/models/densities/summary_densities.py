"""Log densities of reported statistics, as PyTensor expressions."""

import numpy as np

from phase2sim.core.arrays import Floats
from phase2sim.prior.models.densities.correlated_normal import CorrelatedNormal
from phase2sim.prior.models.densities.order_statistics import LOG_ROOT_TWO_PI
from phase2sim.prior.models.densities.pytensor_names import Tensor, pt


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


def correlation_density(value: Floats, se: Floats, elicited: Floats, rho: Tensor) -> Tensor:
    """Log density of correlations: by Fisher's z if reported, by the stated normal if elicited."""
    fisher_density = normal(pt.arctanh(pt.switch(elicited > 0, 0.0, value)), pt.arctanh(rho), se)
    return pt.switch(elicited > 0, normal(value, rho, se), fisher_density)
