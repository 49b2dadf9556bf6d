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
