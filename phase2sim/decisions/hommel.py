"""Go where an analysis is significant after Hommel's adjustment."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from phase2sim.core.arrays import Floats
from phase2sim.core.decision import AnalysisResults, Decision
from phase2sim.decisions.closed_tests import closed_test, equal_graph
from phase2sim.decisions.familywise import ANY, check_few, judge
from phase2sim.decisions.significance import check_alpha


@dataclass(frozen=True, slots=True)
class Hommel(Decision):
    """Closed test by Simes; for p-values that are independent or positively dependent."""

    one_sided_alpha: float
    title: ClassVar[str] = "each analysis after Hommel's adjustment, and at least one"

    def __post_init__(self) -> None:
        check_alpha(self.one_sided_alpha)

    def labels(self, analyses: tuple[str, ...]) -> tuple[str, ...]:
        """Return the analyses' names, then ``at_least_one``."""
        check_few(analyses)
        return (*analyses, ANY)

    def decide(self, results: AnalysisResults) -> NDArray[np.int8]:
        """Verdicts (trial, analysis + 1) from p."""
        return judge(results.p, self.one_sided_alpha, self._adjust)

    def _adjust(self, p: Floats) -> Floats:
        return closed_test(p, *equal_graph(p.shape[1]), simes=True)
