"""Posterior of an effect from two arms' means and priors: of the control mean, the effect, both."""

import numpy as np

from phase2sim.core.arrays import Floats
from phase2sim.theory.mixtures import NormalMixture


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
    # Predictive density of the treated mean under each pair of components, as a logarithm.
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
