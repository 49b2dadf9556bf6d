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
    """Step down from the smallest p; keeps the familywise error whatever the dependence.

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
    The k-th smallest of m p-values is compared with alpha / (m - k + 1), until the first that
    exceeds its level. Verdicts are 1 for go, 0 for stop and -1 for undecided; the last of each row
    is whether at least one analysis is a go.

    References
    ----------
    Holm (1979), A simple sequentially rejective multiple test procedure, Scandinavian Journal of
    Statistics 6:65-70.

    Examples
    --------
    R 4.2.2, ``p.adjust(p, "holm")``, gives adjusted p-values of 0.04, 0.06, 0.06 and 0.06: at a
    level of 0.05 only the first is significant.

    >>> import numpy as np
    >>> from phase2sim.core.decision import only_p
    >>> Holm(0.05).decide(only_p(np.array([[0.01, 0.02, 0.03, 0.04]])))
    array([[1, 0, 0, 0, 1]], dtype=int8)
    """

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
