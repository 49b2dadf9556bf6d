"""Distribution of the largest of several t statistics, and the value it seldom exceeds."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from scipy import special
from scipy.optimize import brentq

from phase2sim.core.arrays import Floats

_STEP = 1 / 200  # of 1 / df, between which critical values are read off a straight line
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(48)
_FAR = 8.5  # no double has a normal beyond it that matters
_POINTS = 20_000  # of the quasi-random rule for many dimensions
_SEED = 20261125  # of that rule: the same value wherever it is asked for
_SLACK = 1e-3  # for the error of the rule at either end


def _stats() -> Any:  # noqa: ANN401 - a module
    """Return scipy.stats, which takes a second to import that no other rule needs."""
    from scipy import stats  # noqa: PLC0415

    return stats


def chance_below(limit: float, df: float, loadings: tuple[float, ...]) -> float:
    """Chance that every t is at most ``limit``, with correlations ``loadings[i] * loadings[j]``.

    Those of arms against one control, whose loadings are sqrt(n / (n + n control)). Given the
    control's mean, a normal, and the pooled SD, arms are independent: two integrals do it.
    """
    x, wx = (
        _FAR * _NODES,
        _FAR * _WEIGHTS * np.exp(-((_FAR * _NODES) ** 2) / 2.0) / np.sqrt(2.0 * np.pi),
    )
    scale, ws = _chi(df)
    loading = np.array(loadings)[:, None, None]
    inside = (limit * scale[:, None] - loading * x) / np.sqrt(1.0 - loading**2)
    return float(ws @ special.ndtr(inside).prod(axis=0) @ wx)


def chance_any(limit: float, df: float, correlation: Floats, shift: Floats) -> float:
    """Chance that some t exceeds ``limit`` if each is (normal + ``shift``) over one pooled chi."""
    scale, weights = _chi(df)
    below = [_normals_below(limit * scaled - shift, correlation) for scaled in scale]
    return float(1.0 - weights @ np.array(below))


def correlated_chance_below(limit: float, df: float, correlation: Floats) -> float:
    """Chance that every t is at most ``limit``, for any correlations."""
    limits = np.full(len(correlation), limit)
    if np.isinf(df):
        return _normals_below(limits, correlation)
    if len(correlation) == 1:
        return float(special.stdtr(df, limit))
    joint: Any = _stats().multivariate_t  # its stubs know whole degrees of freedom only
    return float(
        joint.cdf(
            limits, None, correlation, df, allow_singular=True, maxpts=_POINTS, random_state=_SEED
        )
    )


def _normals_below(limits: Floats, correlation: Floats) -> float:
    if len(correlation) == 1:
        return float(special.ndtr(limits[0]))
    joint: Any = _stats().multivariate_normal
    return float(
        joint.cdf(limits, None, correlation, allow_singular=True, maxpts=_POINTS, rng=_SEED)
    )


def critical_value(
    below: Callable[[float], float], one_sided_alpha: float, df: float, several: int
) -> float:
    """Value that the largest of several t exceeds with probability alpha.

    ``below`` is its distribution, by a rule with an error. The value lies between that of one t and
    Bonferroni's, and is one of these where the error is larger than what is between.
    """
    ends = np.array([1.0 - one_sided_alpha, 1.0 - one_sided_alpha / several])
    low, high = special.ndtri(ends) if np.isinf(df) else special.stdtrit(df, ends)
    if below(low - _SLACK) >= ends[0]:
        return float(low)
    if below(high + _SLACK) <= ends[0]:
        return float(high)
    return float(brentq(lambda c: below(c) - ends[0], low - _SLACK, high + _SLACK, xtol=1e-7))


def critical_values(df: Floats, at: Callable[[float], float]) -> Floats:
    """Critical values for many degrees of freedom, nan for nan.

    ``at`` gives that of one; it is asked at a few, as 1 / df moves a critical value along what is
    nearly a line.
    """
    inverse = 1.0 / np.maximum(df, 1.0)
    known = np.isfinite(inverse)
    low = np.floor(np.where(known, inverse, 0.0) / _STEP).astype(np.int64)
    places = np.unique(np.concatenate([low[known], low[known] + 1]))
    if not places.size:
        return np.full(df.shape, np.nan)
    nodes = places * _STEP
    values = [at(1.0 / x if x > 0.0 else np.inf) for x in np.minimum(nodes, 1.0)]
    return np.where(known, np.interp(inverse, nodes, values), np.nan)


@lru_cache(maxsize=512)
def _chi(df: float) -> tuple[Floats, Floats]:
    """Nodes and weights of the SD over its true value."""
    if np.isinf(df):
        return np.ones(1), np.ones(1)
    half = df / 2.0
    low, high = np.sqrt(special.gammaincinv(half, np.array([1e-14, 1 - 1e-14])) / half)
    node = low + (high - low) * (_NODES + 1.0) / 2.0
    chi_square = node**2 * half  # half of it
    density = np.exp(special.xlogy(half, chi_square) - chi_square - special.gammaln(half))
    density *= 2.0 / node
    return node, _WEIGHTS * density * (high - low) / 2.0
