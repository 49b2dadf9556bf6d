"""Go where some dose-response curve is significant: the contrast test of MCP-Mod."""

from dataclasses import dataclass
from functools import lru_cache, partial
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from phase2sim.core.arrays import Floats
from phase2sim.core.contracts import GO, STOP, UNDECIDED
from phase2sim.core.decision import AnalysisResults, Decision, Hypothesis
from phase2sim.core.errors import BadValue
from phase2sim.decisions.dose_response import Curve, contrast_correlation, optimal_contrasts
from phase2sim.decisions.dunnett import check_one_endpoint
from phase2sim.decisions.largest_t import correlated_chance_below, critical_value, critical_values
from phase2sim.decisions.significance import check_alpha, verdict

CURVE = "dose_response"
_TWO_DOSES = 2


@dataclass(frozen=True, slots=True)
class McpMod(Decision):
    """Each dose alone, not adjusted, and ``dose_response``: whether any candidate curve shows.

    ``doses`` go with ``design.arms``, control first; ``models`` are the candidate curves. The
    largest of the optimal contrasts' t statistics is judged against its own distribution. Bretz,
    Pinheiro and Branson, Biometrics 2005.

    Parameters
    ----------
    one_sided_alpha : float
        One-sided significance level of each dose, and of the curves together, above 0 and below
        0.5.
    doses : tuple of float, (arm,)
        Dose of each arm of ``design.arms``, control first; 0 or more, rising, three or more, in any
        unit of dose.
    models : tuple of Curve, (curve,)
        Candidate curves, one or more: each a ``shape`` with guesses of its parameters, in the unit
        of ``doses``.

    Raises
    ------
    BadValue
        If ``one_sided_alpha`` does not lie between 0 and 0.5, the doses are fewer than three or do
        not rise, or there is no curve or one that is flat at these doses.

    Notes
    -----
    Verdicts are 1 for go, 0 for stop and -1 for undecided; the last of each row is that on the
    dose-response curve. It keeps its type I error at alpha; the doses alone are not adjusted for
    their number.

    References
    ----------
    Bretz, Pinheiro and Branson (2005), Combining multiple comparisons and modeling techniques in
    dose-response studies, Biometrics 61:738-748.

    Examples
    --------
    One linear curve over three equal arms has the contrast (-1, 0, 1) / sqrt(2), so its t is that
    of the top dose: 0.5 / 0.2 = 2.5, significant as 2.5 exceeds 1.96.

    >>> import numpy as np
    >>> from phase2sim.core.decision import AnalysisResults, Hypothesis
    >>> from phase2sim.decisions.dose_response import Curve
    >>> effect, se, p = np.array([[[0.1, 0.5]], [[0.2, 0.2]], [[0.3085, 0.0062]]])
    >>> hypotheses = (Hypothesis("low", arm=1), Hypothesis("high", arm=2))
    >>> results = AnalysisResults(effect, se, np.full((1, 2), np.inf), p, hypotheses)
    >>> rule = McpMod(0.025, doses=(0, 1, 2), models=(Curve("linear"),))
    >>> t, df = rule.statistics(results)
    >>> round(float(t[0, 0]), 6)
    2.5
    >>> rule.decide(results)
    array([[0, 1, 1]], dtype=int8)
    """

    one_sided_alpha: float
    doses: tuple[float, ...]
    models: tuple[Curve, ...]
    title: ClassVar[str] = "dose-response by optimal contrasts (MCP-Mod)"

    def __post_init__(self) -> None:
        check_alpha(self.one_sided_alpha)
        doses = list(self.doses)
        if len(doses) <= _TWO_DOSES or doses[0] < 0 or doses != sorted(set(doses)):
            raise BadValue(
                "doses",
                f"is {doses}; give control's and each arm's dose, two active ones or more,"
                " rising, in the order of design.arms",
            )
        if not self.models:
            raise BadValue("models", 'is []; give a curve or more, such as { shape = "linear" }')
        for curve in self.models:
            if np.ptp(curve.at(np.array(self.doses))) == 0.0:
                raise BadValue("models", f"holds a {curve.shape} curve that is flat at these doses")

    def check(self, hypotheses: tuple[Hypothesis, ...]) -> None:
        """Raise ``ValueError`` unless there is one analysis a dose."""
        check_one_endpoint("mcp_mod", hypotheses)
        arms = sorted(hypothesis.arm for hypothesis in hypotheses)
        if arms != list(range(1, len(self.doses))):
            raise BadValue(
                "doses",
                f"is {list(self.doses)}, control's first; each other needs an arm of"
                f" design.arms with an analysis, and there are {len(arms)}",
            )

    def labels(self, analyses: tuple[str, ...]) -> tuple[str, ...]:
        """Return the analyses' names, then ``dose_response``."""
        return (*analyses, CURVE)

    def alone(self, number: int, hypothesis: Hypothesis) -> tuple[float, float] | None:
        """Return the null effect of the analysis, and alpha."""
        del number  # alike for all
        return hypothesis.null_effect, self.one_sided_alpha

    def decide(self, results: AnalysisResults) -> NDArray[np.int8]:
        """Verdicts (trial, analysis + 1)."""
        t, df = self.statistics(results)
        critical = critical_values(
            df, lambda df_value: self._critical(df_value, results.hypotheses)
        )
        shown = t.max(axis=1) >= critical
        overall = np.where(np.isnan(t).any(axis=1), UNDECIDED, np.where(shown, GO, STOP))
        return np.column_stack([verdict(results.p, self.one_sided_alpha), overall]).astype(np.int8)

    def statistics(self, results: AnalysisResults) -> tuple[Floats, Floats]:
        """T statistic of each curve's contrast (trial, curve), and its degrees of freedom (trial,).

        The doses' differences from control are all that a contrast needs. Their common SD is taken
        from their standard errors and the planned ratio of the arms; the degrees of freedom are the
        fewest of any dose.
        """
        order = np.argsort([hypothesis.arm for hypothesis in results.hypotheses])
        patients = _patients(results.hypotheses)
        contrasts = optimal_contrasts(self.models, np.array(self.doses), patients)
        sign = results.hypotheses[0].benefit_sign
        null = np.array([hypothesis.null_effect for hypothesis in results.hypotheses])
        benefit = (sign * (results.effect - null))[:, order]
        width = 1.0 / patients[0] + 1.0 / patients[1:]
        variance = (results.se[:, order] ** 2 / width).mean(axis=1)
        se = np.sqrt(variance[:, None] * (contrasts**2 / patients).sum(axis=1))
        return benefit @ contrasts[:, 1:].T / se, results.df.min(axis=1)

    def _critical(self, df: float, hypotheses: tuple[Hypothesis, ...]) -> float:
        patients = tuple(_patients(hypotheses).tolist())
        return _critical(self.one_sided_alpha, df, self.models, self.doses, patients)


def _patients(hypotheses: tuple[Hypothesis, ...]) -> Floats:
    """Planned ratio of the arms, control first."""
    in_order = sorted(hypotheses, key=lambda hypothesis: hypothesis.arm)
    return np.array(
        [in_order[0].allocation[0], *(hypothesis.allocation[1] for hypothesis in in_order)], float
    )


@lru_cache(maxsize=1024)
def _critical(
    one_sided_alpha: float,
    df: float,
    models: tuple[Curve, ...],
    doses: tuple[float, ...],
    patients: tuple[float, ...],
) -> float:
    ratio = np.array(patients)
    between = contrast_correlation(optimal_contrasts(models, np.array(doses), ratio), ratio)
    below = partial(correlated_chance_below, df=df, correlation=between)
    return critical_value(below, one_sided_alpha, df, len(models))
