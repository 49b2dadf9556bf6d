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

    Parameters
    ----------
    endpoint : str
        Name of a measured endpoint, such as ``"hba1c"`` or ``"c_peptide"``.
    month : float
        Visit that is analysed, in months since randomisation; above 0.
    of : {"value", "change"}, default "value"
        ``"value"`` analyses the value at ``month``, ``"change"`` its change from baseline.
    null_effect : float, default 0.0
        Effect that benefit must exceed, on the endpoint's model scale. A value on the side of harm
        is a non-inferiority margin.

    Raises
    ------
    ValueError
        If an option has a value that is not allowed.

    References
    ----------
    van Elteren (1960), Bulletin of the International Statistical Institute 37: 351-361.

    Lehmann (1975), Nonparametrics: Statistical Methods Based on Ranks, section 3.3.

    Examples
    --------
    In both strata of four the treated patients have the lower values. Each statistic is 0 with
    expectation 2 and variance ``4 * 5 / 12``, so ``z = -2 * 2 / sqrt(2 * 5 / 3)``.

    >>> import numpy as np
    >>> from phase2sim.analyses.ranks.van_elteren import VanElteren
    >>> from phase2sim.core.contracts import Reading
    >>> reading = Reading(
    ...     arm=np.array([[0, 0, 1, 1, 0, 0, 1, 1]], np.int8),
    ...     baseline=np.full((1, 8), 8.0),
    ...     value=np.array([[[7.0, 8.0, 5.0, 6.0, 9.0, 10.0, 7.0, 8.0]]]),
    ...     visits_months=(12.0,),
    ...     age_years=np.full((1, 8), 12.0),
    ...     stratum=np.array([[0, 0, 0, 0, 1, 1, 1, 1]]),
    ... )
    >>> estimates = VanElteren("hba1c", 12.0).estimate(reading)
    >>> print(estimates.effect, estimates.test.statistic.round(4))
    [-2.] [-2.1909]
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
    needs_variation: ClassVar[bool] = False  # all ranks tied: a shift of 0, and p of a half

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
        sd = np.sqrt(np.where(sums.variance != 0.0, sums.variance, 1.0))
        z = (sums.statistic - sums.centre) / sd
        return shift_estimates(shifts, sums, z, normal_tails(sums, 0.0), self.endpoint)
