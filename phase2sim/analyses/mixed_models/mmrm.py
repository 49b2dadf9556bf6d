"""Difference between arms at one visit or more, from a mixed model for repeated measures."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np

from phase2sim.analyses.columns import seen_at_any_visit, strata_above_lowest
from phase2sim.analyses.mixed_models.covariance_structures import STRUCTURES
from phase2sim.analyses.mixed_models.missing_patterns import Columns, pattern_sums
from phase2sim.analyses.mixed_models.mixed_model import (
    DEGREES_OF_FREEDOM,
    Fitted,
    MixedModel,
    fit_mixed_model,
)
from phase2sim.analyses.mixed_models.sparse_visits import sparse_visits
from phase2sim.analyses.one_sided import for_benefit
from phase2sim.analyses.options import check_options
from phase2sim.core.analysis import Analysis
from phase2sim.core.arrays import Bools, Floats
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

    Parameters
    ----------
    endpoint : str
        Name of a measured endpoint, such as ``"hba1c"`` or ``"c_peptide"``.
    month : float
        Visit that is analysed, in months since randomisation; above 0.
    covariates : tuple of str, default ("baseline",)
        Covariates of the model, any of ``"baseline"``, ``"age"`` and ``"stratum"``. The stratum
        enters as a factor.
    by_visit : tuple of str or None, default None
        Those of ``covariates`` that have a coefficient at each visit; None: the baseline, if it is
        a covariate.
    averaged_from : float or None, default None
        First visit, in months, of those whose effects are averaged; None: the effect is that at
        ``month``.
    covariance : str, default "unstructured"
        Covariance between visits: ``"unstructured"``, ``"toeplitz"``, ``"ar1"`` or
        ``"compound_symmetry"`` with one SD for all visits, or these three with the prefix
        ``heterogeneous_`` and an SD per visit.
    fallback : bool, default True
        Whether a fit that does not converge is replaced by one with a simpler covariance.
    likelihood : {"reml", "ml"}, default "reml"
        Restricted maximum likelihood, or maximum likelihood.
    df : {"satterthwaite", "kenward_roger", "kenward_roger_full"}, default "satterthwaite"
        ``"satterthwaite"`` keeps the standard error of the model, ``"kenward_roger"`` adjusts it
        without second derivatives of the covariance, ``"kenward_roger_full"`` with them. The two
        adjustments need ``"reml"``.
    null_effect : float, default 0.0
        Effect that benefit must exceed, on the endpoint's model scale. A value on the side of harm
        is a non-inferiority margin.

    Raises
    ------
    ValueError
        If an option has a value that is not allowed, ``by_visit`` names no covariate,
        ``averaged_from`` is no visit up to ``month``, or ``df`` does not fit ``likelihood``.

    References
    ----------
    Mallinckrodt, Lane, Schnell, Peng and Mancuso (2008), Drug Information Journal 42: 303-319.

    Kenward and Roger (1997), Biometrics 53: 983-997.

    Gilmour, Thompson and Cullis (1995), Biometrics 51: 1440-1450, for the algorithm.

    Examples
    --------
    With all values observed, no covariates and an unstructured covariance the estimate at a visit
    is that of the t test: both arms have variance 1 at month 12.

    >>> import numpy as np
    >>> from phase2sim.analyses.mixed_models.mmrm import Mmrm
    >>> from phase2sim.core.contracts import Reading
    >>> reading = Reading(
    ...     arm=np.array([[0, 0, 0, 1, 1, 1]], np.int8),
    ...     baseline=np.full((1, 6), 8.0),
    ...     value=np.array([[[8.0, 8.5, 8.0, 7.5, 8.0, 8.5], [7.0, 8.0, 9.0, 6.0, 7.0, 8.0]]]),
    ...     visits_months=(6.0, 12.0),
    ...     age_years=np.full((1, 6), 12.0),
    ...     stratum=np.zeros((1, 6), np.int64),
    ... )
    >>> estimates = Mmrm("hba1c", 12.0, covariates=()).estimate(reading)
    >>> print(estimates.effect.round(4), estimates.se.round(4), estimates.df.round(4))
    [-1.] [0.8165] [4.]
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

    def left_out(self, reading: Reading) -> Mapping[str, Bools]:
        """Patients without any value after baseline, or without a covariate."""
        return {"no value after baseline": ~seen_at_any_visit(reading), **self.without(reading)}

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

    def shortage(self, reading: Reading) -> str:
        """Name the visits with too few patients."""
        numbers, columns = self._numbers(reading)
        used = ~np.isnan(numbers[:, 0]).any(axis=0)
        return sparse_visits(reading, used, columns.visitwise + 2, self.covariance)

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
