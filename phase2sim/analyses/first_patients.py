"""From running sums to estimates for the first n patients of every trial, for many n."""

from collections.abc import Callable

import numpy as np

from phase2sim.analyses.one_sided import RegressionFit, for_benefit
from phase2sim.core.contracts import Estimates, Reading
from phase2sim.core.estimates import map_estimates


def complete_fit(
    fit: RegressionFit,
    reading: Reading,
    sizes: tuple[int, ...],
    of_patients: Callable[[Reading], RegressionFit],
) -> RegressionFit:
    """Refit from the patients' data where the running sums are not accurate enough.

    ``fit`` is (size, trial) each, with a negative reason where it has no answer.
    """
    unanswered = fit[3] < 0
    for size in np.flatnonzero(unanswered.any(axis=1)):
        trials = np.flatnonzero(unanswered[size])
        refit = of_patients(reading.of_first(sizes[size], trials))
        for whole, part in zip(fit, refit, strict=True):
            whole[size, trials] = part
    return fit


def for_benefit_by_size(fit: RegressionFit, endpoint: str, null_effect: float) -> Estimates:
    """Estimates (size, trial), with the t test's p, from fits of that shape."""
    effect, se, df, reason = fit
    flat = for_benefit(
        (effect.ravel(), se.ravel(), df.ravel(), reason.ravel()), endpoint, null_effect
    )
    return map_estimates(flat, lambda values: values.reshape(effect.shape))
