"""Score test and interval of a difference in response rates at one visit, within strata."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy import special

from phase2sim.analyses.columns import strata
from phase2sim.analyses.one_sided import NORMAL_REACH
from phase2sim.analyses.responders.responders import (
    ResponderAnalysis,
    check_margin,
    missing_arm,
)
from phase2sim.analyses.responders.stratified_scores import (
    stratified_interval,
    stratified_score,
    weights,
)
from phase2sim.core.contracts import Estimates, OwnTest, Reading


@dataclass(frozen=True, slots=True)
class MiettinenNurminenStratified(ResponderAnalysis):
    """Share of responders at ``month``, treated minus control, by the score test within strata.

    The difference is the mean of the strata's, with Mantel and Haenszel's weights; test and
    interval are Miettinen and Nurminen's. ``responder`` is the rule; a patient whose outcome is
    ``missing`` is no responder, or left out. Raises ``ValueError`` for options that do not fit; see
    docs/methods/miettinen_nurminen_stratified.md.

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
    null_effect : float, default 0.0
        Difference in response rates that benefit must exceed, between -1 and 1. A negative value is
        a non-inferiority margin.

    Raises
    ------
    ValueError
        If an option has a value that is not allowed.

    References
    ----------
    Miettinen and Nurminen (1985), Statistics in Medicine 4: 213-226, section 4.

    Examples
    --------
    In each of two strata three of four treated patients respond and one of four controls. The
    restricted variance of a stratum is ``0.5 * 0.5 * (1 / 4 + 1 / 4) * 8 / 7 = 1 / 7``, so
    ``z = 0.5 / sqrt(1 / 14)``, as by the Cochran-Mantel-Haenszel test.

    >>> import numpy as np
    >>> from phase2sim.analyses.responders.miettinen_nurminen_stratified import (
    ...     MiettinenNurminenStratified,
    ... )
    >>> from phase2sim.analyses.responders.responders import Responder
    >>> from phase2sim.core.contracts import Reading
    >>> reading = Reading(
    ...     arm=np.array([[0, 0, 0, 0, 1, 1, 1, 1] * 2], np.int8),
    ...     baseline=np.full((1, 16), 8.0),
    ...     value=np.array([[[6.0, 8.0, 8.0, 8.0, 6.0, 6.0, 6.0, 8.0] * 2]]),
    ...     visits_months=(12.0,),
    ...     age_years=np.full((1, 16), 12.0),
    ...     stratum=np.repeat([[0, 1]], 8, axis=1),
    ... )
    >>> rule = Responder(below=7.0)
    >>> estimates = MiettinenNurminenStratified("hba1c", 12.0, rule).estimate(reading)
    >>> print(estimates.effect, estimates.test.statistic.round(4))
    [0.5] [1.8708]
    """

    null_effect: float = 0.0
    needs: ClassVar[tuple[str, ...]] = ("stratum",)
    title: ClassVar[str] = "Stratified Miettinen-Nurminen"

    def __post_init__(self) -> None:
        ResponderAnalysis.__post_init__(self)
        check_margin(self.null_effect)

    def estimate(self, reading: Reading) -> Estimates:
        """Estimate the difference in every trial; a trial it cannot answer has failed."""
        table = self.counts(reading, *strata(reading))
        reason = missing_arm(table)
        weight = np.where(reason[:, None] == 0, weights(table), np.nan)
        rate = table[..., ::2] / np.maximum(table[..., 1::2], 1.0)  # (trial, stratum, arm)
        spread = rate * (1.0 - rate) / np.maximum(table[..., 1::2], 1.0)
        total = weight.sum(axis=1)
        treated, control = ((weight[..., None] * rate).sum(axis=1) / total[:, None]).T
        variance = (weight**2 * spread.sum(axis=-1)).sum(axis=1)
        z = stratified_score(table, weight, self.null_effect)
        return Estimates(
            effect=treated - control,
            se=np.sqrt(variance) / total,
            df=np.where(reason == 0, np.inf, np.nan),
            p=special.ndtr(-z),
            reason=reason.astype(np.int8),
            test=OwnTest(
                z,
                2.0 * special.ndtr(-abs(z)),
                *stratified_interval(table, weight, NORMAL_REACH),
            ),
            details={"response_treated": treated, "response_control": control},
        )
