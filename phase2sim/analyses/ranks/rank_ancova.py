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
    """

    endpoint: str
    month: float
    covariates: tuple[str, ...] = ("baseline",)
    of: ValueOrChange = "value"
    reads: ClassVar[str] = "continuous"
    scale: ClassVar[str] = "rank / (n + 1)"
    title: ClassVar[str] = "Rank ANCOVA"
    by_ranks: ClassVar[bool] = True
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
