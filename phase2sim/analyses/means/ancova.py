"""Difference between arms at one visit, adjusted for covariates by least squares."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from phase2sim.analyses.columns import numeric_covariates, outcome, strata, with_factors
from phase2sim.analyses.first_patients import complete_fit, for_benefit_by_size
from phase2sim.analyses.means.least_squares import least_squares
from phase2sim.analyses.means.running_sums import running_least_squares
from phase2sim.analyses.one_sided import RegressionFit, for_benefit
from phase2sim.analyses.options import check_options
from phase2sim.core.analysis import Analysis
from phase2sim.core.contracts import MODEL_SCALE, Estimates, Reading
from phase2sim.core.estimates import stack_estimates

_STANDARD_ERRORS = ("model-based", "hc3")


@dataclass(frozen=True, slots=True)
class Ancova(Analysis):
    """Treatment minus control at ``month``, on patients with that visit and every covariate.

    The stratum enters as a factor, and so do ``factors``, further columns of a data file such as a
    site. ``hc3`` is MacKinnon and White's standard error, which stays
    right when the arms vary differently. ``null_effect`` is on the endpoint's model scale. Raises
    ``ValueError`` for options that do not fit; see docs/methods/ancova.md.

    Parameters
    ----------
    endpoint : str
        Name of a measured endpoint, such as ``"hba1c"`` or ``"c_peptide"``.
    month : float
        Visit that is analysed, in months since randomisation; above 0.
    covariates : tuple of str, default ("baseline",)
        Covariates of the model, any of ``"baseline"``, ``"age"`` and ``"stratum"``. The stratum
        enters as a factor.
    standard_error : {"model-based", "hc3"}, default "model-based"
        ``"model-based"`` assumes one residual variance, ``"hc3"`` allows each patient a variance of
        their own.
    null_effect : float, default 0.0
        Effect that benefit must exceed, on the endpoint's model scale. A value on the side of harm
        is a non-inferiority margin.
    factors : tuple of str, default ()
        Further columns of a data file, such as a site, that enter as factors.

    Raises
    ------
    ValueError
        If an option has a value that is not allowed.

    References
    ----------
    MacKinnon and White (1985), Journal of Econometrics 29: 305-325, for HC3.

    Shieh (2020), Psychometrika 85: 101-120, for the power of ANCOVA.

    Examples
    --------
    In both arms the outcome is half the baseline plus residuals 0.1, -0.2 and 0.1, which are
    orthogonal to it; treatment lowers it by 1. The residual variance is ``0.12 / 3``, so the
    standard error is ``sqrt(0.04 * 2 / 3)``.

    >>> import numpy as np
    >>> from phase2sim.analyses.means.ancova import Ancova
    >>> from phase2sim.core.contracts import Reading
    >>> reading = Reading(
    ...     arm=np.array([[0, 0, 0, 1, 1, 1]], np.int8),
    ...     baseline=np.array([[7.0, 8.0, 9.0, 7.0, 8.0, 9.0]]),
    ...     value=np.array([[[3.6, 3.8, 4.6, 2.6, 2.8, 3.6]]]),
    ...     visits_months=(12.0,),
    ...     age_years=np.full((1, 6), 12.0),
    ...     stratum=np.zeros((1, 6), np.int64),
    ... )
    >>> estimates = Ancova("hba1c", 12.0).estimate(reading)
    >>> print(estimates.effect.round(4), estimates.se.round(4), estimates.df)
    [-1.] [0.1633] [3.]
    """

    endpoint: str
    month: float
    covariates: tuple[str, ...] = ("baseline",)
    standard_error: Literal["model-based", "hc3"] = "model-based"
    null_effect: float = 0.0
    factors: tuple[str, ...] = ()
    reads: ClassVar[str] = "continuous"
    scale: ClassVar[str] = MODEL_SCALE
    title: ClassVar[str] = "ANCOVA"
    in_one_pass: ClassVar[bool] = True
    allows_blinded_variance: ClassVar[bool] = True
    closed_form: ClassVar[str | None] = "ancova"

    def __post_init__(self) -> None:
        check_options(self, standard_error=_STANDARD_ERRORS)

    @property
    def robust_standard_error(self) -> bool:
        """Whether the standard error is HC3."""
        return self.standard_error == "hc3"

    def estimate(self, reading: Reading) -> Estimates:
        """Estimate the adjusted difference in every trial; a trial it cannot answer has failed."""
        return for_benefit(self._fit(reading), self.endpoint, self.null_effect)

    def estimate_first(self, reading: Reading, sizes: tuple[int, ...]) -> Estimates:
        """Estimates (size, trial) from the first n patients, for each n of the rising ``sizes``."""
        if "stratum" in self.covariates or self.standard_error == "hc3" or self.factors:
            return stack_estimates([self.estimate(reading.of_first(n)) for n in sizes])
        fit = running_least_squares(
            outcome(reading, self.month),
            np.ascontiguousarray(reading.arm),
            numeric_covariates(reading, self.covariates),
            np.array(sizes),
        )
        fit = complete_fit(fit, reading, sizes, self._fit)
        return for_benefit_by_size(fit, self.endpoint, self.null_effect)

    def _fit(self, reading: Reading) -> RegressionFit:
        level, levels = strata(reading, wanted="stratum" in self.covariates)
        covariates = numeric_covariates(reading, self.covariates)
        return least_squares(
            outcome(reading, self.month),
            np.ascontiguousarray(reading.arm),
            with_factors(covariates, reading, self.factors),
            len(covariates),
            level,
            levels,
            self.standard_error == "hc3",
        )
