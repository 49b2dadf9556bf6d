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

    Parameters
    ----------
    lower_reference : mapping of str to float
        By analysis, for every one: least effect of interest, on the scale of the analysis.
    target : mapping of str to float
        By analysis, for every one: effect hoped for, on the same scale; the lower reference value
        or better.
    lower_reference_confidence : float
        Posterior probability of an effect beyond the lower reference value that a go needs, above 0
        and below 1.
    target_confidence : float, default 0.5
        Posterior probability of an effect beyond the target that a go needs, above 0 and below 1.
    stop_when : {"neither", "target"}, default "neither"
        Whether to stop if neither criterion holds, or as soon as that of the target fails.
    prior : mapping of str to AnalysisMixture, optional
        By analysis: prior of the effect, a mixture of normals on the same scale. Flat if omitted.
    together : {"all", "any"}, default "all"
        Whether the worst verdict on an analysis, or the best, is that on the trial.

    Raises
    ------
    BadValue
        If a confidence does not lie between 0 and 1.

    Notes
    -----
    Verdicts are 1 for go, 2 for consider, 0 for stop and -1 for undecided. With
    ``target_confidence`` of 0.5 and a flat prior the target is met exactly if the estimate reaches
    it.

    References
    ----------
    Roychoudhury, Scheuer and Neuenschwander (2018), Beyond p-values: a phase II dual-criterion
    design with statistical significance and clinical relevance, Clinical Trials 15:452-461.

    Frewer, Mitchell, Watkins and Matcham (2016), Decision-making in early clinical drug
    development, Pharmaceutical Statistics 15:255-263.

    Examples
    --------
    With a flat prior and a known standard error of 0.1, effects of 0.1, 0.3 and 0.4 are beyond 0
    with probabilities Phi(1) = 0.841, Phi(3) = 0.9987 and Phi(4), and beyond 0.35 with Phi(-2.5) =
    0.006, Phi(-0.5) = 0.309 and Phi(0.5) = 0.691:

    >>> import numpy as np
    >>> from phase2sim.core.decision import AnalysisResults, Hypothesis
    >>> effect, se = np.array([[0.1], [0.3], [0.4]]), np.full((3, 1), 0.1)
    >>> p, infinite = np.array([[0.159], [0.001], [0.0]]), np.full((3, 1), np.inf)
    >>> results = AnalysisResults(effect, se, infinite, p, (Hypothesis("c_peptide"),))
    >>> least, target = {"c_peptide": 0.0}, {"c_peptide": 0.35}
    >>> rule = DualCriterion(least, target, lower_reference_confidence=0.95)
    >>> rule.decide(results).ravel()
    array([0, 2, 1], dtype=int8)
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
