"""Rank-sum test of two arms at one visit, with Hodges and Lehmann's shift."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from scipy import special

from phase2sim.analyses.columns import OUTCOMES, ValueOrChange, outcome_or_change, strata
from phase2sim.analyses.one_sided import NORMAL_REACH
from phase2sim.analyses.options import check_options
from phase2sim.analyses.ranks import rank_sum_exact
from phase2sim.analyses.ranks.rank_sum import location_shifts, rank_sums
from phase2sim.core.analysis import Analysis
from phase2sim.core.arrays import Arms, Bools, Floats, Ints
from phase2sim.core.contracts import CONFIDENCE, MODEL_SCALE, Estimates, OwnTest, Reading
from phase2sim.core.endpoints import MEASURES

DISTRIBUTIONS = ("exact", "normal", "normal_continuity")


@dataclass(frozen=True, slots=True)
class RankSums:
    """Rank sums of a batch; all fields (trial,) but ``sizes``."""

    statistic: Floats
    centre: Floats
    variance: Floats
    untied_variance: Floats
    sizes: Ints  # (trial, 2): control, treated
    reason: Ints


@dataclass(frozen=True, slots=True)
class Wilcoxon(Analysis):
    """Shift of treatment against control at ``month``, tested by the sum of ranks.

    ``of="change"`` ranks changes from baseline. ``distribution`` is that of the sum: ``"exact"``,
    given the ties if there are any, ``"normal"``, or ``"normal_continuity"``, half a pair less
    extreme. ``null_effect`` is on the endpoint's model scale. Raises ``ValueError`` for options
    that do not fit; see docs/methods/wilcoxon.md.

    Parameters
    ----------
    endpoint : str
        Name of a measured endpoint, such as ``"hba1c"`` or ``"c_peptide"``.
    month : float
        Visit that is analysed, in months since randomisation; above 0.
    of : {"value", "change"}, default "value"
        ``"value"`` analyses the value at ``month``, ``"change"`` its change from baseline.
    distribution : {"exact", "normal", "normal_continuity"}, default "exact"
        Distribution of the rank sum under no effect: ``"exact"`` is the permutation distribution,
        given the ties; ``"normal"`` the normal approximation; ``"normal_continuity"`` the same with
        continuity correction.
    null_effect : float, default 0.0
        Effect that benefit must exceed, on the endpoint's model scale. A value on the side of harm
        is a non-inferiority margin.

    Raises
    ------
    ValueError
        If an option has a value that is not allowed.

    References
    ----------
    Wilcoxon (1945), Biometrics Bulletin 1: 80-83.

    Hodges and Lehmann (1963), Annals of Mathematical Statistics 34: 598-611.

    Streitberg and Röhmel (1986), Statistical Software Newsletter 12: 10-17, for ties.

    Examples
    --------
    All treated patients have lower values than all controls, which is one of ``20 = 6! / (3! 3!)``
    equally likely orders. The median of the nine differences is -3.

    >>> import numpy as np
    >>> from phase2sim.analyses.ranks.wilcoxon import Wilcoxon
    >>> from phase2sim.core.contracts import Reading
    >>> reading = Reading(
    ...     arm=np.array([[0, 0, 0, 1, 1, 1]], np.int8),
    ...     baseline=np.full((1, 6), 8.0),
    ...     value=np.array([[[7.0, 8.0, 9.5, 4.0, 5.0, 6.0]]]),
    ...     visits_months=(12.0,),
    ...     age_years=np.full((1, 6), 12.0),
    ...     stratum=np.zeros((1, 6), np.int64),
    ... )
    >>> estimates = Wilcoxon("hba1c", 12.0).estimate(reading)
    >>> print(estimates.effect, estimates.p.round(4))
    [-3.] [0.05]
    """

    endpoint: str
    month: float
    of: ValueOrChange = "value"
    distribution: Literal["exact", "normal", "normal_continuity"] = "exact"
    null_effect: float = 0.0
    reads: ClassVar[str] = "continuous"
    scale: ClassVar[str] = MODEL_SCALE
    title: ClassVar[str] = "Wilcoxon rank-sum test"
    by_ranks: ClassVar[bool] = True
    needs_variation: ClassVar[bool] = False  # all ranks tied: a shift of 0, and p of a half

    def __post_init__(self) -> None:
        check_options(self, of=OUTCOMES, distribution=DISTRIBUTIONS)

    def estimate(self, reading: Reading) -> Estimates:
        """Estimate the shift in every trial; a trial it cannot answer has failed."""
        outcome = np.ascontiguousarray(outcome_or_change(reading, self.month, self.of))
        arm = np.ascontiguousarray(reading.arm)
        level, levels = strata(reading, wanted=False)
        sums = RankSums(*rank_sums(outcome, arm, level, levels, self.null_effect))
        answered = sums.reason == 0
        if self.distribution == "exact":
            at_most, at_least = self._exact(outcome, arm, sums)
            critical = np.full(answered.shape, np.nan)
            size = sums.sizes[answered]
            tail = (1.0 - CONFIDENCE) / 2.0
            critical[answered] = rank_sum_exact.critical_pairs(size[:, 0], size[:, 1], tail)
        else:
            half = 0.5 if self.distribution == "normal_continuity" else 0.0
            at_most, at_least = normal_tails(sums, half)
            critical = sums.centre - half - NORMAL_REACH * np.sqrt(sums.untied_variance)
        shifts = location_shifts(outcome, arm, level, levels, critical)
        return shift_estimates(shifts, sums, sums.statistic, (at_most, at_least), self.endpoint)

    def _exact(self, outcome: Floats, arm: Arms, sums: RankSums) -> tuple[Floats, Floats]:
        """Lower and upper tail probability of the rank sum, by the exact distribution."""
        at_most, at_least = np.full((2, sums.reason.size), np.nan)
        plain = (sums.reason == 0) & (sums.variance == sums.untied_variance)
        at_most[sums.variance == 0.0] = at_least[sums.variance == 0.0] = 0.5
        pairs = sums.statistic[plain].astype(np.int64)
        size = sums.sizes[plain]
        at_most[plain] = rank_sum_exact.at_most(pairs, size[:, 0], size[:, 1])
        others = size[:, 0] * size[:, 1] - pairs
        at_least[plain] = rank_sum_exact.at_most(others, size[:, 0], size[:, 1])
        for trial in np.flatnonzero((sums.variance > 0.0) & ~plain):
            tails = rank_sum_exact.tied_tails(
                outcome[trial], arm[trial].astype(np.float64), self.null_effect
            )
            at_most[trial], at_least[trial] = tails
        return at_most, at_least


def normal_tails(sums: RankSums, half: float) -> tuple[Floats, Floats]:
    """Lower and upper tail probability of the rank sum, by the normal distribution.

    ``half`` is the continuity correction, in pairs. Where all values are tied both are a half.
    """
    varies = sums.variance != 0.0
    sd = np.sqrt(np.where(varies, sums.variance, 1.0))
    off, half_here = sums.statistic - sums.centre, np.where(varies, half, 0.0)
    return special.ndtr((off + half_here) / sd), special.ndtr((half_here - off) / sd)


def shift_estimates(
    shifts: tuple[Floats, Floats, Floats],
    sums: RankSums,
    statistic: Floats,
    tails: tuple[Floats, Floats],
    endpoint: str,
) -> Estimates:
    """Estimates from a shift with its limits and the two tails of its test."""
    effect, lower, upper = shifts
    at_most, at_least = tails
    answered: Bools = sums.reason == 0
    return Estimates(
        effect=effect,
        se=(upper - lower) / (2.0 * NORMAL_REACH),
        df=np.where(answered, np.inf, np.nan),
        p=at_most if MEASURES[endpoint].lower_is_better else at_least,
        reason=sums.reason.astype(np.int8),
        test=OwnTest(
            statistic=statistic,
            p_two_sided=np.minimum(2.0 * np.minimum(at_most, at_least), 1.0),
            lower=lower,
            upper=upper,
        ),
    )
