"""An effect over time: how large it is at one month, and how it grows."""

from dataclasses import dataclass

import numpy as np

from phase2sim.core.arrays import Floats
from phase2sim.core.effect_shapes import EffectShape


@dataclass(frozen=True, slots=True)
class EffectCurve:
    """Effect on one endpoint over time: ``size`` at ``month``, with the time course ``shape``."""

    size: float
    month: float
    shape: EffectShape

    def at(self, months: Floats) -> Floats:
        """Effect at each month, model scale."""
        shape_at_month = float(self.shape.at(np.array([self.month]))[0])
        return self.shape.at(months) * (self.size / shape_at_month)
