"""The exact chance that a test of responders succeeds at the planned end, from a look."""

from dataclasses import dataclass, replace

import numpy as np

from phase2sim.analyses.responders.responders import UNKNOWN_RESPONSE
from phase2sim.core.analysis import Analysis
from phase2sim.core.arrays import Bools, Ints
from phase2sim.core.contracts import GO, Reading
from phase2sim.core.decision import Decision, Hypothesis, side_by_side
from phase2sim.scenario.assembly.parts import BuiltScenario
from phase2sim.studies.prediction.beta_binomial import predictive_probability
from phase2sim.studies.prediction.completion import UnderWay

PRIOR = (0.5, 0.5)  # Jeffreys, of each arm's response rate
_TWO_ARMS = 2


@dataclass(frozen=True, slots=True)
class _Ends:
    """All ends that a trial may come to, made of one patient who responded and one who did not."""

    decision: Decision
    hypothesis: Hypothesis
    analysis: Analysis
    whole: Reading
    responder: int
    other: int
    patients: tuple[int, int]  # at the end, treated and control

    def succeeds(self, treated: Ints, control: Ints) -> Bools:
        """Analyse and judge a trial with so many responders, for each pair."""
        sides = [side.ravel()[:, None] for side in np.broadcast_arrays(treated, control)]
        responds = [np.arange(n) < x for n, x in zip(self.patients, sides, strict=True)]
        who = np.where(np.concatenate(responds, axis=1), self.responder, self.other)
        whole = self.whole
        reading = replace(
            whole,
            arm=np.tile(np.repeat(np.array([1, 0], np.int8), self.patients), (len(who), 1)),
            baseline=whole.baseline[0][who],
            value=np.ascontiguousarray(whole.value[0][:, who].transpose(1, 0, 2)),
            age_years=whole.age_years[0][who],
            stratum=whole.stratum[0][who],
            factors={},
        )
        estimates = self.analysis.estimate(reading)
        verdicts = self.decision.decide(side_by_side([estimates], (self.hypothesis,)))
        won: Bools = verdicts[:, 0] == GO
        return won.reshape(np.broadcast_shapes(treated.shape, control.shape))


def exact_chance(
    built: BuiltScenario, number: int, place: int, whole: Reading, trial: UnderWay
) -> float | None:
    """Beta-binomial chance of a go of one analysis; None where it does not count two arms alone.

    Early visits are not read: a patient in follow-up responds as any other of the arm would.
    """
    analysis, hypothesis = built.study.analyses[number], built.study.hypotheses[number]
    if (
        not analysis.by_responder_counts
        or len(trial.planned) > _TWO_ARMS
        or built.study.decision.alone(place, hypothesis) is None
    ):
        return None
    visit = whole.visits_months.index(analysis.month)
    responds, due = analysis.individual_outcomes(whole)[0], ~trial.pending[visit]
    known = due & (responds != UNKNOWN_RESPONSE)
    there = known & np.isfinite(trial.value[visit])
    others, responders = (np.flatnonzero(there & (responds == yes)) for yes in (0, 1))
    if not (others.size and responders.size):
        return None  # nobody has yet responded, or everybody

    def of_arm(arm: int) -> tuple[tuple[int, int], int]:
        """Responders and patients counted, and patients at the end."""
        mine = trial.arm == arm
        left_out = int((due & ~known & mine).sum())
        counted = int(responds[known & mine].sum()), int((known & mine).sum())
        return counted, max(trial.planned[arm], int(mine.sum())) - left_out

    (treated, treated_end), (control, control_end) = of_arm(1), of_arm(0)
    patients = treated_end, control_end
    two = int(responders[0]), int(others[0])
    ends = _Ends(built.study.decision, hypothesis, analysis, whole, *two, patients)
    return predictive_probability((treated, control), patients, ends.succeeds, PRIOR)
