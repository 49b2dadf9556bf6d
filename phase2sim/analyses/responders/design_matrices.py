"""Design matrix of one trial for models that are fitted trial by trial."""

import numpy as np

from phase2sim.analyses.tolerances import ROUNDING
from phase2sim.core.arrays import Arms, Floats, Ints
from phase2sim.core.kernels import kernel


@kernel
def varying_covariates(
    covariates: Floats, trial: int, rows: Ints, needed: int
) -> tuple[Floats, int]:
    """Standardised covariates that vary, (covariate, patient), and how many needed do not vary."""
    n = rows.size
    x = np.empty((covariates.shape[0], n))
    count = still = 0
    for j in range(covariates.shape[0]):
        mean = spread = 0.0
        for i in range(n):
            x[count, i] = covariates[j, trial, rows[i]]
            mean += x[count, i]
        mean /= n
        for i in range(n):
            x[count, i] -= mean
            spread += x[count, i] ** 2
        spread /= n
        if spread > ROUNDING * (spread + mean**2):
            scale = np.sqrt(spread)
            for i in range(n):
                x[count, i] /= scale
            count += 1
        elif j < needed:
            still += 1
    return x[:count], still


@kernel
def design_matrix(covariates: Floats, trial: int, rows: Ints, needed: int, treated: Arms) -> Floats:
    """Intercept, treatment and the covariates that vary, at mean 0 and SD 1; (column, patient).

    Empty if one of the needed does not vary.
    """
    columns, still = varying_covariates(covariates, trial, rows, needed)
    if still > 0:
        return columns[:0]
    x = np.ones((2 + columns.shape[0], rows.size))
    x[1] = treated
    x[2:] = columns
    return x
