"""Agreement of a Monte Carlo estimate with an exact value, in standard errors."""

import numpy as np
from numpy.typing import ArrayLike

from phase2sim.core.measured import Measured

STANDARD_ERRORS = 4.0


def assert_agrees(
    found: Measured | ArrayLike, exact: ArrayLike, se: ArrayLike | None = None
) -> None:
    """Fail beyond 4 standard errors; ``se`` is needed unless ``found`` brings its own."""
    if isinstance(found, Measured):
        se = found.mcse if se is None else se
        found = found.estimate
    assert se is not None, "an estimate without its standard error agrees with anything"
    assert np.all(np.asarray(se) > 0.0)
    gap = (np.asarray(found) - exact) / se
    assert np.all(np.abs(gap) <= STANDARD_ERRORS), (
        f"{found} is not {exact}: {gap} standard errors away"
    )


def se_of_share(share: ArrayLike, trials: int) -> np.ndarray:
    """Give the standard error of a share of independent trials whose chance is ``share``."""
    return np.sqrt(np.asarray(share) * (1.0 - np.asarray(share)) / trials)
