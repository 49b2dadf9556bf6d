"""Who enrols: age, time since diagnosis, site, and a baseline within the limits of eligibility."""

from collections.abc import Mapping

import numpy as np

from phase2sim.core.age_distribution import age_moments, ages
from phase2sim.core.arrays import Bools, Floats, Ints
from phase2sim.core.contracts import AGE, SITE, Arrivals, Entrants, Plan, Truth
from phase2sim.core.errors import BadScenario
from phase2sim.core.randomness import Attempt, normals, uniforms
from phase2sim.core.stream_places import stream_place

MOST_ATTEMPTS = 5000  # candidates for one place in a trial


def enrol(plan: Plan, truth: Truth, first: int, arrivals: Arrivals) -> Entrants:
    """Patients of a batch as they are before anybody is treated.

    A candidate whose baseline is outside the limits is replaced by a new one, with another age,
    time since diagnosis and baseline, until one is eligible. Raises ``BadScenario`` where none of
    ``MOST_ATTEMPTS`` is.
    """
    shape = arrivals.months.shape
    age = _ages(plan, first, shape)
    duration = _durations(plan, first, shape)
    z = np.empty((0, len(plan.endpoints), 0))
    baseline: Mapping[str, Floats] = {}
    if plan.eligible or plan.baseline_strata:
        z = np.stack([normals(shape, plan.seed, "outcome", first, p) for p in _places(plan)], 1)
        baseline = _screened(plan, truth, first, arrivals, (age, duration, z))
        baseline = {name: baseline[name] for name in plan.baseline_strata}
    factors = _factors(plan, age, arrivals, baseline)
    return Entrants(
        first=first,
        arrivals=arrivals,
        months_since_diagnosis=duration,
        age_years=age,
        stratum=_stratum(plan, factors, shape),
        factors=factors,
        baseline=z if plan.eligible else z[:0],
    )


def _ages(plan: Plan, first: int, shape: tuple[int, int]) -> Floats:
    low, high = plan.age_years
    if not low < high:  # one value for all, or nan where the scenario gives no window
        return np.full(shape, low)
    return ages(plan, uniforms(shape, plan.seed, "age", first))


def _durations(plan: Plan, first: int, shape: tuple[int, int]) -> Floats:
    entry = plan.months_since_diagnosis
    if not entry.has_width:
        return np.full(shape, entry.earliest)
    return entry.quantiles(uniforms(shape, plan.seed, "enrolment", first))


def _places(plan: Plan) -> list[int]:
    """Where the streams of the endpoints' baselines start."""
    return [stream_place(name, plan.visits_months[0]) for name in plan.endpoints]


def _screened(
    plan: Plan,
    truth: Truth,
    first: int,
    arrivals: Arrivals,
    candidates: tuple[Floats, Floats, Floats],
) -> dict[str, Floats]:
    """Replace, in place, the candidates who are not eligible; baselines by endpoint.

    ``candidates`` are age, time since diagnosis (trial, patient) and the normals behind the
    baselines (trial, endpoint, patient).
    """
    everyone = np.arange(len(arrivals.site))
    value = _baselines(plan, truth, arrivals.site, candidates, rows=everyone, first=first)
    out = ~_eligible(plan, value)
    for number in range(1, MOST_ATTEMPTS + 1):
        rows = np.flatnonzero(out.any(axis=1))
        if not rows.size:
            return value
        patients = int(np.flatnonzero(out.any(axis=0))[-1]) + 1
        attempt = Attempt(plan.seed, (rows + first).astype(np.uint64), number)
        who = out[rows, :patients]
        for array, redrawn in zip(
            candidates, _new_candidates(plan, attempt, patients), strict=True
        ):
            place_of = who if array.ndim == who.ndim else who[:, None]
            array[rows, ..., :patients] = np.where(place_of, redrawn, array[rows, ..., :patients])
        again = _rows(candidates, rows)
        fresh = _baselines(plan, truth, arrivals.site[rows], again, rows=rows, first=first)
        for name, row in value.items():
            row[rows] = fresh[name]
        out[rows] = ~_eligible(plan, fresh)
    if not out.any():
        return value
    raise BadScenario(
        f"population.eligible: of {MOST_ATTEMPTS:,} candidates for a place in trial"
        f" {first + int(np.flatnonzero(out.any(axis=1))[0])} none is eligible. Widen the limits."
    )


def _rows(candidates: tuple[Floats, Floats, Floats], rows: Ints) -> tuple[Floats, Floats, Floats]:
    age, duration, z = candidates
    return age[rows], duration[rows], z[rows]


