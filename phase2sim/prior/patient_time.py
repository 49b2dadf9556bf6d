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
