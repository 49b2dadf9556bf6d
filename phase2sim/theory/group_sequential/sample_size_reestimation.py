"""Sample size re-estimation after a first stage: size of the second, and the combined test.

The inverse-normal combination with weights fixed in advance keeps the level for any size of the
second stage (Lehmacher and Wassmer 1999); the promising zone is Mehta and Pocock's (2011).
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
    """Two stages of a trial, with a rule for the size of the second; sizes are per arm.

    Parameters
    ----------
    first : float
        Patients per arm in the first stage.
    planned : float
        Planned patients per arm in the second stage.
    fewest : float
        Smallest re-estimated second stage, in patients per arm.
    most : float
        Largest re-estimated second stage, in patients per arm.
    efficacy : tuple of (float, float)
        Efficacy bounds on z after the first stage and at the end.
    from_power : float
        Conditional power at which the promising zone begins, below ``power``.
    power : float
        Conditional power that the re-estimated size is to have.
    drift : float, optional
        True effect times the square root of the information of the first stage, assumed in
        conditional power. The effect observed in the first stage if omitted.
    always : bool, default False
        Whether to re-estimate in every zone instead of the promising one alone; the largest size
        is then used if the effect is not above 0.

    References
    ----------
    Lehmacher and Wassmer (1999), Biometrics 55: 1286-1290. Mehta and Pocock (2011), Statistics in
    Medicine 30: 3267-3284.

    Examples
    --------
    60 patients per arm in either stage, O'Brien-Fleming-type bounds, at most 180 in the second
    stage. After z = 1.6 the conditional power of the plan is 0.661290, which is promising, and a
    conditional power of 90 % needs 142.476957 patients per arm (closed form by R 4.2.2; rpact 4.5.0
    for the conditional power):

    >>> stage = SecondStage(60, 60, 60, 180, (2.96258804, 1.96859565), from_power=0.36, power=0.9)
    >>> z = np.array([1.6])
    >>> round(float(stage.conditional_power(z, 60)[0]), 6)
    0.66129
    >>> ZONES[int(stage.zone(z)[0])], round(float(stage.patients(z)[0]), 4)
    ('promising', 142.477)

    A true difference of 0.3 SD has drift ``0.3 sqrt(60 / 2)``; power is 0.7064, and 137.44 patients
    per arm are expected (quadrature by R 4.2.2):

    >>> power, patients, _ = stage.operating(0.3 * np.sqrt(30))
    >>> round(power, 4), round(patients, 2)
    (0.7064, 137.44)
    """

    first: float
    planned: float
    fewest: float
    most: float
    efficacy: tuple[float, float]
    from_power: float
    power: float
    drift: float | None = None
    always: bool = False

    @property
    def weights(self) -> tuple[float, float]:
        """Weights of the stages, from their planned sizes; the squares add up to 1."""
        share = self.first / (self.first + self.planned)
        return float(np.sqrt(share)), float(np.sqrt(1 - share))

    def critical(self, z: Floats) -> Floats:
        """Critical z of the second stage alone, given the first.

        Parameters
        ----------
        z : ndarray of float, (trial,)
            Statistic of the first stage.

        Returns
        -------
        ndarray of float, (trial,)
            Value that z of the second stage must reach for success.
        """
        first, second = self.weights
        return (self.efficacy[1] - first * z) / second

    def conditional_error(self, z: Floats) -> Floats:
        """Conditional type I error: probability of success at the end without an effect.

        Parameters
        ----------
        z : ndarray of float, (trial,)
            Statistic of the first stage.

        Returns
        -------
        ndarray of float, (trial,)
            Probability.
        """
        error: Floats = ndtr(-self.critical(z))
        return error

    def conditional_power(self, z: Floats, patients: Floats | float) -> Floats:
        """Probability of success at the end with a stated size of the second stage.

        Parameters
        ----------
        z : ndarray of float, (trial,)
            Statistic of the first stage.
        patients : float or ndarray of float, (trial,)
            Patients per arm in the second stage.

        Returns
        -------
        ndarray of float, (trial,)
            Probability, under the effect observed or assumed (``drift``).
        """
        power: Floats = ndtr(self._trend(z) * np.sqrt(patients) - self.critical(z))
        return power

    def zone(self, z: Floats) -> Ints:
        """Zone of a first stage by its conditional power at the planned size.

        Parameters
        ----------
        z : ndarray of float, (trial,)
            Statistic of the first stage.

        Returns
        -------
        ndarray of int, (trial,)
            Index into ``ZONES``: unfavourable, promising, favourable, or stopped for efficacy.
        """
        power = self.conditional_power(z, self.planned)
        promising = (power >= self.from_power) & (power < self.power)
        zone = np.where(
            promising, PROMISING, np.where(power < self.power, UNFAVOURABLE, FAVOURABLE)
        )
        return np.where(z >= self.efficacy[0], STOPPED, zone)

    def patients(self, z: Floats) -> Floats:
        """Patients per arm in the second stage.

        Parameters
        ----------
        z : ndarray of float, (trial,)
            Statistic of the first stage.

        Returns
        -------
        ndarray of float, (trial,)
            Patients, not rounded; 0 where the first stage has stopped the trial.
        """
        trend = self._trend(z)
        with np.errstate(divide="ignore"):
            needed = ((self.critical(z) + ndtri(self.power)) / trend) ** 2
        # A first stage strong enough by itself has the power with any number.
        needed = np.where(self.critical(z) + ndtri(self.power) <= 0, 0.0, needed)
        needed = np.where(trend > 0, needed, np.inf)
        needed = np.clip(needed, self.fewest, self.most)
        zone = self.zone(z)
        sizes = needed if self.always else np.where(zone == PROMISING, needed, self.planned)
        return np.where(zone == STOPPED, 0.0, sizes)

    def combine(self, first: Floats, second: Floats) -> Floats:
        """Inverse-normal combination of the stages.

        Parameters
        ----------
        first : ndarray of float, (trial,)
            Statistic z of the first stage.
        second : ndarray of float, (trial,)
            Statistic z of the second stage alone.

        Returns
        -------
        ndarray of float, (trial,)
            Combined z, standard normal without an effect.
        """
        weight_first, weight_second = self.weights
        return weight_first * first + weight_second * second

    def operating(self, drift: float) -> tuple[float, float, float]:
        """Operating characteristics under a true effect, by integrating over the first stage.

        Parameters
        ----------
        drift : float
            True effect times the square root of the information of the first stage.

        Returns
        -------
        power : float
            Probability of success at either stage.
        patients : float
            Mean number of patients per arm in both stages.
        changed : float
            Probability that the second stage has another size than planned.
        """
        edges = np.linspace(drift - _REACH, drift + _REACH, _PANELS + 1)
        # Panels end where the rule jumps, as Gauss-Legendre needs a smooth integrand.
        edges = np.unique(np.append(edges, self._jumps(edges)))
        x, w = np.polynomial.legendre.leggauss(_NODES)
        half = np.diff(edges)[:, None] / 2
        z = (edges[:-1, None] + half * (1 + x)).ravel()
        mass = (half * w).ravel() * np.exp(-0.5 * (z - drift) ** 2) / np.sqrt(2 * np.pi)
        patients = self.patients(z)
        success = ndtr(drift / np.sqrt(self.first) * np.sqrt(patients) - self.critical(z))
        stops = z >= self.efficacy[0]
        power = (mass * np.where(stops, 1.0, success)).sum()
        changed = (mass * (~stops & (patients != self.planned))).sum()
        return float(power), float(self.first + (mass * patients).sum()), float(changed)

    def _trend(self, z: Floats) -> Floats:
        """Standardised effect per patient: z of a stage over the square root of its size."""
        return np.divide(z if self.drift is None else self.drift, np.sqrt(self.first)) + 0 * z

    def _jumps(self, grid: Floats) -> Floats:
        """Values of z at which the rule changes, by bisection."""
        fine = np.linspace(grid[0], grid[-1], 4001)
        state = self._state(fine)
        low = fine[:-1][state[:-1] != state[1:]]
        high = fine[1:][state[:-1] != state[1:]]
        below = self._state(low)
        for _ in range(50):
            middle = (low + high) / 2
            is_same = self._state(middle) == below
            low, high = np.where(is_same, middle, low), np.where(is_same, high, middle)
        jumps: Floats = (low + high) / 2
        return jumps

    def _state(self, z: Floats) -> Ints:
        """Piece of the rule that z lies on."""
        patients = self.patients(z)
        piece: Ints = self.zone(z) * 4 + 2 * (patients == self.most) + (patients == self.fewest)
        return piece
