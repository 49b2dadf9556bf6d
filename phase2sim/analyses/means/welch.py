"""Difference in means between arms at one visit, each arm with its own variance."""

from dataclasses import dataclass
from typing import ClassVar

from phase2sim.analyses.means.two_means import TwoMeans
from phase2sim.core.contracts import Estimates, Reading


@dataclass(frozen=True, slots=True)
class Welch(TwoMeans):
    """Mean of treatment minus mean of control at ``month``, on patients with that visit.

    Each arm has its own variance; the degrees of freedom are Satterthwaite's, and vary from trial
    to trial. ``of="change"`` compares changes from baseline. ``null_effect`` is on the endpoint's
    model scale. Raises ``ValueError`` for options that do not fit; see docs/methods/welch.md.
    """

    title: ClassVar[str] = "Welch t test"
    closed_form: ClassVar[str | None] = "welch"

    def estimate(self, reading: Reading) -> Estimates:
        """Estimate the difference in every trial; a trial it cannot answer has failed."""
        return self.compare(reading, pooled=False)

    def estimate_first(self, reading: Reading, sizes: tuple[int, ...]) -> Estimates:
        """Estimates from the first n patients, for each n of the rising ``sizes``."""
        return self.compare_first(reading, sizes, pooled=False)
