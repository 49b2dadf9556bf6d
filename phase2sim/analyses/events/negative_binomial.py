"""Ratio of event rates of two arms, counts more variable than Poisson's."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from phase2sim.analyses.events import event_rates
from phase2sim.analyses.events.event_counts import CountAnalysis, rate_estimates
from phase2sim.analyses.events.negative_binomial_score import score_tested_rates
from phase2sim.core.contracts import NO_VARIATION, SCORE_TEST, Estimates, Reading
from phase2sim.core.estimates import answer_instead


@dataclass(frozen=True, slots=True)
class NegativeBinomial(CountAnalysis):
    """Logarithm of treatment's event rate over control's, with a variance above the mean.

    Each patient counts with the own time at risk. ``null_effect`` is the logarithm of a rate ratio.
    Fewer events are better. Without an event in an arm the score test answers. Raises
    ``ValueError`` for options that do not fit; see docs/methods/negative_binomial.md.

    Parameters
    ----------
    endpoint : str
        Name of a counted event: ``"adverse_events"``, ``"serious_adverse_events"`` or
        ``"hypoglycaemia"``.
    month : float
        Visit that is analysed, in months since randomisation; above 0.
    null_effect : float, default 0.0
        Logarithm of the rate ratio that the ratio must be below; 0 tests for fewer events.

    Raises
    ------
    ValueError
        If an option has a value that is not allowed.

    References
    ----------
    Lawless (1987), Canadian Journal of Statistics 15: 209-225.

    Examples
    --------
    Control has 12 events and treatment 6. With the same time at risk for all patients the logarithm
    of the rate ratio is ``log(6 / 12)`` for any shape. The counts vary more than Poisson's, so the
    standard error is larger than Poisson's ``sqrt(1 / 6 + 1 / 12)``, which is 0.5.

    >>> import numpy as np
    >>> from phase2sim.analyses.events.negative_binomial import NegativeBinomial
    >>> from phase2sim.core.contracts import Reading
    >>> reading = Reading(
    ...     arm=np.array([[0, 0, 0, 0, 1, 1, 1, 1]], np.int8),
    ...     baseline=np.zeros((1, 8)),
    ...     value=np.array([[[0.0, 8.0, 1.0, 3.0, 0.0, 6.0, 0.0, 0.0]]]),
    ...     visits_months=(12.0,),
    ...     age_years=np.full((1, 8), 12.0),
    ...     stratum=np.zeros((1, 8), np.int64),
    ...     months_at_risk=np.full((1, 1, 8), 12.0),
    ... )
    >>> estimates = NegativeBinomial("adverse_events", 12.0).estimate(reading)
    >>> print(estimates.effect.round(4), estimates.se > 0.5)
    [-0.6931] [ True]
    """

    title: ClassVar[str] = "Negative binomial regression"

    def estimate(self, reading: Reading) -> Estimates:
        """Estimate the ratio in every trial; a trial it cannot answer has failed."""
        events, time, arm = self.counts(reading)
        effect, se, shape, reason = event_rates.negative_binomial(events, time, arm)
        estimates = rate_estimates(effect, se, reason, self.null_effect, shape=shape)
        rows = np.flatnonzero(reason == NO_VARIATION)
        answers = score_tested_rates(events[rows], time[rows], arm[rows], self.null_effect)
        return answer_instead(estimates, rows, answers, SCORE_TEST)
