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

    Parameters
    ----------
    one_sided_alpha : float
        One-sided significance level of the family of analyses, above 0 and below 0.5.
    families : tuple of int, (family,)
        Number of analyses in each family, 1 or more, in the order of the analyses; their sum is the
        number of analyses.

    Raises
    ------
    BadValue
        If ``one_sided_alpha`` does not lie between 0 and 0.5, or a family has no analysis.

    Notes
    -----
    Verdicts are 1 for go, 0 for stop and -1 for undecided; the last of each row is whether at least
    one analysis is a go.

    References
    ----------
    Westfall and Krishen (2001), Optimally weighted, fixed sequence and gatekeeper multiple testing
    procedures, Journal of Statistical Planning and Inference 99:25-40.

    Examples
    --------
    Two families of two. By Holm the first needs a smaller p of at most 0.0125 and a larger one of
    at most 0.025. In the first trial both families pass; in the second trial the first family has
    one analysis that is not significant, so the second family is not tested.

    >>> import numpy as np
    >>> from phase2sim.core.decision import only_p
    >>> p = np.array([[0.010, 0.020, 0.012, 0.024], [0.010, 0.030, 0.001, 0.001]])
    >>> Gatekeeping(0.025, families=(2, 2)).decide(only_p(p))
    array([[1, 1, 1, 1, 1],
           [1, 0, 0, 0, 1]], dtype=int8)
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
