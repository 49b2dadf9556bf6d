"""Multiple imputation: missing outcomes drawn several times from the model, each set analysed.

Without gaps before the last seen visit each imputation has its own draw of every regression, from
the posterior under a flat prior of slopes and log SD: independent draws (Rubin, Multiple Imputation
for Nonresponse in Surveys, 1987, section 5.4). With gaps these are drawn in turn with the
regressions (monotone data augmentation: Schafer, Analysis of Incomplete Multivariate Data, 1997,
section 6.5.4), from the maximum of the likelihood on.
"""

from typing import NamedTuple

import numpy as np
from numba import uint64

from phase2sim.analyses.imputation.imputed_ancova import (
    CompletedRegression,
    design_of,
    is_missing,
    lost_effect,
    predict_outcome,
    residuals,
    visit_effects,
)
from phase2sim.analyses.imputation.sequential_regressions import (
    STILL,
    Regressions,
    TrialPatients,
    add,
    fill,
    fit_regressions,
    has_gap,
    patients_of,
    regress,
    regression_space,
)
from phase2sim.analyses.mixed_models.missing_patterns import ARM
from phase2sim.core.arrays import Arms, Floats, Ints
from phase2sim.core.kernels import kernel
from phase2sim.core.randomness import PURPOSES, Word, fill_normal, fill_uniform
from phase2sim.core.small_matrices import back

FIRST_SWEEPS = 100  # of gaps and regressions, before the first imputation
SWEEPS = 10  # between imputations
_PURPOSE = np.uint64(PURPOSES["imputation"])
_SWEEP_BITS = 40  # a trial's number is below 2^40; above it stands the sweep


class Stream(NamedTuple):
    """Address of the random numbers of a batch."""

    seed: Word
    first: Word  # trial
    address: Word


class ImputedEstimates(NamedTuple):
    """Results of the imputations of each trial."""

    effect: Floats  # (trial, 2) mean, and how much it moves for each unit of delta
    between: Floats  # (trial,) variance of the effects
    within: Floats  # (trial, 3) mean variance, its terms in 2 delta and in delta^2
    df: Floats  # (trial,) of the complete data
    imputed: Floats  # (trial,) share of patients
    reason: Ints  # (trial,)


@kernel
def imputation_draws(
    value: Floats,
    arm: Arms,
    covariates: Floats,
    needed: int,
    visit: int,
    strategy: int,
    imputations: int,
    stream: Stream,
) -> ImputedEstimates:
    """Impute and analyse every trial; arguments as in ``conditional_means``."""
    trials = arm.shape[0]
    drawn = ImputedEstimates(
        np.full((trials, 2), np.nan),
        np.full(trials, np.nan),
        np.full((trials, 3), np.nan),
        np.full(trials, np.nan),
        np.full(trials, np.nan),
        np.zeros(trials, np.int64),
    )
    for trial in range(trials):
        patients = patients_of(value, arm, covariates, needed, visit, trial)
        drawn.reason[trial] = patients.reason
        if patients.reason > 0:
            continue
        design, model = design_of(patients), regression_space(patients)
        reason = design.reason if design.reason > 0 else fit_regressions(model, patients, -1, STILL)
        if reason == 0:
            trial_stream = Stream(stream.seed, stream.first + uint64(trial), stream.address)
            reason = _impute(
                drawn, trial, patients, model, design, strategy, imputations, trial_stream
            )
        drawn.reason[trial] = reason
    return drawn


@kernel
def _impute(
    drawn: ImputedEstimates,
    trial: int,
    patients: TrialPatients,
    model: Regressions,
    design: CompletedRegression,
    strategy: int,
    imputations: int,
    stream: Stream,
) -> int:
    """Fill one trial's results; 0 or the reason why there are none."""
    n = patients.last.size
    moved, rest, y = np.empty(n), np.empty(n), np.empty(n)
    for i in range(n):
        y[i] = patients.x[i, ARM] if is_missing(patients, i) else 0.0
    slope = (design.weights * y).sum()
    residuals(moved, patients, design, y)
    effects, within = np.empty(imputations), np.zeros(3)
    sweep = 0
    for m in range(imputations):
        for _ in range((SWEEPS if m > 0 else FIRST_SWEEPS) if patients.gaps else 1):
            noise, slopes = _draw(patients, model, stream, sweep)
            sweep += 1
            if patients.gaps:
                reason = _refit(model, patients)
                if reason > 0:
                    return reason
        _complete(y, patients, slopes, strategy, noise)
        effects[m] = (design.weights * y).sum()
        residuals(rest, patients, design, y)
        within[0] += (rest**2).sum() / imputations
        within[1] += (rest * moved).sum() / imputations
    within[2] = (moved**2).sum()
    drawn.effect[trial, 1] = slope
    _store_results(drawn, trial, patients, design, effects, within)
    return 0


