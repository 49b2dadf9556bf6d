"""Difference between arms at one visit, from a mixed model for repeated measures."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from phase2sim.analyses.covariance_structures import STRUCTURES, Structure
from phase2sim.analyses.missing_patterns import PatternSums, pattern_sums
from phase2sim.analyses.one_sided import check_choice, check_options, for_benefit
from phase2sim.analyses.repeated_measures import contrast, likelihood
from phase2sim.analyses.scoring import climb, curvature_inverse
from phase2sim.contracts import MODEL_SCALE, NOT_CONVERGED, Estimates, Floats, Ints, Reading

COVARIATES = ("baseline", "age", "stratum")
LIKELIHOODS = ("reml", "ml")
DEGREES_OF_FREEDOM = ("satterthwaite", "kenward_roger")


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fit of every trial of a batch."""

    effect: Floats  # (trial,)
    se: Floats
    df: Floats
    reason: Ints  # 0 if it was fitted
    log_likelihood: Floats  # restricted, for REML
    covariance: Floats  # (trial, visit, visit)


@dataclass(frozen=True, slots=True)
class Mmrm:
    """Treatment minus control at ``month``, from all visits of all patients.

    Arm and baseline have an effect of their own at each visit; age and stratum (a factor) one
    for all visits. Right when values are missing at random. ``null_effect`` is on the endpoint's
    model scale. Raises ``ValueError`` for options that do not fit; see docs/methods/mmrm.md.
    """

    endpoint: str
    month: float
    covariates: tuple[str, ...] = ("baseline",)
    covariance: str = "unstructured"
    likelihood: Literal["reml", "ml"] = "reml"
    df: Literal["satterthwaite", "kenward_roger"] = "satterthwaite"
    null_effect: float = 0.0
    reads: ClassVar[str] = "continuous"
    scale: ClassVar[str] = MODEL_SCALE
    title: ClassVar[str] = "MMRM"

    def __post_init__(self) -> None:
        check_options(self.endpoint, self.month, self.null_effect)
        check_choice("covariance", self.covariance, tuple(STRUCTURES))
        check_choice("likelihood", self.likelihood, LIKELIHOODS)
        check_choice("df", self.df, DEGREES_OF_FREEDOM)
        for covariate in self.covariates:
            check_choice("a covariate", covariate, COVARIATES)
        if len(set(self.covariates)) < len(self.covariates):
            raise ValueError(f"covariates {list(self.covariates)} repeat one; name each once.")
        if self.df == "kenward_roger" and (self.likelihood, self.covariance) != (
            "reml",
            "unstructured",
        ):
            raise ValueError(
                "df is 'kenward_roger'; it needs likelihood 'reml' and covariance 'unstructured'."
            )

    def estimate(self, reading: Reading) -> Estimates:
        """Estimate the difference in every trial; a trial it cannot answer has failed."""
        fitted = self.fit(reading)
        fit = (fitted.effect, fitted.se, fitted.df, fitted.reason)
        return for_benefit(fit, self.endpoint, self.null_effect)

    def fit(self, reading: Reading) -> Fitted:
        """Fit the model to every trial of a batch."""
        if self.month not in reading.visits_months:
            visits = ", ".join(f"{visit:g}" for visit in reading.visits_months)
            raise ValueError(
                f"month is {self.month:g}; the visits after baseline are at {visits}. Use one."
            )
        visit = reading.visits_months.index(self.month)
        sums = pattern_sums(
            np.ascontiguousarray(reading.value),
            np.ascontiguousarray(reading.arm),
            self._numbers(reading),
            int("baseline" in self.covariates),
            visit,
        )
        return self._fit(sums, visit)

    def _fit(self, sums: PatternSums, visit: int) -> Fitted:
        """Climb to the maximum, then take the contrast and its precision there."""
        structure = Structure(self.covariance, sums.start.shape[1])
        restricted = self.likelihood == "reml"
        parameters, arrived = climb(sums, structure, restricted=restricted)
        covariance = structure.covariance(parameters)
        top = likelihood(sums, covariance, arrived, restricted)
        here = contrast(sums, covariance, arrived, restricted, visit)
        if not structure.free:
            here = structure.pull_back_contrast(parameters, here, top.score)
        inverse, positive = curvature_inverse(here.information)
        spread = np.einsum("tj,tjk,tk->t", here.gradient, inverse, here.gradient)
        variance = here.variance.copy()
        if self.df == "kenward_roger":
            variance += 2.0 * np.einsum("tjk,tjk->t", inverse, here.bend)
        answered = arrived & (positive == 1) & (here.variance > 0.0) & (spread > 0.0)
        answered &= variance > 0.0
        reason = np.where(sums.reason > 0, sums.reason, np.where(answered, 0, NOT_CONVERGED))
        nan = np.full(reason.shape, np.nan)
        df = np.divide(2.0 * here.variance**2, spread, out=nan.copy(), where=answered)
        return Fitted(
            effect=np.where(answered, here.effect, nan),
            se=np.sqrt(variance, out=nan.copy(), where=answered),
            df=df,
            reason=reason,
            log_likelihood=np.where(answered, top.value, nan),
            covariance=covariance * sums.scale[:, None, None] ** 2,
        )

    def _numbers(self, reading: Reading) -> Floats:
        """Covariates (covariate, trial, patient), those with a slope at each visit first."""
        numbers = [reading.baseline] if "baseline" in self.covariates else []
        numbers += [reading.age_years] if "age" in self.covariates else []
        if "stratum" in self.covariates and reading.stratum.size:
            lowest = reading.stratum.min(axis=1, keepdims=True)
            for code in np.unique(reading.stratum):
                # The lowest stratum of each trial is what the others are compared with.
                numbers.append((reading.stratum == code) & (lowest != code))
        if not numbers:
            return np.empty((0, *reading.arm.shape))
        return np.stack([np.asarray(number, dtype=np.float64) for number in numbers])
