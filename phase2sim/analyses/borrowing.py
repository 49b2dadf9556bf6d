"""Posterior of an effect from two arms' means and priors: of the control mean, the effect, both."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from phase2sim.contracts import Floats
from phase2sim.errors import BadInput
from phase2sim.mixtures import NormalMixture, normal_mixture


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


def with_control(
    control: NormalMixture, effect: NormalMixture | None, treated: Floats, treated_se: Floats
) -> NormalMixture:
    """Posterior of the effect; mixtures over (trial, component of the control's, of the effect's).

    ``control`` is the control mean's posterior given the controls, (trial, component); ``treated``
    and ``treated_se`` are (trial,). Given one of the control's components, treated mean minus its
    mean is a normal estimate of the effect. Without a prior of the effect that is the posterior.
    """
    estimate = treated[:, None] - control.means
    se = np.hypot(treated_se[:, None], control.sds)
    if effect is None:
        return NormalMixture(control.weights, estimate, se)
    # How well an effect's component and a control's together foretold the treated mean.
    expected = effect.predictive(se)
    z = (estimate[..., None] - expected.means) / expected.sds
    evidence = -0.5 * z**2 - np.log(expected.sds)
    evidence = np.exp(evidence - evidence.max(axis=(1, 2), keepdims=True))
    weights = control.weights[..., None] * effect.weights * evidence
    weights /= weights.sum(axis=(1, 2), keepdims=True)
    posterior = effect.posterior(estimate, se)
    flat = (treated.size, control.means.shape[-1] * effect.means.size)
    return NormalMixture(
        weights.reshape(flat), posterior.means.reshape(flat), posterior.sds.reshape(flat)
    )
