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
    """Analyses in their order, each at full alpha, as far as the first that is not significant.

    Parameters
    ----------
    one_sided_alpha : float
        One-sided significance level of the family of analyses, above 0 and below 0.5.

    Raises
    ------
    BadValue
        If ``one_sided_alpha`` does not lie between 0 and 0.5.

    Notes
    -----
    The order is that of the analyses in the scenario. Verdicts are 1 for go, 0 for stop and -1 for
    undecided; the last of each row is whether at least one analysis is a go.

    References
    ----------
    Westfall and Krishen (2001), Optimally weighted, fixed sequence and gatekeeper multiple testing
    procedures, Journal of Statistical Planning and Inference 99:25-40.

    Examples
    --------
    Adjusted p-values are the largest p so far, 0.004, 0.06, 0.06 and 0.06 (graphicalMCP 0.2.8,
    ``graph_test_shortcut`` with the graph ``fixed_sequence``): the second analysis ends the tests.

    >>> import numpy as np
    >>> from phase2sim.core.decision import only_p
    >>> FixedSequence(0.05).decide(only_p(np.array([[0.004, 0.060, 0.001, 0.020]])))
    array([[1, 0, 0, 0, 1]], dtype=int8)
    """

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
