"""Ratio of event rates of two arms, counts as variable as Poisson's."""

from dataclasses import dataclass
from typing import ClassVar

from phase2sim.analyses.events import event_rates
from phase2sim.analyses.events.event_counts import CountAnalysis, rate_estimates
from phase2sim.core.contracts import Estimates, Reading


@dataclass(frozen=True, slots=True)
class PoissonRegression(CountAnalysis):
    """Logarithm of treatment's event rate over control's, each patient with the own time at risk.

    ``null_effect`` is the logarithm of a rate ratio. Fewer events are better. Raises ``ValueError``
    for options that do not fit; see docs/methods/negative_binomial.md.
    """

    title: ClassVar[str] = "Poisson regression"

    def estimate(self, reading: Reading) -> Estimates:
        """Estimate the ratio in every trial; a trial it cannot answer has failed."""
        return rate_estimates(*event_rates.poisson(*self.counts(reading)), self.null_effect)
