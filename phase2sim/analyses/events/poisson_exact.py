"""Ratio of event rates of two arms by the exact test given all events."""

from dataclasses import dataclass
from typing import ClassVar

from phase2sim.analyses.events.conditional_binomial import exact_estimates
from phase2sim.analyses.events.event_counts import CountAnalysis
from phase2sim.analyses.events.event_rates import arm_totals
from phase2sim.core.contracts import Estimates, Reading


@dataclass(frozen=True, slots=True)
class PoissonExact(CountAnalysis):
    """Logarithm of treatment's event rate over control's, tested exactly given all events.

    The conditional binomial test of two Poisson rates, with Clopper and Pearson's interval. It
    answers without an event in an arm. ``null_effect`` is the logarithm of a rate ratio. Fewer
    events are better. Raises ``ValueError`` for options that do not fit; see
    docs/methods/poisson_exact.md.

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
    Przyborowski and Wilenski (1940), Biometrika 31: 313-323.

    Clopper and Pearson (1934), Biometrika 26: 404-413.

    Examples
    --------
    Control has 9 events and treatment none in the same time. Each event is as likely in either arm:
    the p-value is ``0.5 ** 9``. The upper limit of the ratio is ``a / (1 - a)``, with
    ``a = 1 - 0.025 ** (1 / 9)``.

    >>> import numpy as np
    >>> from phase2sim.analyses.events.poisson_exact import PoissonExact
    >>> from phase2sim.core.contracts import Reading
    >>> reading = Reading(
    ...     arm=np.array([[0, 0, 1, 1]], np.int8),
    ...     baseline=np.zeros((1, 4)),
    ...     value=np.array([[[4.0, 5.0, 0.0, 0.0]]]),
    ...     visits_months=(12.0,),
    ...     age_years=np.full((1, 4), 12.0),
    ...     stratum=np.zeros((1, 4), np.int64),
    ...     months_at_risk=np.full((1, 1, 4), 12.0),
    ... )
    >>> estimates = PoissonExact("adverse_events", 12.0).estimate(reading)
    >>> print(estimates.p.round(6), estimates.details["ratio_upper"].round(4))
    [0.001953] [0.5066]
    """

    title: ClassVar[str] = "Exact test of two Poisson rates"

    def estimate(self, reading: Reading) -> Estimates:
        """Estimate the ratio in every trial; a trial it cannot answer has failed."""
        return exact_estimates(*arm_totals(*self.counts(reading)), self.null_effect)
