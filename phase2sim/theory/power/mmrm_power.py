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
    """Power of the one-sided z test of the arms' difference at the last visit.

    ``covariance`` (visit, visit) is that of residuals, ``retention`` (arm, visit) the shares of
    patients who are still seen, which never rise, and ``patients`` (arm,) how many are enrolled.
    Patients leave for good and at random. A positive ``effect`` is a benefit.
    """
    sampled = [
        _last_variance(np.asarray(covariance, dtype=np.float64), shares) / n
        for shares, n in zip(np.asarray(retention), np.asarray(patients), strict=True)
    ]
    shift = effect / np.sqrt(sum(sampled))
    return float(special.ndtr(shift + special.ndtri(one_sided_alpha)))


def _last_variance(covariance: Floats, retention: Floats) -> float:
    """Variance of the mean at the last visit, per patient enrolled."""
    visits = len(covariance)
    leave_after = retention - np.append(retention[1:], 0.0)
    information = np.zeros((visits, visits))
    for last in range(1, visits + 1):
        seen = slice(0, last)
        information[seen, seen] += leave_after[last - 1] * np.linalg.inv(covariance[seen, seen])
    return float(np.linalg.inv(information)[-1, -1])
