"""Go where an analysis is significant at its own level and what earlier ones handed on."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from phase2sim.core.arrays import Floats
from phase2sim.core.decision import AnalysisResults, Decision
from phase2sim.decisions.closed_tests import chain_graph, closed_test
from phase2sim.decisions.familywise import ANY, check_few, check_number, check_weights, judge
from phase2sim.decisions.significance import check_alpha


@dataclass(frozen=True, slots=True)
class Fallback(Decision):
    """Analyses in order, each with a share of alpha that goes to the next once significant.

    Wiens, Pharmaceutical Statistics 2003.
    """

    one_sided_alpha: float
    weights: tuple[float, ...]  # share of alpha, one an analysis
    title: ClassVar[str] = "analyses in order, alpha shared and handed on, and at least one"

    def __post_init__(self) -> None:
        check_alpha(self.one_sided_alpha)
        check_weights(self.weights)

    def labels(self, analyses: tuple[str, ...]) -> tuple[str, ...]:
        """Return the analyses' names, then ``at_least_one``."""
        check_few(analyses)
        check_number("weights", len(self.weights), analyses)
        return (*analyses, ANY)

    def decide(self, results: AnalysisResults) -> NDArray[np.int8]:
        """Verdicts (trial, analysis + 1) from p."""
        return judge(results.p, self.one_sided_alpha, self._adjust)

    def _adjust(self, p: Floats) -> Floats:
        return closed_test(p, np.array(self.weights), chain_graph(p.shape[1]))
