"""A mixture of normals fitted to draws: expectation-maximisation, components chosen by AIC."""

from collections.abc import Iterator

import numpy as np

from phase2sim.core.arrays import Floats, Ints
from phase2sim.theory.mixtures.normal_mixture import NormalMixture

_PENALTY = 6.0  # for each parameter, as RBesT's automixfit: favours few components
_NARROWEST = 0.02  # SD of a component, in SDs of the draws: no spike on a few equal draws
_STEPS = 600
_SETTLED = 1e-8  # gain in mean log-likelihood
_GROUPING_STEPS = 30
_ROOT_TAU = np.sqrt(2.0 * np.pi)
_LEAST = 1e-300  # density of a draw far from every component


def fit_mixture(draws: Floats, max_components: int = 4) -> NormalMixture:
    """Fit 1 to ``max_components`` normals and return those with the smallest AIC.

    The same draws give the same mixture; draws that are all equal give a very narrow normal.
    """
    centre, spread = float(draws.mean()), float(draws.std())
    if spread <= 0:
        narrow = np.array([max(abs(centre), 1.0) * 1e-9])
        return NormalMixture(np.ones(1), np.array([centre]), narrow)
    z = np.sort((draws - centre) / spread)
    best, best_criterion = NormalMixture(np.ones(1), np.zeros(1), np.ones(1)), np.inf
    for components in range(1, min(max_components, z.size // 2) + 1):
        fits = [_climb(z, start) for start in _starts(z, components)]
        fit, likelihood = max(fits, key=lambda found: found[1])
        criterion = -2 * z.size * likelihood + _PENALTY * (3 * components - 1)
        if criterion < best_criterion:
            best, best_criterion = fit, criterion
    order = np.argsort(-best.weights, kind="stable")
    means, sds = centre + spread * best.means, spread * best.sds
    return NormalMixture(best.weights[order], means[order], sds[order])


def _starts(z: Floats, components: int) -> Iterator[NormalMixture]:
    """Start from groups of neighbours, and from shells around the median for heavy tails."""
    yield _of_groups(_neighbours(z, components), z)
    if components > 1:
        away = np.abs(z - np.median(z))
        edges = np.quantile(away, np.arange(1, components) / components)
        yield _of_groups(np.searchsorted(edges, away).astype(np.int64), z)


def _neighbours(z: Floats, components: int) -> Ints:
    """Group of each sorted draw by k-means, from groups of one size."""
    group: Ints = np.arange(z.size, dtype=np.int64) * components // z.size
    for _ in range(_GROUPING_STEPS):
        means = np.array([z[group == g].mean() for g in np.unique(group)])
        group = np.searchsorted(0.5 * (means[1:] + means[:-1]), z).astype(np.int64)
    return group


def _of_groups(group: Ints, z: Floats) -> NormalMixture:
    members = [z[group == g] for g in np.unique(group)]
    return NormalMixture(
        np.array([inside.size / z.size for inside in members]),
        np.array([inside.mean() for inside in members]),
        np.array([max(inside.std(), _NARROWEST) for inside in members]),
    )


def _climb(z: Floats, mixture: NormalMixture) -> tuple[NormalMixture, float]:
    """Expectation-maximisation until it settles: the mixture and its mean log-likelihood."""
    columns = mixture.weights, mixture.means, mixture.sds
    weights, means, sds = (column[:, None] for column in columns)
    last = -np.inf
    for _ in range(_STEPS):
        # (component, draw): density of each draw under each component, then its share of the draw
        share = weights / (sds * _ROOT_TAU) * np.exp(-0.5 * ((z - means) / sds) ** 2)
        density = np.maximum(share.sum(axis=0), _LEAST)
        likelihood = float(np.log(density).mean())
        if likelihood - last < _SETTLED:
            break
        last = likelihood
        share /= density
        total = np.maximum(share.sum(axis=1, keepdims=True), 1e-12)
        means = (share @ z)[:, None] / total
        variance = ((share * (z - means) ** 2).sum(axis=1))[:, None] / total
        sds = np.maximum(np.sqrt(variance), _NARROWEST)
        weights = total / total.sum()
    mixture = NormalMixture(weights[:, 0], means[:, 0], sds[:, 0])
    return mixture, float(mixture.log_density(z).mean())
