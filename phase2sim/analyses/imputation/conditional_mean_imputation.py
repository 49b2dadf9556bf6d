"""Difference between arms at one visit, missing outcomes replaced by conditional means."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from phase2sim.analyses.imputation.conditional_means import conditional_means
from phase2sim.analyses.imputation.imputing_analysis import (
    IMPUTATION_STRATEGIES,
    Imputed,
    ImputingAnalysis,
    at_delta,
    critical,
    tipping_point,
)
from phase2sim.analyses.one_sided import for_benefit
from phase2sim.analyses.options import check_options
from phase2sim.core.contracts import Estimates, Reading

_VARIANCES = ("jackknife", "analytic")


@dataclass(frozen=True, slots=True)
class ConditionalMeanImputation(ImputingAnalysis):
    """ANCOVA at ``month`` of all patients, missing outcomes replaced by conditional means.

    ``strategy`` says what a treated patient has after the last seen visit: the own arm's course
    (``mar``), control's, or control's changes. ``delta`` is added there, on the model scale.
    Nothing is drawn; ``variance`` leaves out each patient in turn, or nearly so (``analytic``).
    With ``tipping_alpha`` the delta that loses that one-sided significance is reported. Raises
    ``ValueError`` for options that do not fit; see docs/methods/conditional_mean_imputation.md.
    """

    variance: Literal["jackknife", "analytic"] = "jackknife"
    title: ClassVar[str] = "Conditional mean imputation"

    def __post_init__(self) -> None:
        ImputingAnalysis.__post_init__(self)
        check_options(self, variance=_VARIANCES)

    def estimate(self, reading: Reading) -> Estimates:
        """Estimate the difference in every trial; a trial it cannot answer has failed."""
        effect, variance, df, imputed, reason = conditional_means(
            *self.inputs(reading),
            IMPUTATION_STRATEGIES[self.strategy],
            self.variance == "jackknife",
        )
        ancova = Imputed(effect[:, 0], effect[:, 1], variance)
        shifted, spread = at_delta(ancova, self.delta)
        details = {"imputed": imputed}
        if self.tipping_alpha is not None:
            t = critical(df, self.tipping_alpha)
            details["tipping_delta"] = tipping_point(ancova, self.null_effect, self.sign, t)
        fit = (shifted, np.sqrt(spread), df, reason)
        estimates = for_benefit(fit, self.endpoint, self.null_effect)
        return Estimates(
            estimates.effect,
            estimates.se,
            estimates.df,
            estimates.p,
            estimates.reason,
            details=details,
        )