def _new_candidates(plan: Plan, attempt: Attempt, patients: int) -> tuple[Floats, Floats, Floats]:
    """Age, time since diagnosis and baseline normals of one further candidate for each place."""
    return (
        ages(plan, attempt.uniforms(patients, "age")),
        plan.months_since_diagnosis.quantiles(attempt.uniforms(patients, "enrolment")),
        np.stack([attempt.normals(patients, "outcome", p) for p in _places(plan)], axis=1),
    )


def _baselines(
    plan: Plan,
    truth: Truth,
    site: Ints,
    candidates: tuple[Floats, Floats, Floats],
    *,
    rows: Ints,
    first: int,
) -> dict[str, Floats]:
    """Baseline of each endpoint that eligibility or strata read, (row, patient), model scale."""
    age, duration, z = candidates

    def of(array: Floats) -> Floats:
        return array[rows] if len(array) > 1 else array

    mixed = np.einsum("rek,rkp->rep", of(truth.endpoint_factor), z)
    baselines = {}
    for name in dict.fromkeys((*plan.eligible, *plan.baseline_strata)):
        e = plan.endpoints.index(name)
        value = of(truth.visit_factor)[:, e, 0, 0, None] * mixed[:, e]
        value = value + of(truth.shift)[:, e, 0, None]
        if truth.knots_months.size:
            curves = np.broadcast_to(of(truth.history)[:, e], (len(rows), truth.knots_months.size))
            value += np.stack(
                [np.interp(d, truth.knots_months, c) for d, c in zip(duration, curves, strict=True)]
            )
        slope = plan.per_year_of_age.get(name, 0.0)
        if slope:
            value += slope * (age - age_moments(plan)[0])
        if plan.site_sd.get(name):
            levels = site_levels(plan, name, first + rows)
            value += np.take_along_axis(levels, site, axis=1)
        baselines[name] = value
    return baselines


def site_levels(plan: Plan, endpoint: str, numbers: Ints) -> Floats:
    """How much higher an endpoint is at each site, (trial, site), in trials of these numbers."""
    stream = Attempt(plan.seed, numbers.astype(np.uint64), 0)
    return plan.site_sd[endpoint] * stream.normals(plan.sites, "site", stream_place(endpoint, 0.0))


def _eligible(plan: Plan, value: Mapping[str, Floats]) -> Bools:
    """Who is within all limits, (trial, patient)."""
    shape = next(iter(value.values())).shape
    inside = np.ones(shape, dtype=np.bool_)
    for name, (low, high) in plan.eligible.items():
        inside &= (value[name] >= low) & (value[name] <= high)
    return inside


def share_eligible(plan: Plan, truth: Truth) -> float:
    """Share of the first candidates for the places of one trial who are eligible."""
    if not plan.eligible:
        return 1.0
    shape = (1, plan.patients)
    site = np.zeros(shape, dtype=np.int64)
    z = np.stack([normals(shape, plan.seed, "outcome", 0, where) for where in _places(plan)], 1)
    candidates = (_ages(plan, 0, shape), _durations(plan, 0, shape), z)
    value = _baselines(plan, truth, site, candidates, rows=np.zeros(1, dtype=np.int64), first=0)
    return float(_eligible(plan, value).mean())


def _factors(
    plan: Plan, age: Floats, arrivals: Arrivals, baseline: Mapping[str, Floats]
) -> dict[str, Ints]:
    """Level of every factor over which allocation may balance."""
    factors: dict[str, Ints] = {}
    if plan.age_strata:
        factors[AGE] = _reached(age, plan.age_strata)
    for name, cuts in plan.baseline_strata.items():
        factors[name] = _reached(baseline[name], cuts)
    if plan.sites > 1:
        factors[SITE] = arrivals.site
    return factors


def _reached(value: Floats, cuts: tuple[float, ...]) -> Ints:
    """How many cut points each value reaches."""
    level = np.zeros(value.shape, dtype=np.int64)
    for cut in cuts:
        level += value >= cut
    return level


def _stratum(plan: Plan, factors: Mapping[str, Ints], shape: tuple[int, int]) -> Ints:
    """One number for each combination of age and baseline strata; sites are no part of it."""
    stratum = np.zeros(shape, dtype=np.int64)
    levels = {AGE: plan.age_strata, **plan.baseline_strata}
    for name, cuts in levels.items():
        if name in factors:
            stratum = stratum * (len(cuts) + 1) + factors[name]
    return stratum
