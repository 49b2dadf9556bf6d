"""Shapes of a dose-response curve, and the contrasts that find each of them best."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from phase2sim.core.arrays import Floats
from phase2sim.decisions.largest_t import chance_any

type Shape = Literal["linear", "emax", "sigemax", "exponential", "logistic", "quadratic", "betamod"]

_KEYS: dict[str, tuple[str, ...]] = {
    "linear": (),
    "emax": ("ed50",),
    "sigemax": ("ed50", "h"),
    "exponential": ("delta",),
    "logistic": ("ed50", "delta"),
    "quadratic": ("delta",),
    "betamod": ("delta1", "delta2", "scale"),
}


@dataclass(frozen=True, slots=True)
class Curve:
    """A shape with guesses of its parameters; level and size do not matter.

    emax d / (ed50 + d); sigemax d^h / (ed50^h + d^h); exponential exp(d / delta) - 1; logistic
    1 / (1 + exp((ed50 - d) / delta)); quadratic d + delta d^2; betamod with powers delta1 and
    delta2 of d / scale and 1 - d / scale. Bretz, Pinheiro and Branson, Biometrics 2005.
    """

    shape: Shape
    ed50: float | None = None
    h: float | None = None
    delta: float | None = None
    delta1: float | None = None
    delta2: float | None = None
    scale: float | None = None

    def __post_init__(self) -> None:
        needed = _KEYS[self.shape]
        for key in ("ed50", "h", "delta", "delta1", "delta2", "scale"):
            value = getattr(self, key)
            if (value is None) == (key in needed):
                says = "is missing; this shape needs it" if value is None else "is not its key"
                raise ValueError(f"models: {key} of shape {self.shape!r} {says}.")
            if value is not None and not (np.isfinite(value) and (value > 0 or key == "delta")):
                raise ValueError(f"models: {key} of shape {self.shape!r} is {value:g}; above 0.")
        if self.delta == 0.0:
            raise ValueError(f"models: delta of shape {self.shape!r} is 0; give another.")

    def at(self, doses: Floats) -> Floats:
        """Mean response at each dose, up to level and size."""
        parameters = [float(getattr(self, key)) for key in _KEYS[self.shape]]
        return _RESPONSES[self.shape](doses, *parameters)


def _beta(dose: Floats, delta1: float, delta2: float, scale: float) -> Floats:
    part = np.minimum(dose / scale, 1.0)
    return np.asarray(part**delta1 * (1.0 - part) ** delta2)


_RESPONSES: dict[str, Callable[..., Floats]] = {
    "linear": lambda dose: dose,
    "emax": lambda dose, ed50: dose / (ed50 + dose),
    "sigemax": lambda dose, ed50, h: dose**h / (ed50**h + dose**h),
    "exponential": lambda dose, delta: np.expm1(dose / delta),
    "logistic": lambda dose, ed50, delta: 1.0 / (1.0 + np.exp((ed50 - dose) / delta)),
    "quadratic": lambda dose, delta: dose + delta * dose**2,
    "betamod": _beta,
}


def optimal_contrasts(curves: tuple[Curve, ...], doses: Floats, patients: Floats) -> Floats:
    """Contrasts (curve, dose) of unit length, each with the most power if its curve is true.

    ``patients`` may be any multiple of the numbers by dose.
    """
    contrasts = []
    for curve in curves:
        means = curve.at(doses)
        contrast = patients * (means - (patients @ means) / patients.sum())
        contrasts.append(contrast / np.sqrt(contrast @ contrast))
    return np.array(contrasts)


def contrast_correlation(contrasts: Floats, patients: Floats) -> Floats:
    """Correlations of the contrasts' estimates."""
    covariance = (contrasts / patients) @ contrasts.T
    sd = np.sqrt(np.diag(covariance))
    return np.asarray(covariance / sd / sd[:, None])


def power_of_contrasts(
    contrasts: Floats, means: Floats, sd: float, patients: Floats, limit: float
) -> float:
    """Chance that the largest t exceeds ``limit`` for true means by dose and a pooled SD."""
    shift = contrasts @ means / (sd * np.sqrt((contrasts**2 / patients).sum(axis=1)))
    df = float(patients.sum() - len(means))
    return chance_any(limit, df, contrast_correlation(contrasts, patients), shift)
