"""Fisher's exact test of response rates at one visit."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from phase2sim.analyses.one_sided import NORMAL_REACH
from phase2sim.analyses.responders.rate_scores import fisher, score_interval
from phase2sim.analyses.responders.responders import ResponderAnalysis, by_distinct_table, rates
from phase2sim.core.arrays import Floats
from phase2sim.core.contracts import Estimates, OwnTest, Reading


@dataclass(frozen=True, slots=True)
class Fisher(ResponderAnalysis):
    """Share of responders at ``month``, treated minus control, tested given all margins.

    ``responder`` is the rule; a patient whose outcome is ``missing`` is no responder, or left out.
    The interval is Miettinen and Nurminen's. Raises ``ValueError`` for options that do not fit; see
    docs/methods/fisher.md.
    """

    title: ClassVar[str] = "Fisher's exact test"
    by_responder_counts: ClassVar[bool] = True

    def estimate(self, reading: Reading) -> Estimates:
        """Estimate the difference in every trial; a trial it cannot answer has failed."""
        table, reason = self.two_by_two(reading)

        def p_and_limits(tables: Floats) -> tuple[Floats, ...]:
            return *fisher(tables), *score_interval(tables, NORMAL_REACH, unbiased=True)

        p, p_two_sided, lower, upper = by_distinct_table(table, p_and_limits)
        effect, se, by_arm = rates(table)
        return Estimates(
            effect=effect,
            se=se,
            df=np.where(reason == 0, np.inf, np.nan),
            p=p,
            reason=reason.astype(np.int8),
            test=OwnTest(table[:, 0], p_two_sided, lower, upper),
            details=by_arm,
        )
