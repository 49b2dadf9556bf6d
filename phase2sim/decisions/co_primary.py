"""Go only where every analysis is significant (co-primary endpoints)."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from phase2sim.core.contracts import UNDECIDED
from phase2sim.core.decision import AnalysisResults, Decision, Hypothesis
from phase2sim.decisions.significance import check_alpha, verdict


@dataclass(frozen=True, slots=True)
class CoPrimary(Decision):
    """Each analysis alone, then all of them together: intersection-union, full alpha for each.

    A trial in which one analysis failed and another stopped is a stop; otherwise a failed analysis
    leaves the trial undecided.

    Parameters
    ----------
    one_sided_alpha : float
        One-sided significance level of each analysis, above 0 and below 0.5.

    Raises
    ------
    BadValue
        If ``one_sided_alpha`` does not lie between 0 and 0.5.

    Notes
    -----
    The type I error of the verdict on all analyses is at most alpha, without adjustment: it is
    wrong only if the test of a true null hypothesis is wrong. The power is at most that of the
    weakest analysis.

    References
    ----------
    Berger (1982), Multiparameter hypothesis testing and acceptance sampling, Technometrics
    24:295-300.

    Examples
    --------
    By definition, all are significant if the largest p is at most alpha. The last verdict is the
    one on all analyses: go (1), stop (0) or undecided (-1).

    >>> import numpy as np
    >>> from phase2sim.core.decision import only_p
    >>> p = np.array([[0.01, 0.02], [0.01, 0.03], [0.01, np.nan], [0.03, np.nan]])
    >>> CoPrimary(0.025).decide(only_p(p))
    array([[ 1,  1,  1],
           [ 1,  0,  0],
           [ 1, -1, -1],
           [ 0, -1,  0]], dtype=int8)
    """

    one_sided_alpha: float
    title: ClassVar[str] = "all analyses significant (co-primary), and each alone"
    is_for_looks: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_alpha(self.one_sided_alpha)

    def labels(self, analyses: tuple[str, ...]) -> tuple[str, ...]:
        """Return the analyses' names, then ``co_primary``."""
        return (*analyses, "co_primary")

    def alone(self, number: int, hypothesis: Hypothesis) -> tuple[float, float] | None:
        """Return the null effect of the analysis, and alpha."""
        del number  # alike for all
        return hypothesis.null_effect, self.one_sided_alpha

    def decide(self, results: AnalysisResults) -> NDArray[np.int8]:
        """Verdicts (trial, analysis + 1) from p."""
        alone = verdict(results.p, self.one_sided_alpha)
        stopped = (alone == 0).any(axis=1)
        failed = (alone == UNDECIDED).any(axis=1) & ~stopped
        together = np.where(failed, UNDECIDED, ~stopped)
        return np.column_stack([alone, together]).astype(np.int8)
