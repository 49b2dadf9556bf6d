"""What the imputing analyses share: options, data, and the shift at which significance is lost."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from scipy import special

from phase2sim.analyses.columns import numeric_covariates, outcome, strata_above_lowest
from phase2sim.analyses.imputation.imputed_ancova import COPY, JUMP, MAR
from phase2sim.analyses.options import check_options
from phase2sim.core.analysis import Analysis
from phase2sim.core.arrays import Arms, Bools, Floats
from phase2sim.core.contracts import MODEL_SCALE, Reading
from phase2sim.core.endpoints import MEASURES
from phase2sim.core.errors import BadValue

IMPUTATION_STRATEGIES = {"mar": MAR, "jump_to_reference": JUMP, "copy_increments": COPY}

type Strategy = Literal["mar", "jump_to_reference", "copy_increments"]


@dataclass(frozen=True, slots=True)
class Imputed:
    """ANCOVA of imputed trials: the effect, and its dependence on a shift of imputed outcomes.

    With ``d`` added to every imputed outcome of a treated patient the effect is
    ``effect + d * slope`` and its variance ``variance[0] + 2 d variance[1] + d^2 variance[2]``.
    """

    effect: Floats  # (trial,)
    slope: Floats  # (trial,)
    variance: Floats  # (trial, 3)


@dataclass(frozen=True, slots=True)
class ImputingAnalysis(Analysis):
    """Options and data of the analyses that impute."""

    endpoint: str
    month: float
    covariates: tuple[str, ...] = ("baseline",)
    strategy: Strategy = "mar"
    delta: float = 0.0
    tipping_alpha: float | None = None
    null_effect: float = 0.0
    reads: ClassVar[str] = "continuous"
    scale: ClassVar[str] = MODEL_SCALE

    def __post_init__(self) -> None:
        check_options(self, strategy=tuple(IMPUTATION_STRATEGIES))
        largest = MEASURES[self.endpoint].largest_effect
        if not abs(self.delta) <= largest:
            raise BadValue(
                "delta",
                f"is {self.delta:g}; on the {MEASURES[self.endpoint].model_unit} scale it"
                f" lies between -{largest:g} and {largest:g}.",
            )
        if self.tipping_alpha is not None and not 0.0 < self.tipping_alpha < 0.5:  # noqa: PLR2004  one-sided
            raise BadValue(
                "tipping_alpha",
                f"is {self.tipping_alpha:g}; a one-sided level is between 0 and 0.5.",
            )

    @property
    def sign(self) -> int:
        """1 where a higher value is better, -1 where a lower one is."""
        return MEASURES[self.endpoint].benefit_sign

    def left_out(self, reading: Reading) -> Mapping[str, Bools]:
        """Patients without a covariate; missing outcomes are imputed."""
        return self.without(reading)

    def inputs(self, reading: Reading) -> tuple[Floats, Arms, Floats, int, int]:
        """Values, arms, covariates, the number of these that must vary, and the analysed visit."""
        outcome(reading, self.month)  # refuses a month that is no visit
        covariates = numeric_covariates(reading, self.covariates)
        needed = len(covariates)
        if "stratum" in self.covariates:
            covariates = np.concatenate([covariates, strata_above_lowest(reading)])
        value, arm = np.ascontiguousarray(reading.value), np.ascontiguousarray(reading.arm)
        return value, arm, covariates, needed, reading.visits_months.index(self.month)


def at_delta(imputed: Imputed, delta: float) -> tuple[Floats, Floats]:
    """Effect and its variance with ``delta`` added to the imputed outcomes of treated patients."""
    plain, cross, square = imputed.variance.T
    return imputed.effect + delta * imputed.slope, plain + 2.0 * delta * cross + delta**2 * square


def tipping_point(imputed: Imputed, null_effect: float, sign: int, t: Floats) -> Floats:
    """Delta at which the benefit equals ``t`` standard errors, (trial,).

    0 where the benefit is smaller without a shift, infinite towards harm where no treated patient
    was imputed.
    Between no shift and the one that takes all benefit the squared statistic crosses ``t^2`` once.
    """
    benefit = sign * (imputed.effect - null_effect)
    plain, cross, square = imputed.variance.T
    # benefit - d slope = t sqrt(plain - 2 d sign cross + d^2 square), for a harm of d.
    leading = imputed.slope**2 - t**2 * square
    half = benefit * imputed.slope - sign * t**2 * cross
    last = benefit**2 - t**2 * plain
    with np.errstate(invalid="ignore", divide="ignore"):
        harm = last / (half + np.sqrt(half**2 - leading * last))
        harm = np.where(imputed.slope == 0.0, np.inf, harm)
        tips_at_once = ~(benefit > t * np.sqrt(plain))
    harm = np.where(tips_at_once, 0.0, harm)
    return np.where(np.isnan(benefit), np.nan, -sign * harm)


def critical(df: Floats, alpha: float) -> Floats:
    """Value that a t variable exceeds with probability ``alpha``, (trial,); nan for nan."""
    quantile: Floats = special.stdtrit(df, 1.0 - alpha)
    return quantile
