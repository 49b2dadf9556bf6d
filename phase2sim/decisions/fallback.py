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

    Parameters
    ----------
    one_sided_alpha : float
        One-sided significance level of the family of analyses, above 0 and below 0.5.
    weights : tuple of float, (analysis,)
        Share of alpha of each analysis, in the order of the analyses; 0 or more, with a sum above 0
        and at most 1.

    Raises
    ------
    BadValue
        If ``one_sided_alpha`` does not lie between 0 and 0.5, or the weights do not share out
        alpha.

    Notes
    -----
    At most 8 analyses. Verdicts are 1 for go, 0 for stop and -1 for undecided; the last of each row
    is whether at least one analysis is a go.

    References
    ----------
    Wiens (2003), A fixed sequence Bonferroni procedure for testing multiple endpoints,
    Pharmaceutical Statistics 2:211-215.

    Examples
    --------
    Adjusted p-values are 0.12, 0.016, 0.04 and 0.04 (graphicalMCP 0.2.8, ``graph_test_shortcut``
    with the graph ``fallback``): the first analysis is not significant, and the second still is.

    >>> import numpy as np
    >>> from phase2sim.core.decision import only_p
    >>> rule = Fallback(0.025, weights=(0.25, 0.25, 0.25, 0.25))
    >>> rule.decide(only_p(np.array([[0.030, 0.004, 0.020, 0.010]])))
    array([[0, 1, 0, 0, 1]], dtype=int8)
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
