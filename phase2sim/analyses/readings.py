"""Data of an analysis from a batch of simulated trials, and its estimates for all of them."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from phase2sim.core.analysis import Analysis
from phase2sim.core.arrays import Bools, Floats, Ints
from phase2sim.core.contracts import Estimates, OwnTest, Plan, Reading, Trials
from phase2sim.core.endpoints import DERIVED, ENDPOINTS, EVENTS, derived_values
from phase2sim.core.estimands import Aim, counted_outcomes
from phase2sim.core.estimates import stack_estimates

_TWO_ARMS = 2  # control and treatment


def estimate(
    analysis: Analysis, plan: Plan, trials: Trials, observed: Floats, aim: Aim
) -> Estimates:
    """Estimates of one analysis for every trial of a batch.

    ``observed`` holds the observed values, nan elsewhere, in the shape of ``trials.value``.
    """
    whole = counted_reading(analysis, plan, trials, observed, aim)
    return compare_arms(analysis, whole, len(plan.arms), aim.arm)


def estimate_first(
    analysis: Analysis,
    plan: Plan,
    trials: Trials,
    observed: Floats,
    aim: Aim,
    *,
    sizes: tuple[int, ...],
) -> Estimates:
    """Estimates from the first n patients, (size, trial), for each n of the rising ``sizes``.

    The patients are passed over once for all sizes where the analysis allows it.
    """
    whole = counted_reading(analysis, plan, trials, observed, aim)
    arms = len(plan.arms)
    if arms == _TWO_ARMS:
        return analysis.estimate_first(whole, sizes)
    return stack_estimates(
        [compare_arms(analysis, whole.of_first(n), arms, aim.arm) for n in sizes]
    )


def counted_reading(
    analysis: Analysis, plan: Plan, trials: Trials, observed: Floats, aim: Aim
) -> Reading:
    """Data for an analysis, with intercurrent events handled as its estimand says."""
    if analysis.endpoint not in EVENTS:
        observed = counted_outcomes(trials, observed, aim, worst_values(plan))
    return read_endpoint(plan, trials, observed, analysis.endpoint)


def first_patients_by_trial(
    analysis: Analysis, whole: Reading, patients: Ints, arms: int, arm: int
) -> Estimates:
    """As ``compare_arms``, from the first ``patients`` (trial,) of each trial alone.

    Trials with the same number are analysed together. 0 patients count as 1, with whom the analysis
    fails as with too few.
    """
    patients = np.maximum(patients, 1)
    groups: list[tuple[Ints, Estimates]] = []
    for size in np.unique(patients):
        for rows in _neighbouring_rows(np.flatnonzero(patients == size), split=analysis.draws):
            part = replace(whole.of_first(int(size), rows), first=whole.first + int(rows[0]))
            groups.append((rows, compare_arms(analysis, part, arms, arm)))
    return groups[0][1] if len(groups) == 1 else _join_groups(groups, len(patients))


def compare_arms(analysis: Analysis, whole: Reading, arms: int, arm: int) -> Estimates:
    """Compare one treated arm with control in a reading of ``arms`` arms."""
    if arms == _TWO_ARMS:
        return analysis.estimate(whole)
    return _estimate_two_arms(analysis, whole, arm)


def shortage_of(analysis: Analysis, whole: Reading, arm: int) -> str:
    """Where control and one treated arm of one trial have too few patients, in words."""
    compared = (whole.arm == 0) | (whole.arm == arm)
    return analysis.shortage(_select_patients(whole, np.zeros(1, np.int64), compared, arm))


def read_endpoint(plan: Plan, trials: Trials, observed: Floats, endpoint: str) -> Reading:
    """Return the data for an analysis of one endpoint."""
    at_risk = None
    if endpoint in EVENTS:
        counts, at_risk = _count_events(plan, trials, endpoint)
        baseline, value = np.zeros(trials.arm.shape), counts
    elif endpoint in DERIVED:
        derived = derived_values(endpoint, plan.endpoints, observed)
        baseline, value = derived[:, 0], derived[:, 1:]
    else:
        e = plan.endpoints.index(endpoint)
        baseline, value = observed[:, e, 0], observed[:, e, 1:]
    return Reading(
        arm=trials.arm,
        baseline=baseline,
        value=value,
        visits_months=plan.visits_months[1:],
        age_years=trials.age_years,
        stratum=trials.stratum,
        months_at_risk=at_risk,
        seed=plan.seed,
        first=trials.first,
    )


def worst_values(plan: Plan) -> Floats:
    """Worst plausible value of each endpoint, on its model scale."""
    worst = []
    for name in plan.endpoints:
        endpoint = ENDPOINTS[name]
        worst.append(endpoint.to_model(endpoint.plausible[endpoint.lower_is_better]))
    return np.array(worst)


def _count_events(plan: Plan, trials: Trials, endpoint: str) -> tuple[Floats, Floats]:
    """Cumulative events and months at risk, (trial, visit, patient), visits after baseline.

    Follow-up ends at the last visit that the patient attends.
    """
    visits = np.where(trials.seen[:, 0], np.arange(len(plan.visits_months))[:, None], 0)
    last = np.maximum.accumulate(visits, axis=1)[:, 1:]
    counts = np.take_along_axis(trials.counts[endpoint], last, axis=1).astype(np.float64)
    return counts, np.array(plan.visits_months)[last]


def _estimate_two_arms(analysis: Analysis, whole: Reading, arm: int) -> Estimates:
    """Estimates from control and one treated arm alone, trial by trial.

    Trials that hold the same number of such patients are analysed together. An analysis that draws
    finds its stream by the trial's number, so it gets neighbouring trials only.
    """
    compared = (whole.arm == 0) | (whole.arm == arm)
    sizes = compared.sum(axis=1)
    groups: list[tuple[Ints, Estimates]] = []
    for size in np.unique(sizes):
        for rows in _neighbouring_rows(np.flatnonzero(sizes == size), split=analysis.draws):
            part = _select_patients(whole, rows, compared[rows], arm)
            groups.append((rows, analysis.estimate(part)))
    return _join_groups(groups, len(sizes))


def _neighbouring_rows(rows: Ints, *, split: bool) -> list[Ints]:
    if not split:
        return [rows]
    return np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1)


def _select_patients(whole: Reading, rows: Ints, compared: Bools, arm: int) -> Reading:
    """Rows of a reading with only the compared patients; the treated arm becomes arm 1."""
    size = int(compared[0].sum())
    who = np.argsort(~compared, axis=1, kind="stable")[:, :size]

    def of[T: np.generic](array: NDArray[T]) -> NDArray[T]:
        return np.take_along_axis(array[rows], who, axis=1)

    def by_visit(array: Floats) -> Floats:
        return np.take_along_axis(array[rows], who[:, None], axis=2)

    return replace(
        whole,
        arm=(of(whole.arm) == arm).astype(np.int8),
        baseline=of(whole.baseline),
        value=by_visit(whole.value),
        age_years=of(whole.age_years),
        stratum=of(whole.stratum),
        months_at_risk=None if whole.months_at_risk is None else by_visit(whole.months_at_risk),
        first=whole.first + int(rows[0]),
    )


def _join_groups(groups: list[tuple[Ints, Estimates]], trials: int) -> Estimates:
    """Estimates of groups of trials, joined in the order of the trials."""

    def of(name: str) -> Floats:
        return _scatter([(rows, getattr(estimates, name)) for rows, estimates in groups], trials)

    first = groups[0][1]
    test = None
    if first.test is not None:
        test = OwnTest(
            *(
                _scatter(
                    [(rows, getattr(estimates.test, name)) for rows, estimates in groups], trials
                )
                for name in ("statistic", "p_two_sided", "lower", "upper")
            )
        )
    details = {
        name: _scatter([(rows, estimates.details[name]) for rows, estimates in groups], trials)
        for name in first.details
    }
    return Estimates(
        effect=of("effect"),
        se=of("se"),
        df=of("df"),
        p=of("p"),
        reason=of("reason").astype(np.int8),
        test=test,
        details=details,
        fallback=None if first.fallback is None else of("fallback").astype(np.int8),
    )


def _scatter(parts: list[tuple[Ints, Floats]], trials: int) -> Floats:
    whole = np.empty(trials)
    for rows, values in parts:
        whole[rows] = values
    return whole
