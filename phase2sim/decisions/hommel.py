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
    """Closed test by Simes; for p-values that are independent or positively dependent.

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
    At most 8 analyses: the closed test looks at every subset of them. It rejects at least what
    Hochberg's procedure rejects. Verdicts are 1 for go, 0 for stop and -1 for undecided; the last
    of each row is whether at least one analysis is a go.

    References
    ----------
    Hommel (1988), A stagewise rejective multiple test procedure based on a modified Bonferroni
    test, Biometrika 75:383-386.

    Simes (1986), An improved Bonferroni procedure for multiple tests of significance, Biometrika
    73:751-754.

    Examples
    --------
    R's ``p.adjust(p, "hommel")`` gives adjusted p-values of 0.0327, 0.0408, 0.0408 and 0.0408. With
    ``"hochberg"`` all four are 0.0408, so Hochberg's procedure finds nothing at a level of 0.035.

    >>> import numpy as np
    >>> from phase2sim.core.decision import only_p
    >>> Hommel(0.035).decide(only_p(np.array([[0.0122, 0.0408, 0.0218, 0.0210]])))
    array([[1, 0, 0, 0, 1]], dtype=int8)
    """

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
