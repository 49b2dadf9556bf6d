"""Go where an analysis is significant after Hochberg's adjustment."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from phase2sim.core.decision import AnalysisResults, Decision
from phase2sim.decisions import closed_tests
from phase2sim.decisions.familywise import ANY, judge
from phase2sim.decisions.significance import check_alpha


@dataclass(frozen=True, slots=True)
class Hochberg(Decision):
    """Step up from the largest p; for p-values that are independent or positively dependent."""

    one_sided_alpha: float
    title: ClassVar[str] = "each analysis after Hochberg's adjustment, and at least one"

    def __post_init__(self) -> None:
        check_alpha(self.one_sided_alpha)

    def labels(self, analyses: tuple[str, ...]) -> tuple[str, ...]:
        """Return the analyses' names, then ``at_least_one``."""
        return (*analyses, ANY)

    def decide(self, results: AnalysisResults) -> NDArray[np.int8]:
        """Verdicts (trial, analysis + 1) from p."""
        return judge(results.p, self.one_sided_alpha, closed_tests.hochberg)
