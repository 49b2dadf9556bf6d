"""Model scales: functions of a reported value that are taken to be normal between patients."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from phase2sim.core.arrays import Floats


@dataclass(frozen=True, slots=True)
class ModelScale:
    """A rising function of the reported value; this one leaves it as it is.

    Attributes
    ----------
    name : str
        Name in files.
    unit : str
        Unit of the model scale; ``{}`` stands for the endpoint's unit.
    is_linear : bool
        Whether differences are the same on both scales.
    is_logarithm : bool
        Whether it is one, so that differences are ratios.

    Examples
    --------
    >>> scale = Log1p()
    >>> scale.unit.format("nmol/L"), round(float(scale.to_model(np.array(0.2))), 6)
    ('ln(nmol/L + 1)', 0.182322)
    """

    name: ClassVar[str] = "identity"
    unit: ClassVar[str] = "{}"
    is_linear: ClassVar[bool] = True
    is_logarithm: ClassVar[bool] = False

    def to_model(self, values: Floats) -> Floats:
        """Turn reported values into the model scale, element by element.

        Parameters
        ----------
        values : ndarray of float
            Reported values, of any shape.

        Returns
        -------
        ndarray of float
            Values on the model scale, of the same shape.
        """
        return values

    def from_model(self, values: Floats) -> Floats:
        """Turn values on the model scale into reported ones, element by element.

        Parameters
        ----------
        values : ndarray of float
            Values on the model scale, of any shape.

        Returns
        -------
        ndarray of float
            Reported values, of the same shape.
        """
        return values

    def slope(self, value: float) -> float:
        """Return the derivative of the model scale by the reported value.

        Parameters
        ----------
        value : float
            Reported value.

        Returns
        -------
        float
            Derivative there, above 0.
        """
        del value
        return 1.0

    @property
    def domain(self) -> tuple[float, float]:
        """Reported values lie strictly between these."""
        return -math.inf, math.inf


@dataclass(frozen=True, slots=True)
class Log(ModelScale):
    """Natural logarithm; values are above 0."""

    name: ClassVar[str] = "log"
    unit: ClassVar[str] = "ln({})"
    is_linear: ClassVar[bool] = False
    is_logarithm: ClassVar[bool] = True

    def to_model(self, values: Floats) -> Floats:
        """Logarithm of values above 0."""
        return np.log(values)

    def from_model(self, values: Floats) -> Floats:
        """Exponential function."""
        return np.exp(values)

    def slope(self, value: float) -> float:
        """Derivative of the logarithm."""
        return 1.0 / value

    @property
    def domain(self) -> tuple[float, float]:
        """Above 0."""
        return 0.0, math.inf


@dataclass(frozen=True, slots=True)
class Log1p(ModelScale):
    """Logarithm of one more than the value, which may be 0."""

    name: ClassVar[str] = "log1p"
    unit: ClassVar[str] = "ln({} + 1)"
    is_linear: ClassVar[bool] = False
    is_logarithm: ClassVar[bool] = True

    def to_model(self, values: Floats) -> Floats:
        """``ln(x + 1)`` of values above -1."""
        return np.log1p(values)

    def from_model(self, values: Floats) -> Floats:
        """``exp(z) - 1``."""
        return np.expm1(values)

    def slope(self, value: float) -> float:
        """Derivative of ``ln(x + 1)``."""
        return 1.0 / (1.0 + value)

    @property
    def domain(self) -> tuple[float, float]:
        """Above -1."""
        return -1.0, math.inf


@dataclass(frozen=True, slots=True)
class Root(ModelScale):
    """Square root of a value that is 0 where the normal behind it is below 0, such as a dose."""

    name: ClassVar[str] = "root"
    unit: ClassVar[str] = "sqrt({})"
    is_linear: ClassVar[bool] = False

    def to_model(self, values: Floats) -> Floats:
        """Square root; of a negative value that of its size, negative."""
        return np.sign(values) * np.sqrt(np.abs(values))

    def from_model(self, values: Floats) -> Floats:
        """Square, 0 below 0."""
        return np.maximum(values, 0.0) ** 2

    def slope(self, value: float) -> float:
        """Derivative of the square root."""
        return 0.5 / math.sqrt(value)


@dataclass(frozen=True, slots=True)
class SquareRoot(Root):
    """Square root of a value of 0 or more, of which hardly any is 0, such as a count of cells."""

    name: ClassVar[str] = "sqrt"


@dataclass(frozen=True, slots=True)
class Logit(ModelScale):
    """Log odds of the share of the way between two limits.

    Parameters
    ----------
    low, high : float
        Limits that no value reaches.

    Examples
    --------
    >>> scale = Logit(0.0, 100.0)
    >>> float(scale.to_model(np.array(50.0))), round(float(scale.from_model(np.array(1.0))), 2)
    (0.0, 73.11)
    """

    name: ClassVar[str] = "logit"
    unit: ClassVar[str] = "logit({})"
    is_linear: ClassVar[bool] = False

    low: float
    high: float

    def to_model(self, values: Floats) -> Floats:
        """``ln((x - low) / (high - x))`` of values between the limits."""
        return np.log((values - self.low) / (self.high - values))

    def from_model(self, values: Floats) -> Floats:
        """The value whose log odds these are."""
        return self.low + (self.high - self.low) / (1.0 + np.exp(-values))

    def slope(self, value: float) -> float:
        """Derivative of the log odds."""
        return (self.high - self.low) / ((value - self.low) * (self.high - value))

    @property
    def domain(self) -> tuple[float, float]:
        """Between the limits."""
        return self.low, self.high


# By name in files; ``logit`` has limits.
MODEL_SCALES: dict[str, type[ModelScale]] = {
    scale.name: scale for scale in (ModelScale, Log, Log1p, Root, SquareRoot, Logit)
}
