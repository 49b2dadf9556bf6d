"""Go where an arm is significant against the shared control after Dunnett's adjustment."""

from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import product
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, stdtr

from phase2sim.core.arrays import Bools
from phase2sim.core.decision import AnalysisResults, ArmAdjustment, Decision, Hypothesis
from phase2sim.core.errors import BadValue
from phase2sim.decisions.familywise import ANY, check_few, judge
from phase2sim.decisions.largest_t import chance_below, critical_value, critical_values
from phase2sim.decisions.significance import check_alpha


@dataclass(frozen=True, slots=True)
class Dunnett(Decision):
    """Each arm against the largest t that all arms together seldom reach without an effect.

    ``step_down`` takes the arms from the largest t on, each against those that are left, which
    keeps the familywise error too and finds more. Dunnett, JASA 1955; Dunnett and
    Tamhane, Statistics in Medicine 1991.

    Parameters
    ----------
    one_sided_alpha : float
        One-sided significance level of all arms together, above 0 and below 0.5.
    step_down : bool, default True
        Whether an arm is compared with the critical value for the arms that are left. If False,
        every arm is compared with the critical value for all arms.

    Raises
    ------
    BadValue
        If ``one_sided_alpha`` does not lie between 0 and 0.5.

    Notes
    -----
    The t statistics of two arms with n1 and n2 patients against a control of n0 have the
    correlation sqrt(n1 / (n1 + n0)) sqrt(n2 / (n2 + n0)), from the planned ratio of the arms. At
    most 8 analyses. Verdicts are 1 for go, 0 for stop and -1 for undecided; the last of each row is
    whether at least one analysis is a go.

    References
    ----------
    Dunnett (1955), A multiple comparison procedure for comparing several treatments with a control,
    Journal of the American Statistical Association 50:1096-1121.

    Dunnett and Tamhane (1991), Step-down multiple tests for comparing treatments with a control in
    unbalanced one-way layouts, Statistics in Medicine 10:939-947.

    Examples
    --------
    For two arms as large as control and infinite degrees of freedom, Dunnett's table 1a (1955) has
    the critical value 1.92 at a level of 0.05. In one step 1.93 exceeds it, and 1.90 does not:

    >>> import numpy as np
    >>> from scipy.special import ndtr
    >>> from phase2sim.core.decision import only_p
    >>> results = only_p(ndtr(-np.array([[1.93, 1.70], [1.90, 1.70]])))
    >>> Dunnett(0.05, step_down=False).decide(results)
    array([[1, 0, 1],
           [0, 0, 0]], dtype=int8)

    Stepping down, the second arm needs the one-sided 1.645 once the first is significant:

    >>> Dunnett(0.05).decide(results)
    array([[1, 1, 1],
           [0, 0, 0]], dtype=int8)
    """

    one_sided_alpha: float
    step_down: bool = True
    title: ClassVar[str] = "several arms against one control (Dunnett), and at least one"

    def __post_init__(self) -> None:
        check_alpha(self.one_sided_alpha)

    @property
    def adjustment_for_arms(self) -> ArmAdjustment:
        """By the largest t, of all arms or of those that are left."""
        return "step down" if self.step_down else "one step"

    def check(self, hypotheses: tuple[Hypothesis, ...]) -> None:
        """Raise ``ValueError`` unless the analyses compare different arms with control."""
        check_one_endpoint("dunnett", hypotheses)

    def labels(self, analyses: tuple[str, ...]) -> tuple[str, ...]:
        """Return the analyses' names, then ``at_least_one``."""
        check_few(analyses)
        return (*analyses, ANY)

    def decide(self, results: AnalysisResults) -> NDArray[np.int8]:
        """Verdicts (trial, analysis + 1)."""
        arms = results.p.shape[1]
        if self.step_down:
            significant = np.ones(results.p.shape, np.bool_)
            for members in product((False, True), repeat=arms):
                inside = np.array(members)
                if inside.any():  # a closed test: every set that holds an arm must have one beyond
                    significant[:, inside] &= self._beyond(results, inside).any(axis=1)[:, None]
        else:
            significant = self._beyond(results, np.ones(arms, np.bool_))
        # What is judged is adjusted already: it is significant or not.
        shown = np.where(np.isnan(results.p), np.nan, np.where(significant, 0.0, 1.0))
        return judge(shown, self.one_sided_alpha, lambda p: p)

    def _beyond(self, results: AnalysisResults, inside: Bools) -> Bools:
        """Whether each arm of a set exceeds what the largest t of the set seldom does."""
        loadings = tuple(
            _loading(shown)
            for shown, is_in in zip(results.hypotheses, inside, strict=True)
            if is_in
        )
        df = results.df[:, inside]
        critical = critical_values(df, lambda df: _critical(self.one_sided_alpha, df, loadings))
        nominal = np.where(np.isinf(df), ndtr(-critical), stdtr(np.minimum(df, 1e9), -critical))
        beyond: Bools = results.p[:, inside] <= nominal
        return beyond


def check_one_endpoint(kind: str, hypotheses: tuple[Hypothesis, ...]) -> None:
    """Raise ``ValueError`` unless the analyses are of one endpoint in different arms."""
    arms = [hypothesis.arm for hypothesis in hypotheses]
    if len(set(arms)) < len(arms):
        raise BadValue(
            "kind",
            f"= {kind!r} compares arms with one control, and two of the analyses are of the"
            " same arm. Give each treated arm one analysis, by its key arm",
        )
    if len({(hypothesis.endpoint, hypothesis.month) for hypothesis in hypotheses}) > 1:
        raise BadValue(
            "kind",
            f"= {kind!r} compares arms on one endpoint at one month; the analyses differ."
            " Make them alike but for arm",
        )


def _loading(hypothesis: Hypothesis) -> float:
    control, treated = hypothesis.allocation
    return float(np.sqrt(treated / (treated + control)))


@lru_cache(maxsize=4096)
def _critical(one_sided_alpha: float, df: float, loadings: tuple[float, ...]) -> float:
    below = partial(chance_below, df=df, loadings=loadings)
    return critical_value(below, one_sided_alpha, df, len(loadings))
