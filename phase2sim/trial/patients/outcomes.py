"""Patients drawn jointly over visits and endpoints, each trial under its own truth."""

import numpy as np
from numba import uint64

from phase2sim.core.age_distribution import age_moments
from phase2sim.core.arrays import Arms, Floats, Ints
from phase2sim.core.contracts import AGE, Entrants, Plan, Trials, Truth
from phase2sim.core.kernels import kernel
from phase2sim.core.randomness import PURPOSES, Word, fill_normal, seed_word
from phase2sim.core.stream_places import stream_place
from phase2sim.trial.patients.background_therapy import add_background, share_of_effect
from phase2sim.trial.patients.entrants import site_levels


def draw(plan: Plan, truth: Truth, entrants: Entrants, arm: Arms) -> Trials:
    """Complete outcomes of the entrants in ``arm`` (trial, patient), as if nothing intervened.

    Values are on the model scale. Patient i of a trial is the same whatever the number of patients
    or trials, and whatever later visits or endpoints are added: a residual depends on the visits
    and endpoints before it only.
    """
    trials, patients = arm.shape
    value = np.empty((trials, len(plan.endpoints), len(plan.visits_months), patients))
    _draw_residuals(
        value,
        truth.visit_factor,
        truth.endpoint_factor,
        entrants.baseline,
        seed_word(plan.seed),
        np.uint64(entrants.first),
        _places(plan),
    )
    _add_means(value, truth.shift, truth.effect, arm)
    if truth.knots_months.size:
        start, hinges = _hinges(truth)
        visits = np.array(plan.visits_months)
        duration = entrants.months_since_diagnosis
        _add_history(value, start, hinges, truth.knots_months, duration, visits)
    _add_covariates(value, plan, entrants)
    if truth.modification.size:
        _add_modified(value, truth.modification, above_means(plan, entrants.age_years, value), arm)
    trials_drawn = Trials(
        first=entrants.first,
        arm=arm,
        months_since_diagnosis=entrants.months_since_diagnosis,
        age_years=entrants.age_years,
        stratum=entrants.stratum,
        value=value,
        seen=np.ones(value.shape, dtype=np.bool_),
        arrivals=entrants.arrivals,
    )
    if plan.background is not None:
        gain = _whole_gains(plan, truth, trials_drawn)
        add_background(plan, plan.background, trials_drawn, gain)
    return trials_drawn


def _add_covariates(value: Floats, plan: Plan, entrants: Entrants) -> None:
    """Add what age and site do to every visit of a patient."""
    slopes = np.array([plan.per_year_of_age.get(name, 0.0) for name in plan.endpoints])
    if slopes.any():
        older = entrants.age_years - age_moments(plan)[0]
        value += slopes[:, None, None] * older[:, None, None, :]
    for name, sd in plan.site_sd.items():
        if sd > 0.0 and name in plan.endpoints:
            levels = site_levels(plan, name, entrants.first + np.arange(len(value)))
            of_site = np.take_along_axis(levels, entrants.arrivals.site, axis=1)
            value[:, plan.endpoints.index(name)] += of_site[:, None, :]


def above_means(plan: Plan, age_years: Floats, value: Floats) -> Floats:
    """How far above its mean each modifier of the effect is, (modifier, trial, patient)."""
    deviations = [
        (age_years if name == AGE else value[:, plan.endpoints.index(name), 0]) - mean
        for name, mean in plan.modifiers.items()
    ]
    return np.stack(deviations)


def gains(plan: Plan, truth: Truth, trials: Trials) -> Floats:
    """What treatment adds to every value of the batch, in the shape of ``trials.value``."""
    gain = _whole_gains(plan, truth, trials)
    if plan.background is not None:
        gain *= share_of_effect(plan, trials)[:, None, None, :]
    return gain


def _whole_gains(plan: Plan, truth: Truth, trials: Trials) -> Floats:
    """What treatment adds to patients without background therapy."""
    gain = np.zeros(trials.value.shape)
    nothing = np.zeros((1, *truth.shift.shape[1:]))
    _add_means(gain, nothing, truth.effect, trials.arm)
    if truth.modification.size:
        above = above_means(plan, trials.age_years, trials.value)
        _add_modified(gain, truth.modification, above, trials.arm)
    return gain


def _places(plan: Plan) -> Ints:
    """Where the stream of each endpoint and visit starts, (endpoint, visit)."""
    return np.array(
        [[stream_place(name, month) for month in plan.visits_months] for name in plan.endpoints],
        dtype=np.int64,
    )


