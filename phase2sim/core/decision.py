"""What the analyses found in each trial, and the part that judges it."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from phase2sim.core.analysis import Analysis
from phase2sim.core.arrays import Floats
from phase2sim.core.contracts import GO, MODEL_SCALE, STOP, UNDECIDED, Estimates
from phase2sim.core.endpoints import EVENTS, MEASURES

# What is true, seen from a rule's limits; an effect at the lower one is not beyond it: BELOW.
BELOW, BETWEEN, AT_TARGET, UNKNOWN = 0, 1, 2, -1
CLASSES = ("below_reference", "between", "at_target")

type ArmAdjustment = Literal["none", "one step", "step down"]


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """What an analysis is to show: an effect beyond ``null_effect`` in the direction of benefit."""

    name: str = ""  # of the analysis
    null_effect: float = 0.0  # on the analysis's scale
    benefit_sign: int = 1  # -1 where a lower effect is better
    endpoint: str = ""
    month: float = 0.0
    arm: int = 1  # compared with control
    allocation: tuple[int, int] = (1, 1)  # planned ratio of control and this arm
    largest_effect: float = float("inf")  # that anybody would believe, on the same scale
    has_prior: bool = False  # the analysis is Bayesian itself


@dataclass(frozen=True, slots=True)
class AnalysisResults:
    """What every analysis found in each trial of a batch; nan where it failed."""

    effect: Floats  # (trial, analysis), treatment minus control on the analysis's scale
    se: Floats  # same shape
    df: Floats  # same shape
    p: Floats  # same shape, one-sided for benefit over the null effect
    hypotheses: tuple[Hypothesis, ...]  # one an analysis


class Decision(ABC):
    """A part that turns what the analyses found into verdicts; each rule is a subclass.

    A rule gives ``one_sided_alpha``, ``labels`` and ``decide``; what it does not say otherwise is
    as here.
    """

    __slots__ = ()
    title: ClassVar[str]
    tuned: ClassVar[str] = "one_sided_alpha"  # key whose value, a probability, makes a go rarer
    has_reference: ClassVar[bool] = False  # limits of its own, by which truths have a class
    considers: ClassVar[bool] = False  # whether there is something between go and stop
    is_for_looks: ClassVar[bool] = False  # each analysis judged at all of alpha, by its p alone

    if TYPE_CHECKING:  # a property here would be the default of a subclass's field

        @property
        def one_sided_alpha(self) -> float:
            """Level of each analysis."""

    @property
    def adjustment_for_arms(self) -> ArmAdjustment:
        """How arms that share a control are adjusted for, where the rule is for such arms."""
        return "none"

    def check(self, hypotheses: tuple[Hypothesis, ...]) -> None:  # noqa: B027 - most rules fit all
        """Raise ``BadValue`` for analyses that the rule does not fit.

        Parameters
        ----------
        hypotheses : tuple of Hypothesis, (analysis,)
            What each analysis is to show.

        Raises
        ------
        BadValue
            If the rule does not fit the analyses.
        """

    @abstractmethod
    def labels(self, analyses: tuple[str, ...]) -> tuple[str, ...]:
        """Name of each verdict, given the analyses' names; may raise ``BadValue``.

        Parameters
        ----------
        analyses : tuple of str, (analysis,)
            Names of the analyses.

        Returns
        -------
        tuple of str, (verdict,)
            Names of the verdicts, the analyses' own first.

        Raises
        ------
        BadValue
            If the options do not fit the number of analyses.
        """

    @abstractmethod
    def decide(self, results: AnalysisResults) -> NDArray[np.int8]:
        """Verdicts (trial, verdict): GO, CONSIDER, STOP; UNDECIDED where an analysis failed.

        Parameters
        ----------
        results : AnalysisResults
            Estimates and p-values of every analysis, (trial, analysis).

        Returns
        -------
        ndarray of int8, (trial, verdict)
            Verdicts: 1 (GO), 2 (CONSIDER), 0 (STOP) or -1 (UNDECIDED).
        """

    def alone(self, number: int, hypothesis: Hypothesis) -> tuple[float, float] | None:
        """Null effect and one-sided level of the test that is the verdict on an analysis.

        None where the verdict is no plain test of that analysis alone.

        Parameters
        ----------
        number : int
            Index of the analysis, from 0.
        hypothesis : Hypothesis
            What the analysis is to show.

        Returns
        -------
        tuple of (float, float) or None
            Null effect, on the scale of the analysis, and one-sided level.
        """
        del number, hypothesis
        return None

    def classes(self, true_effect: Floats, hypotheses: tuple[Hypothesis, ...]) -> NDArray[np.int8]:
        """Class of the truth behind each verdict, (trial, verdict); effects (trial, analysis).

        A rule without limits of its own has two: BELOW where there is no benefit over the null
        effect, else AT_TARGET; UNKNOWN where the effect is. Behind a verdict on several analyses
        is what it would be if all were certain.

        Parameters
        ----------
        true_effect : ndarray of float, (trial, analysis)
            True effects, on the scale of each analysis; nan where unknown.
        hypotheses : tuple of Hypothesis, (analysis,)
            What each analysis is to show.

        Returns
        -------
        ndarray of int8, (trial, verdict)
            Classes: 0 (BELOW), 1 (BETWEEN), 2 (AT_TARGET) or -1 (UNKNOWN).
        """
        sign = np.array([hypothesis.benefit_sign for hypothesis in hypotheses])
        beyond = sign * (true_effect - [hypothesis.null_effect for hypothesis in hypotheses])
        certain = np.where(np.isnan(beyond), np.nan, np.where(beyond > 0.0, 0.0, 1.0))
        verdicts = self.decide(only_p(certain))
        verdicts[:, : len(hypotheses)] = np.where(
            np.isnan(certain), UNDECIDED, np.where(certain == 0.0, GO, STOP)
        )
        classified = np.select([verdicts == GO, verdicts == STOP], [AT_TARGET, BELOW], UNKNOWN)
        return classified.astype(np.int8)


def hypothesis(name: str, analysis: Analysis, arm: int, ratio: tuple[int, ...]) -> Hypothesis:
    """What an analysis of a treated arm is to show; ``ratio`` is that of all arms."""
    sign, largest = 1, float("inf")  # of a difference in response rates
    if analysis.endpoint in EVENTS:
        sign = -1
    elif analysis.reads != "binary":
        sign = MEASURES[analysis.endpoint].benefit_sign
    if analysis.scale == MODEL_SCALE:
        largest = MEASURES[analysis.endpoint].largest_effect
    return Hypothesis(
        name=name,
        null_effect=analysis.null_effect,
        benefit_sign=sign,
        endpoint=analysis.endpoint,
        month=analysis.month,
        arm=arm,
        allocation=(ratio[0], ratio[arm]),
        largest_effect=largest,
        has_prior=analysis.is_bayesian,
    )


def side_by_side(
    estimates: Sequence[Estimates], hypotheses: tuple[Hypothesis, ...]
) -> AnalysisResults:
    """Put side by side what each analysis found in the same trials."""
    effect, se, df, p = (
        np.stack([getattr(analysis, name) for analysis in estimates], axis=1)
        for name in ("effect", "se", "df", "p")
    )
    return AnalysisResults(effect, se, df, p, hypotheses)


def concatenate_results(parts: Sequence[AnalysisResults]) -> AnalysisResults:
    """Put the trials of several batches one after the other; their hypotheses are the same."""
    effect, se, df, p = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("effect", "se", "df", "p")
    )
    return AnalysisResults(effect, se, df, p, parts[0].hypotheses)


def only_p(p: Floats) -> AnalysisResults:
    """Return p-values (trial, analysis) for benefit without the estimates they came from.

    Their degrees of freedom are infinite: a rule that looks up critical values finds those of z.
    """
    unknown = np.full(p.shape, np.nan)
    return AnalysisResults(
        unknown, unknown, np.full(p.shape, np.inf), p, (Hypothesis(),) * p.shape[1]
    )
