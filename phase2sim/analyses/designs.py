"""Design matrix of one trial for models that are fitted step by step."""

import numpy as np

from phase2sim.analyses.thresholds import ROUNDING
from phase2sim.contracts import Arms, Floats, Ints
from phase2sim.kernels import kernel


@kernel
def design(covariates: Floats, trial: int, kept: Ints, needed: int, treated: Arms) -> Floats:
    """Intercept, treatment and the covariates that vary, at mean 0 and SD 1; (column, patient).

    Empty if one of the needed does not vary.
    """
    x = np.ones((2 + covariates.shape[0], kept.size))
    x[1] = treated
    count = 2
    for j in range(covariates.shape[0]):
        column = covariates[j, trial][kept]
        mean = column.mean()
        spread = ((column - mean) ** 2).mean()
        if spread > ROUNDING * (spread + mean**2):
            x[count] = (column - mean) / np.sqrt(spread)
            count += 1
        elif j < needed:
            return x[:0]
    return x[:count]
