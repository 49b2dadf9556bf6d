"""Difference between arms at one visit, from a mixed model whose first outcome is the baseline."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from phase2sim.analyses.columns import numbers, outcome, strata_above_lowest
from phase2sim.analyses.covariance_structures import Structure
from phase2sim.analyses.missing_patterns import ARM, PatternSums, pattern_sums
from phase2sim.analyses.one_sided import check_choice, check_covariates, check_options, for_benefit
from phase2sim.analyses.repeated_measures import contrast, likelihood
from phase2sim.analyses.scoring import climb, curvature_inverse
from phase2sim.contracts import MODEL_SCALE, NOT_CONVERGED, Estimates, Floats, Ints, Reading

COVARIATES = ("age", "stratum")
LIKELIHOODS = ("reml", "ml")
DEGREES_OF_FREEDOM = ("kenward_roger", "satterthwaite")
_FIRM = 1e12  # weight that holds a coefficient to zero: its estimate is off by 1e-12 of its error
_WEIGHTLESS = 1e-300  # of a patient: there, and counted as none


@dataclass(frozen=True, slots=True)
class LongitudinalFit:
    """A fit of every trial of a batch."""

    effect: Floats  # (trial,)
    se: Floats
    df: Floats
    reason: Ints  # 0 if it was fitted
    log_likelihood: Floats  # restricted, for REML


@dataclass(frozen=True, slots=True)
class Clda:
    """Treatment minus control at ``month``, with the baseline as an outcome, alike in both arms.

    Every visit after baseline has its own effect of the arm, every visit its own mean and SD, and
    all correlations are free; age and stratum (a factor) have one coefficient for all visits. A
    patient needs no baseline. ``null_effect`` is on the endpoint's model scale. Raises
    ``ValueError`` for options that do not fit; see docs/methods/clda.md.
    """

    endpoint: str
    month: float
    covariates: tuple[str, ...] = ()
    likelihood: Literal["reml", "ml"] = "reml"
    df: Literal["kenward_roger", "satterthwaite"] = "kenward_roger"
    null_effect: float = 0.0
    reads: ClassVar[str] = "continuous"
    scale: ClassVar[str] = MODEL_SCALE
    title: ClassVar[str] = "Constrained longitudinal analysis"

    def __post_init__(self) -> None:
        check_options(self.endpoint, self.month, self.null_effect)
        check_covariates(self.covariates, COVARIATES)
        check_choice("likelihood", self.likelihood, LIKELIHOODS)
        check_choice("df", self.df, DEGREES_OF_FREEDOM)
        if (self.df, self.likelihood) == ("kenward_roger", "ml"):
            raise ValueError(
                "df is 'kenward_roger'; it needs likelihood 'reml'. Use 'satterthwaite' with 'ml'."
            )

    def estimate(self, reading: Reading) -> Estimates:
        """Estimate the difference in every trial; a trial it cannot answer has failed."""
        fitted = self.fit(reading)
        fit = (fitted.effect, fitted.se, fitted.df, fitted.reason)
        return for_benefit(fit, self.endpoint, self.null_effect)

    def fit(self, reading: Reading) -> LongitudinalFit:
        """Fit the model to every trial of a batch."""
        outcome(reading, self.month)  # refuses a month that is no visit
        visit = 1 + reading.visits_months.index(self.month)
        covariates = numbers(reading, self.covariates)
        if "stratum" in self.covariates:
            covariates = np.concatenate([covariates, strata_above_lowest(reading)])
        sums = pattern_sums(
            np.concatenate([reading.baseline[:, None], reading.value], axis=1),
            np.ascontiguousarray(reading.arm),
            covariates,
            0,
            visit,
        )
        restricted = self.likelihood == "reml"
        held = _alike_at_baseline(sums, restricted=restricted)
        return self._fit(held, visit, restricted=restricted)

    def _fit(self, sums: PatternSums, visit: int, *, restricted: bool) -> LongitudinalFit:
        """Climb to the maximum, then take the contrast and its precision there."""
        structure = Structure("unstructured", sums.start.shape[1])
        parameters, arrived = climb(sums, structure, restricted=restricted)
        covariance = structure.covariance(parameters)
        value = likelihood(sums, covariance, arrived, restricted).value
        here = contrast(sums, covariance, arrived, restricted, visit)
        inverse, positive = curvature_inverse(here.information)
        spread = np.einsum("tj,tjk,tk->t", here.gradient, inverse, here.gradient)
        variance = here.variance.copy()
        if self.df == "kenward_roger":
            variance += 2.0 * np.einsum("tjk,tjk->t", inverse, here.bend)
        answered = arrived & (positive == 1) & (here.variance > 0.0) & (spread > 0.0)
        answered &= variance > 0.0
        nan = np.full(answered.shape, np.nan)
        held = 0.5 * np.log(_FIRM) if restricted else 0.0
        return LongitudinalFit(
            effect=np.where(answered, here.effect, nan),
            se=np.sqrt(variance, out=nan.copy(), where=answered),
            df=np.divide(2.0 * here.variance**2, spread, out=nan.copy(), where=answered),
            reason=np.where(sums.reason > 0, sums.reason, np.where(answered, 0, NOT_CONVERGED)),
            log_likelihood=np.where(answered, value + held, nan),
        )


def _alike_at_baseline(sums: PatternSums, *, restricted: bool) -> PatternSums:
    """Add what holds the arm's effect at baseline, the first outcome, to zero.

    One more observation of the baseline, equal to 0 and with nothing in its row but a huge number
    for the arm, adds as much to the restricted likelihood as the coefficient it settles takes away.
    In the full likelihood, where a coefficient costs nothing, it counts as no patient.
    """
    trials, _, size = sums.sums.shape[:3]
    visits = sums.start.shape[1]
    seen = np.zeros((trials, 1, visits), np.bool_)
    seen[:, 0, 0] = True
    products = np.zeros((trials, 1, size, size))
    products[:, 0, ARM, ARM] = _FIRM
    patients = np.full((trials, 1), 1.0 if restricted else _WEIGHTLESS)
    return sums._replace(
        seen=np.concatenate([sums.seen, seen], axis=1),
        patients=np.concatenate([sums.patients, patients], axis=1),
        sums=np.concatenate([sums.sums, products], axis=1),
    )
