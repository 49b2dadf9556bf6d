"""Residual ranks of an outcome given ranks of covariates, compared between arms within strata.

Koch, Amara, Davis and Gillings, Biometrics 1982; Quade, JASA 1967. Given the residuals, treatment
is as if drawn at random within each stratum: mean and variance of their sum over the treated are
those of a sample without replacement.
"""

import numpy as np

from phase2sim.analyses.tolerances import DETERMINED
from phase2sim.core.arrays import Arms, Bools, Floats, Ints
from phase2sim.core.contracts import COLLINEAR, EMPTY_ARM, TOO_FEW
from phase2sim.core.kernels import kernel


@kernel
def rank_residuals(
    outcome: Floats, arm: Arms, covariates: Floats, level: Ints, levels: int
) -> tuple[Floats, Floats, Floats, Ints]:
    """Adjusted difference in mean ranks, over patients + 1, in every trial.

    ``outcome`` is (trial, patient), ``covariates`` (covariate, trial, patient), ``level`` (trial,
    patient) in ``range(levels)``, read only if ``levels`` exceeds 1. Patients with a nan are left
    out. Returns the difference, its standard error under no effect, infinite degrees of freedom,
    and the index in ``FAILURES``, each (trial,).
    """
    trials, patients = arm.shape
    columns = np.empty((covariates.shape[0] + 1, patients))
    treated = np.empty(patients, np.bool_)
    effect = np.full(trials, np.nan)
    se = np.full(trials, np.nan)
    df = np.full(trials, np.nan)
    reason = np.zeros(trials, np.int64)
    for trial in range(trials):
        sizes = np.zeros(2, np.int64)
        total = variance = weight = 0.0
        for h in range(levels):
            n = _collect(columns, treated, outcome, arm, covariates, level, levels, trial, h)
            n1 = treated[:n].sum()
            sizes += np.array([n - n1, n1])
            if 0 < n1 < n:
                share = n1 * (n - n1) / n
                difference, square = _residuals(columns[:, :n], treated[:n])
                total += share * difference
                variance += share / (n - 1.0) * square
                weight += share
        if sizes.min() == 0:
            reason[trial] = EMPTY_ARM
        elif weight == 0.0:
            reason[trial] = COLLINEAR
        elif sizes.sum() < 2 + columns.shape[0]:
            reason[trial] = TOO_FEW
        else:
            # Residual ranks that do not vary say nothing: no difference, of unbounded error.
            effect[trial] = total / weight if variance > 0.0 else 0.0
            se[trial] = np.sqrt(variance) / weight if variance > 0.0 else np.inf
            df[trial] = np.inf
    return effect, se, df, reason


@kernel
def _collect(
    columns: Floats,
    treated: Bools,
    outcome: Floats,
    arm: Arms,
    covariates: Floats,
    level: Ints,
    levels: int,
    trial: int,
    h: int,
) -> int:
    """Copy covariates and outcome of a stratum's complete patients; return how many there are."""
    n = 0
    last = covariates.shape[0]
    for i in range(arm.shape[1]):
        if levels > 1 and level[trial, i] != h:
            continue
        complete = not np.isnan(outcome[trial, i])
        for j in range(last):
            columns[j, n] = covariates[j, trial, i]
            complete = complete and not np.isnan(columns[j, n])
        columns[last, n] = outcome[trial, i]
        treated[n] = arm[trial, i] == 1
        n += 1 if complete else 0
    return n


@kernel
def _residuals(columns: Floats, treated: Bools) -> tuple[float, float]:
    """Difference between arms in mean residual rank, and the residuals' sum of squares.

    Ranks are over patients + 1. A covariate that those before it determine is left out.
    """
    outcome = columns.shape[0] - 1
    norms = np.zeros(columns.shape[0])
    for j in range(outcome + 1):
        column = _centred_ranks(columns[j])
        squares = (column**2).sum()
        for k in range(j):
            if norms[k] > 0.0:
                column -= (column * columns[k]).sum() / norms[k] * columns[k]
        left = (column**2).sum()
        columns[j] = column
        norms[j] = left if left > DETERMINED * squares else 0.0
    if norms[outcome] == 0.0:
        return 0.0, 0.0
    residual = columns[outcome]
    return residual[treated].mean() - residual[~treated].mean(), norms[outcome]


@kernel
def _centred_ranks(values: Floats) -> Floats:
    """Ranks over patients + 1, less their mean of 1/2; equal values share their mean rank."""
    n = values.size
    order = np.argsort(values)
    ranks = np.empty(n)
    first = 0
    while first < n:
        last = first + 1
        while last < n and values[order[last]] == values[order[first]]:
            last += 1
        for i in range(first, last):
            ranks[order[i]] = (first + last + 1) / 2.0 / (n + 1.0) - 0.5
        first = last
    return ranks
