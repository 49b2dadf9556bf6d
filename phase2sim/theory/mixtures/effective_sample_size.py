"""Effective sample size of a mixture prior, in patients."""

import numpy as np

from phase2sim.core.arrays import Floats
from phase2sim.theory.mixtures.normal_mixture import NormalMixture

_NODES = 24  # of the Gauss-Legendre rule between two neighbouring edges
_EDGES_SD = np.linspace(-13.0, 13.0, 53)  # around each component; the tails beyond are negligible


def moment_patients(mixture: NormalMixture, reference_sd: float) -> float:
    """Effective sample size by moments: patients whose mean has the variance of the mixture.

    Parameters
    ----------
    mixture : NormalMixture
        One prior, without leading axes.
    reference_sd : float
        SD of the estimate from one patient, in the unit of the mixture.

    Returns
    -------
    float
        Patients: ``reference_sd**2`` over the variance of the mixture.

    References
    ----------
    Neuenschwander, Weber, Schmidli and O'Hagan (2020), Biometrics 76: 578-587.

    Examples
    --------
    A robust mixture with a reference SD of 40 (R 4.2.2: 4.17362270):

    >>> from phase2sim.theory.mixtures import normal_mixture
    >>> prior = normal_mixture([0.6, 0.4], [-50, -40], [5, 10]).robustified(0.2, -45, 40)
    >>> round(moment_patients(prior, 40.0), 6)
    4.173623
    """
    return float(reference_sd**2 / mixture.sd() ** 2)


def elir_patients(mixture: NormalMixture, reference_sd: float) -> float:
    """Effective sample size by the expected local information ratio (ELIR).

    Expected information of the prior, E[(d log p / dx)^2] (by parts equal to E[-d^2 log p / dx^2]),
    over that of one patient.

    Parameters
    ----------
    mixture : NormalMixture
        One prior, without leading axes.
    reference_sd : float
        SD of the estimate from one patient, in the unit of the mixture.

    Returns
    -------
    float
        Patients.

    References
    ----------
    Neuenschwander, Weber, Schmidli and O'Hagan (2020), Biometrics 76: 578-587.

    Examples
    --------
    A robust mixture with a reference SD of 40 (R 4.2.2: 21.19872103):

    >>> from phase2sim.theory.mixtures import normal_mixture
    >>> prior = normal_mixture([0.6, 0.4], [-50, -40], [5, 10]).robustified(0.2, -45, 40)
    >>> round(elir_patients(prior, 40.0), 6)
    21.198721
    """
    nodes, weights = quadrature(mixture)
    information = (weights * mixture.density(nodes) * mixture.score(nodes) ** 2).sum()
    return float(reference_sd**2 * information)


def quadrature(mixture: NormalMixture, low: float = -np.inf) -> tuple[Floats, Floats]:
    """Quadrature rule for a smooth function times the density of a mixture.

    Parameters
    ----------
    mixture : NormalMixture
        One mixture, without leading axes.
    low : float, default -inf
        Lower limit of the integral.

    Returns
    -------
    nodes : ndarray of float, (node,)
        Values at which to evaluate the function and the density.
    weights : ndarray of float, (node,)
        Weights of their product.

    References
    ----------
    Davis and Rabinowitz (1984), Methods of Numerical Integration, on composite
    Gauss-Legendre rules.

    Examples
    --------
    The upper half of a standard normal, and its mean part, ``1 / sqrt(2 pi)`` = 0.39894228:

    >>> from phase2sim.theory.mixtures import normal_mixture
    >>> standard = normal_mixture([1], [0], [1])
    >>> nodes, weights = quadrature(standard, low=0.0)
    >>> mass = weights * standard.density(nodes)
    >>> round(float(mass.sum()), 8), round(float((mass * nodes).sum()), 8)
    (0.5, 0.39894228)
    """
    edges = np.unique((mixture.means[:, None] + mixture.sds[:, None] * _EDGES_SD).ravel())
    if np.isfinite(low):
        edges = np.append(low, edges[edges > low])
    return composite_rule(edges)


def composite_rule(edges: Floats) -> tuple[Floats, Floats]:
    """Gauss-Legendre rule of 24 points between each two neighbouring edges.

    Parameters
    ----------
    edges : ndarray of float, (edge,)
        Limits of the panels, rising.

    Returns
    -------
    nodes : ndarray of float, (node,)
        Values at which to evaluate a function.
    weights : ndarray of float, (node,)
        Weights of its values.

    References
    ----------
    Davis and Rabinowitz (1984), Methods of Numerical Integration.

    Examples
    --------
    The integral of ``x**3`` from 0 to 2 is 4:

    >>> nodes, weights = composite_rule(np.array([0.0, 0.5, 2.0]))
    >>> round(float((weights * nodes**3).sum()), 12)
    4.0
    """
    node, weight = np.polynomial.legendre.leggauss(_NODES)
    half = 0.5 * np.diff(edges)[:, None]
    middle = 0.5 * (edges[1:] + edges[:-1])[:, None]
    return (middle + half * node).ravel(), (half * weight).ravel()
