"""Mean and SD on an endpoint's model scale, for patients with given arithmetic mean and SD."""

from math import exp, log, pi, sqrt

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from scipy.optimize import brentq, root
from scipy.special import expit, logit, ndtr

from phase2sim.core.arrays import Floats
from phase2sim.core.endpoints import Endpoint
from phase2sim.core.model_scales import Log, Log1p, Logit, Root

_NODE, _WEIGHT = hermegauss(80)
_WEIGHT = _WEIGHT / _WEIGHT.sum()
_LARGEST_RATIO = 1000.0  # of mean to SD of the latent normal behind a dose: all doses are above 0


def model_moments(endpoint: Endpoint, mean: float, sd: float) -> tuple[float, float]:
    """Mean and SD of the normal model scale, whose values in the endpoint's unit have these.

    Logarithms by the moments of the lognormal (Johnson, Kotz and Balakrishnan, Continuous
    Univariate Distributions 1, 1994, chapter 14); doses by those of the square of a normal that is
    cut at 0. Raises ``ValueError`` where no such normal exists.

    Parameters
    ----------
    endpoint : Endpoint
        Endpoint with its model scale.
    mean : float
        Arithmetic mean of patients' values, in the endpoint's unit.
    sd : float
        Arithmetic SD of patients' values, in the endpoint's unit; above 0.

    Returns
    -------
    tuple of (float, float)
        Mean and SD on the model scale.

    Raises
    ------
    ValueError
        If no normal on the model scale has these moments.

    Examples
    --------
    A lognormal with mean 1.5 and coefficient of variation 20 % less 1:

    >>> from phase2sim.core.endpoints import ENDPOINTS
    >>> [round(x, 4) for x in model_moments(ENDPOINTS["c_peptide"], 0.5, 0.3)]
    [0.3859, 0.198]
    >>> model_moments(ENDPOINTS["hba1c"], 7.5, 1.2)
    (7.5, 1.2)
    """
    match endpoint.scale:
        case Log1p():
            return _lognormal(mean + 1.0, sd)
        case Log():
            return _lognormal(mean, sd)
        case Logit() as scale:
            return _log_odds(scale, mean, sd)
        case Root():
            return _root(mean, sd)
        case _:
            return mean, sd


def _lognormal(mean: float, sd: float) -> tuple[float, float]:
    if mean <= 0:
        raise ValueError("the mean must be above 0")
    variance = log(1.0 + (sd / mean) ** 2)
    return log(mean) - variance / 2.0, sqrt(variance)


def _log_odds(scale: Logit, mean: float, sd: float) -> tuple[float, float]:
    """Normal log odds whose values between the limits have this mean and SD."""
    width = scale.high - scale.low
    share, sd = (mean - scale.low) / width, sd / width
    if not (0.0 < share < 1.0 and sd**2 < share * (1.0 - share)):
        raise ValueError(
            f"no values between {scale.low:g} and {scale.high:g} have this mean and SD"
        )

    def excess(unknown: Floats) -> Floats:
        values = expit(unknown[0] + exp(unknown[1]) * _NODE)
        average = float(values @ _WEIGHT)
        spread = sqrt(max(float(values**2 @ _WEIGHT) - average**2, 1e-300))
        return np.array([logit(average) - logit(share), log(spread / sd)])

    start = np.array([logit(share), log(sd / (share * (1.0 - share)))])
    solution = root(excess, start, tol=1e-12)
    if not solution.success:
        raise ValueError("no normal distribution of the log odds has this mean and SD")
    return float(solution.x[0]), exp(float(solution.x[1]))


def _root(mean: float, sd: float) -> tuple[float, float]:
    """Latent normal z with ``max(z, 0) ** 2`` of this mean and SD."""
    if mean <= 0:
        raise ValueError("the mean must be above 0")

    def excess(ratio: float) -> float:
        first, second = _dose_moments(ratio)
        return sqrt(second - first**2) / first - sd / mean

    if not excess(_LARGEST_RATIO) < 0.0 < excess(-2.0):
        raise ValueError(f"no doses vary like that, with an SD of {sd / mean:.3g} times the mean")
    ratio = float(brentq(excess, -2.0, _LARGEST_RATIO, xtol=1e-12))
    latent_sd = sqrt(mean / _dose_moments(ratio)[0])
    return ratio * latent_sd, latent_sd


def _dose_moments(ratio: float) -> tuple[float, float]:
    """First and second moment of ``max(z, 0) ** 2``, z normal with mean ``ratio`` and SD 1."""
    above, density = float(ndtr(ratio)), exp(-0.5 * ratio**2) / sqrt(2.0 * pi)
    first = (ratio**2 + 1.0) * above + ratio * density
    second = (ratio**4 + 6.0 * ratio**2 + 3.0) * above + (ratio**3 + 5.0 * ratio) * density
    return first, second
