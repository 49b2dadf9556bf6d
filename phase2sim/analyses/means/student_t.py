"""Difference in means between arms at one visit, both arms with one variance."""

from dataclasses import dataclass
from typing import ClassVar

from phase2sim.analyses.means.two_means import TwoMeans
from phase2sim.core.contracts import Estimates, Reading


@dataclass(frozen=True, slots=True)
class TTest(TwoMeans):
    """Mean of treatment minus mean of control at ``month``, on patients with that visit.

    Student's test: the variance is pooled, so it is right when both arms vary alike or have as many
    patients. ``of="change"`` compares changes from baseline. ``null_effect`` is on the endpoint's
    model scale. Raises ``ValueError`` for options that do not fit; see docs/methods/t_test.md.
    """

    title: ClassVar[str] = "t test"
    closed_form: ClassVar[str | None] = "t_test"

    def estimate(self, reading: Reading) -> Estimates:
        """Estimate the difference in every trial; a trial it cannot answer has failed."""
        return self.compare(reading, pooled=True)

    def estimate_first(self, reading: Reading, sizes: tuple[int, ...]) -> Estimates:
        """Estimates from the first n patients, for each n of the rising ``sizes``."""
        return self.compare_first(reading, sizes, pooled=True)
