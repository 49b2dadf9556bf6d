"""Score test and interval of a difference in response rates at one visit."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from scipy import special

from phase2sim.analyses.one_sided import NORMAL_REACH
from phase2sim.analyses.options import check_options
from phase2sim.analyses.responders.rate_scores import score_interval, score_statistic
from phase2sim.analyses.responders.responders import (
    ResponderAnalysis,
    by_distinct_table,
    check_margin,
    rates,
)
from phase2sim.core.arrays import Floats
from phase2sim.core.contracts import Estimates, OwnTest, Reading

_VARIANCES = ("miettinen_nurminen", "farrington_manning")


@dataclass(frozen=True, slots=True)
class MiettinenNurminen(ResponderAnalysis):
    """Share of responders at ``month``, treated minus control, by the score test.

    ``responder`` is the rule; a patient whose outcome is ``missing`` is no responder, or left out.
    ``variance="farrington_manning"`` leaves out the factor n / (n - 1); without ``null_effect``, a
    difference in rates, it is the chi-square test. Raises ``ValueError`` for options that do not
    fit; see docs/methods/miettinen_nurminen.md.
    """

    variance: Literal["miettinen_nurminen", "farrington_manning"] = "miettinen_nurminen"
    null_effect: float = 0.0
    title: ClassVar[str] = "Miettinen-Nurminen"
    by_responder_counts: ClassVar[bool] = True

    def __post_init__(self) -> None:
        ResponderAnalysis.__post_init__(self)
        check_options(self, variance=_VARIANCES)
        check_margin(self.null_effect)

    def estimate(self, reading: Reading) -> Estimates:
        """Estimate the difference in every trial; a trial it cannot answer has failed."""
        table, reason = self.two_by_two(reading, alike_fails=self.null_effect == 0.0)
        unbiased = self.variance == "miettinen_nurminen"

        def z_and_limits(tables: Floats) -> tuple[Floats, ...]:
            margin = np.full(len(tables), self.null_effect)
            limits = score_interval(tables, NORMAL_REACH, unbiased)
            return score_statistic(tables, margin, unbiased), *limits

        z, lower, upper = by_distinct_table(table, z_and_limits)
        effect, se, by_arm = rates(table)
        return Estimates(
            effect=effect,
            se=se,
            df=np.where(reason == 0, np.inf, np.nan),
            p=special.ndtr(-z),
            reason=reason.astype(np.int8),
            test=OwnTest(z, 2.0 * special.ndtr(-abs(z)), lower, upper),
            details=by_arm,
        )
