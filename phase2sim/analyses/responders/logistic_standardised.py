"""Difference in response rates at one visit, standardised over covariates."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from scipy import special

from phase2sim.analyses.columns import numeric_covariates, with_factors, with_strata
from phase2sim.analyses.options import check_options
from phase2sim.analyses.responders.logistic_fit import standardised_difference
from phase2sim.analyses.responders.responders import ResponderAnalysis, check_margin
from phase2sim.core.contracts import Estimates, Reading

_STANDARD_ERRORS = ("delta", "ge")


@dataclass(frozen=True, slots=True)
class LogisticStandardised(ResponderAnalysis):
    """Share of responders at ``month`` if all were treated, minus that if none were.

    A logistic regression predicts each patient's chance under either arm; the predictions are
    averaged (g-computation).
    ``responder`` is the rule; a patient whose outcome is ``missing`` is no responder, or left out.
    Stratum and ``factors``, further columns of a data file, enter as factors. ``null_effect`` is a
    difference in rates. Raises ``ValueError`` for options that do not fit; see
    docs/methods/logistic_standardised.md.
    """

    covariates: tuple[str, ...] = ("baseline",)
    standard_error: Literal["delta", "ge"] = "delta"
    null_effect: float = 0.0
    factors: tuple[str, ...] = ()
    title: ClassVar[str] = "Standardised logistic regression"

    def __post_init__(self) -> None:
        ResponderAnalysis.__post_init__(self)
        check_options(self, standard_error=_STANDARD_ERRORS)
        check_margin(self.null_effect)

    def estimate(self, reading: Reading) -> Estimates:
        """Estimate the difference in every trial; a trial it cannot answer has failed."""
        needed = numeric_covariates(reading, self.covariates)
        covariates = with_factors(needed, reading, self.factors)
        if "stratum" in self.covariates:
            covariates = with_strata(covariates, reading)
        effect, se, reason, means = standardised_difference(
            self.responses(reading),
            np.ascontiguousarray(reading.arm),
            covariates,
            len(needed),
            self.standard_error == "delta",
        )
        return Estimates(
            effect=effect,
            se=se,
            df=np.where(reason == 0, np.inf, np.nan),
            p=special.ndtr((self.null_effect - effect) / se),
            reason=reason.astype(np.int8),
            details={"response_treated": means[:, 1], "response_control": means[:, 0]},
        )
