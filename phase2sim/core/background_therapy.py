"""A therapy that some patients of every arm receive beside what the trial gives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from phase2sim.core.arrays import Floats
from phase2sim.core.effect_curve import EffectCurve


@dataclass(frozen=True, slots=True)
class BackgroundTherapy:
    """Who receives a background therapy, and what it does; given at randomisation."""

    share: float  # of the patients of every arm
    kept: float  # share of the trial's own effect that remains in those who receive it
    curves: Mapping[str, EffectCurve]  # by endpoint

    @property
    def average_kept(self) -> float:
        """Average effect of the trial's treatment over that without background therapy."""
        return 1.0 - self.share * (1.0 - self.kept)

    def added(self, endpoints: Sequence[str], months: Sequence[float]) -> Floats:
        """What it adds to the values of those who receive it, (endpoint, month), model scale."""
        added = np.zeros((len(endpoints), len(months)))
        for e, name in enumerate(endpoints):
            if name in self.curves:
                added[e] = self.curves[name].at(np.array(months))
        return added
