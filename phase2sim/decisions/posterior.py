"""Go where the posterior probability of benefit is high enough."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from phase2sim.core.arrays import Floats
from phase2sim.core.contracts import GO, STOP, UNDECIDED
from phase2sim.core.decision import AnalysisResults, Decision, Hypothesis
from phase2sim.decisions.references import (
    Together,
    chance_beyond,
    check_names,
    check_priors,
    check_probability,
    check_sizes,
    labels,
    reference_limits,
    truth_classes,
    with_overall,
)
from phase2sim.theory.mixtures import AnalysisMixture


@dataclass(frozen=True, slots=True)
class Posterior(Decision):
    """Go where P(effect beyond a limit | data) is ``probability`` or more.

    ``beyond`` and ``prior`` go by the analysis's name: the limit, on the scale of its effect (the
    analysis's null effect if not said), and a mixture of normals (flat if not said). Of several
    analyses ``all`` or ``any`` must be a go.

    Parameters
    ----------
    probability : float
        Posterior probability from which an analysis is a go, above 0 and below 1.
    beyond : mapping of str to float, optional
        By analysis: limit that the effect must exceed in the direction of benefit, on the scale of
        the analysis. The null effect of the analysis if omitted.
    prior : mapping of str to AnalysisMixture, optional
        By analysis: prior of the effect, a mixture of normals on the same scale. Flat if omitted.
    together : {"all", "any"}, default "all"
        Whether all analyses, or any one of them, must be a go for a go of the trial.

    Raises
    ------
    BadValue
        If ``probability`` does not lie between 0 and 1.

    Notes
    -----
    With a flat prior an analysis is a go exactly if its one-sided t test of the limit is
    significant at 1 - ``probability``. With a prior the estimate counts as normal with a known
    standard error. Verdicts are 1 for go, 0 for stop and -1 for undecided.

    References
    ----------
    Spiegelhalter, Freedman and Parmar (1994), Bayesian approaches to randomized trials, Journal of
    the Royal Statistical Society A 157:357-416.

    Examples
    --------
    With a flat prior and a known standard error the posterior is normal. An effect of 0.5 with a
    standard error of 0.25 is beyond 0 with probability Phi(2) = 0.977, and beyond 0.1 with
    probability Phi(1.6) = 0.945:

    >>> import numpy as np
    >>> from phase2sim.core.decision import AnalysisResults, Hypothesis
    >>> effect, se, p = (np.array([[value]]) for value in (0.5, 0.25, 0.023))
    >>> infinite = np.array([[np.inf]])
    >>> results = AnalysisResults(effect, se, infinite, p, (Hypothesis("c_peptide"),))
    >>> Posterior(0.95).decide(results), Posterior(0.95, {"c_peptide": 0.1}).decide(results)
    (array([[1]], dtype=int8), array([[0]], dtype=int8))
    """

    probability: float
    beyond: Mapping[str, float] = field(default_factory=dict)
    prior: Mapping[str, AnalysisMixture] = field(default_factory=dict)
    together: Together = "all"
    title: ClassVar[str] = "posterior probability of an effect beyond a limit"
    has_reference: ClassVar[bool] = True
    tuned: ClassVar[str] = "probability"

    def __post_init__(self) -> None:
        check_probability("probability", self.probability)

    @property
    def one_sided_alpha(self) -> float:
        """Level of the test of the limit that a flat prior makes of the rule."""
        return round(1.0 - self.probability, 12)

    def check(self, hypotheses: tuple[Hypothesis, ...]) -> None:
        """Raise ``ValueError`` for limits or priors that do not fit the analyses."""
        check_names("beyond", self.beyond, hypotheses)
        check_sizes("beyond", self.beyond, hypotheses)
        check_priors(self.prior, hypotheses)

    def labels(self, analyses: tuple[str, ...]) -> tuple[str, ...]:
        """Return the analyses' names and, if there are several, that of all of them."""
        return labels(analyses, self.together)

    def alone(self, number: int, hypothesis: Hypothesis) -> tuple[float, float] | None:
        """Return the limit and level of the t test that a flat prior makes of the rule."""
        del number  # limits go by name
        if hypothesis.name in self.prior:
            return None
        return reference_limits(self.beyond, (hypothesis,))[0], self.one_sided_alpha

    def decide(self, results: AnalysisResults) -> NDArray[np.int8]:
        """Verdicts (trial, verdict), each analysis alone first."""
        limits = reference_limits(self.beyond, results.hypotheses)
        chance = chance_beyond(results, limits, self.prior)
        alone = np.where(chance >= self.probability, GO, STOP)
        return with_overall(
            np.where(np.isnan(chance), UNDECIDED, alone).astype(np.int8), self.together
        )

    def classes(self, true_effect: Floats, hypotheses: tuple[Hypothesis, ...]) -> NDArray[np.int8]:
        """Whether each truth is beyond the limit, (trial, verdict); nothing lies between."""
        limits = reference_limits(self.beyond, hypotheses)
        return truth_classes(
            true_effect, hypotheses, self.together, reference=limits, target=limits
        )
