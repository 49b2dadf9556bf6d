"""Power of a mixed model for repeated measures with known covariance (Lu, Luo and Chen 2008)."""

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from phase2sim.core.arrays import Floats


def power_mmrm(
    effect: float,
    covariance: ArrayLike,
    retention: ArrayLike,
    patients: ArrayLike,
    one_sided_alpha: float,
) -> float:
    """Power of the one-sided z test of the difference between two arms at the last visit.

    Patients drop out for good and at random.

    Parameters
    ----------
    effect : float
        True difference at the last visit in the direction of benefit, in the unit of the outcome.
    covariance : array_like of float, (visit, visit)
        Residual covariance of a patient's visits.
    retention : array_like of float, (arm, visit)
        Share of the enrolled patients still in the trial at each visit; never rising.
    patients : array_like of float, (arm,)
        Patients enrolled in each arm.
    one_sided_alpha : float
        One-sided level, between 0 and 1.

    Returns
    -------
    float
        Power, between 0 and 1.

    References
    ----------
    Lu, Luo and Chen (2008), International Journal of Biostatistics 4(1), article 9.

    Examples
    --------
    Three visits, AR(1) with correlation 0.7, SD 1, 25 patients per arm, an effect of 0.8 (R package
    longpower 1.0.27: 0.7655724884):

    >>> lag = np.abs(np.subtract.outer(np.arange(3), np.arange(3)))
    >>> retention = [[1.0, 0.925, 0.85]] * 2
    >>> round(power_mmrm(0.8, 0.7**lag, retention, [25, 25], 0.025), 8)
    0.76557249
    """
    variances = [
        _last_variance(np.asarray(covariance, dtype=np.float64), shares) / n
        for shares, n in zip(np.asarray(retention), np.asarray(patients), strict=True)
    ]
    shift = effect / np.sqrt(sum(variances))
    return float(special.ndtr(shift + special.ndtri(one_sided_alpha)))


def _last_variance(covariance: Floats, retention: Floats) -> float:
    """Variance of the mean at the last visit, per patient enrolled."""
    visits = len(covariance)
    leave_after = retention - np.append(retention[1:], 0.0)
    information = np.zeros((visits, visits))
    for last in range(1, visits + 1):
        visits_made = slice(0, last)
        information[visits_made, visits_made] += leave_after[last - 1] * np.linalg.inv(
            covariance[visits_made, visits_made]
        )
    return float(np.linalg.inv(information)[-1, -1])
