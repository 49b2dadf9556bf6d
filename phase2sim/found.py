"""What the analyses found in each trial, and the part that judges it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from phase2sim.contracts import Analysis, Estimates, Floats
from phase2sim.endpoints import EVENTS, MEASURES


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """What an analysis is to show: an effect beyond ``null_effect`` in the direction of benefit."""

    null_effect: float = 0.0  # on the analysis's scale
    benefit_sign: int = 1  # -1 where a lower effect is better
    arm: int = 1  # compared with control


@dataclass(frozen=True, slots=True)
class Found:
    """What every analysis found in each trial of a batch; nan where it failed."""

    effect: Floats  # (trial, analysis), treatment minus control on the analysis's scale
    se: Floats  # same shape
    df: Floats  # same shape
    p: Floats  # same shape, one-sided for benefit over the null effect
    hypotheses: tuple[Hypothesis, ...]  # one an analysis


class Decision(Protocol):
    """A part that turns what the analyses found into verdicts."""

    @property
    def one_sided_alpha(self) -> float:
        """Level of each analysis."""
        ...

    def labels(self, analyses: tuple[str, ...]) -> tuple[str, ...]:
        """Name of each verdict, given the analyses' names."""
        ...

    def decide(self, found: Found) -> NDArray[np.int8]:
        """Verdicts (trial, verdict): GO, STOP, or UNDECIDED where an analysis failed."""
        ...


def hypothesis(analysis: Analysis, arm: int) -> Hypothesis:
    """What an analysis of a treated arm is to show."""
    sign = 1  # of a difference in response rates
    if analysis.endpoint in EVENTS:
        sign = -1
    elif analysis.reads != "binary":
        sign = MEASURES[analysis.endpoint].benefit_sign
    return Hypothesis(analysis.null_effect, sign, arm)


def found(estimates: Sequence[Estimates], hypotheses: tuple[Hypothesis, ...]) -> Found:
    """Put side by side what each analysis found in the same trials."""
    effect, se, df, p = (
        np.stack([getattr(one, name) for one in estimates], axis=1)
        for name in ("effect", "se", "df", "p")
    )
    return Found(effect, se, df, p, hypotheses)


def joined(parts: Sequence[Found]) -> Found:
    """Put the trials of several batches one after the other; their hypotheses are the same."""
    effect, se, df, p = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("effect", "se", "df", "p")
    )
    return Found(effect, se, df, p, parts[0].hypotheses)


def only_p(p: Floats) -> Found:
    """Return p-values (trial, analysis) for benefit without the estimates they came from."""
    unknown = np.full(p.shape, np.nan)
    return Found(unknown, unknown, unknown, p, (Hypothesis(),) * p.shape[1])
