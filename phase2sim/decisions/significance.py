"""Go where an analysis is significant: each analysis judged alone, one-sided."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from phase2sim.core.arrays import Floats
from phase2sim.core.contracts import GO, STOP, UNDECIDED
from phase2sim.core.decision import AnalysisResults, Decision, Hypothesis
from phase2sim.core.errors import BadValue


@dataclass(frozen=True, slots=True)
class Significance(Decision):
    """One verdict an analysis, at ``one_sided_alpha`` each; no adjustment for their number.

    Parameters
    ----------
    one_sided_alpha : float
        One-sided significance level of each analysis, above 0 and below 0.5.

    Raises
    ------
    BadValue
        If ``one_sided_alpha`` does not lie between 0 and 0.5.

    References
    ----------
    International Conference on Harmonisation (1998), E9: Statistical principles for clinical
    trials, section 5.5: a one-sided test has half the level of the customary two-sided test.

    Examples
    --------
    An analysis is a go (1) if its p is at most alpha, otherwise a stop (0). A failed analysis,
    whose p is nan, is undecided (-1):

    >>> import numpy as np
    >>> from phase2sim.core.decision import only_p
    >>> Significance(0.025).decide(only_p(np.array([[0.025, 0.026, np.nan]])))
    array([[ 1,  0, -1]], dtype=int8)
    """

    one_sided_alpha: float
    title: ClassVar[str] = "each analysis alone, one-sided"
    is_for_looks: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_alpha(self.one_sided_alpha)

    def labels(self, analyses: tuple[str, ...]) -> tuple[str, ...]:
        """Return the analyses' names."""
        return analyses

    def alone(self, number: int, hypothesis: Hypothesis) -> tuple[float, float] | None:
        """Return the null effect of the analysis, and alpha."""
        del number  # alike for all
        return hypothesis.null_effect, self.one_sided_alpha

    def decide(self, results: AnalysisResults) -> NDArray[np.int8]:
        """Verdicts (trial, analysis) from p."""
        return verdict(results.p, self.one_sided_alpha)


def verdict(p: Floats, one_sided_alpha: float) -> NDArray[np.int8]:
    """GO where p is at most alpha, UNDECIDED where it is nan, else STOP."""
    return np.where(np.isnan(p), UNDECIDED, np.where(p <= one_sided_alpha, GO, STOP)).astype(
        np.int8
    )


def check_alpha(one_sided_alpha: float) -> None:
    """Raise ``ValueError`` unless alpha can be a one-sided level."""
    if not 0 < one_sided_alpha < 0.5:  # noqa: PLR2004 - half would be a coin
        raise BadValue("one_sided_alpha", f"is {one_sided_alpha}; it must lie between 0 and 0.5")
