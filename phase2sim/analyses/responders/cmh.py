"""Cochran-Mantel-Haenszel test of response rates at one visit, within strata."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy import special

from phase2sim.analyses.columns import strata
from phase2sim.analyses.one_sided import NORMAL_REACH
from phase2sim.analyses.responders.responders import ResponderAnalysis, missing_arm
from phase2sim.analyses.responders.stratified_scores import stratified_interval, weights
from phase2sim.core.arrays import Floats
from phase2sim.core.contracts import Estimates, OwnTest, Reading

_ROUNDING = 1e-7  # standard error below which only rounding is left


@dataclass(frozen=True, slots=True)
class Cmh(ResponderAnalysis):
    """Share of responders at ``month``, treated minus control, within strata.

    Cochran, Mantel and Haenszel's test without continuity correction; the effect is Mantel and
    Haenszel's common difference, with Sato's standard error. ``responder`` is the rule; a patient
    whose outcome is ``missing`` is no responder, or left out. Raises ``ValueError`` for options
    that do not fit; see docs/methods/cmh.md.

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

    Raises
    ------
    ValueError
        If an option has a value that is not allowed.

    References
    ----------
    Mantel and Haenszel (1959), Journal of the National Cancer Institute 22: 719-748.

    Sato, Greenland and Robins (1989), Biometrics 45: 1323-1324, for the standard error.

    Examples
    --------
    In each of two strata three of four treated patients respond and one of four controls: one
    responder more than expected, with variance ``4 ** 4 / (8 ** 2 * 7)``, so
    ``z = 2 / sqrt(8 / 7)``.

    >>> import numpy as np
    >>> from phase2sim.analyses.responders.cmh import Cmh
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
    >>> estimates = Cmh("hba1c", 12.0, rule).estimate(reading)
    >>> print(estimates.effect, estimates.test.statistic.round(4))
    [0.5] [1.8708]
    """

    needs: ClassVar[tuple[str, ...]] = ("stratum",)
    title: ClassVar[str] = "Cochran-Mantel-Haenszel"

    def estimate(self, reading: Reading) -> Estimates:
        """Estimate the difference in every trial; a trial it cannot answer has failed."""
        table = self.counts(reading, *strata(reading))
        reason = missing_arm(table)
        table = np.where(reason[:, None, None] == 0, table, np.nan)
        excess, variance = _test(table)
        effect, se = _common_difference(table)
        # All or none respond in every stratum: nobody could have been beyond expectation.
        z = np.where(variance == 0.0, 0.0, excess / np.sqrt(np.where(variance > 0.0, variance, 1)))
        z = np.where(reason == 0, z, np.nan)
        lower, upper = _interval(table, effect, se)
        return Estimates(
            effect=effect,
            se=se,
            df=np.where(reason == 0, np.inf, np.nan),
            p=special.ndtr(-z),
            reason=reason.astype(np.int8),
            test=OwnTest(z, 2.0 * special.ndtr(-abs(z)), lower, upper),
        )


def _interval(table: Floats, effect: Floats, se: Floats) -> tuple[Floats, Floats]:
    """Limits by the standard error; by the stratified score where that is 0, as no data are."""
    reach = NORMAL_REACH * se
    lower, upper = effect - reach, effect + reach
    rows = np.flatnonzero(se < _ROUNDING)
    if rows.size:
        sure = table[rows]
        lower[rows], upper[rows] = stratified_interval(sure, weights(sure), NORMAL_REACH)
    return lower, upper


def _test(table: Floats) -> tuple[Floats, Floats]:
    """Treated responders beyond expectation, and the variance given all margins, (trial,)."""
    x1, n1, x0, n0 = np.moveaxis(table, -1, 0)
    total, responders = np.maximum(n1 + n0, 1.0), x1 + x0
    excess = x1 - n1 * responders / total
    spread = n1 * n0 * responders * (total - responders)
    spread = spread / total**2 / np.maximum(total - 1.0, 1.0)
    return excess.sum(axis=1), spread.sum(axis=1)


def _common_difference(table: Floats) -> tuple[Floats, Floats]:
    """Mantel and Haenszel's difference, and Sato's standard error, (trial,) each.

    Right for many small strata and for few large ones: Sato, Greenland and Robins, Biometrics 1989.
    """
    x1, n1, x0, n0 = np.moveaxis(table, -1, 0)
    total = np.maximum(n1 + n0, 1.0)
    weight = (n1 * n0 / total).sum(axis=1)
    effect = ((x1 * n0 - x0 * n1) / total).sum(axis=1) / weight
    p = (n1**2 * x0 - n0**2 * x1 + n1 * n0 * (n0 - n1) / 2.0) / total**2
    q = (x1 * (n0 - x0) + x0 * (n1 - x1)) / (2.0 * total)
    variance = effect * p.sum(axis=1) + q.sum(axis=1)
    return effect, np.sqrt(np.maximum(variance, 0.0)) / weight
