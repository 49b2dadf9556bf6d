"""How many patients a trial goes on to have, re-estimated at its last interim look."""

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from scipy.special import ndtr, ndtri

from phase2sim.core.arrays import Floats, Ints
from phase2sim.core.errors import BadValue
from phase2sim.theory.group_sequential.sample_size_reestimation import SecondStage

_MOST_PATIENTS = 100_000


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
    Kieser, Statistics in Medicine 2013).
    """

    effect: float
    power: float
    most_patients: int
    one_sided_alpha: float = 0.025
    title: ClassVar[str] = "blinded variance"
    combines: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.effect == 0:
            raise BadValue("effect", "is 0; give the difference of means that power is for")
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
