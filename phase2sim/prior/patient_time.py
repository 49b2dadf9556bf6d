"""The time on which a patient's values at equal distances are equally correlated."""

import numpy as np

from phase2sim.core.arrays import Floats

EARLIEST = 0.5  # months; at diagnosis itself the logarithm has none


def patient_time(months_since_diagnosis: Floats) -> Floats:
    """Doublings of the months since diagnosis, ``log2(months + 0.5)``, of the same shape.

    Values in the second month after diagnosis say little of month 6, and those of month 6 much of
    month 12: correlations fall with the ratio of the times, not with their difference.
    """
    return np.asarray(np.log2(months_since_diagnosis + EARLIEST))


def visit_correlation(share: Floats, decay: Floats, since: Floats, sd: Floats) -> Floats:
    """Correlation (draw, endpoint, visit, visit) between visits of patients who enter at any time.

    ``share`` and ``decay`` are (draw, endpoint); ``since`` (entry, visit) are months since
    diagnosis at equally likely times of entry, ``sd`` (draw, endpoint, entry, visit) the SDs then.
    """
    covariance = np.zeros((*share.shape, since.shape[1], since.shape[1]))
    share, decay = share[..., None, None], decay[..., None, None]
    for entry, time in enumerate(patient_time(since)):
        kept = share + (1.0 - share) * decay ** np.abs(time[:, None] - time)
        covariance += kept * sd[:, :, entry, :, None] * sd[:, :, entry, None, :]
    total_sd = np.sqrt(np.diagonal(covariance, axis1=2, axis2=3))
    return np.asarray(covariance / (total_sd[..., None] * total_sd[..., None, :]))
