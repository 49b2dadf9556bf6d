"""Missing outcomes replaced by conditional means, and the jackknife variance of the effect.

The effect is a smooth function of the data, so its variance comes from leaving out patients, one
at a time: model, imputation and analysis are done again without each (the jackknife), or, to
first order, by what each regression would have been without the patient, its own leverage taken
into account (the infinitesimal jackknife). A common shift ``delta`` of what is imputed to treated
patients moves the effect in proportion, so its part is kept apart.
"""

import numpy as np

from phase2sim.analyses.imputation.imputed_ancova import (
    COPY,
    MAR,
    CompletedRegression,
    design_of,
    fill_outcomes,
    is_missing,
    residuals,
    visit_effects,
)
from phase2sim.analyses.imputation.sequential_regressions import (
    STILL,
    Regressions,
    TrialPatients,
    add,
    fit_regressions,
    patients_of,
    regress,
    regression_space,
)
from phase2sim.analyses.mixed_models.missing_patterns import ARM
from phase2sim.core.arrays import Arms, Floats, Ints
from phase2sim.core.kernels import kernel
from phase2sim.core.small_matrices import forward

NEARLY_STILL = 1e-6  # SDs that a gap's value moves when it has settled, one patient left out


@kernel
def conditional_means(
    value: Floats,
    arm: Arms,
    covariates: Floats,
    needed: int,
    visit: int,
    strategy: int,
    exactly: bool,  # noqa: FBT001  numba has no keyword-only arguments
) -> tuple[Floats, Floats, Floats, Floats, Ints]:
    """Effect of arm 1 against 0 at a visit in every trial, missing outcomes imputed.

    ``value`` is (trial, visit, patient), ``covariates`` (covariate, trial, patient), of which the
    first ``needed`` must vary. ``exactly`` leaves patients out one by one. Returns (trial, 2) the
    effect and how much it moves for each unit of delta; (trial, 3) the first's variance, their
    covariance, the second's variance; degrees of freedom, share of patients imputed and the index
    in ``FAILURES``, (trial,).
    """
    trials = arm.shape[0]
    effect, variance = np.full((trials, 2), np.nan), np.full((trials, 3), np.nan)
    df, imputed = np.full(trials, np.nan), np.full(trials, np.nan)
    reason = np.zeros(trials, np.int64)
    for trial in range(trials):
        patients = patients_of(value, arm, covariates, needed, visit, trial)
        reason[trial] = patients.reason
        if reason[trial] > 0:
            continue
        design, model = design_of(patients), regression_space(patients)
        reason[trial] = (
            design.reason if design.reason > 0 else fit_regressions(model, patients, -1, STILL)
        )
        if reason[trial] > 0:
            continue
        y = np.empty((2, patients.last.size))
        _outcomes(y, patients, model.slopes, strategy)
        estimate = (y[0] * design.weights).sum(), (y[1] * design.weights).sum()
        changes = np.zeros((2, y.shape[1]))
        if exactly or patients.gaps:
            reason[trial] = _leave_out(changes, patients, model, design, strategy)
        else:
            _leave_out_first_order(changes, patients, model, design, strategy)
        if reason[trial] > 0:
            continue
        effect[trial, 0], effect[trial, 1] = estimate[0] * patients.scale, estimate[1]
        _spread(variance[trial], changes, patients.scale)
        df[trial] = y.shape[1] - design.used
        imputed[trial] = (patients.last <= patients.visit).sum() / y.shape[1]
    return effect, variance, df, imputed, reason


@kernel
def _outcomes(y: Floats, patients: TrialPatients, slopes: Floats, strategy: int) -> None:
    """Completed outcomes, and below them 1 for each treated patient with an imputed outcome."""
    fill_outcomes(y[0], patients, slopes, strategy)
    for i in range(y.shape[1]):
        y[1, i] = patients.x[i, ARM] if is_missing(patients, i) else 0.0


@kernel
def _spread(target: Floats, changes: Floats, scale: float) -> None:
    """Jackknife variance of the effect, its covariance with the move by delta, the move's own."""
    n = changes.shape[1]
    off = np.empty_like(changes)
    for j in range(2):
        off[j] = changes[j] - changes[j].mean()
    share = (n - 1.0) / n
    target[0] = share * (off[0] ** 2).sum() * scale**2
    target[1] = share * (off[0] * off[1]).sum() * scale
    target[2] = share * (off[1] ** 2).sum()


