"""The unstructured model in closed form, where values are missing monotonely.

With a coefficient at each visit for every covariate, and no patient who misses a visit and comes
back, the restricted likelihood is a product of regressions, one per visit: of the outcome on the
covariates and the outcomes before it, among the patients seen there. Each has slopes and a variance
of its own, so least squares is the maximum, and the information is block-diagonal (Tang, Statistics
in Medicine 2017). In the full likelihood the same holds, with other degrees of freedom.
"""

import numpy as np

from phase2sim.analyses.mixed_models.covariance_structures import unit_triangle
from phase2sim.analyses.mixed_models.missing_patterns import ARM, PatternSums
from phase2sim.analyses.mixed_models.starting_values import VisitRegressions
from phase2sim.core.arrays import Floats
from phase2sim.core.kernels import kernel


@kernel
def monotone_contrast(
    regressions: VisitRegressions, parameters: Floats, weights: Floats, columns: int
) -> tuple[float, float, float]:
    """Effect by ``weights`` (visit,), its variance, and the variance of that variance.

    The last is ``g' H^-1 g`` of Satterthwaite's degrees of freedom.
    """
    visits = weights.size
    loading = unit_triangle(parameters, visits)
    share = np.zeros(visits)  # of each visit's own effect in the contrast
    visit_variance = np.zeros(visits)  # variance of each visit's own effect
    effect = variance = spread = 0.0
    for v in range(visits):
        for w in range(v, visits):
            share[v] += weights[w] * loading[w, v]
        if regressions.freedom[v] > 0.0:
            left = regressions.left[v] / regressions.freedom[v]
            visit_variance[v] = left * _inverse_of_arm(regressions.factors[v], columns)
            effect += share[v] * regressions.factors[v, columns + v, ARM]
            variance += share[v] ** 2 * visit_variance[v]
            spread += 2.0 / regressions.freedom[v] * (share[v] ** 2 * visit_variance[v]) ** 2
    slope = np.zeros(visits)  # of the variance, by the slopes of one visit
    for v in range(visits):
        if regressions.freedom[v] > 0.0:
            for u in range(v):
                slope[u] = 0.0
                for w in range(u + 1):
                    slope[u] += 2.0 * share[w] * visit_variance[w] * share[v] * loading[u, w]
            spread += (
                regressions.left[v]
                / regressions.freedom[v]
                * _in_metric(regressions.factors[v], slope, v, columns)
            )
    return effect, variance, spread


@kernel
def monotone_inverse(regressions: VisitRegressions, columns: int) -> Floats:
    """Inverse of the observed information by the parameters, (parameter, parameter)."""
    visits = regressions.freedom.size
    inverse = np.zeros((visits * (visits + 1) // 2, visits * (visits + 1) // 2))
    unit = np.zeros(visits)
    j = 0
    for v in range(visits):
        if regressions.freedom[v] > 0.0:
            factor = regressions.factors[v, columns : columns + v, columns : columns + v]
            root = np.zeros((v, v))  # inverse of the factor
            for u in range(v):
                unit[:] = 0.0
                unit[u] = 1.0
                _forward(unit, factor, v)
                root[:, u] = unit[:v]
            for u in range(v):
                for w in range(v):
                    total = 0.0
                    for i in range(v):
                        total += root[i, u] * root[i, w]
                    inverse[j + u, j + w] = total * regressions.left[v] / regressions.freedom[v]
            inverse[j + v, j + v] = 2.0 / regressions.freedom[v]
        j += v + 1
    return inverse


@kernel
def monotone_value(
    regressions: VisitRegressions,
    sums: PatternSums,
    trial: int,
    restricted: bool,  # noqa: FBT001  numba has no keyword-only arguments
) -> float:
    """Log-likelihood at the maximum."""
    columns = sums.sums.shape[2] - regressions.freedom.size
    total = 0.0
    for v in range(regressions.freedom.size):
        freedom = regressions.freedom[v]
        if freedom > 0.0:
            variance = regressions.left[v] / freedom
            total += freedom * (np.log(2.0 * np.pi * variance * sums.scale[trial] ** 2) + 1.0)
            for j in range(columns):
                if restricted and regressions.factors[v, j, j] > 0.0:
                    total += 2.0 * np.log(regressions.factors[v, j, j])
    if restricted:
        total += 2.0 * sums.log_scales[trial]
    value: float = -0.5 * total
    return value


@kernel
def _inverse_of_arm(factor: Floats, columns: int) -> float:
    """Diagonal entry of the treatment in the inverse of the covariates' products."""
    unit = np.zeros(columns)
    unit[ARM] = 1.0
    _forward(unit, factor, columns)
    return (unit**2).sum()


@kernel
def _in_metric(factor: Floats, slope: Floats, v: int, columns: int) -> float:
    """``slope`` squared by the inverse of what the covariates leave of the outcomes' products."""
    solved = slope[:v].copy()
    _forward(solved, factor[columns : columns + v, columns : columns + v], v)
    return (solved**2).sum()


@kernel
def _forward(target: Floats, factor: Floats, size: int) -> None:
    """Solve with a Cholesky factor, in place; a column of zeros gets 0."""
    for j in range(size):
        if factor[j, j] > 0.0:
            for k in range(j):
                target[j] -= factor[j, k] * target[k]
            target[j] /= factor[j, j]
        else:
            target[j] = 0.0
