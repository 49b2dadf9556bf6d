"""Estimand strategies (ICH E9(R1)): what an intercurrent event makes of a patient's outcomes."""

from dataclasses import dataclass

import numpy as np

from phase2sim.core.arrays import Floats, Ints
from phase2sim.core.contracts import Trials
from phase2sim.core.kernels import kernel

TREATMENT_POLICY, HYPOTHETICAL = "treatment_policy", "hypothetical"
COMPOSITE, WHILE_ON_TREATMENT = "composite", "while_on_treatment"
STRATEGIES: dict[str, str] = {
    TREATMENT_POLICY: "outcomes count whatever happened",
    HYPOTHETICAL: "outcomes as they would have been without the event; those after it are not used",
    COMPOSITE: "the event is itself a bad outcome: no response from it on",
    WHILE_ON_TREATMENT: "the last outcome before the event counts for all later visits",
}
_KEPT, _CARRIED, _DROPPED, _BAD = range(4)  # in the order in which they overrule one another
_CODES = {
    TREATMENT_POLICY: _KEPT,
    WHILE_ON_TREATMENT: _CARRIED,
    HYPOTHETICAL: _DROPPED,
    COMPOSITE: _BAD,
}


@dataclass(frozen=True, slots=True)
class Aim:
    """What one analysis is to estimate: which treated arm, and a strategy for every event."""

    strategies: tuple[str, ...] = ()
    arm: int = 1

    @property
    def is_hypothetical(self) -> bool:
        """Whether every event is set aside: the effect of treatment as the truth states it."""
        return all(strategy == HYPOTHETICAL for strategy in self.strategies)

    @property
    def takes_all(self) -> bool:
        """Whether outcomes count whatever happened, so that nothing is to be changed."""
        return all(strategy == TREATMENT_POLICY for strategy in self.strategies)


def counted_outcomes(trials: Trials, values: Floats, aim: Aim, worst: Floats) -> Floats:
    """Values as they count for an aim, in the shape of ``trials.value``, nan where they do not.

    ``values`` are those seen; ``worst`` (endpoint,) stands for a bad outcome. Where two events
    befall a patient, a composite one counts before a hypothetical one, and that before the others.
    Of a patient who was not there any more at the visit before it, nobody learns of an event.
    """
    if trials.struck is None or aim.takes_all:
        return values
    codes = np.array([_CODES[strategy] for strategy in aim.strategies])
    order = np.argsort(codes, kind="stable")
    counted = values.copy()
    _apply(counted, trials.struck[order], codes[order], worst)
    return counted


@kernel
def _apply(values: Floats, struck: Ints, codes: Ints, worst: Floats) -> None:
    trials, endpoints, visits, patients = values.shape
    for j in range(codes.shape[0]):
        for trial in range(trials):
            for p in range(patients):
                last = struck[j, trial, p] - 1
                for e in range(endpoints):
                    before = values[trial, e, last, p]
                    for v in range(last + 1, visits):
                        if codes[j] == _CARRIED:
                            values[trial, e, v, p] = before
                        elif codes[j] == _DROPPED:
                            values[trial, e, v, p] = np.nan
                        elif codes[j] == _BAD and not np.isnan(before):
                            values[trial, e, v, p] = worst[e]
