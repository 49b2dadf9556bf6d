"""Rank-sum test within strata at one visit, with the shift that agrees with it."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from phase2sim.analyses.columns import OUTCOMES, ValueOrChange, outcome_or_change, strata
from phase2sim.analyses.one_sided import NORMAL_REACH
from phase2sim.analyses.options import check_options
from phase2sim.analyses.ranks.rank_sum import location_shifts, rank_sums
from phase2sim.analyses.ranks.wilcoxon import RankSums, normal_tails, shift_estimates
from phase2sim.core.analysis import Analysis
from phase2sim.core.contracts import MODEL_SCALE, Estimates, Reading


@dataclass(frozen=True, slots=True)
class VanElteren(Analysis):
    """Shift of treatment against control at ``month``, tested by ranks within each stratum.

    A stratum weighs 1 / (patients + 1), the best choice when the shift is the same in all.
    ``of="change"`` ranks changes from baseline. ``null_effect`` is on the endpoint's model scale.
    Raises ``ValueError`` for options that do not fit; see docs/methods/van_elteren.md.
    """

    endpoint: str
    month: float
    of: ValueOrChange = "value"
    null_effect: float = 0.0
    reads: ClassVar[str] = "continuous"
    scale: ClassVar[str] = MODEL_SCALE
    title: ClassVar[str] = "van Elteren test"
    by_ranks: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = ("stratum",)

    def __post_init__(self) -> None:
        check_options(self, of=OUTCOMES)

    def estimate(self, reading: Reading) -> Estimates:
        """Estimate the shift in every trial; a trial it cannot answer has failed."""
        outcome = np.ascontiguousarray(outcome_or_change(reading, self.month, self.of))
        arm = np.ascontiguousarray(reading.arm)
        level, levels = strata(reading)
        sums = RankSums(*rank_sums(outcome, arm, level, levels, self.null_effect))
        critical = sums.centre - NORMAL_REACH * np.sqrt(sums.untied_variance)
        shifts = location_shifts(outcome, arm, level, levels, critical)
        z = (sums.statistic - sums.centre) / np.sqrt(sums.variance)
        return shift_estimates(shifts, sums, z, normal_tails(sums, 0.0), self.endpoint)
