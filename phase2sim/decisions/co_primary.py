"""Go only where every analysis is significant (co-primary endpoints)."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from phase2sim.core.contracts import UNDECIDED
from phase2sim.core.decision import AnalysisResults, Decision, Hypothesis
from phase2sim.decisions.significance import check_alpha, verdict


@dataclass(frozen=True, slots=True)
class CoPrimary(Decision):
    """Each analysis alone, then all of them together: intersection-union, full alpha for each.

    A trial in which one analysis failed and another stopped is a stop; otherwise a failed analysis
    leaves the trial undecided.
    """

    one_sided_alpha: float
    title: ClassVar[str] = "all analyses significant (co-primary), and each alone"
    is_for_looks: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_alpha(self.one_sided_alpha)

    def labels(self, analyses: tuple[str, ...]) -> tuple[str, ...]:
        """Return the analyses' names, then ``co_primary``."""
        return (*analyses, "co_primary")

    def alone(self, number: int, hypothesis: Hypothesis) -> tuple[float, float] | None:
        """Return the null effect of the analysis, and alpha."""
        del number  # alike for all
        return hypothesis.null_effect, self.one_sided_alpha

    def decide(self, results: AnalysisResults) -> NDArray[np.int8]:
        """Verdicts (trial, analysis + 1) from p."""
        alone = verdict(results.p, self.one_sided_alpha)
        stopped = (alone == 0).any(axis=1)
        failed = (alone == UNDECIDED).any(axis=1) & ~stopped
        together = np.where(failed, UNDECIDED, ~stopped)
        return np.column_stack([alone, together]).astype(np.int8)
