"""Difference between arms at one visit, each arm with slopes of its own."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from phase2sim.analyses.columns import numeric_covariates, outcome, with_factors, with_strata
from phase2sim.analyses.means.arm_regressions import arm_regressions
from phase2sim.analyses.one_sided import for_benefit
from phase2sim.analyses.options import check_options
from phase2sim.core.analysis import Analysis
from phase2sim.core.contracts import MODEL_SCALE, Estimates, Reading


@dataclass(frozen=True, slots=True)
class Anhecova(Analysis):
    """Treatment minus control at ``month``, by a regression on the covariates in each arm.

    Analysis of heterogeneous covariance: right, and no less precise than comparing means, whether
    or not a slope is the same in both arms. Stratum and ``factors``, further columns of a data
    file, enter as factors. ``null_effect`` is on the endpoint's model scale. Raises ``ValueError``
    for options that do not fit; see docs/methods/anhecova.md.

    Parameters
    ----------
    endpoint : str
        Name of a measured endpoint, such as ``"hba1c"`` or ``"c_peptide"``.
    month : float
        Visit that is analysed, in months since randomisation; above 0.
    covariates : tuple of str, default ("baseline",)
        Covariates of the model, any of ``"baseline"``, ``"age"`` and ``"stratum"``. The stratum
        enters as a factor.
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
    Ye, Shao, Yi and Zhao (2023), Journal of the American Statistical Association 118: 2370-2382.

    Examples
    --------
    In both arms the outcome is half the baseline plus residuals 0.1, -0.2 and 0.1, which are
    orthogonal to it; treatment lowers it by 1. The slopes agree, so the variance is ``0.06 / 3``
    from each arm, on one degree of freedom each.

    >>> import numpy as np
    >>> from phase2sim.analyses.means.anhecova import Anhecova
    >>> from phase2sim.core.contracts import Reading
    >>> reading = Reading(
    ...     arm=np.array([[0, 0, 0, 1, 1, 1]], np.int8),
    ...     baseline=np.array([[7.0, 8.0, 9.0, 7.0, 8.0, 9.0]]),
    ...     value=np.array([[[3.6, 3.8, 4.6, 2.6, 2.8, 3.6]]]),
    ...     visits_months=(12.0,),
    ...     age_years=np.full((1, 6), 12.0),
    ...     stratum=np.zeros((1, 6), np.int64),
    ... )
    >>> estimates = Anhecova("hba1c", 12.0).estimate(reading)
    >>> print(estimates.effect.round(4), estimates.se.round(4), estimates.df)
    [-1.] [0.2] [2.]
    """

    endpoint: str
    month: float
    covariates: tuple[str, ...] = ("baseline",)
    null_effect: float = 0.0
    factors: tuple[str, ...] = ()
    reads: ClassVar[str] = "continuous"
    scale: ClassVar[str] = MODEL_SCALE
    title: ClassVar[str] = "ANHECOVA"

    def __post_init__(self) -> None:
        check_options(self)

    def estimate(self, reading: Reading) -> Estimates:
        """Estimate the difference in every trial; a trial it cannot answer has failed."""
        needed = numeric_covariates(reading, self.covariates)
        covariates = with_factors(needed, reading, self.factors)
        if "stratum" in self.covariates:
            covariates = with_strata(covariates, reading)
        fit = arm_regressions(
            outcome(reading, self.month),
            np.ascontiguousarray(reading.arm),
            covariates,
            len(needed),
        )
        return for_benefit(fit, self.endpoint, self.null_effect)
