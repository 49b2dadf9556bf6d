"""Fit of a normal mixture to draws: expectation-maximisation, components chosen by AIC."""

from collections.abc import Iterator

import numpy as np

from phase2sim.core.arrays import Floats, Ints
from phase2sim.theory.mixtures.normal_mixture import NormalMixture

_PENALTY = 6.0  # per parameter, as in RBesT's automixfit: favours few components
_NARROWEST = 0.02  # SD of a component, in SDs of the draws: no spike on a few equal draws
_STEPS = 600
_TOLERANCE = 1e-8  # gain in mean log-likelihood
_GROUPING_STEPS = 30
_ROOT_TAU = np.sqrt(2.0 * np.pi)
_LOWEST_DENSITY = 1e-300  # density of a draw far from every component


def fit_mixture(draws: Floats, max_components: int = 4) -> NormalMixture:
    """Fit a normal mixture to draws, with the number of components chosen by AIC.

    The fit is deterministic: the same draws, in any order, give the same mixture.

    Parameters
    ----------
    draws : ndarray of float, (draw,)
        Draws from the distribution to approximate.
    max_components : int, default 4
        Largest number of components; 1 or more.

    Returns
    -------
    NormalMixture
        Components by falling weight. Draws that are all equal give one very narrow normal.

    References
    ----------
    Dempster, Laird and Rubin (1977), Journal of the Royal Statistical Society B 39: 1-38. Weber et
    al. (2021), Journal of Statistical Software 100(19), for the penalty of 6 per
    parameter.

    Examples
    --------
    Evenly spaced normal quantiles give one component, with their mean and SD:

    >>> from scipy.special import ndtri
    >>> draws = 8.0 + 0.3 * ndtri((np.arange(4000) + 0.5) / 4000)
    >>> fitted = fit_mixture(draws)
    >>> fitted.weights.tolist(), round(float(fitted.mean()), 6)
    ([1.0], 8.0)
    >>> bool(abs(fitted.sd() - draws.std()) < 1e-8)
    True
    """
    centre, spread = float(draws.mean()), float(draws.std())
    if spread <= 0:
        narrow = np.array([max(abs(centre), 1.0) * 1e-9])
        return NormalMixture(np.ones(1), np.array([centre]), narrow)
    z = np.sort((draws - centre) / spread)
    best, best_criterion = NormalMixture(np.ones(1), np.zeros(1), np.ones(1)), np.inf
    for components in range(1, min(max_components, z.size // 2) + 1):
        fits = [_maximise(z, start) for start in _starts(z, components)]
        fit, likelihood = max(fits, key=lambda pair: pair[1])
        criterion = -2 * z.size * likelihood + _PENALTY * (3 * components - 1)
        if criterion < best_criterion:
            best, best_criterion = fit, criterion
    order = np.argsort(-best.weights, kind="stable")
    means, sds = centre + spread * best.means, spread * best.sds
    return NormalMixture(best.weights[order], means[order], sds[order])


def _starts(z: Floats, components: int) -> Iterator[NormalMixture]:
    """Start from groups of neighbours, and from shells around the median for heavy tails."""
    yield _mixture_of_groups(_cluster_draws(z, components), z)
    if components > 1:
        distance = np.abs(z - np.median(z))
        edges = np.quantile(distance, np.arange(1, components) / components)
        yield _mixture_of_groups(np.searchsorted(edges, distance).astype(np.int64), z)


def _cluster_draws(z: Floats, components: int) -> Ints:
    """Group of each sorted draw by k-means, started from groups of equal size."""
    group: Ints = np.arange(z.size, dtype=np.int64) * components // z.size
    for _ in range(_GROUPING_STEPS):
        means = np.array([z[group == g].mean() for g in np.unique(group)])
        group = np.searchsorted(0.5 * (means[1:] + means[:-1]), z).astype(np.int64)
    return group


def _mixture_of_groups(group: Ints, z: Floats) -> NormalMixture:
    """Mixture with the share, mean and SD of each group of draws."""
    members = [z[group == g] for g in np.unique(group)]
    return NormalMixture(
        np.array([member.size / z.size for member in members]),
        np.array([member.mean() for member in members]),
        np.array([max(member.std(), _NARROWEST) for member in members]),
    )


def _maximise(z: Floats, mixture: NormalMixture) -> tuple[NormalMixture, float]:
    """Expectation-maximisation until convergence: the mixture and its mean log-likelihood."""
    columns = mixture.weights, mixture.means, mixture.sds
    weights, means, sds = (column[:, None] for column in columns)
    last = -np.inf
    for _ in range(_STEPS):
        # (component, draw): density of each draw under each component, then its share of the draw
        share = weights / (sds * _ROOT_TAU) * np.exp(-0.5 * ((z - means) / sds) ** 2)
        density = np.maximum(share.sum(axis=0), _LOWEST_DENSITY)
        likelihood = float(np.log(density).mean())
        if likelihood - last < _TOLERANCE:
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
