"""Difference between arms at one visit, from a mixed model whose first outcome is the baseline."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np

from phase2sim.analyses.columns import (
    numeric_covariates,
    outcome,
    seen_at_any_visit,
    strata_above_lowest,
)
from phase2sim.analyses.mixed_models.missing_patterns import ARM, Columns, PatternSums, pattern_sums
from phase2sim.analyses.mixed_models.mixed_model import Fitted, MixedModel, fit_mixed_model
from phase2sim.analyses.mixed_models.sparse_visits import sparse_visits
from phase2sim.analyses.one_sided import for_benefit
from phase2sim.analyses.options import check_options
from phase2sim.core.analysis import Analysis
from phase2sim.core.arrays import Bools
from phase2sim.core.contracts import MODEL_SCALE, Estimates, Reading
from phase2sim.core.errors import BadValue

_COVARIATES = ("age", "stratum")
_LIKELIHOODS = ("reml", "ml")
_DEGREES_OF_FREEDOM = ("kenward_roger", "satterthwaite")
_COEFFICIENTS = 3  # of each visit: its mean, the effect of the arm, the slope on the baseline
_FIRM = 1e12  # weight that holds a coefficient to zero: its estimate is off by 1e-12 of its error
_WEIGHTLESS = 1e-300  # of a patient: there, and counted as none


@dataclass(frozen=True, slots=True)
class Clda(Analysis):
    """Treatment minus control at ``month``, with the baseline as an outcome, alike in both arms.

    Every visit after baseline has its own effect of the arm, every visit its own mean and SD, and
    all correlations are free; age and stratum (a factor) have one coefficient for all visits. A
    patient needs no baseline. ``null_effect`` is on the endpoint's model scale. Raises
    ``ValueError`` for options that do not fit; see docs/methods/clda.md.

    Parameters
    ----------
    endpoint : str
        Name of a measured endpoint, such as ``"hba1c"`` or ``"c_peptide"``.
    month : float
        Visit that is analysed, in months since randomisation; above 0.
    covariates : tuple of str, default ()
        Covariates of the model, any of ``"age"`` and ``"stratum"``. Each has one coefficient for
        all visits; the stratum enters as a factor.
    likelihood : {"reml", "ml"}, default "reml"
        Restricted maximum likelihood, or maximum likelihood.
    df : {"kenward_roger", "satterthwaite"}, default "kenward_roger"
        ``"kenward_roger"`` adjusts the standard error of the model and needs ``"reml"``,
        ``"satterthwaite"`` keeps it.
    null_effect : float, default 0.0
        Effect that benefit must exceed, on the endpoint's model scale. A value on the side of harm
        is a non-inferiority margin.

    Raises
    ------
    ValueError
        If an option has a value that is not allowed, or ``df`` is ``"kenward_roger"`` with
        ``"ml"``.

    References
    ----------
    Liang and Zeger (2000), Sankhya B 62: 134-148.

    Lu (2010), Biometrics 66: 891-896.

    Kenward and Roger (1997), Biometrics 53: 983-997.

    Examples
    --------
    With every baseline observed the maximum likelihood effect is that of ANCOVA (Liang and Zeger
    2000), here -1: in both arms the outcome is half the baseline plus residuals orthogonal to it,
    and treatment lowers it by 1.

    >>> import numpy as np
    >>> from phase2sim.analyses.mixed_models.clda import Clda
    >>> from phase2sim.core.contracts import Reading
    >>> reading = Reading(
    ...     arm=np.array([[0, 0, 0, 1, 1, 1]], np.int8),
    ...     baseline=np.array([[7.0, 8.0, 9.0, 7.0, 8.0, 9.0]]),
    ...     value=np.array([[[3.6, 3.8, 4.6, 2.6, 2.8, 3.6]]]),
    ...     visits_months=(12.0,),
    ...     age_years=np.full((1, 6), 12.0),
    ...     stratum=np.zeros((1, 6), np.int64),
    ... )
    >>> analysis = Clda("hba1c", 12.0, likelihood="ml", df="satterthwaite")
    >>> print(analysis.estimate(reading).effect.round(4))
    [-1.]
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
    uses_pipeline_patients: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_options(self, covariates=_COVARIATES, likelihood=_LIKELIHOODS, df=_DEGREES_OF_FREEDOM)
        if (self.df, self.likelihood) == ("kenward_roger", "ml"):
            raise BadValue(
                "df",
                "is 'kenward_roger'; it needs likelihood 'reml'. Use 'satterthwaite' with 'ml'.",
            )

    @property
    def reads_baseline(self) -> bool:
        """Whether it cannot do without baselines: they are its first outcome."""
        return True

    def left_out(self, reading: Reading) -> Mapping[str, Bools]:
        """Patients without any value, or without a covariate; a missing baseline is no reason."""
        unseen = ~seen_at_any_visit(reading) & np.isnan(reading.baseline)
        reasons = dict(self.without(reading))
        del reasons["no baseline"]
        return {"no value": unseen, **reasons}

    def estimate(self, reading: Reading) -> Estimates:
        """Estimate the difference in every trial; a trial it cannot answer has failed."""
        fitted = self.fit(reading)
        regression = (fitted.effect, fitted.se, fitted.df, fitted.reason)
        return for_benefit(regression, self.endpoint, self.null_effect)

    def shortage(self, reading: Reading) -> str:
        """Name the visits with too few patients."""
        covariates = numeric_covariates(reading, self.covariates)
        used = ~np.isnan(covariates[:, 0]).any(axis=0)
        return sparse_visits(reading, used, _COEFFICIENTS, "unstructured")

    def fit(self, reading: Reading) -> Fitted:
        """Fit the model to every trial of a batch."""
        outcome(reading, self.month)  # refuses a month that is no visit
        visit = 1 + reading.visits_months.index(self.month)
        covariates = numeric_covariates(reading, self.covariates)
        if "stratum" in self.covariates:
            covariates = np.concatenate([covariates, strata_above_lowest(reading)])
        sums = pattern_sums(
            np.concatenate([reading.baseline[:, None], reading.value], axis=1),
            reading.arm,
            covariates,
            Columns(0, 0),
            (visit, visit),
        )
        restricted = self.likelihood == "reml"
        weights = np.zeros(sums.start.shape[1])
        weights[visit] = 1.0
        model = MixedModel("unstructured", restricted, self.df, weights)
        fitted = fit_mixed_model(
            _constrain_baseline(sums, restricted=restricted), model, fall_back=False
        )
        if restricted:  # the coefficient that is held costs this much
            log_likelihood = fitted.log_likelihood + 0.5 * math.log(_FIRM)
            fitted = replace(fitted, log_likelihood=log_likelihood)
        return fitted


def _constrain_baseline(sums: PatternSums, *, restricted: bool) -> PatternSums:
    """Add what holds the arm's effect at baseline, the first outcome, to zero.

    One more observation of the baseline, equal to 0 and with nothing in its row but a huge number
    for the arm, adds as much to the restricted likelihood as the coefficient it settles takes away.
    In the full likelihood, where a coefficient costs nothing, it counts as no patient.
    """
    trials, _, size = sums.sums.shape[:3]
    visits = sums.start.shape[1]
    is_seen = np.zeros((trials, 1, visits), np.bool_)
    is_seen[:, 0, 0] = True
    products = np.zeros((trials, 1, size, size))
    products[:, 0, ARM, ARM] = _FIRM
    patients = np.full((trials, 1), 1.0 if restricted else _WEIGHTLESS)
    return sums._replace(
        is_seen=np.concatenate([sums.is_seen, is_seen], axis=1),
        patients=np.concatenate([sums.patients, patients], axis=1),
        sums=np.concatenate([sums.sums, products], axis=1),
    )
