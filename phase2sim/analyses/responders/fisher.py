"""Fisher's exact test of response rates at one visit."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from phase2sim.analyses.one_sided import NORMAL_REACH
from phase2sim.analyses.responders.rate_scores import fisher, score_interval
from phase2sim.analyses.responders.responders import ResponderAnalysis, by_distinct_table, rates
from phase2sim.core.arrays import Floats
from phase2sim.core.contracts import Estimates, OwnTest, Reading


@dataclass(frozen=True, slots=True)
class Fisher(ResponderAnalysis):
    """Share of responders at ``month``, treated minus control, tested given all margins.

    ``responder`` is the rule; a patient whose outcome is ``missing`` is no responder, or left out.
    The interval is Miettinen and Nurminen's. Raises ``ValueError`` for options that do not fit; see
    docs/methods/fisher.md.

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
    Fisher (1935), The Design of Experiments, chapter 2.

    Miettinen and Nurminen (1985), Statistics in Medicine 4: 213-226, for the interval.

    Examples
    --------
    Fisher's tea-tasting experiment with three of four right, a p-value of ``(16 + 1) / 70``: three
    of four treated patients respond and one of four controls.

    >>> import numpy as np
    >>> from phase2sim.analyses.responders.fisher import Fisher
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
    >>> estimates = Fisher("hba1c", 12.0, rule).estimate(reading)
    >>> print(estimates.effect, estimates.p.round(4))
    [0.5] [0.2429]
    """

    title: ClassVar[str] = "Fisher's exact test"
    by_responder_counts: ClassVar[bool] = True

    def estimate(self, reading: Reading) -> Estimates:
        """Estimate the difference in every trial; a trial it cannot answer has failed."""
        table, reason = self.two_by_two(reading)

        def p_and_limits(tables: Floats) -> tuple[Floats, ...]:
            return *fisher(tables), *score_interval(tables, NORMAL_REACH, unbiased=True)

        p, p_two_sided, lower, upper = by_distinct_table(table, p_and_limits)
        effect, se, by_arm = rates(table)
        return Estimates(
            effect=effect,
            se=se,
            df=np.where(reason == 0, np.inf, np.nan),
            p=p,
            reason=reason.astype(np.int8),
            test=OwnTest(table[:, 0], p_two_sided, lower, upper),
            details=by_arm,
        )
