"""Difference between arms at one visit or more, from a mixed model for repeated measures."""

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np

from phase2sim.analyses.columns import strata_above_lowest
from phase2sim.analyses.mixed_models.covariance_structures import STRUCTURES
from phase2sim.analyses.mixed_models.missing_patterns import Columns, pattern_sums
from phase2sim.analyses.mixed_models.mixed_model import (
    DEGREES_OF_FREEDOM,
    Fitted,
    MixedModel,
    fit_mixed_model,
)
from phase2sim.analyses.one_sided import for_benefit
from phase2sim.analyses.options import check_options
from phase2sim.core.analysis import Analysis
from phase2sim.core.arrays import Floats
from phase2sim.core.contracts import MODEL_SCALE, Estimates, Reading
from phase2sim.core.errors import BadValue

_LIKELIHOODS = ("reml", "ml")


@dataclass(frozen=True, slots=True)
class Mmrm(Analysis):
    """Treatment minus control at ``month``, from all visits of all patients.

    The arm has an effect of its own at each visit, and so has every covariate of ``by_visit``: the
    baseline, if it is not given. The other covariates have one for all visits; stratum is a factor.
    With ``averaged_from`` the effect is the mean of those at the visits from then to ``month``.
    Right when values are missing at random. A fit that does not converge is made again with simpler
    covariances unless ``fallback`` is off. ``null_effect`` is on the endpoint's model scale. Raises
    ``ValueError`` for options that do not fit; see docs/methods/mmrm.md.
    """

    endpoint: str
    month: float
    covariates: tuple[str, ...] = ("baseline",)
    by_visit: tuple[str, ...] | None = None
    averaged_from: float | None = None
    covariance: str = "unstructured"
    fallback: bool = True
    likelihood: Literal["reml", "ml"] = "reml"
    df: Literal["satterthwaite", "kenward_roger", "kenward_roger_full"] = "satterthwaite"
    null_effect: float = 0.0
    reads: ClassVar[str] = "continuous"
    scale: ClassVar[str] = MODEL_SCALE
    title: ClassVar[str] = "MMRM"
    closed_form: ClassVar[str | None] = "mmrm"
    uses_pipeline_patients: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_options(
            self, covariance=tuple(STRUCTURES), likelihood=_LIKELIHOODS, df=DEGREES_OF_FREEDOM
        )
        for covariate in self.by_visit or ():
            if covariate not in self.covariates:
                raise BadValue(
                    "by_visit", f"names {covariate!r}, which is not in covariates. Add it there."
                )
        if self.averaged_from is not None and not 0.0 < self.averaged_from <= self.month:
            raise BadValue(
                "averaged_from",
                f"is {self.averaged_from:g}; give a visit after baseline, up to"
                f" month {self.month:g}.",
            )
        if self.df != "satterthwaite" and self.likelihood != "reml":
            raise BadValue("df", f"is {self.df!r}; it needs likelihood 'reml'.")

    def estimate(self, reading: Reading) -> Estimates:
        """Estimate the difference in every trial; a trial it cannot answer has failed."""
        fitted = self.fit(reading)
        regression = (fitted.effect, fitted.se, fitted.df, fitted.reason)
        estimates = for_benefit(regression, self.endpoint, self.null_effect)
        return replace(estimates, fallback=fitted.fallback.astype(np.int8))

    def fit(self, reading: Reading) -> Fitted:
        """Fit the model to every trial of a batch."""
        last = self._visit("month", self.month, reading)
        first = last
        if self.averaged_from is not None:
            first = self._visit("averaged_from", self.averaged_from, reading)
        numbers, columns = self._numbers(reading)
        sums = pattern_sums(
            reading.value,
            reading.arm,
            numbers,
            columns,
            (first, last),
        )
        weights = np.zeros(len(reading.visits_months))
        weights[first : last + 1] = 1.0 / (last + 1 - first)
        model = MixedModel(self.covariance, self.likelihood == "reml", self.df, weights)
        return fit_mixed_model(sums, model, fall_back=self.fallback)

    @staticmethod
    def _visit(key: str, month: float, reading: Reading) -> int:
        if month not in reading.visits_months:
            visits = ", ".join(f"{visit:g}" for visit in reading.visits_months)
            raise BadValue(
                key, f"is {month:g}; the visits after baseline are at {visits}. Use one."
            )
        return reading.visits_months.index(month)

    def _numbers(self, reading: Reading) -> tuple[Floats, Columns]:
        """Covariates (covariate, trial, patient), those with a slope at each visit first."""
        by_visit = ("baseline",) if self.by_visit is None else self.by_visit
        named = {"baseline": reading.baseline, "age": reading.age_years}
        ordered = sorted(self.covariates, key=lambda n: (n not in by_visit, n == "stratum"))
        numbers: list[Floats] = []
        required = visitwise = 0
        for name in ordered:
            numbers += [named[name]] if name in named else [*strata_above_lowest(reading)]
            if name in by_visit:
                visitwise = len(numbers)
                required = visitwise if name in named else required
        if not numbers:
            return np.empty((0, *reading.arm.shape)), Columns(0, 0)
        stacked = np.stack([np.asarray(number, dtype=np.float64) for number in numbers])
        return stacked, Columns(required, visitwise)
