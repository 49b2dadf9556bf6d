"""Constants of the likelihoods: times of entry, sample medians, quadrature."""

from functools import lru_cache
from itertools import pairwise

import numpy as np
from scipy import special
from scipy.optimize import nnls

from phase2sim.core.arrays import Floats
from phase2sim.core.entry_times import EntryTime

KNOTS_MONTHS: Floats = np.array([0.0, 1.0, 3.0, 6.0, 12.0, 24.0, 36.0])
KNOTS_MONTHS.flags.writeable = False
LARGE_SAMPLE = 60  # n above which the covariance of two medians is asymptotic
DEGREES: Floats = np.arange(1.0, 16.0, 2.0)  # odd powers of the correlation
DEGREES.flags.writeable = False
# Minimax approximation of arcsin(rho): relative error below 6e-4 up to rho = 0.95. The Taylor
# series of the same degree, with the remainder in the last term, is 5 % too large there.
ARCSINE: Floats = np.array([0.99982, 0.15832, 0.1239, 0.0, 0.0, 0.0, 0.0, 0.15344])
ARCSINE.flags.writeable = False
SIMULATED = 200_000
_POINTS_OF_A_PIECE = 200
_HARDLY_ANYBODY = 1e-9


def basis(months: Floats) -> Floats:
    """Interpolation weights (..., knot) of a curve at months since diagnosis.

    Linear between knots; constant before the first and after the last.
    """
    columns = [np.interp(months, KNOTS_MONTHS, unit) for unit in np.eye(KNOTS_MONTHS.size)]
    return np.stack(columns, axis=-1)


def entry_nodes(
    entry: EntryTime, after: tuple[float, ...], per_piece: int = 2
) -> tuple[Floats, Floats]:
    """Entry times and weights (node,) for averages over the times at which patients enter.

    The window is split where a visit, one of ``after`` months later, reaches a knot. The
    ``per_piece`` nodes are those of the Gauss rule of the distribution within a piece, exact for
    piecewise polynomials of degree ``2 per_piece - 1``.
    """
    if not entry.has_width:
        return np.array([entry.earliest]), np.array([1.0])
    low, high = entry.quantiles(np.array([0.0, 1.0]))
    kinks = np.concatenate([KNOTS_MONTHS - months for months in after])
    inside = kinks[(kinks > low) & (kinks < high)]
    edges = np.unique(np.concatenate([[low, high], inside]))
    if entry.is_even:
        node, weight = unit_quadrature(per_piece)
        width = np.diff(edges)[:, None]
        nodes = (edges[:-1, None] + width * node).ravel()
        return nodes, (width * weight).ravel() / (high - low)
    pieces = [_piece_rule(entry, piece, per_piece) for piece in pairwise(edges)]
    nodes, weights = (np.concatenate(parts) for parts in zip(*pieces, strict=True))
    return nodes, weights / weights.sum()


def _piece_rule(entry: EntryTime, piece: tuple[float, float], nodes: int) -> tuple[Floats, Floats]:
    """Gauss rule of the entry times within one piece of the window; empty if hardly anybody is."""
    below, above = entry.share_below(np.array(piece))
    if above - below < _HARDLY_ANYBODY:
        return np.zeros(0), np.zeros(0)
    share, weight = unit_quadrature(_POINTS_OF_A_PIECE)
    everybody = entry._replace(above=float(below), below=float(above))
    node, weight = gauss_rule(everybody.quantiles(share), weight, nodes)
    return node, (above - below) * weight


def gauss_rule(points: Floats, weights: Floats, nodes: int) -> tuple[Floats, Floats]:
    """Gauss rule with few nodes of a discrete distribution.

    By the Lanczos recurrence and the eigenvalues of the Jacobi matrix (Golub and Welsch, Math Comp
    1969; 23: 221).
    """
    centre, scale = points @ weights, float(np.ptp(points)) / 2.0
    x = (points - centre) / scale
    basis_row, before = np.sqrt(weights / weights.sum()), np.zeros_like(points)
    diagonal, off = np.zeros(nodes), np.zeros(nodes)
    for k in range(nodes):
        diagonal[k] = basis_row @ (x * basis_row)
        rest = (x - diagonal[k]) * basis_row - (off[k - 1] if k else 0.0) * before
        off[k] = np.linalg.norm(rest)
        before, basis_row = basis_row, rest / off[k]
    values, vectors = np.linalg.eigh(
        np.diag(diagonal) + np.diag(off[:-1], 1) + np.diag(off[:-1], -1)
    )
    return centre + scale * values, weights.sum() * vectors[0] ** 2


