"""Go where an analysis is significant in a graph that hands alpha on."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from phase2sim.core.arrays import Floats
from phase2sim.core.decision import AnalysisResults, Decision
from phase2sim.core.errors import BadValue
from phase2sim.decisions.closed_tests import closed_test
from phase2sim.decisions.familywise import ANY, check_few, check_number, check_weights, judge
from phase2sim.decisions.significance import check_alpha


@dataclass(frozen=True, slots=True)
class Graphical(Decision):
    """Alpha shared by weights; a significant analysis hands its level on along the arrows.

    Bretz, Maurer, Brannath and Posch, Statistics in Medicine 2009.

    Parameters
    ----------
    one_sided_alpha : float
        One-sided significance level of the family of analyses, above 0 and below 0.5.
    weights : tuple of float, (analysis,)
        Share of alpha of each analysis, in the order of the analyses; 0 or more, with a sum above 0
        and at most 1.
    transitions : tuple of tuple of float, (analysis, analysis)
        Entry j of row i is the share of its level that analysis i hands to analysis j once it is
        significant; 0 or more, 0 on the diagonal, each row with a sum of at most 1.

    Raises
    ------
    BadValue
        If ``one_sided_alpha`` does not lie between 0 and 0.5, the weights do not share out alpha,
        or ``transitions`` is no square table of shares.

    Notes
    -----
    At most 8 analyses. Verdicts are 1 for go, 0 for stop and -1 for undecided; the last of each row
    is whether at least one analysis is a go.

    References
    ----------
    Bretz, Maurer, Brannath and Posch (2009), A graphical approach to sequentially rejective
    multiple test procedures, Statistics in Medicine 28:586-604.

    Examples
    --------
    Two primary analyses that hand half of their level to each other and half to a secondary one.
    Adjusted p-values are 0.0133, 0.01, 0.04 and 0.5 (graphicalMCP 0.2.8, ``graph_test_shortcut``).

    >>> import numpy as np
    >>> from phase2sim.core.decision import only_p
    >>> transitions = ((0, 0.5, 0.5, 0), (0.5, 0, 0, 0.5), (0, 1, 0, 0), (1, 0, 0, 0))
    >>> rule = Graphical(0.025, weights=(0.5, 0.5, 0, 0), transitions=transitions)
    >>> rule.decide(only_p(np.array([[0.010, 0.005, 0.020, 0.500]])))
    array([[1, 1, 0, 0, 1]], dtype=int8)
    """

    one_sided_alpha: float
    weights: tuple[float, ...]  # share of alpha, one an analysis
    transitions: tuple[tuple[float, ...], ...]  # row i: what analysis i hands to each other
    title: ClassVar[str] = "a graph that hands alpha on, and at least one"

    def __post_init__(self) -> None:
        check_alpha(self.one_sided_alpha)
        check_weights(self.weights)
        for number, row in enumerate(self.transitions):
            if len(row) != len(self.transitions) or row[number] != 0:
                raise BadValue(
                    "transitions",
                    f"has {list(row)} as row {number + 1}; it needs"
                    f" {len(self.transitions)} entries and 0 on the diagonal",
                )
            if min(row) < 0 or not sum(row) <= 1 + 1e-9:  # nan too
                raise BadValue(
                    "transitions",
                    f"has {list(row)} as row {number + 1}; none may be negative and"
                    " their sum must be at most 1",
                )

    def labels(self, analyses: tuple[str, ...]) -> tuple[str, ...]:
        """Return the analyses' names, then ``at_least_one``."""
        check_few(analyses)
        check_number("weights", len(self.weights), analyses)
        check_number("transitions", len(self.transitions), analyses)
        return (*analyses, ANY)

    def decide(self, results: AnalysisResults) -> NDArray[np.int8]:
        """Verdicts (trial, analysis + 1) from p."""
        return judge(results.p, self.one_sided_alpha, self._adjust)

    def _adjust(self, p: Floats) -> Floats:
        return closed_test(p, np.array(self.weights), np.array(self.transitions))
