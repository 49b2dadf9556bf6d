"""Sums over trials of how they were watched for harm, small whatever their number."""

from dataclasses import dataclass, field, fields

import numpy as np

from phase2sim.core.arrays import Bools, Floats, Ints
from phase2sim.trial.safety.monitoring import HarmMonitoring


@dataclass(frozen=True, slots=True)
class HarmSums:
    """Counts of stops for harm, and sums over trials of the patients that they took."""

    stops: Ints = field(default_factory=lambda: np.zeros(0, np.int64))  # (look of the rule,)
    treated: float = 0.0  # sum of the treated patients judged when the trial was stopped, or ended
    squared_treated: float = 0.0
    enrolled: float = 0.0  # sum of the patients enrolled by then
    squared_enrolled: float = 0.0

    def __add__(self, other: "HarmSums") -> "HarmSums":
        """Sums over the trials of both."""
        return HarmSums(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


def harm_sums(
    watched: HarmMonitoring, stopped: Bools, last: Ints, enrolled: Ints, looks: tuple[int, ...]
) -> HarmSums:
    """Sum a batch; (trial,): whether it was stopped, its last look if not, and who had enrolled.

    ``looks`` are treated patients at the looks of the rule.
    """
    at_end = np.take_along_axis(watched.judged, last[None], axis=0)[0]
    treated = np.where(stopped, np.array(looks)[watched.look], at_end).astype(np.float64)
    came: Floats = enrolled.astype(np.float64)
    return HarmSums(
        stops=np.bincount(watched.look[stopped], minlength=len(looks)),
        treated=float(treated.sum()),
        squared_treated=float((treated**2).sum()),
        enrolled=float(came.sum()),
        squared_enrolled=float((came**2).sum()),
    )
