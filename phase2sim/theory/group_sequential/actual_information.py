"""Bounds that follow the information each trial has at its looks, not the planned one.

Error is spent by the fraction of the planned maximum that a look has (Lan and DeMets 1983); the
last look spends what is left, whatever its information. How looks depend on one another follows
their own information.
"""

import numpy as np

from phase2sim.core.arrays import Floats
from phase2sim.core.kernels import kernel
from phase2sim.theory.group_sequential.integration import bound_of, onward, upper_bounds

_STEP = 1e-3  # of the maximum: no look is taken to have less than this more than the one before


def rising(information: Floats) -> Floats:
    """Fractions (trial, look) of the maximum, made to rise; nan, a failed look, adds nothing.

    An estimated variance may make a later look look less informed; it is taken to have a little
    more than the one before.
    """
    found = np.empty_like(information)
    before = np.zeros(information.shape[0])
    for look in range(information.shape[1]):
        now = np.where(np.isnan(information[:, look]), 0.0, information[:, look])
        found[:, look] = before = np.maximum(now, before + _STEP)
    return found


@kernel
def spending_bounds(information: Floats, spent: Floats) -> Floats:
    """Upper bounds on z (trial, look) that spend ``spent``, the error of each look alone."""
    trials, looks = information.shape
    bounds = np.empty((trials, looks))
    nobody = np.full(looks, -np.inf)
    for trial in range(trials):
        bounds[trial] = upper_bounds(information[trial], nobody, spent[trial])
    return bounds


@kernel
def futility_bounds(information: Floats, upper: Floats, spent: Floats, drift: float) -> Floats:
    """Lower bounds on z (trial, look) that spend ``spent`` of the type II error at a true drift.

    The last look has none: it is left as the upper bound.
    """
    trials, looks = information.shape
    bounds = upper.copy()
    for trial in range(trials):
        at, mass = np.zeros(1), np.ones(1)
        for k in range(looks - 1):
            before = information[trial, k - 1] if k > 0 else 0.0
            now = information[trial, k]
            bound = bound_of(at, mass, before, now, drift, spent[trial, k], -1.0)
            bounds[trial, k] = min(bound, upper[trial, k])
            at, mass = onward(
                at, mass, information[trial], k, drift, bounds[trial, k], upper[trial, k]
            )
    return bounds