def unit_quadrature(nodes: int) -> tuple[Floats, Floats]:
    """Gauss-Legendre nodes and weights on (0, 1)."""
    node, weight = np.polynomial.legendre.leggauss(nodes)
    return (node + 1.0) / 2.0, weight / 2.0


def half_gap_reach(beyond: int) -> float:
    """Upper limit of the half gap h between the two middle values, in SDs, for integration.

    ``beyond`` values lie on each side of the two. The density decays at least like
    exp(-1.596 beyond h) and exp(-h^2); the limit is where it has decayed by a factor exp(30).
    """
    return float(min(6.0, 30.0 / (2.0 * np.sqrt(2.0 / np.pi) * beyond))) if beyond else 6.0


@lru_cache
def median_variance(n: int) -> float:
    """Variance v_n of the sample median of n standard normal values, by integrating its density."""
    deviations = np.linspace(-9.0, 9.0, 2001) / np.sqrt(max(n / 2.0, 1.0))
    log_density = median_log_density(deviations, n)
    density = np.exp(log_density - log_density.max())  # avoids underflow above n = 1,000
    return float(np.sum(deviations**2 * density) / np.sum(density))  # trapezoid: exact to rounding


def median_log_density(median: Floats, n: int) -> Floats:
    """Log density, up to a constant, of the median of n standard normal values."""
    beyond = (n - 1) // 2
    if n % 2:
        tails = special.log_ndtr(median) + special.log_ndtr(-median)
        odd: Floats = beyond * tails - median**2 / 2.0
        return odd
    node, weight = unit_quadrature(80)
    half_gap = half_gap_reach(beyond) * node
    tails = special.log_ndtr(median[:, None] - half_gap) + special.log_ndtr(
        -median[:, None] - half_gap
    )
    log_joint = beyond * tails - median[:, None] ** 2 - half_gap**2
    even: Floats = special.logsumexp(log_joint, b=weight, axis=1)
    return even


@lru_cache
def median_covariance(n: int) -> tuple[float, ...]:
    """Coefficients of c_n(rho), the covariance of the medians of n standard normal pairs.

    One coefficient for each odd power in ``DEGREES``. The median minus the mean is independent of
    the mean, so the first is 1/n; the remainder is a series in odd powers with nonnegative
    coefficients (Mehler) that sum to v_n - 1/n. Up to ``LARGE_SAMPLE`` patients they are fitted to
    a simulation with a fixed seed (standard error below 1 % of the remainder). Above,
    c_n = arcsin(rho) / n, accurate for correlations up to 0.95.
    """
    if n > LARGE_SAMPLE:
        return tuple(ARCSINE / n)
    remainder = median_variance(n) - 1.0 / n
    if n <= 2 or remainder <= 0:  # noqa: PLR2004  # the median of two values is their mean
        return (1.0 / n, *np.zeros(DEGREES.size - 1))
    rho = np.array([0.3, 0.5, 0.7, 0.85, 0.95])
    powers = rho[:, None] ** DEGREES[1:]
    certain = 1e3  # weight of the exact sum against the simulated values
    rows = np.vstack([powers, certain * np.ones(DEGREES.size - 1)])
    simulated = _simulated_remainder(n, rho) / remainder
    share, _ = nnls(rows, np.append(simulated, certain))
    return (1.0 / n, *(remainder * share / share.sum()))


def _simulated_remainder(n: int, rho: Floats) -> Floats:
    rng = np.random.Generator(np.random.Philox(key=n))
    total = np.zeros(rho.size)
    batch = 20_000
    for _ in range(SIMULATED // batch):
        first_sample, new_sample = rng.standard_normal((2, batch, n))
        excess = np.median(first_sample, axis=1) - first_sample.mean(axis=1)
        for position, correlation in enumerate(rho):
            second_sample = correlation * first_sample + np.sqrt(1.0 - correlation**2) * new_sample
            second_excess = np.median(second_sample, axis=1) - second_sample.mean(axis=1)
            total[position] += np.mean(excess * second_excess)
    return total / (SIMULATED // batch)