@kernel
def _store_results(
    drawn: ImputedEstimates,
    trial: int,
    patients: TrialPatients,
    design: CompletedRegression,
    effects: Floats,
    within: Floats,
) -> None:
    """Store the results of a trial's imputations, on the scale of the outcome."""
    n, imputations, scale = patients.last.size, effects.size, patients.scale
    df = n - float(design.used)
    drawn.effect[trial, 0] = effects.mean() * scale
    drawn.between[trial] = ((effects - effects.mean()) ** 2).sum() / (imputations - 1.0) * scale**2
    for j in range(3):
        power = scale**2 if j == 0 else (scale if j == 1 else 1.0)
        drawn.within[trial, j] = within[j] * design.inverse / df * power
    drawn.df[trial] = df
    drawn.imputed[trial] = (patients.last <= patients.visit).sum() / n


@kernel
def _draw(
    patients: TrialPatients, model: Regressions, stream: Stream, sweep: int
) -> tuple[Floats, Floats]:
    """Draw regressions, fill gaps, and return the noise (patient, visit) and slopes drawn."""
    n, columns = patients.x.shape
    upto, visit = patients.upto, patients.visit
    uniform = np.empty(round(model.patients.sum()))
    normal = np.empty(upto * (columns + upto) + n * upto)
    trial = stream.first + (uint64(sweep) << uint64(_SWEEP_BITS))
    fill_uniform(uniform, stream.seed, _PURPOSE, trial, stream.address)
    fill_normal(normal, stream.seed, _PURPOSE, trial, stream.address | uint64(1))
    slopes, variance = np.empty_like(model.slopes), np.empty(upto)
    used = position = 0
    for v in range(upto):
        size = columns + v
        df = round(model.patients[v] - model.used[v])
        variance[v] = model.left[v] / _chi_square(uniform[position:], df)
        position += df + 1
        step = normal[used : used + size].copy()
        used += size
        back(step, model.factor[v], size)
        slopes[v, :size] = model.slopes[v, :size] + np.sqrt(variance[v]) * step
    noise = normal[used : used + n * upto].copy().reshape(n, upto)
    if patients.gaps:
        for i in range(n):
            if has_gap(patients, i):
                fill(patients, i, slopes, variance, noise[i])
    for v in range(visit + 1):
        noise[:, v] *= np.sqrt(variance[v])
    return noise, slopes


@kernel
def _chi_square(uniform: Floats, df: int) -> float:
    """A chi-square variable: twice an exponential for every 2 degrees, a squared normal for one."""
    total, product = 0.0, 1.0
    for k in range(df // 2):
        product *= 1.0 - uniform[k]
        if product < 1e-250:  # noqa: PLR2004  before it underflows
            total -= 2.0 * np.log(product)
            product = 1.0
    total -= 2.0 * np.log(product)
    if df % 2 == 1:  # Box and Muller 1958
        radius = -2.0 * np.log(1.0 - uniform[df // 2])
        total += radius * np.cos(2.0 * np.pi * uniform[df // 2 + 1]) ** 2
    drawn: float = total
    return drawn


@kernel
def _refit(model: Regressions, patients: TrialPatients) -> int:
    """Fit the regressions to the data with the gaps as they are filled; 0 or a reason."""
    model.sums[:] = 0.0
    for i in range(patients.last.size):
        add(model.sums, patients, i, 1.0)
    return regress(model, patients)


@kernel
def _complete(
    y: Floats, patients: TrialPatients, slopes: Floats, strategy: int, noise: Floats
) -> None:
    """Fill ``y`` (patient) with outcomes at the analysed visit, the missing ones drawn."""
    shift = visit_effects(slopes, patients.x.shape[1], patients.visit + 1)
    for i in range(y.size):
        y[i] = patients.y[i, patients.visit]
        if is_missing(patients, i):
            y[i] = predict_outcome(patients, i, slopes, noise[i]) - lost_effect(
                shift, patients, i, strategy
            )
