"""Go family by family: a later one is tested only where every earlier analysis is significant."""

from dataclasses import dataclass
from itertools import accumulate
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from phase2sim.core.arrays import Floats
from phase2sim.core.decision import AnalysisResults, Decision, Hypothesis
from phase2sim.core.errors import BadValue
from phase2sim.decisions.closed_tests import holm
from phase2sim.decisions.familywise import ANY, check_number, judge
from phase2sim.decisions.significance import check_alpha


@dataclass(frozen=True, slots=True)
class Gatekeeping(Decision):
    """Serial gatekeeping: Holm within a family, the next family once all of it is significant.

    Westfall and Krishen, Journal of Statistical Planning and Inference 2001.
    """

    one_sided_alpha: float
    families: tuple[int, ...]  # number of analyses in each, in their order
    title: ClassVar[str] = "families in order, Holm within each, and at least one"

    def __post_init__(self) -> None:
        check_alpha(self.one_sided_alpha)
        if not self.families or min(self.families) < 1:
            raise BadValue("families", f"is {list(self.families)}; each has 1 analysis or more")

    def labels(self, analyses: tuple[str, ...]) -> tuple[str, ...]:
        """Return the analyses' names, then ``at_least_one``."""
        check_number("families", sum(self.families), analyses)
        return (*analyses, ANY)

    def alone(self, number: int, hypothesis: Hypothesis) -> tuple[float, float] | None:
        """Return the null effect and alpha of the first analysis where it is the first family."""
        if number > 0 or self.families[0] > 1:
            return None
        return hypothesis.null_effect, self.one_sided_alpha

    def decide(self, results: AnalysisResults) -> NDArray[np.int8]:
        """Verdicts (trial, analysis + 1) from p."""
        return judge(results.p, self.one_sided_alpha, self._adjust)

    def _adjust(self, p: Floats) -> Floats:
        gate, adjusted = np.zeros((len(p), 1)), []
        for family in np.split(p, list(accumulate(self.families))[:-1], axis=1):
            adjusted.append(np.maximum(holm(family), gate))
            gate = adjusted[-1].max(axis=1, keepdims=True)
        return np.concatenate(adjusted, axis=1)
