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

    Parameters
    ----------
    endpoint : str
        Name of a measured endpoint, such as ``"hba1c"`` or ``"c_peptide"``.
    month : float
        Visit that is analysed, in months since randomisation; above 0.
    covariates : tuple of str, default ("baseline",)
        Covariates of the model, any of ``"baseline"``, ``"age"`` and ``"stratum"``. The stratum
        enters as a factor.
    strategy : {"mar", "jump_to_reference", "copy_increments"}, default "mar"
        Mean of a treated patient after the last observed visit: ``"mar"`` is that of the treated
        arm, ``"jump_to_reference"`` that of control, ``"copy_increments"`` follows the changes of
        control from the last observed visit on.
    delta : float, default 0.0
        Shift added to each imputed outcome of a treated patient, on the endpoint's model scale.
    tipping_alpha : float or None, default None
        One-sided significance level, above 0 and below 0.5, for which the delta is reported at
        which the effect is no longer significant. None: it is not reported.
    null_effect : float, default 0.0
        Effect that benefit must exceed, on the endpoint's model scale. A value on the side of harm
        is a non-inferiority margin.
    variance : {"jackknife", "analytic"}, default "jackknife"
        ``"jackknife"`` repeats model, imputation and analysis without each patient; ``"analytic"``
        is its first-order approximation, without refitting.

    Raises
    ------
    ValueError
        If an option has a value that is not allowed.

    References
    ----------
    Wolbers, Noci, Delmar, Gower-Page, Yiu and Bartlett (2022), Pharmaceutical Statistics 21:
    1246-1257.

    Carpenter, Roger and Kenward (2013), Journal of Biopharmaceutical Statistics 23: 1352-1371.

    Examples
    --------
    One of four treated patients has no outcome. Missing at random, the mean of the treated arm is
    imputed, 7; after a jump to reference that of control, 8, and the effect is
    ``(6 + 7 + 8 + 8) / 4 - 8``.

    >>> from dataclasses import replace
    >>> import numpy as np
    >>> from phase2sim.analyses import ConditionalMeanImputation
    >>> from phase2sim.core.contracts import Reading
    >>> reading = Reading(
    ...     arm=np.array([[0, 0, 0, 1, 1, 1, 1]], np.int8),
    ...     baseline=np.full((1, 7), 8.0),
    ...     value=np.array([[[7.0, 8.0, 9.0, 6.0, 7.0, 8.0, np.nan]]]),
    ...     visits_months=(12.0,),
    ...     age_years=np.full((1, 7), 12.0),
    ...     stratum=np.zeros((1, 7), np.int64),
    ... )
    >>> analysis = ConditionalMeanImputation("hba1c", 12.0, covariates=())
    >>> print(analysis.estimate(reading).effect.round(4))
    [-1.]
    >>> jump = replace(analysis, strategy="jump_to_reference")
    >>> print(jump.estimate(reading).effect.round(4))
    [-0.75]
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
