"""Difference between arms at one visit, values below the assay's limit not measured."""

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np
from scipy import special

from phase2sim.analyses.columns import (
    numeric_covariates,
    outcome,
    strata_above_lowest,
    with_factors,
)
from phase2sim.analyses.means.tobit_fit import tobit
from phase2sim.analyses.means.tobit_unmeasured import unmeasured_limits, unmeasured_score
from phase2sim.analyses.one_sided import for_benefit, lower_tail, t_test
from phase2sim.analyses.options import check_options
from phase2sim.analyses.quantification_limit import BelowLimit, QuantificationLimit
from phase2sim.core.analysis import Analysis
from phase2sim.core.arrays import Arms, Floats
from phase2sim.core.contracts import (
    ALL_BELOW,
    CONFIDENCE,
    MODEL_SCALE,
    SCORE_TEST,
    TOO_FEW,
    Estimates,
    OwnTest,
    Reading,
)
from phase2sim.core.endpoints import MEASURES
from phase2sim.core.estimates import answer_instead

_STANDARD_ERRORS = ("corrected", "likelihood")


@dataclass(frozen=True, slots=True)
class Tobit(Analysis):
    """Treatment minus control at ``month`` by a normal likelihood with values below ``lloq``.

    Of a value below ``lloq``, in the endpoint's unit, only that counts; a baseline below it
    becomes what ``below_lloq`` says. The standard error is the likelihood's, or ``corrected`` as
    least squares corrects it; with an arm never measured the score test answers. Stratum
    and ``factors`` enter as factors. ``null_effect`` is on the endpoint's model scale. Raises
    ``ValueError`` for options that do not fit; see docs/methods/tobit.md.

    Parameters
    ----------
    endpoint : str
        Name of a measured endpoint, such as ``"hba1c"`` or ``"c_peptide"``.
    month : float
        Visit that is analysed, in months since randomisation; above 0.
    lloq : float
        Lower limit of quantification, in the endpoint's unit; a value equal to it was measured.
    below_lloq : {"limit", "half", "zero"}, default "limit"
        Value that a baseline below the limit is replaced by: the limit, half of it, or 0 (not
        allowed where the model scale is a logarithm).
    covariates : tuple of str, default ("baseline",)
        Covariates of the model, any of ``"baseline"``, ``"age"`` and ``"stratum"``. The stratum
        enters as a factor.
    standard_error : {"corrected", "likelihood"}, default "corrected"
        ``"likelihood"`` is from the observed information, with the normal distribution.
        ``"corrected"`` multiplies it by ``sqrt(n / (n - coefficients))``, with the t distribution.
    null_effect : float, default 0.0
        Effect that benefit must exceed, on the endpoint's model scale. A value on the side of harm
        is a non-inferiority margin.
    factors : tuple of str, default ()
        Further columns of a data file, such as a site, that enter as factors.

    Raises
    ------
    ValueError
        If an option has a value that is not allowed, or ``lloq`` lies outside the endpoint's
        plausible values.

    References
    ----------
    Tobin (1958), Econometrica 26: 24-36.

    Olsen (1978), Econometrica 46: 1211-1215.

    Examples
    --------
    With all values above the limit and no covariates the estimate is that of the t test: both arms
    have variance 1, so the corrected standard error is ``sqrt(1 / 3 + 1 / 3)``.

    >>> import numpy as np
    >>> from phase2sim.analyses.means.tobit import Tobit
    >>> from phase2sim.core.contracts import Reading
    >>> reading = Reading(
    ...     arm=np.array([[0, 0, 0, 1, 1, 1]], np.int8),
    ...     baseline=np.full((1, 6), 8.0),
    ...     value=np.array([[[7.0, 8.0, 9.0, 6.0, 7.0, 8.0]]]),
    ...     visits_months=(12.0,),
    ...     age_years=np.full((1, 6), 12.0),
    ...     stratum=np.zeros((1, 6), np.int64),
    ... )
    >>> estimates = Tobit("hba1c", 12.0, lloq=4.0, covariates=()).estimate(reading)
    >>> print(estimates.effect.round(4), estimates.se.round(4), estimates.df)
    [-1.] [0.8165] [4.]
    >>> print(estimates.details["below_lloq"])
    [0.]
    """

    endpoint: str
    month: float
    lloq: float
    below_lloq: BelowLimit = "limit"
    covariates: tuple[str, ...] = ("baseline",)
    standard_error: Literal["corrected", "likelihood"] = "corrected"
    null_effect: float = 0.0
    factors: tuple[str, ...] = ()
    reads: ClassVar[str] = "continuous"
    scale: ClassVar[str] = MODEL_SCALE
    title: ClassVar[str] = "Tobit ANCOVA"
    is_equivariant: ClassVar[bool] = False  # the limit stays where it is

    def __post_init__(self) -> None:
        check_options(self, standard_error=_STANDARD_ERRORS)
        QuantificationLimit(self.endpoint, self.lloq, self.below_lloq)  # refuses what does not fit

    def estimate(self, reading: Reading) -> Estimates:
        """Estimate the adjusted difference in every trial; a trial it cannot answer has failed."""
        limit = QuantificationLimit(self.endpoint, self.lloq, self.below_lloq)
        needed = numeric_covariates(limit.applied(reading), self.covariates)
        covariates = with_factors(needed, reading, self.factors)
        if "stratum" in self.covariates:
            covariates = np.concatenate([covariates, strata_above_lowest(reading)])
        value, lowest = outcome(reading, self.month), MEASURES[self.endpoint].to_model(self.lloq)
        arm = np.ascontiguousarray(reading.arm)
        effect, se, patients, used, reason = tobit(value, arm, covariates, len(needed), lowest)
        df = np.where(reason == 0, np.inf, np.nan)
        if self.standard_error == "corrected":
            df = patients - used
            se = se * np.sqrt(patients / df)
        estimates = for_benefit((effect, se, df, reason), self.endpoint, self.null_effect)
        rows = np.flatnonzero(reason == ALL_BELOW)
        answers = self._score(value[rows], arm[rows], covariates[:, rows], len(needed), lowest)
        estimates = replace(estimates, test=t_test(effect, se, df, self.null_effect))
        estimates = answer_instead(estimates, rows, answers, SCORE_TEST)
        analysed = ~np.isnan(value) & ~np.isnan(covariates[: len(needed)]).any(axis=0)
        n = np.maximum(analysed.sum(axis=1), 1)
        below = np.where(estimates.failed, np.nan, (analysed & (value < lowest)).sum(axis=1) / n)
        return replace(estimates, details={"below_lloq": below})

    def _score(
        self, value: Floats, arm: Arms, covariates: Floats, needed: int, lowest: float
    ) -> Estimates:
        """Score test of trials in which an arm was never measured, corrected as the others are."""
        data = value, arm, covariates, needed, lowest
        t, patients, used, reason = unmeasured_score(*data, self.null_effect)
        df = np.where(reason == 0, np.inf, np.nan)
        stretch = np.ones(reason.size)
        if self.standard_error == "corrected":
            df = patients - used
            reason = np.where(df < 1.0, TOO_FEW, reason)
            df = np.where(reason == 0, df, np.nan)
            stretch = np.sqrt(patients / df)
        t = np.where(reason == 0, t, np.nan) / stretch
        reach = special.stdtrit(df, 0.5 + CONFIDENCE / 2) * stretch
        effect, lower, upper = unmeasured_limits(*data, reach)
        worse = -MEASURES[self.endpoint].benefit_sign
        return Estimates(
            effect=effect,
            se=np.where(reason == 0, np.inf, np.nan),
            df=df,
            p=lower_tail(df, worse * t),
            reason=reason.astype(np.int8),
            test=OwnTest(t, 2.0 * special.stdtr(df, -abs(t)), lower, upper),
        )
