"""Difference between arms at one visit, values below the assay's limit not measured."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from phase2sim.analyses.columns import (
    numeric_covariates,
    outcome,
    strata_above_lowest,
    with_factors,
)
from phase2sim.analyses.means.tobit_fit import tobit
from phase2sim.analyses.one_sided import for_benefit
from phase2sim.analyses.options import check_options
from phase2sim.analyses.quantification_limit import BelowLimit, QuantificationLimit
from phase2sim.core.analysis import Analysis
from phase2sim.core.contracts import MODEL_SCALE, Estimates, Reading
from phase2sim.core.endpoints import MEASURES

_STANDARD_ERRORS = ("corrected", "likelihood")


@dataclass(frozen=True, slots=True)
class Tobit(Analysis):
    """Treatment minus control at ``month`` by a normal likelihood with values below ``lloq``.

    Of a value below ``lloq``, in the endpoint's unit, only that counts; a baseline below it
    becomes what ``below_lloq`` says. The standard error is the likelihood's, or ``corrected`` as
    least squares corrects it. Stratum and ``factors`` enter as factors. ``null_effect`` is on the
    endpoint's model scale. Raises ``ValueError`` for options that do not fit; see
    docs/methods/tobit.md.
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
        effect, se, patients, used, reason = tobit(
            value,
            np.ascontiguousarray(reading.arm),
            covariates,
            len(needed),
            lowest,
        )
        df = np.where(reason == 0, np.inf, np.nan)
        if self.standard_error == "corrected":
            df = patients - used
            se = se * np.sqrt(patients / df)
        estimates = for_benefit((effect, se, df, reason), self.endpoint, self.null_effect)
        n = np.maximum((~np.isnan(value)).sum(axis=1), 1)
        below = np.where(reason == 0, (value < lowest).sum(axis=1) / n, np.nan)
        return Estimates(
            estimates.effect,
            estimates.se,
            estimates.df,
            estimates.p,
            estimates.reason,
            details={"below_lloq": below},
        )
