"""Difference of two means in every trial of a batch, with either standard error."""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np

from phase2sim.analyses.columns import OUTCOMES, ValueOrChange, outcome
from phase2sim.analyses.first_patients import complete_fit, for_benefit_by_size
from phase2sim.analyses.means.running_sums import running_two_means
from phase2sim.analyses.one_sided import RegressionFit, for_benefit
from phase2sim.analyses.options import check_options
from phase2sim.analyses.tolerances import ROUNDING
from phase2sim.core.analysis import Analysis
from phase2sim.core.arrays import Arms, Floats, Ints
from phase2sim.core.contracts import (
    EMPTY_ARM,
    MODEL_SCALE,
    NO_VARIATION,
    TOO_FEW,
    Estimates,
    Reading,
)
from phase2sim.core.kernels import inline_kernel, kernel


@dataclass(frozen=True, slots=True)
class TwoMeans(Analysis):
    """Options and estimates that the tests of two means share."""

    endpoint: str
    month: float
    of: ValueOrChange = "value"
    null_effect: float = 0.0
    reads: ClassVar[str] = "continuous"
    scale: ClassVar[str] = MODEL_SCALE
    in_one_pass: ClassVar[bool] = True
    allows_blinded_variance: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_options(self, of=OUTCOMES)

    def compare(self, reading: Reading, *, pooled: bool) -> Estimates:
        """Estimate the difference in every trial, with one variance or with two."""
        return for_benefit(self._fit(reading, pooled=pooled), self.endpoint, self.null_effect)

    def compare_first(self, reading: Reading, sizes: tuple[int, ...], *, pooled: bool) -> Estimates:
        """As ``compare``, (size, trial), from the first n patients, n of the rising ``sizes``."""
        fit = running_two_means(
            outcome(reading, self.month),
            np.ascontiguousarray(reading.baseline),
            np.ascontiguousarray(reading.arm),
            np.array(sizes),
            self.of == "change",
            pooled,
        )
        fit = complete_fit(fit, reading, sizes, partial(self._fit, pooled=pooled))
        return for_benefit_by_size(fit, self.endpoint, self.null_effect)

    def _fit(self, reading: Reading, *, pooled: bool) -> RegressionFit:
        return two_means(
            outcome(reading, self.month),
            np.ascontiguousarray(reading.baseline),
            np.ascontiguousarray(reading.arm),
            change=self.of == "change",
            pooled=pooled,
        )


@kernel
def two_means(
    value: Floats,
    baseline: Floats,
    arm: Arms,
    change: bool,  # noqa: FBT001  numba has no keyword-only arguments
    pooled: bool,  # noqa: FBT001  numba has no keyword-only arguments
) -> tuple[Floats, Floats, Floats, Ints]:
    """Mean of arm 1 minus mean of arm 0 in every trial, on the patients without a nan.

    ``value`` is (trial, patient), ``baseline`` (trial, patient), subtracted if ``change``.
    ``pooled`` assumes one variance (Student), else Welch's standard error and Satterthwaite's
    degrees of freedom. Returns effect, standard error, degrees of freedom and the index in
    ``FAILURES`` (0: answered), each (trial,), nan where not answered.
    """
    trials, patients = arm.shape
    outcome = np.empty(patients)
    effect = np.full(trials, np.nan)
    se = np.full(trials, np.nan)
    df = np.full(trials, np.nan)
    reason = np.zeros(trials, np.int64)
    for trial in range(trials):
        for i in range(patients):
            outcome[i] = value[trial, i]
        if change:
            for i in range(patients):
                outcome[i] -= baseline[trial, i]
        moments = _moments(outcome, arm, trial)
        fitted = _compare(moments, pooled)
        effect[trial], se[trial], df[trial], reason[trial] = fitted
    return effect, se, df, reason


@inline_kernel
def _moments(
    outcome: Floats, arm: Arms, trial: int
) -> tuple[float, float, float, float, float, float]:
    """Patients, mean and sum of squares about it: of control, then of treatment."""
    n = treated = total = total_treated = 0.0
    for i in range(outcome.size):
        # A value equals itself unless it is nan.
        is_seen = 1.0 if outcome[i] == outcome[i] else 0.0
        y = outcome[i] if is_seen > 0.0 else 0.0
        n += is_seen
        total += y
        treated += is_seen * arm[trial, i]
        total_treated += y * arm[trial, i]
    means = (total - total_treated) / (n - treated), total_treated / treated
    squares = squares_treated = 0.0
    for i in range(outcome.size):
        off = outcome[i] - (means[1] if arm[trial, i] == 1 else means[0])
        square = off * off if outcome[i] == outcome[i] else 0.0
        squares += square * (1 - arm[trial, i])
        squares_treated += square * arm[trial, i]
    return n - treated, means[0], squares, treated, means[1], squares_treated


@inline_kernel
def _compare(
    moments: tuple[float, float, float, float, float, float],
    pooled: bool,  # noqa: FBT001  numba has no keyword-only arguments
) -> tuple[float, float, float, int]:
    """Effect, standard error, degrees of freedom and reason of one trial."""
    n0, mean0, squares0, n1, mean1, squares1 = moments
    if n0 == 0.0 or n1 == 0.0:
        return np.nan, np.nan, np.nan, EMPTY_ARM
    if n0 + n1 - 2.0 < 1.0 or (not pooled and min(n0, n1) - 1.0 < 1.0):
        return np.nan, np.nan, np.nan, TOO_FEW
    rounding = ROUNDING * (n0 * mean0**2 + n1 * mean1**2)
    if not squares0 + squares1 > rounding:
        return np.nan, np.nan, np.nan, NO_VARIATION
    if pooled:
        df = n0 + n1 - 2.0
        return mean1 - mean0, np.sqrt((squares0 + squares1) / df * (1.0 / n0 + 1.0 / n1)), df, 0
    share0 = squares0 / (n0 - 1.0) / n0
    share1 = squares1 / (n1 - 1.0) / n1
    df = (share0 + share1) ** 2 / (share0**2 / (n0 - 1.0) + share1**2 / (n1 - 1.0))
    return mean1 - mean0, np.sqrt(share0 + share1), df, 0
