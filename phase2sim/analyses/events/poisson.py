"""Ratio of event rates of two arms, counts as variable as Poisson's."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from phase2sim.analyses.events import event_rates
from phase2sim.analyses.events.conditional_binomial import exact_estimates
from phase2sim.analyses.events.event_counts import CountAnalysis, rate_estimates
from phase2sim.core.contracts import EXACT_TEST, NO_VARIATION, Estimates, Reading
from phase2sim.core.estimates import answer_instead


@dataclass(frozen=True, slots=True)
class PoissonRegression(CountAnalysis):
    """Logarithm of treatment's event rate over control's, each patient with the own time at risk.

    ``null_effect`` is the logarithm of a rate ratio. Fewer events are better. Without an event in
    an arm the exact test answers. Raises ``ValueError`` for options that do not fit; see
    docs/methods/poisson.md.

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
    McCullagh and Nelder (1989), Generalized Linear Models, 2nd edition, chapter 6.

    Examples
    --------
    Control has 6 events and treatment 3 in the same time: the logarithm of the rate ratio is
    ``log(3 / 6)``, with standard error ``sqrt(1 / 3 + 1 / 6)``.

    >>> import numpy as np
    >>> from phase2sim.analyses.events.poisson import PoissonRegression
    >>> from phase2sim.core.contracts import Reading
    >>> reading = Reading(
    ...     arm=np.array([[0, 0, 1, 1]], np.int8),
    ...     baseline=np.zeros((1, 4)),
    ...     value=np.array([[[2.0, 4.0, 1.0, 2.0]]]),
    ...     visits_months=(12.0,),
    ...     age_years=np.full((1, 4), 12.0),
    ...     stratum=np.zeros((1, 4), np.int64),
    ...     months_at_risk=np.full((1, 1, 4), 12.0),
    ... )
    >>> estimates = PoissonRegression("adverse_events", 12.0).estimate(reading)
    >>> print(estimates.effect.round(4), estimates.se.round(4))
    [-0.6931] [0.7071]
    """

    title: ClassVar[str] = "Poisson regression"

    def estimate(self, reading: Reading) -> Estimates:
        """Estimate the ratio in every trial; a trial it cannot answer has failed."""
        events, time, arm = self.counts(reading)
        estimates = rate_estimates(*event_rates.poisson(events, time, arm), self.null_effect)
        rows = np.flatnonzero(estimates.reason == NO_VARIATION)
        totals = event_rates.arm_totals(events[rows], time[rows], arm[rows])
        answers = exact_estimates(*totals, self.null_effect)
        return answer_instead(estimates, rows, answers, EXACT_TEST)
