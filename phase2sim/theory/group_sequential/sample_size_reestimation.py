"""Sample size re-estimation after a first stage: how many patients more, and how to combine.

The inverse-normal combination with weights fixed in advance keeps the level whatever the second
stage's size (Lehmacher and Wassmer 1999); the promising zone is Mehta and Pocock's (2011).
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from phase2sim.core.arrays import Floats, Ints

UNFAVOURABLE, PROMISING, FAVOURABLE, STOPPED = range(4)
ZONES = ("unfavourable", "promising", "favourable", "stopped")
_NODES, _PANELS, _REACH = 40, 400, 9.0


@dataclass(frozen=True, slots=True)
class SecondStage:
    """Two stages, and when the second becomes how much larger; numbers of patients of one arm.

    ``efficacy`` are the bounds on z after the first stage and at the end. The zone begins at a
    conditional power of ``from_power``; ``power`` is what is wanted. ``drift`` is the true effect
    times the square root of the first stage's information, None for the one observed.
    """

    first: float
    planned: float
    fewest: float
    most: float
    efficacy: tuple[float, float]
    from_power: float
    power: float
    drift: float | None = None
    always: bool = False  # re-estimate in every zone, at the most where the effect is not above 0

    @property
    def weights(self) -> tuple[float, float]:
        """Of the stages, from the planned sizes: their squares add up to 1."""
        share = self.first / (self.first + self.planned)
        return float(np.sqrt(share)), float(np.sqrt(1 - share))

    def critical(self, z: Floats) -> Floats:
        """Z that the second stage alone must reach."""
        one, two = self.weights
        return (self.efficacy[1] - one * z) / two

    def conditional_error(self, z: Floats) -> Floats:
        """Chance of success at the end without any effect, given z of the first stage."""
        error: Floats = ndtr(-self.critical(z))
        return error

    def conditional_power(self, z: Floats, patients: Floats | float) -> Floats:
        """Chance of success at the end with this many patients in the second stage."""
        power: Floats = ndtr(self._trend(z) * np.sqrt(patients) - self.critical(z))
        return power

    def zone(self, z: Floats) -> Ints:
        """Where a first stage falls: an index into ``ZONES``."""
        power = self.conditional_power(z, self.planned)
        promising = (power >= self.from_power) & (power < self.power)
        zone = np.where(
            promising, PROMISING, np.where(power < self.power, UNFAVOURABLE, FAVOURABLE)
        )
        return np.where(z >= self.efficacy[0], STOPPED, zone)

    def patients(self, z: Floats) -> Floats:
        """Patients of one arm in the second stage; none where the first has stopped the trial."""
        trend = self._trend(z)
        with np.errstate(divide="ignore"):
            wanted = ((self.critical(z) + ndtri(self.power)) / trend) ** 2
        # A first stage that needs no more has the power with any number.
        wanted = np.where(self.critical(z) + ndtri(self.power) <= 0, 0.0, wanted)
        wanted = np.where(trend > 0, wanted, np.inf)
        wanted = np.clip(wanted, self.fewest, self.most)
        zone = self.zone(z)
        changed = wanted if self.always else np.where(zone == PROMISING, wanted, self.planned)
        return np.where(zone == STOPPED, 0.0, changed)

    def combine(self, first: Floats, second: Floats) -> Floats:
        """Z of both stages together, from that of each."""
        one, two = self.weights
        return one * first + two * second

    def operating(self, drift: float) -> tuple[float, float, float]:
        """Power, mean patients of one arm, and chance of another size than planned.

        ``drift`` is the true effect times the square root of the first stage's information.
        """
        edges = np.linspace(drift - _REACH, drift + _REACH, _PANELS + 1)
        # Panels end where the rule jumps, or a smooth rule of integration would not serve.
        edges = np.unique(np.append(edges, self._jumps(edges)))
        x, w = np.polynomial.legendre.leggauss(_NODES)
        half = np.diff(edges)[:, None] / 2
        z = (edges[:-1, None] + half * (1 + x)).ravel()
        mass = (half * w).ravel() * np.exp(-0.5 * (z - drift) ** 2) / np.sqrt(2 * np.pi)
        more = self.patients(z)
        at_end = ndtr(drift / np.sqrt(self.first) * np.sqrt(more) - self.critical(z))
        stopped = z >= self.efficacy[0]
        power = (mass * np.where(stopped, 1.0, at_end)).sum()
        changed = (mass * (~stopped & (more != self.planned))).sum()
        return float(power), float(self.first + (mass * more).sum()), float(changed)

    def _trend(self, z: Floats) -> Floats:
        """Effect over the SD of one patient's share in it: z of a stage over its root size."""
        return np.divide(z if self.drift is None else self.drift, np.sqrt(self.first)) + 0 * z

    def _jumps(self, grid: Floats) -> Floats:
        """Z between which and the next the rule changes, found by halving."""
        fine = np.linspace(grid[0], grid[-1], 4001)
        state = self._state(fine)
        low = fine[:-1][state[:-1] != state[1:]]
        high = fine[1:][state[:-1] != state[1:]]
        below = self._state(low)
        for _ in range(50):
            middle = (low + high) / 2
            same = self._state(middle) == below
            low, high = np.where(same, middle, low), np.where(same, high, middle)
        between: Floats = (low + high) / 2
        return between

    def _state(self, z: Floats) -> Ints:
        """Which piece of the rule z is on."""
        more = self.patients(z)
        piece: Ints = self.zone(z) * 4 + 2 * (more == self.most) + (more == self.fewest)
        return piece
