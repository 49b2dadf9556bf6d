"""How many patients a trial goes on to have, re-estimated at its last interim look."""

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from scipy.special import ndtr, ndtri

from phase2sim.core.arrays import Floats, Ints
from phase2sim.core.errors import BadValue
from phase2sim.theory.group_sequential.sample_size_reestimation import SecondStage

_MOST_PATIENTS = 100_000
_SMALLEST_EFFECT = 1e-9  # no trial is large enough for it


@dataclass(frozen=True, slots=True)
class FirstStage:
    """What is known at the look: of the first ``first`` of ``planned`` patients in all arms."""

    first: int
    planned: int
    ratio: tuple[int, int]  # of control and treatment
    z: Floats  # (trial,) for benefit; nan where the analysis failed
    blinded_variance: Floats  # (trial,) of the analysed values, both arms as one; nan where unknown


class Reestimation(Protocol):
    """A part that says how many patients each trial has in all, and how its stages are combined."""

    title: ClassVar[str]
    combines: ClassVar[bool]  # whether p at the end is that of two stages combined

    @property
    def most_patients(self) -> int:
        """In all arms together."""
        ...

    @property
    def level(self) -> float:
        """One-sided level of the final test that its size is for."""
        ...

    def patients(self, stage: FirstStage) -> Floats:
        """Patients (trial,) wanted in all, before rounding and limits; nan for the planned."""
        ...

    def combined(self, stage: FirstStage, z: Floats) -> Floats:
        """Z (trial,) of both stages, given that of the second alone."""
        ...


@dataclass(frozen=True, slots=True)
class BlindedVariance:
    """As many patients as the variance asks for, seen without knowing who is in which arm.

    For a power at ``effect``, a difference of means on the model scale; never fewer than planned.
    Without the arms the variance holds a part of the effect too, so that it errs upward (Friede and
    Kieser, Pharmaceutical Statistics 2013).

    Parameters
    ----------
    effect : float
        Difference of means on the model scale that the power is for; not 0.
    power : float
        Power wanted, between 0 and 1.
    most_patients : int
        Largest number of patients in all arms together, from 2 to 100,000.
    one_sided_alpha : float, default 0.025
        One-sided level of the final test, between 0 and 0.5.

    Raises
    ------
    BadValue
        If ``effect`` is 0 or nearly so, or another value lies outside its limits.

    Notes
    -----
    With r treated patients per control, ``(1 + r)^2 / r (z_alpha + z_beta)^2 variance / effect^2``
    patients are wanted in all.

    References
    ----------
    Kieser and Friede (2003), Statistics in Medicine 22: 3571-3581. Friede and Kieser (2013),
    Pharmaceutical Statistics 12: 141-146.

    Examples
    --------
    A variance of 1 needs ``4 (1.959964 + 1.281552)^2 / 0.5^2 = 168.12`` patients for a power of
    0.9 at a difference of 0.5; a variance of 2 needs twice as many:

    >>> rule = BlindedVariance(effect=0.5, power=0.9, most_patients=300)
    >>> variance = np.array([1.0, 2.0])
    >>> stage = FirstStage(60, 120, (1, 1), z=np.zeros(2), blinded_variance=variance)
    >>> rule.patients(stage).round(2).tolist()
    [168.12, 336.24]

    The trial has an even number of patients for a 1:1 ratio, and at most 300:

    >>> total_patients(rule, stage).tolist()
    [170, 300]
    """

    effect: float
    power: float
    most_patients: int
    one_sided_alpha: float = 0.025
    title: ClassVar[str] = "blinded variance"
    combines: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if abs(self.effect) < _SMALLEST_EFFECT:
            raise BadValue(
                "effect", f"is {self.effect:g}; give the difference of means that power is for"
            )
        _check_share("one_sided_alpha", self.one_sided_alpha, 0.5)
        _check_share("power", self.power, 1.0)
        _check_most(self.most_patients)

    @property
    def level(self) -> float:
        """One-sided level of the final test that its size is for."""
        return self.one_sided_alpha

    def patients(self, stage: FirstStage) -> Floats:
        """(1 + r)^2 / r (z_alpha + z_beta)^2 variance / effect^2, r patients to one."""
        r = stage.ratio[1] / stage.ratio[0]
        needed = (ndtri(self.power) - ndtri(self.one_sided_alpha)) ** 2
        wanted: Floats = (1 + r) ** 2 / r * needed * stage.blinded_variance / self.effect**2
        return wanted

    def combined(self, stage: FirstStage, z: Floats) -> Floats:
        """Not used: all patients are analysed together."""
        del stage
        return z


