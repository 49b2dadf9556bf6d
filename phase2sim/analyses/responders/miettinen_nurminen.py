"""Score test and interval of a difference in response rates at one visit."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from scipy import special

from phase2sim.analyses.one_sided import NORMAL_REACH
from phase2sim.analyses.options import check_options
from phase2sim.analyses.responders.rate_scores import score_interval, score_statistic
from phase2sim.analyses.responders.responders import (
    ResponderAnalysis,
    by_distinct_table,
    check_margin,
    rates,
)
from phase2sim.core.arrays import Floats, Ints
from phase2sim.core.contracts import Estimates, OwnTest, Reading

_VARIANCES = ("miettinen_nurminen", "farrington_manning")


@dataclass(frozen=True, slots=True)
class MiettinenNurminen(ResponderAnalysis):
    """Share of responders at ``month``, treated minus control, by the score test.

    ``responder`` is the rule; a patient whose outcome is ``missing`` is no responder, or left out.
    ``variance="farrington_manning"`` leaves out the factor n / (n - 1); without ``null_effect``, a
    difference in rates, it is the chi-square test. Raises ``ValueError`` for options that do not
    fit; see docs/methods/miettinen_nurminen.md.

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
    variance : {"miettinen_nurminen", "farrington_manning"}, default "miettinen_nurminen"
        Variance of the score statistic: ``"miettinen_nurminen"`` has the factor ``n / (n - 1)``,
        ``"farrington_manning"`` does not.
    null_effect : float, default 0.0
        Difference in response rates that benefit must exceed, between -1 and 1. A negative value is
        a non-inferiority margin.

    Raises
    ------
    ValueError
        If an option has a value that is not allowed.

    References
    ----------
    Miettinen and Nurminen (1985), Statistics in Medicine 4: 213-226.

    Farrington and Manning (1990), Statistics in Medicine 9: 1447-1454.

    Examples
    --------
    Three of four treated patients respond and one of four controls. Without the factor ``8 / 7``
    the variance is ``0.5 * 0.5 * (1 / 4 + 1 / 4)``, so ``z = sqrt(2)``, the root of the chi-square
    statistic.

    >>> import numpy as np
    >>> from phase2sim.analyses.responders.miettinen_nurminen import MiettinenNurminen
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
    >>> estimates = MiettinenNurminen("hba1c", 12.0, rule).estimate(reading)
    >>> print(estimates.effect, estimates.test.statistic.round(4))
    [0.5] [1.3229]
    >>> analysis = MiettinenNurminen("hba1c", 12.0, rule, variance="farrington_manning")
    >>> print(analysis.estimate(reading).test.statistic.round(4))
    [1.4142]
    """

    variance: Literal["miettinen_nurminen", "farrington_manning"] = "miettinen_nurminen"
    null_effect: float = 0.0
    title: ClassVar[str] = "Miettinen-Nurminen"
    by_responder_counts: ClassVar[bool] = True

    def __post_init__(self) -> None:
        ResponderAnalysis.__post_init__(self)
        check_options(self, variance=_VARIANCES)
        check_margin(self.null_effect)

    def estimate(self, reading: Reading) -> Estimates:
        """Estimate the difference in every trial; a trial it cannot answer has failed."""
        table, reason = self.two_by_two(reading)
        unbiased = self.variance == "miettinen_nurminen"
        return score_estimates(table, reason, self.null_effect, unbiased=unbiased)


def score_estimates(
    table: Floats, reason: Ints, null_effect: float, *, unbiased: bool = True
) -> Estimates:
    """Difference in rates of each table, (trial, 4), with score test and interval."""

    def z_and_limits(tables: Floats) -> tuple[Floats, ...]:
        margin = np.full(len(tables), null_effect)
        limits = score_interval(tables, NORMAL_REACH, unbiased)
        return score_statistic(tables, margin, unbiased), *limits

    z, lower, upper = by_distinct_table(table, z_and_limits)
    effect, se, by_arm = rates(table)
    return Estimates(
        effect=effect,
        se=se,
        df=np.where(reason == 0, np.inf, np.nan),
        p=special.ndtr(-z),
        reason=reason.astype(np.int8),
        test=OwnTest(z, 2.0 * special.ndtr(-abs(z)), lower, upper),
        details=by_arm,
    )