@kernel
def _effect_loss(
    patients: TrialPatients, design: CompletedRegression, i: int, rest: Floats
) -> float:
    """Decrease of the effect without patient i, with all other outcomes as they are."""
    columns = patients.x.shape[1]
    row = patients.x[i].copy()
    forward(row, design.factor, columns)
    leverage = (row**2).sum()
    gone: float = design.weights[i] * rest[i] / (1.0 - leverage) if leverage < 1.0 else np.nan
    return gone


@kernel
def _leave_out(
    changes: Floats,
    patients: TrialPatients,
    model: Regressions,
    design: CompletedRegression,
    strategy: int,
) -> int:
    """Fill ``changes`` (2, patient) with the effects without each patient; 0 or a reason."""
    n = patients.last.size
    everyone = model.sums.copy()
    y, rest = np.empty((2, n)), np.empty(n)
    for i in range(n):
        if patients.gaps:
            reason = fit_regressions(model, patients, i, NEARLY_STILL)
        else:
            model.sums[:] = everyone
            add(model.sums, patients, i, -1.0)
            reason = regress(model, patients)
        if reason > 0:
            return reason
        _outcomes(y, patients, model.slopes, strategy)
        for j in range(2):
            residuals(rest, patients, design, y[j])
            changes[j, i] = (design.weights * y[j]).sum() - _effect_loss(patients, design, i, rest)
    return 0 if np.isfinite(changes).all() else 1


@kernel
def _leave_out_first_order(
    changes: Floats,
    patients: TrialPatients,
    model: Regressions,
    design: CompletedRegression,
    strategy: int,
) -> None:
    """Fill ``changes`` with minus what each patient adds, by each regression's own leverage."""
    n, columns = patients.x.shape
    y, rest = np.empty((2, n)), np.empty(n)
    _outcomes(y, patients, model.slopes, strategy)
    for j in range(2):
        residuals(rest, patients, design, y[j])
        for i in range(n):
            changes[j, i] = -_effect_loss(patients, design, i, rest)
    slope = _effect_slopes(patients, model, design, strategy)
    for v in range(patients.visit + 1):
        size = columns + v
        back_of = slope[v, :size].copy()
        forward(back_of, model.factor[v], size)
        row = np.empty(size)
        for i in range(n):
            if patients.last[i] <= v:
                continue
            row[:columns] = patients.x[i]
            row[columns:] = patients.y[i, :v]
            off = patients.y[i, v] - (row * model.slopes[v, :size]).sum()
            forward(row, model.factor[v], size)
            leverage = min((row**2).sum(), 1.0 - 1e-10)
            changes[0, i] -= (row * back_of).sum() * off / (1.0 - leverage)


@kernel
def _effect_slopes(
    patients: TrialPatients, model: Regressions, design: CompletedRegression, strategy: int
) -> Floats:
    """Slope of the effect by every coefficient of the regressions, (visit, column)."""
    n, columns = patients.x.shape
    slopes, visit = model.slopes, patients.visit
    slope = np.zeros((visit + 1, columns + visit + 1))
    toward = np.zeros(visit + 1)
    lost = np.zeros(visit + 1)  # weight of each visit's shift in the effect
    for i in range(n):
        last = patients.last[i]
        if last > visit:
            continue
        toward[:] = 0.0
        toward[visit] = design.weights[i]
        for v in range(visit, last - 1, -1):
            for j in range(columns):
                slope[v, j] += toward[v] * patients.x[i, j]
            for k in range(v):
                slope[v, columns + k] += toward[v] * patients.y[i, k]
                toward[k] += toward[v] * slopes[v, columns + k]
        if strategy != MAR and patients.x[i, ARM] > 0.0:
            lost[visit] -= design.weights[i]
            if strategy == COPY and last > 0:
                lost[last - 1] += design.weights[i]
    shift = visit_effects(slopes, columns, visit + 1)
    for v in range(visit, -1, -1):
        slope[v, ARM] += lost[v]
        for k in range(v):
            slope[v, columns + k] += lost[v] * shift[k]
            lost[k] += lost[v] * slopes[v, columns + k]
    return slope
