"""Go where an analysis and all that stand before it are significant."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from phase2sim.core.decision import AnalysisResults, Decision, Hypothesis
from phase2sim.decisions.familywise import ANY, judge
from phase2sim.decisions.significance import check_alpha


@dataclass(frozen=True, slots=True)
class FixedSequence(Decision):
    """Analyses in their order, each at full alpha, as far as the first that is not significant."""

    one_sided_alpha: float
    title: ClassVar[str] = "analyses in order, each at full alpha, and at least one"

    def __post_init__(self) -> None:
        check_alpha(self.one_sided_alpha)

    def labels(self, analyses: tuple[str, ...]) -> tuple[str, ...]:
        """Return the analyses' names, then ``at_least_one``."""
        return (*analyses, ANY)

    def alone(self, number: int, hypothesis: Hypothesis) -> tuple[float, float] | None:
        """Return the null effect and alpha of the first analysis; others have to wait for it."""
        return (hypothesis.null_effect, self.one_sided_alpha) if number == 0 else None

    def decide(self, results: AnalysisResults) -> NDArray[np.int8]:
        """Verdicts (trial, analysis + 1) from p."""
        return judge(results.p, self.one_sided_alpha, lambda p: np.maximum.accumulate(p, axis=1))
