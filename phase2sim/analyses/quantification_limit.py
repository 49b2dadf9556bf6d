"""Values below the limit of quantification of an assay, and their replacement."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from phase2sim.core.arrays import Floats
from phase2sim.core.contracts import Reading
from phase2sim.core.endpoints import MEASURES
from phase2sim.core.errors import BadValue
from phase2sim.core.units import unit_that_fits

REPLACEMENT_SHARES = {"limit": 1.0, "half": 0.5, "zero": 0.0}  # of the limit

type BelowLimit = Literal["limit", "half", "zero"]


@dataclass(frozen=True, slots=True)
class QuantificationLimit:
    """A limit of quantification in the endpoint's unit, and what a lower value becomes.

    A value equal to the limit was measured. Raises ``ValueError`` for what does not fit.
    """

    endpoint: str
    lloq: float
    below_lloq: BelowLimit = "limit"

    def __post_init__(self) -> None:
        endpoint = MEASURES[self.endpoint]
        low, high = endpoint.plausible
        if not max(low, 0.0) < self.lloq < high:
            raise BadValue(
                "lloq",
                f"is {self.lloq:g}; {endpoint.label} lies between {low:g} and {high:g}"
                f" {endpoint.unit}.{unit_that_fits(endpoint, self.lloq)}",
            )
        if self.below_lloq not in REPLACEMENT_SHARES:
            raise BadValue(
                "below_lloq",
                f"is {self.below_lloq!r}; use {' or '.join(map(repr, REPLACEMENT_SHARES))}.",
            )
        if not np.isfinite(self.becomes):
            raise BadValue(
                "below_lloq",
                f"is {self.below_lloq!r}, which the {endpoint.model_unit} scale does"
                " not have; use 'limit' or 'half'.",
            )

    @property
    def becomes(self) -> float:
        """Replacement of a value below the limit, on the model scale."""
        share = REPLACEMENT_SHARES[self.below_lloq]
        endpoint = MEASURES[self.endpoint]
        if share == 0.0 and endpoint.scale.name == "log":
            return -np.inf
        return endpoint.to_model(share * self.lloq)

    def applied(self, reading: Reading) -> Reading:
        """Outcomes and baselines as an assay with this limit reports them."""
        return replace(
            reading,
            baseline=self._replace_below(reading.baseline),
            value=self._replace_below(reading.value),
        )

    def _replace_below(self, value: Floats) -> Floats:
        below = value < MEASURES[self.endpoint].to_model(self.lloq)
        return np.where(below, self.becomes, value)
