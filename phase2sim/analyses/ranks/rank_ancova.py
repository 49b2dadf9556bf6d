"""Difference in ranks between arms at one visit, adjusted for the ranks of covariates."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from phase2sim.analyses.columns import (
    OUTCOMES,
    ValueOrChange,
    numeric_covariates,
    outcome_or_change,
    strata,
)
from phase2sim.analyses.one_sided import for_benefit
from phase2sim.analyses.options import check_options
from phase2sim.analyses.ranks.rank_residuals import rank_residuals
from phase2sim.core.analysis import Analysis
from phase2sim.core.contracts import Estimates, Reading


@dataclass(frozen=True, slots=True)
class RankAncova(Analysis):
    """Difference in mean rank between the arms at ``month``, given the ranks of covariates.

    Outcome and covariates are ranked, and the one regressed on the others, within each stratum if
    ``covariates`` names it. ``of="change"`` ranks changes from baseline. Raises ``ValueError`` for
    options that do not fit; see docs/methods/rank_ancova.md.

    Parameters
    ----------
    endpoint : str
        Name of a measured endpoint, such as ``"hba1c"`` or ``"c_peptide"``.
    month : float
        Visit that is analysed, in months since randomisation; above 0.
    covariates : tuple of str, default ("baseline",)
        Covariates of the model, any of ``"baseline"``, ``"age"`` and ``"stratum"``. Baseline and
        age are ranked; with the stratum all ranks are taken within strata.
    of : {"value", "change"}, default "value"
        ``"value"`` analyses the value at ``month``, ``"change"`` its change from baseline.

    Raises
    ------
    ValueError
        If an option has a value that is not allowed.

    References
    ----------
    Quade (1967), Journal of the American Statistical Association 62: 1187-1200.

    Koch, Amara, Davis and Gillings (1982), Biometrics 38: 563-595.

    Examples
    --------
    Without covariates the effect is the difference in mean rank, over ``n + 1``: ``(2 - 5) / 7``.
    The test is that of Wilcoxon, with ``z = -4.5 / sqrt(9 * 7 / 12)``.

    >>> import numpy as np
    >>> from phase2sim.analyses.ranks.rank_ancova import RankAncova
    >>> from phase2sim.core.contracts import Reading
    >>> reading = Reading(
    ...     arm=np.array([[0, 0, 0, 1, 1, 1]], np.int8),
    ...     baseline=np.full((1, 6), 8.0),
    ...     value=np.array([[[7.0, 8.0, 9.5, 4.0, 5.0, 6.0]]]),
    ...     visits_months=(12.0,),
    ...     age_years=np.full((1, 6), 12.0),
    ...     stratum=np.zeros((1, 6), np.int64),
    ... )
    >>> estimates = RankAncova("hba1c", 12.0, covariates=()).estimate(reading)
    >>> print(estimates.effect.round(4), (estimates.effect / estimates.se).round(4))
    [-0.4286] [-1.964]
    """

    endpoint: str
    month: float
    covariates: tuple[str, ...] = ("baseline",)
    of: ValueOrChange = "value"
    reads: ClassVar[str] = "continuous"
    scale: ClassVar[str] = "rank / (n + 1)"
    title: ClassVar[str] = "Rank ANCOVA"
    by_ranks: ClassVar[bool] = True
    needs_variation: ClassVar[bool] = False  # all ranks tied: a difference of 0, p of a half
    is_equivariant: ClassVar[bool] = False  # its effect is in ranks

    def __post_init__(self) -> None:
        check_options(self, of=OUTCOMES)

    def estimate(self, reading: Reading) -> Estimates:
        """Estimate the difference in every trial; a trial it cannot answer has failed."""
        level, levels = strata(reading, wanted="stratum" in self.covariates)
        fit = rank_residuals(
            np.ascontiguousarray(outcome_or_change(reading, self.month, self.of)),
            np.ascontiguousarray(reading.arm),
            numeric_covariates(reading, self.covariates),
            level,
            levels,
        )
        return for_benefit(fit, self.endpoint, self.null_effect)
