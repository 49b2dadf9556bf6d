"""How old the patients of a trial are: uniform, or normal cut to the ages that may enrol."""

import numpy as np
from scipy.special import ndtr, ndtri

from phase2sim.core.arrays import Floats
from phase2sim.core.contracts import Plan


def ages(plan: Plan, uniform: Floats) -> Floats:
    """Ages at the quantiles ``uniform``, in its shape; nan where the plan says nothing of age."""
    low, high = plan.age_years
    if not low < high:
        return np.full(uniform.shape, low)
    if plan.age_normal is None:
        return low + (high - low) * uniform
    mean, sd = plan.age_normal
    below, above = ndtr((low - mean) / sd), ndtr((high - mean) / sd)
    cut: Floats = mean + sd * ndtri(below + uniform * (above - below))
    return np.clip(cut, low, high)


def age_moments(plan: Plan) -> tuple[float, float]:
    """Mean and variance of age among those who may enrol; nan where the plan says nothing of age.

    A cut normal's are those of Johnson, Kotz and Balakrishnan, Continuous Univariate
    Distributions 1, 1994, section 13.10.
    """
    low, high = plan.age_years
    if plan.age_normal is None or not low < high:
        return 0.5 * (low + high), (high - low) ** 2 / 12
    mean, sd = plan.age_normal
    a, b = (low - mean) / sd, (high - mean) / sd
    mass = float(ndtr(b) - ndtr(a))
    shift = (_density(a) - _density(b)) / mass
    spread = 1.0 + (a * _density(a) - b * _density(b)) / mass - shift**2
    return mean + sd * shift, sd**2 * spread


def _density(z: float) -> float:
    return float(np.exp(-0.5 * z * z) / np.sqrt(2.0 * np.pi))
