"""Patients drawn jointly over visits and endpoints, each trial under its own truth."""

import numpy as np
from numba import uint64

from phase2sim.contracts import Arms, Floats, Ints, Plan, Trials, Truth
from phase2sim.kernels import kernel
from phase2sim.randomness import PURPOSES, Word, fill_normal, place, seed_word, uniforms


def draw(plan: Plan, truth: Truth, arm: Arms, first: int) -> Trials:
    """Complete outcomes of the patients in ``arm`` (trial, patient), trials from ``first`` on.

    Values are on the model scale. Patient i of a trial is the same whatever the number of patients
    or trials, and whatever later visits or endpoints are added: a residual depends on the visits
    and endpoints before it only.
    """
    trials, patients = arm.shape
    duration = _spread(plan.months_since_diagnosis, plan.seed, "enrolment", first, arm.shape)
    age = _spread(plan.age_years, plan.seed, "age", first, arm.shape)
    value = np.empty((trials, len(plan.endpoints), len(plan.visits_months), patients))
    _draw_residuals(
        value,
        truth.visit_factor,
        truth.endpoint_factor,
        seed_word(plan.seed),
        np.uint64(first),
        _places(plan),
    )
    _add_means(value, truth.shift, truth.effect, arm)
    if truth.knots_months.size:
        start, hinges = _hinges(truth)
        visits = np.array(plan.visits_months)
        _add_history(value, start, hinges, truth.knots_months, duration, visits)
    slopes = np.array([plan.per_year_of_age.get(name, 0.0) for name in plan.endpoints])
    if slopes.any():
        value += slopes[:, None, None] * (age - np.mean(plan.age_years))[:, None, None, :]
    stratum = np.zeros(arm.shape, dtype=np.int64)
    for cut in plan.age_strata:
        stratum += age >= cut
    return Trials(
        first=first,
        arm=arm,
        months_since_diagnosis=duration,
        age_years=age,
        stratum=stratum,
        value=value,
        seen=np.ones(value.shape, dtype=np.bool_),
    )


def _spread(
    window: tuple[float, float], seed: int, purpose: str, first: int, shape: tuple[int, int]
) -> Floats:
    """Uniform on the window, (trial, patient)."""
    low, high = window
    if not low < high:  # one value for all, or nan where the scenario gives no window
        return np.full(shape, low)
    return low + (high - low) * uniforms(shape, seed, purpose, first)


def _places(plan: Plan) -> Ints:
    """Where the stream of each endpoint and visit starts, (endpoint, visit)."""
    return np.array(
        [[place(name, month) for month in plan.visits_months] for name in plan.endpoints],
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
def _draw_residuals(  # noqa: PLR0913 - a kernel takes arrays, not objects
    value: Floats,
    visit_factor: Floats,
    endpoint_factor: Floats,
    seed: Word,
    first: Word,
    places: Ints,
) -> None:
    """Residuals visit_factor @ (endpoint_factor @ z) into ``value``."""
    for trial in range(value.shape[0]):
        visits = visit_factor[trial if visit_factor.shape[0] > 1 else 0]
        endpoints = endpoint_factor[trial if endpoint_factor.shape[0] > 1 else 0]
        for e in range(value.shape[1]):
            for v in range(value.shape[2]):
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
def _add_history(  # noqa: PLR0913 - a kernel takes arrays, not objects
    value: Floats, start: Floats, hinges: Floats, knots: Floats, duration: Floats, visits: Floats
) -> None:
    """Add the mean of untreated patients at each patient's time since diagnosis."""
    for trial in range(value.shape[0]):
        own = trial if start.shape[0] > 1 else 0
        for e in range(value.shape[1]):
            for v in range(value.shape[2]):
                for p in range(value.shape[3]):
                    value[trial, e, v, p] += start[own, e]
                for k in range(knots.shape[0]):
                    for p in range(value.shape[3]):
                        since = duration[trial, p] + visits[v] - knots[k]
                        value[trial, e, v, p] += hinges[own, e, k] * max(since, 0.0)
