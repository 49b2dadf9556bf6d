"""Familywise error of a decision when some hypotheses are true and others are far from it."""

from collections.abc import Sequence

import numpy as np
from scipy import stats

from phase2sim.core.contracts import GO
from phase2sim.core.decision import Decision, only_p
from phase2sim.decisions.fallback import Fallback
from phase2sim.decisions.fixed_sequence import FixedSequence
from phase2sim.decisions.gatekeeping import Gatekeeping
from phase2sim.decisions.graphical import Graphical
from phase2sim.decisions.hochberg import Hochberg
from phase2sim.decisions.holm import Holm
from phase2sim.decisions.hommel import Hommel

ALPHA = 0.025
RULES: dict[str, Decision] = {
    "holm": Holm(ALPHA),
    "hochberg": Hochberg(ALPHA),
    "hommel": Hommel(ALPHA),
    "fixed_sequence": FixedSequence(ALPHA),
    "fallback": Fallback(ALPHA, (0.5, 0.3, 0.2)),
    "gatekeeping": Gatekeeping(ALPHA, (1, 2)),
    "graphical": Graphical(ALPHA, (0.5, 0.5, 0.0), ((0, 0.5, 0.5), (0.5, 0, 0.5), (0.5, 0.5, 0))),
}
FAR = 4.0  # mean z of a hypothesis that is false: nearly always significant, the worst case


def familywise_error(
    rule: Decision, true_nulls: Sequence[bool], trials: int, correlation: float
) -> float:
    """Share of trials that declare an effect where there is none."""
    true = np.array(true_nulls)
    rng = np.random.default_rng(20261125)
    shared = rng.standard_normal((trials, 1))
    own = rng.standard_normal((trials, len(true)))
    z = np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * own + np.where(true, 0.0, FAR)
    verdicts = rule.decide(only_p(stats.norm.sf(z)))[:, : len(true)]
    return float((verdicts[:, true] == GO).any(axis=1).mean())
