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
from phase2sim.studies.prediction.completion import OngoingTrial

PRIOR = (0.5, 0.5)  # Jeffreys, of each arm's response rate
_TWO_ARMS = 2


@dataclass(frozen=True, slots=True)
class _PossibleEnds:
    """All possible final data sets, built from one responder and one non-responder."""

    decision: Decision
    hypothesis: Hypothesis
    analysis: Analysis
    reading: Reading
    responder: int
    nonresponder: int
    patients: tuple[int, int]  # at the end, treated and control

    def succeeds(self, treated: Ints, control: Ints) -> Bools:
        """Whether a trial with these numbers of responders is a go, for each pair."""
        sides = [side.ravel()[:, None] for side in np.broadcast_arrays(treated, control)]
        responds = [np.arange(n) < x for n, x in zip(self.patients, sides, strict=True)]
        patients = np.where(np.concatenate(responds, axis=1), self.responder, self.nonresponder)
        reading_at_look = self.reading
        reading = replace(
            reading_at_look,
            arm=np.tile(np.repeat(np.array([1, 0], np.int8), self.patients), (len(patients), 1)),
            baseline=reading_at_look.baseline[0][patients],
            value=np.ascontiguousarray(reading_at_look.value[0][:, patients].transpose(1, 0, 2)),
            age_years=reading_at_look.age_years[0][patients],
            stratum=reading_at_look.stratum[0][patients],
            factors={},
        )
        estimates = self.analysis.estimate(reading)
        verdicts = self.decision.decide(side_by_side([estimates], (self.hypothesis,)))
        is_go: Bools = verdicts[:, 0] == GO
        return is_go.reshape(np.broadcast_shapes(treated.shape, control.shape))


def exact_chance(
    built: BuiltScenario, number: int, index: int, reading: Reading, trial: OngoingTrial
) -> float | None:
    """Beta-binomial chance of a go of one analysis; None unless it compares counts of two arms.

    Early visits are not read: a patient in follow-up responds as any other of the arm would.
    """
    analysis, hypothesis = built.study.analyses[number], built.study.hypotheses[number]
    if (
        not analysis.by_responder_counts
        or len(trial.planned) > _TWO_ARMS
        or built.study.decision.alone(index, hypothesis) is None
    ):
        return None
    visit = reading.visits_months.index(analysis.month)
    responds, due = analysis.individual_outcomes(reading)[0], ~trial.pending[visit]
    is_counted = due & (responds != UNKNOWN_RESPONSE)
    has_value = is_counted & np.isfinite(trial.value[visit])
    nonresponders, responders = (np.flatnonzero(has_value & (responds == yes)) for yes in (0, 1))
    if not (nonresponders.size and responders.size):
        return None  # no responder yet, or no non-responder

    def count_arm(arm: int) -> tuple[tuple[int, int], int]:
        """Responders and patients counted in an arm, and its patients at the end."""
        in_arm = trial.arm == arm
        left_out = int((due & ~is_counted & in_arm).sum())
        counted = int(responds[is_counted & in_arm].sum()), int((is_counted & in_arm).sum())
        return counted, max(trial.planned[arm], int(in_arm.sum())) - left_out

    (treated, treated_end), (control, control_end) = count_arm(1), count_arm(0)
    patients = treated_end, control_end
    ends = _PossibleEnds(
        decision=built.study.decision,
        hypothesis=hypothesis,
        analysis=analysis,
        reading=reading,
        responder=int(responders[0]),
        nonresponder=int(nonresponders[0]),
        patients=patients,
    )
    return predictive_probability((treated, control), patients, ends.succeeds, PRIOR)
