"""How studies differ in the first months after diagnosis, beyond how they differ later."""

import numpy as np

from phase2sim.core.arrays import Floats

FIRST_MONTHS = 3.0  # until then insulin treatment has taken hold


def deviation_left(first_month: float, months_since_diagnosis: Floats) -> Floats:
    """Share of a study's deviation at diagnosis that is left: 1 there, none from month 3 on.

    It fades as the mean falls: the share ``first_month`` by month 1, linear in between. Months are
    0 or more; the result has their shape.
    """
    at_knots = (1.0, 1.0 - first_month, 0.0)
    return np.asarray(np.interp(months_since_diagnosis, (0.0, 1.0, FIRST_MONTHS), at_knots))
