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