@dataclass(frozen=True, slots=True)
class PromisingZone:
    """More patients where the conditional power is promising: at least ``from_power``, not enough.

    Conditional power, and the power wanted, are for the observed effect against ``critical_z`` at
    the end. Stages are combined as inverse normals with weights fixed by the planned sizes.
    Mehta and Pocock, Statistics in Medicine 2011; Lehmacher and Wassmer, Biometrics 1999.

    Parameters
    ----------
    from_power : float
        Conditional power at which the promising zone begins, between 0 and ``power``.
    power : float
        Conditional power that the re-estimated size is to have, between 0 and 1.
    most_patients : int
        Largest number of patients in all arms together, from 2 to 100,000.
    critical_z : float, default 1.959964
        Critical value of the combined z at the end, between 0 and 10.

    Raises
    ------
    BadValue
        If a value lies outside its limits.

    References
    ----------
    Mehta and Pocock (2011), Statistics in Medicine 30: 3267-3284. Lehmacher and Wassmer (1999),
    Biometrics 55: 1286-1290.

    Examples
    --------
    Half of 240 patients are analysed. After z = 1.6 a conditional power of 90 % needs 142.476957
    patients per arm in the second stage (closed form by R 4.2.2), 404.95 in all. After z = 0.5 the
    conditional power is too low to be promising, and the plan stays:

    >>> rule = PromisingZone(from_power=0.36, power=0.9, most_patients=480, critical_z=1.96859565)
    >>> z = np.array([1.6, 0.5])
    >>> stage = FirstStage(120, 240, (1, 1), z=z, blinded_variance=np.ones(2))
    >>> rule.patients(stage).round(2).tolist()
    [404.95, 240.0]
    """

    from_power: float
    power: float
    most_patients: int
    critical_z: float = 1.959964
    title: ClassVar[str] = "promising zone, inverse-normal combination"
    combines: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _check_share("power", self.power, 1.0)
        _check_share("from_power", self.from_power, self.power)
        _check_most(self.most_patients)
        if not 0 < self.critical_z < 10:  # noqa: PLR2004 - one tail of 1e-23
            raise BadValue("critical_z", f"is {self.critical_z:g}; it must lie between 0 and 10")

    @property
    def level(self) -> float:
        """One-sided level of the final test that its size is for."""
        return float(ndtr(-self.critical_z))

    def patients(self, stage: FirstStage) -> Floats:
        """Those of the first stage, and of the second as the zone says."""
        z = np.where(np.isnan(stage.z), 0.0, stage.z)
        wanted = stage.first + self._second(stage).patients(z)
        return np.where(np.isnan(stage.z), np.nan, wanted)

    def combined(self, stage: FirstStage, z: Floats) -> Floats:
        """Weights are the square roots of the planned shares of both stages."""
        return self._second(stage).combine(stage.z, z)

    def _second(self, stage: FirstStage) -> SecondStage:
        # Sizes of all arms in place of one: only their ratios matter.
        left = float(stage.planned - stage.first)
        return SecondStage(
            first=float(stage.first),
            planned=left,
            fewest=left,
            most=float(self.most_patients - stage.first),
            efficacy=(np.inf, self.critical_z),
            from_power=self.from_power,
            power=self.power,
        )


REESTIMATIONS: dict[str, type[Reestimation]] = {
    "blinded_variance": BlindedVariance,
    "promising_zone": PromisingZone,
}


def total_patients(part: Reestimation, stage: FirstStage) -> Ints:
    """Patients (trial,) of each trial: whole blocks of the ratio, from the planned to the most."""
    unit = sum(stage.ratio)
    wanted = np.ceil(np.nan_to_num(part.patients(stage), nan=0.0, posinf=1e15) / unit - 1e-9) * unit
    patients: Ints = np.clip(wanted, stage.planned, part.most_patients // unit * unit).astype(
        np.int64
    )
    return patients


def _check_share(key: str, value: float, below: float) -> None:
    if not 0 < value < below:
        raise BadValue(key, f"is {value:g}; it must lie between 0 and {below:g}")


def _check_most(most: int) -> None:
    if not 1 < most <= _MOST_PATIENTS:
        raise BadValue("most_patients", f"is {most}; it must lie between 2 and {_MOST_PATIENTS:,}")
