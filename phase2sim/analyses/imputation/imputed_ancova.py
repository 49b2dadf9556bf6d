"""Completing the analysed visit, and the effect of treatment at it by least squares."""

from typing import NamedTuple

import numpy as np

from phase2sim.analyses.imputation.sequential_regressions import TrialPatients, factorise
from phase2sim.analyses.mixed_models.missing_patterns import ARM
from phase2sim.core.arrays import Floats
from phase2sim.core.contracts import COLLINEAR, TOO_FEW
from phase2sim.core.kernels import kernel
from phase2sim.core.small_matrices import back, forward

# Mean of a treated patient after the last observed visit.
MAR, JUMP, COPY = range(3)


class CompletedRegression(NamedTuple):
    """Least squares of the completed outcome on the columns of x."""

    factor: Floats  # (column, column)
    weights: Floats  # (patient,) of the outcomes in the effect
    inverse: float  # of the products of the columns, at the treatment
    used: int  # coefficients
    reason: int


@kernel
def design_of(patients: TrialPatients) -> CompletedRegression:
    """Design of one trial; all patients with every covariate count."""
    n, columns = patients.x.shape
    products = np.zeros((columns, columns))
    for i in range(n):
        for a in range(columns):
            for b in range(a + 1):
                products[a, b] += patients.x[i, a] * patients.x[i, b]
    factor = np.zeros((columns, columns))
    used = factorise(factor, products, columns, (patients.needed, columns))
    row = np.zeros(columns)
    row[ARM] = 1.0
    weights = np.zeros(n)
    if used == 0 or n <= used:
        return CompletedRegression(
            factor, weights, np.nan, used, COLLINEAR if used == 0 else TOO_FEW
        )
    forward(row, factor, columns)
    back(row, factor, columns)
    for i in range(n):
        weights[i] = (row * patients.x[i]).sum()
    return CompletedRegression(factor, weights, row[ARM], used, 0)


@kernel
def residuals(
    target: Floats, patients: TrialPatients, design: CompletedRegression, y: Floats
) -> None:
    """Fill ``target`` (patient) with the least-squares residuals of ``y``."""
    n, columns = patients.x.shape
    slopes = np.zeros(columns)
    for i in range(n):
        for j in range(columns):
            slopes[j] += patients.x[i, j] * y[i]
    forward(slopes, design.factor, columns)
    back(slopes, design.factor, columns)
    for i in range(n):
        target[i] = y[i] - (slopes * patients.x[i]).sum()


@kernel
def is_missing(patients: TrialPatients, i: int) -> bool:
    """Whether a patient was not observed at the analysed visit or later."""
    return bool(patients.last[i] <= patients.visit)


@kernel
def visit_effects(slopes: Floats, columns: int, upto: int) -> Floats:
    """Effect of treatment on the mean of every visit, (visit,)."""
    shift = np.zeros(upto)
    for v in range(upto):
        shift[v] = slopes[v, ARM]
        for k in range(v):
            shift[v] += slopes[v, columns + k] * shift[k]
    return shift


@kernel
def lost_effect(shift: Floats, patients: TrialPatients, i: int, strategy: int) -> float:
    """Effect of treatment that the strategy takes from a missing patient's outcome."""
    if strategy == MAR or patients.x[i, ARM] == 0.0:
        return 0.0
    gone: float = shift[patients.visit]
    if strategy == COPY and patients.last[i] > 0:
        gone -= shift[patients.last[i] - 1]
    return gone


@kernel
def predict_outcome(patients: TrialPatients, i: int, slopes: Floats, noise: Floats) -> float:
    """Outcome at the analysed visit of a missing patient, in the own arm.

    Fills the visits after the last seen one on the way. ``noise`` (visit,) is added to each.
    """
    columns = patients.x.shape[1]
    for v in range(patients.last[i], patients.visit + 1):
        y = noise[v]
        for j in range(columns):
            y += slopes[v, j] * patients.x[i, j]
        for k in range(v):
            y += slopes[v, columns + k] * patients.y[i, k]
        patients.y[i, v] = y
    final: float = patients.y[i, patients.visit]
    return final


@kernel
def fill_outcomes(y: Floats, patients: TrialPatients, slopes: Floats, strategy: int) -> None:
    """Fill ``y`` (patient) with outcomes at the analysed visit, imputed by conditional means."""
    shift = visit_effects(slopes, patients.x.shape[1], patients.visit + 1)
    silence = np.zeros(patients.visit + 1)
    for i in range(y.size):
        y[i] = patients.y[i, patients.visit]
        if is_missing(patients, i):
            y[i] = predict_outcome(patients, i, slopes, silence) - lost_effect(
                shift, patients, i, strategy
            )
