"""Difference in response rates at one visit, standardised over covariates."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from scipy import special

from phase2sim.analyses.columns import numeric_covariates, with_factors, with_strata
from phase2sim.analyses.one_sided import normal_test
from phase2sim.analyses.options import check_options
from phase2sim.analyses.responders.logistic_fit import standardised_difference
from phase2sim.analyses.responders.miettinen_nurminen import score_estimates
from phase2sim.analyses.responders.responders import (
    UNKNOWN_RESPONSE,
    ResponderAnalysis,
    check_margin,
    count,
)
from phase2sim.core.contracts import (
    NO_VARIATION,
    SEPARATED,
    UNADJUSTED_SCORE,
    Estimates,
    Reading,
)
from phase2sim.core.estimates import answer_instead

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

    Parameters
    ----------
    endpoint : str
        Name of a measured endpoint, such as ``"hba1c"`` or ``"c_peptide"``.
    month : float
        Visit that is analysed, in months since randomisation; above 0.
    responder : Responder
        Rule by which a patient is a responder, in the endpoint's unit.
    missing : {"non_responder", "complete_cases"}, default "non_responder"
        ``"non_responder"`` counts a patient without an outcome as no responder,
        ``"complete_cases"`` excludes the patient.
    covariates : tuple of str, default ("baseline",)
        Covariates of the model, any of ``"baseline"``, ``"age"`` and ``"stratum"``. The stratum
        enters as a factor.
    standard_error : {"delta", "ge"}, default "delta"
        ``"delta"`` treats the covariates as a sample of the population, with a variance that does
        not rely on the model; ``"ge"`` takes them as fixed, with the variance of the model.
    null_effect : float, default 0.0
        Difference in response rates that benefit must exceed, between -1 and 1. A negative value is
        a non-inferiority margin.
    factors : tuple of str, default ()
        Further columns of a data file, such as a site, that enter as factors.

    Raises
    ------
    ValueError
        If an option has a value that is not allowed.

    References
    ----------
    Ye, Bannick, Yi and Shao (2023), Statistical Theory and Related Fields 7: 159-163.

    Ge, Durham, Meyer, Xie and Thomas (2011), Drug Information Journal 45: 481-493.

    Examples
    --------
    Three of four treated patients respond and one of four controls. Without covariates the effect
    is the difference in rates, with standard error ``sqrt(2 * 0.75 * 0.25 / 4)``.

    >>> import numpy as np
    >>> from phase2sim.analyses.responders.logistic_standardised import LogisticStandardised
    >>> from phase2sim.analyses.responders.responders import Responder
    >>> from phase2sim.core.contracts import Reading
    >>> reading = Reading(
    ...     arm=np.array([[0, 0, 0, 0, 1, 1, 1, 1]], np.int8),
    ...     baseline=np.full((1, 8), 8.0),
    ...     value=np.array([[[6.0, 8.0, 8.0, 8.0, 6.0, 6.0, 6.0, 8.0]]]),
    ...     visits_months=(12.0,),
    ...     age_years=np.full((1, 8), 12.0),
    ...     stratum=np.zeros((1, 8), np.int64),
    ... )
    >>> rule = Responder(below=7.0)
    >>> analysis = LogisticStandardised("hba1c", 12.0, rule, covariates=())
    >>> estimates = analysis.estimate(reading)
    >>> print(estimates.effect.round(4), estimates.se.round(4))
    [0.5] [0.3062]
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
        responds, arm = self.responses(reading), np.ascontiguousarray(reading.arm)
        effect, se, reason, means = standardised_difference(
            responds, arm, covariates, len(needed), self.standard_error == "delta"
        )
        estimates = Estimates(
            effect=effect,
            se=se,
            df=np.where(reason == 0, np.inf, np.nan),
            p=special.ndtr((self.null_effect - effect) / se),
            reason=reason.astype(np.int8),
            test=normal_test(effect, se, self.null_effect),
            details={"response_treated": means[:, 1], "response_control": means[:, 0]},
        )
        # The odds of some patients have no bound. The difference in rates has the same meaning, and
        # its score test needs no odds.
        rows = np.flatnonzero((reason == SEPARATED) | (reason == NO_VARIATION))
        unknown = np.isnan(covariates[:, rows]).any(axis=0)
        complete = np.where(unknown, UNKNOWN_RESPONSE, responds[rows]).astype(np.int8)
        table = count(complete, arm[rows], np.zeros((1, 1), np.int64), 1)[:, 0]
        answers = score_estimates(table, np.zeros(rows.size, np.int64), self.null_effect)
        return answer_instead(estimates, rows, answers, UNADJUSTED_SCORE)
