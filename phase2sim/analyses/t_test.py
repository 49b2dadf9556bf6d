"""Difference in means between arms at one visit, both arms with one variance."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from phase2sim.analyses.one_sided import check_choice, check_options, for_benefit, outcome
from phase2sim.analyses.two_means import OUTCOMES, two_means
from phase2sim.contracts import Estimates, Reading


@dataclass(frozen=True, slots=True)
class TTest:
    """Mean of treatment minus mean of control at ``month``, on patients with that visit.

    Student's test: the variance is pooled, so it is right when both arms vary alike or have as many
    patients. ``of="change"`` compares changes from baseline. ``null_effect`` is on the endpoint's
    model scale. Raises ``ValueError`` for options that do not fit; see docs/methods/t_test.md.
    """

    endpoint: str
    month: float
    of: Literal["value", "change"] = "value"
    null_effect: float = 0.0
    reads: ClassVar[str] = "continuous"
    title: ClassVar[str] = "t test"

    def __post_init__(self) -> None:
        check_options(self.endpoint, self.month, self.null_effect)
        check_choice("of", self.of, OUTCOMES)

    def estimate(self, reading: Reading) -> Estimates:
        """Estimate the difference in every trial; a trial it cannot answer has failed."""
        fit = two_means(
            outcome(reading, self.month),
            np.ascontiguousarray(reading.baseline),
            np.ascontiguousarray(reading.arm),
            change=self.of == "change",
            pooled=True,
        )
        return for_benefit(fit, self.endpoint, self.null_effect)
