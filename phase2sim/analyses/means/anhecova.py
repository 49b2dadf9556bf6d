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
