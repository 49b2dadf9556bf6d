"""When the patients of an arm entered, where a fit has learned it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from phase2sim.core.arrays import Floats
from phase2sim.core.entry_times import EntryTime, mean_position
from phase2sim.evidence.reported import Evidence, StudyArm
from phase2sim.prior.draws import PriorDraws

TILT = "entry_tilt"  # of ``PriorDraws.sampled``
LEARNED = "learned_entry"  # of ``PriorDraws.provenance``


@dataclass(frozen=True, slots=True)
class LearnedEntry:
    """Mean time from diagnosis to entry of one arm, given the evidence."""

    arm: str  # study and arm
    earliest: float
    latest: float
    mean: Floats  # (draw,) months since diagnosis


def fitted_entry(arm: StudyArm, evidence: Evidence, prior: PriorDraws) -> EntryTime:
    """Times of entry of an arm; a learned spread has the mean of the draws' tilt."""
    entry = arm.months_since_diagnosis
    if not entry.learned or TILT not in prior.sampled:
        return entry
    return entry.tilted(float(prior.sampled[TILT][:, evidence.learned_arms.index(arm)].mean()))


def learned_provenance(evidence: Evidence) -> list[list[object]]:
    """Name and window of each arm with a learned spread, to be kept with the draws."""
    return [
        [f"{a.study}, {a.arm}", a.months_since_diagnosis.earliest, a.months_since_diagnosis.latest]
        for a in evidence.learned_arms
    ]


def learned_entries(prior: PriorDraws) -> Iterator[LearnedEntry]:
    """Yield what the fit has learned of each arm's entry."""
    kept = cast("list[tuple[str, float, float]]", prior.provenance.get(LEARNED, []))
    for number, (arm, low, high) in enumerate(kept):
        position = mean_position(prior.sampled[TILT][:, number])
        yield LearnedEntry(arm, low, high, low + (high - low) * (1.0 + position) / 2.0)
