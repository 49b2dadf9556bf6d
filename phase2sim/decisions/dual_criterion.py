"""Go, consider or stop by two values: the least that would do, and what is hoped for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from phase2sim.core.arrays import Floats
from phase2sim.core.contracts import CONSIDER, GO, STOP, UNDECIDED
from phase2sim.core.decision import AnalysisResults, Decision, Hypothesis
from phase2sim.core.errors import BadValue
from phase2sim.decisions.references import (
    Together,
    chance_beyond,
    check_all_named,
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
class DualCriterion(Decision):
    """Go where both the lower reference value and the target value are likely to be exceeded.

    The criteria are P(effect beyond ``lower_reference`` | data) of at least
    ``lower_reference_confidence``, and the same for the target. ``stop_when`` says what is no
    longer worth considering: ``neither`` holds, or the ``target`` fails. Values and priors go by
    the analysis's name, on the scale of its effect. Of several analyses ``all`` or ``any`` count.
    Roychoudhury, Scheuer and Neuenschwander, Clinical Trials 2018; Frewer et al., Pharmaceutical
    Statistics 2016.
    """

    lower_reference: Mapping[str, float]
    target: Mapping[str, float]
    lower_reference_confidence: float
    target_confidence: float = 0.5
    stop_when: Literal["neither", "target"] = "neither"
    prior: Mapping[str, AnalysisMixture] = field(default_factory=dict)
    together: Together = "all"
    title: ClassVar[str] = "dual criterion: lower reference value and target value"
    considers: ClassVar[bool] = True
    has_reference: ClassVar[bool] = True
    tuned: ClassVar[str] = "lower_reference_confidence"

    def __post_init__(self) -> None:
        for key in ("lower_reference_confidence", "target_confidence"):
            check_probability(key, getattr(self, key))

    @property
    def one_sided_alpha(self) -> float:
        """Level of the test of the lower reference value that a flat prior makes of its part."""
        return round(1.0 - self.lower_reference_confidence, 12)

    def check(self, hypotheses: tuple[Hypothesis, ...]) -> None:
        """Raise ``ValueError`` for values or priors that do not fit the analyses."""
        for key in ("lower_reference", "target"):
            check_all_named(key, getattr(self, key), hypotheses)
            check_sizes(key, getattr(self, key), hypotheses)
        check_priors(self.prior, hypotheses)
        for hypothesis in hypotheses:
            target, reference = self.target[hypothesis.name], self.lower_reference[hypothesis.name]
            if hypothesis.benefit_sign * (target - reference) < 0:
                side = "above" if hypothesis.benefit_sign > 0 else "below"
                raise BadValue(
                    f"target.{hypothesis.name}",
                    f"is {target:g}; benefit lies {side} the lower reference"
                    f" value {reference:g}, so it must be there or equal. Swap or correct them",
                )

    def labels(self, analyses: tuple[str, ...]) -> tuple[str, ...]:
        """Return the analyses' names and, if there are several, that of all of them."""
        return labels(analyses, self.together)

    def decide(self, results: AnalysisResults) -> NDArray[np.int8]:
        """Verdicts (trial, verdict), each analysis alone first."""
        reference, target = self._limits(results.hypotheses)
        least = chance_beyond(results, reference, self.prior)
        hoped = chance_beyond(results, target, self.prior)
        enough = least >= self.lower_reference_confidence
        likely = hoped >= self.target_confidence
        worth = likely if self.stop_when == "target" else likely | enough
        alone = np.select(
            [np.isnan(least), enough & likely, worth], [UNDECIDED, GO, CONSIDER], STOP
        )
        return with_overall(alone.astype(np.int8), self.together)

    def classes(self, true_effect: Floats, hypotheses: tuple[Hypothesis, ...]) -> NDArray[np.int8]:
        """Where each truth lies between the two values, (trial, verdict)."""
        reference, target = self._limits(hypotheses)
        return truth_classes(
            true_effect, hypotheses, self.together, reference=reference, target=target
        )

    def _limits(
        self, hypotheses: tuple[Hypothesis, ...]
    ) -> tuple[tuple[float, ...], tuple[float, ...]]:
        return reference_limits(self.lower_reference, hypotheses), reference_limits(
            self.target, hypotheses
        )
