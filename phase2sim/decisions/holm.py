"""Go where an analysis is significant after Holm's adjustment."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from phase2sim.core.decision import AnalysisResults, Decision
from phase2sim.decisions import closed_tests
from phase2sim.decisions.familywise import ANY, judge
from phase2sim.decisions.significance import check_alpha


@dataclass(frozen=True, slots=True)
class Holm(Decision):
    """Step down from the smallest p; keeps the familywise error whatever the dependence."""

    one_sided_alpha: float
    title: ClassVar[str] = "each analysis after Holm's adjustment, and at least one"

    def __post_init__(self) -> None:
        check_alpha(self.one_sided_alpha)

    def labels(self, analyses: tuple[str, ...]) -> tuple[str, ...]:
        """Return the analyses' names, then ``at_least_one``."""
        return (*analyses, ANY)

    def decide(self, results: AnalysisResults) -> NDArray[np.int8]:
        """Verdicts (trial, analysis + 1) from p."""
        return judge(results.p, self.one_sided_alpha, closed_tests.holm)