def _hinges(truth: Truth) -> tuple[Floats, Floats]:
    """Piecewise-linear history as a start and changes of slope, flat beyond the last knot."""
    slope = np.diff(truth.history, axis=-1) / np.diff(truth.knots_months)
    flat = np.zeros_like(slope[..., :1])
    hinges = np.diff(slope, axis=-1, prepend=flat, append=flat)
    return truth.history[..., 0].copy(), hinges


_OUTCOME = np.uint64(PURPOSES["outcome"])


@kernel
def _draw_residuals(
    value: Floats,
    visit_factor: Floats,
    endpoint_factor: Floats,
    baseline: Floats,
    seed: Word,
    first: Word,
    places: Ints,
) -> None:
    """Residuals visit_factor @ (endpoint_factor @ z) into ``value``."""
    for trial in range(value.shape[0]):
        visits = visit_factor[trial if visit_factor.shape[0] > 1 else 0]
        endpoints = endpoint_factor[trial if endpoint_factor.shape[0] > 1 else 0]
        for e in range(value.shape[1]):
            screened = baseline.shape[0] > 0
            if screened:
                value[trial, e, 0] = baseline[trial, e]
            for v in range(1 if screened else 0, value.shape[2]):
                where = uint64(places[e, v])
                fill_normal(value[trial, e, v], seed, _OUTCOME, first + uint64(trial), where)
        _mix_endpoints(value[trial], endpoints)
        for e in range(value.shape[1]):
            _mix_visits(value[trial, e], visits[e])


@kernel
def _mix_endpoints(z: Floats, factor: Floats) -> None:
    """Multiply (endpoint, visit, patient) by a lower triangle over endpoints, in place."""
    for e in range(z.shape[0] - 1, 0, -1):
        for v in range(z.shape[1]):
            _combine(z[:, v], factor[e], e)


@kernel
def _mix_visits(z: Floats, factor: Floats) -> None:
    """Multiply (visit, patient) by a lower triangle over visits, in place."""
    for v in range(z.shape[0] - 1, -1, -1):
        _combine(z, factor[v], v)


@kernel
def _combine(rows: Floats, weights: Floats, last: int) -> None:
    """Replace row ``last`` by the weighted sum of the rows up to it."""
    for p in range(rows.shape[1]):
        rows[last, p] *= weights[last]
    for r in range(last):
        if weights[r] != 0.0:
            for p in range(rows.shape[1]):
                rows[last, p] += weights[r] * rows[r, p]


@kernel
def _add_means(value: Floats, shift: Floats, effect: Floats, arm: Arms) -> None:
    """Add the control mean of each visit, and each arm's effect."""
    for trial in range(value.shape[0]):
        base = shift[trial if shift.shape[0] > 1 else 0]
        gain = effect[trial if effect.shape[0] > 1 else 0]
        for e in range(value.shape[1]):
            for v in range(value.shape[2]):
                for p in range(value.shape[3]):
                    value[trial, e, v, p] += base[e, v]
                for a in range(1, gain.shape[0]):  # arm by arm, so that patients go in step
                    if gain[a, e, v] != 0.0:
                        for p in range(value.shape[3]):
                            value[trial, e, v, p] += gain[a, e, v] * (arm[trial, p] == a)


@kernel
def _add_history(
    value: Floats, start: Floats, hinges: Floats, knots: Floats, duration: Floats, visits: Floats
) -> None:
    """Add the mean of untreated patients at each patient's time since diagnosis."""
    for trial in range(value.shape[0]):
        row = trial if start.shape[0] > 1 else 0
        for e in range(value.shape[1]):
            for v in range(value.shape[2]):
                for p in range(value.shape[3]):
                    value[trial, e, v, p] += start[row, e]
                for k in range(knots.shape[0]):
                    for p in range(value.shape[3]):
                        since = duration[trial, p] + visits[v] - knots[k]
                        value[trial, e, v, p] += hinges[row, e, k] * max(since, 0.0)


@kernel
def _add_modified(value: Floats, modification: Floats, above: Floats, arm: Arms) -> None:
    """Add what the modifiers of each patient do to the effect of their arm."""
    for trial in range(value.shape[0]):
        for a in range(1, modification.shape[0]):
            for e in range(value.shape[1]):
                for v in range(value.shape[2]):
                    for m in range(modification.shape[3]):
                        size = modification[a, e, v, m]
                        if size != 0.0:
                            for p in range(value.shape[3]):
                                if arm[trial, p] == a:
                                    value[trial, e, v, p] += size * above[m, trial, p]
