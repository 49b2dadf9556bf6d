"""Effective sample size of a mixture prior, in patients."""

import numpy as np

from phase2sim.core.arrays import Floats
from phase2sim.theory.mixtures.normal_mixture import NormalMixture

_NODES = 24  # of a Gauss-Legendre rule between two neighbouring edges
_EDGES_SD = np.linspace(-13.0, 13.0, 53)  # around each component; nothing is left beyond


def moment_patients(mixture: NormalMixture, reference_sd: float) -> float:
    """Patients whose mean is as uncertain as the mixture: ``reference_sd``^2 / variance.

    ``reference_sd`` is the SD of the estimate from one patient.
    """
    return float(reference_sd**2 / mixture.sd() ** 2)


def elir_patients(mixture: NormalMixture, reference_sd: float) -> float:
    """Patients by the expected local information ratio of the mixture.

    Expected information of the prior, E[(d log p / dx)^2] (by parts equal to E[-d^2 log p / dx^2]),
    over that of one patient. Neuenschwander, Weber, Schmidli and O'Hagan, Biometrics 2020.
    """
    at, weights = quadrature(mixture)
    information = (weights * mixture.density(at) * mixture.score(at) ** 2).sum()
    return float(reference_sd**2 * information)


def quadrature(mixture: NormalMixture, low: float = -np.inf) -> tuple[Floats, Floats]:
    """Nodes and weights that integrate a smooth function times the density, from ``low`` up."""
    edges = np.unique((mixture.means[:, None] + mixture.sds[:, None] * _EDGES_SD).ravel())
    if np.isfinite(low):
        edges = np.append(low, edges[edges > low])
    return composite_rule(edges)


def composite_rule(edges: Floats) -> tuple[Floats, Floats]:
    """Gauss-Legendre nodes and weights between neighbouring edges."""
    node, weight = np.polynomial.legendre.leggauss(_NODES)
    half = 0.5 * np.diff(edges)[:, None]
    middle = 0.5 * (edges[1:] + edges[:-1])[:, None]
    return (middle + half * node).ravel(), (half * weight).ravel()
