"""A mixture as a scenario states it, with a robust component beside it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from phase2sim.core.arrays import Floats
from phase2sim.core.errors import BadInput
from phase2sim.theory.mixtures.normal_mixture import NormalMixture, normal_mixture


@dataclass(frozen=True, slots=True)
class AnalysisMixture:
    """A mixture of normals on the endpoint's model scale, and a robust component beside it.

    The robust one takes ``robust_weight`` of all and is a normal with ``robust_sd`` around
    ``robust_mean``, the mixture's own mean if left out. Raises ``ValueError`` for numbers that are
    no mixture.
    """

    weights: tuple[float, ...]
    means: tuple[float, ...]
    sds: tuple[float, ...]
    robust_weight: float = 0.0
    robust_mean: float | None = None
    robust_sd: float | None = None
    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    def __post_init__(self) -> None:
        if not 0.0 <= self.robust_weight < 1.0:
            raise ValueError(
                f"robust_weight is {self.robust_weight:g}; it must be at least 0 and below 1."
            )
        if self.robust_weight > 0.0 and self.robust_sd is None:
            raise ValueError("robust_sd is missing; a robust_weight needs it. Add it.")
        if self.robust_weight == 0.0 and (self.robust_sd, self.robust_mean) != (None, None):
            raise ValueError(
                "robust_weight is 0; leave out robust_sd and robust_mean, or raise it."
            )
        if self.robust_sd is not None and not 0.0 < self.robust_sd < np.inf:
            raise ValueError(f"robust_sd is {self.robust_sd:g}; it must be above 0.")
        try:
            normal_mixture(self.weights, self.means, self.sds)
        except BadInput as error:
            raise ValueError(str(error)) from None

    def mixture(self) -> NormalMixture:
        """Return the whole mixture; the robust component, if any, is the last."""
        own = normal_mixture(self.weights, self.means, self.sds)
        if self.robust_weight == 0.0 or self.robust_sd is None:
            return own
        mean = float(own.mean()) if self.robust_mean is None else self.robust_mean
        return own.robustified(self.robust_weight, mean, self.robust_sd)

    def borrowed(
        self, posterior: NormalMixture, se: Floats, patients: Floats
    ) -> Mapping[str, Floats]:
        """Weight of all but the robust component, before and after, and patients borrowed.

        ``posterior`` is of (trial,) estimates with ``se`` from ``patients``; the borrowed ones are
        those that would narrow the estimate to the posterior's SD.
        """
        own = len(self.weights)
        return {
            "prior_weight": np.full(se.shape, 1.0 - self.robust_weight),
            "posterior_weight": posterior.weights[..., :own].sum(axis=-1),
            "borrowed_patients": patients * ((se / posterior.sd()) ** 2 - 1.0),
        }
