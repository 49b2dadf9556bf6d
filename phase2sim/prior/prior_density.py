"""Density of effects and bias before the evidence, at posterior draws, in closed form."""

import numpy as np

from phase2sim.core.arrays import Floats
from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.evidence.assumed_effects import assumptions, share_at_visit
from phase2sim.evidence.reported import EffectAssumption, Evidence
from phase2sim.prior.draws import PriorDraws


def log_prior_density(evidence: Evidence, prior: PriorDraws) -> Floats | None:
    """Log density (draw,) that the assumptions of ``evidence`` give to the draws, up to a constant.

    The density is that of the effects of the next treatment, of the bias of a single arm, of mean
    and SD of a class, and of what care does. All else in the model is independent of the assumed
    sizes, so that the ratio of two such densities reweights draws from one set of sizes to another.
    None if the effects have no density, because all of their variance is shared.
    """
    effects = assumptions(evidence, prior.endpoints)
    effect_density = _effect_density(evidence, prior, effects)
    if effect_density is None:
        return None
    total = effect_density
    for e, name in enumerate(prior.endpoints):
        if name in evidence.effects and _has_draws(prior.bias, e):
            total = total + _normal(prior.bias[:, e], 0.0, evidence.effects[name].bias_sd)
        if name in evidence.classes and _has_draws(prior.class_mean, e):
            assumed = evidence.classes[name]
            total = total + _normal(prior.class_mean[:, e], 0.0, assumed.sceptical_sd)
            # Half-normal: the density of a normal on its positive half.
            total = total + _normal(prior.class_sd[:, e], 0.0, assumed.between_trials_sd)
    for row, name in enumerate(prior.care_covariates):
        for care in evidence.care[name].effects:
            if care.endpoint in prior.endpoints:
                size = prior.care_effect[:, row, prior.endpoints.index(care.endpoint)]
                total = total + _normal(size, care.prior.mean, care.prior.sd)
    return total


def _effect_density(
    evidence: Evidence, prior: PriorDraws, effects: dict[str, EffectAssumption]
) -> Floats | None:
    """Multivariate normal density of the effects, correlated by what they share."""
    draws = len(prior.effect)
    if not effects:
        return np.zeros(draws)
    shared = np.array([assumed.shared for assumed in effects.values()])
    if (shared >= 1.0).any():
        return None
    sign = np.array([ENDPOINTS[name].benefit_sign for name in effects])
    loading = sign * np.sqrt(shared)
    correlation = np.diag(1.0 - shared) + np.outer(loading, loading)
    columns = [prior.endpoints.index(name) for name in effects]
    moments = [_moments(evidence, prior, assumed) for assumed in effects.values()]
    mean = np.stack([np.broadcast_to(mean, draws) for mean, _ in moments], axis=1)
    sd = np.stack([np.broadcast_to(sd, draws) for _, sd in moments], axis=1)
    deviation = (prior.effect[:, columns] - mean) / sd
    distance = (deviation @ np.linalg.inv(correlation) * deviation).sum(axis=1)
    log_determinant = float(np.linalg.slogdet(correlation).logabsdet)
    return np.asarray(-0.5 * (distance + log_determinant) - np.log(sd).sum(axis=1))


def _moments(
    evidence: Evidence, prior: PriorDraws, assumed: EffectAssumption
) -> tuple[Floats | float, Floats | float]:
    """Mean and SD of one effect; those of its class at each draw, unless a prior is stated."""
    class_effect = evidence.classes.get(assumed.endpoint)
    if class_effect is None or assumed.prior is not None:
        return assumed.before.mean, assumed.before.sd
    e = prior.endpoints.index(assumed.endpoint)
    share = share_at_visit(class_effect, assumed.month)
    return share * prior.class_mean[:, e], share * prior.class_sd[:, e]


def _has_draws(array: Floats, e: int) -> bool:
    return bool(array.size) and bool(np.isfinite(array[:, e]).all())


def _normal(values: Floats, mean: float, sd: float) -> Floats:
    return np.asarray(-0.5 * ((values - mean) / sd) ** 2 - np.log(sd))
