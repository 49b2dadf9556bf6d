"""Model scales: functions of a reported value that are taken to be normal between patients."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from phase2sim.core.arrays import Floats


@dataclass(frozen=True, slots=True)
class ModelScale:
    """A rising function of the reported value.

    Parameters
    ----------
    name : str
        Name in files of endpoints.
    unit : str
        Unit of the model scale; ``{}`` stands for the endpoint's unit.
    to_model : callable
        Function from arrays of reported values to the model scale, element by element.
    from_model : callable
        Function from arrays on the model scale to reported values, element by element.

    Examples
    --------
    >>> scale = MODEL_SCALES["log1p"]
    >>> scale.unit.format("nmol/L"), round(float(scale.to_model(np.array(0.2))), 6)
    ('ln(nmol/L + 1)', 0.182322)
    """

    name: str
    unit: str
    to_model: Callable[[Floats], Floats]
    from_model: Callable[[Floats], Floats]


def _same(values: Floats) -> Floats:
    return values


def _signed_root(doses: Floats) -> Floats:
    return np.sign(doses) * np.sqrt(np.abs(doses))


def _doses(latent: Floats) -> Floats:
    return np.maximum(latent, 0.0) ** 2


# ``root``: square root of a latent normal whose values below 0 are doses of 0.
MODEL_SCALES: dict[str, ModelScale] = {
    scale.name: scale
    for scale in (
        ModelScale("identity", "{}", _same, _same),
        ModelScale("log", "ln({})", np.log, np.exp),
        ModelScale("log1p", "ln({} + 1)", np.log1p, np.expm1),
        ModelScale("root", "sqrt({})", _signed_root, _doses),
    )
}
