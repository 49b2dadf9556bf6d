"""Figures of untreated patients: the fitted course against the published points."""

from collections.abc import Iterator
from dataclasses import dataclass

import altair as alt
import numpy as np

from phase2sim.core.arrays import Floats
from phase2sim.core.endpoints import ENDPOINTS, Endpoint
from phase2sim.core.history_priors import PRIORS
from phase2sim.core.randomness import normals
from phase2sim.evidence.reported import LOCATIONS, Evidence, ReportedNumber
from phase2sim.prior.at_diagnosis import deviation_left
from phase2sim.prior.draws import PriorDraws
from phase2sim.prior.truth_sources import knot_weights
from phase2sim.reporting.figures.drawing import EVIDENCE, INK, TREATED, Chart, Figure, data, heading
from phase2sim.reporting.words import capital

_LIMITS = (0.025, 0.5, 0.975)
_POINTS = 73
_WIDE, _HIGH = 460, 260


@dataclass(frozen=True, slots=True)
class Point:
    """A published location of one arm, in the endpoint's unit, by months since diagnosis."""

    month: float
    value: float
    patients: int
    treated: bool


def history_figures(evidence: Evidence, prior: PriorDraws) -> Iterator[Figure]:
    """Yield one figure per endpoint: the course of untreated patients and the published points."""
    for endpoint in prior.endpoints:
        yield history_figure(evidence, prior, endpoint)


def history_figure(evidence: Evidence, prior: PriorDraws, endpoint: str) -> Figure:
    """Return the course of untreated patients since diagnosis, with the published points."""
    measure = ENDPOINTS[endpoint]
    points = published_points(evidence, endpoint)
    layers = [
        _band(prior, endpoint, 0.18, new_study=True),
        _band(prior, endpoint, 0.35, new_study=False),
        _median_line(prior, endpoint),
        *(_dots(points, prior.clock, treated=treated) for treated in (False, True)),
    ]
    month, value = _lowest_mean(prior, endpoint, measure)
    any_treated = any(point.treated for point in points)
    turn = f"lowest at month {month:g}, {value:.3g} {measure.unit}"
    if not measure.lower_is_better:
        after_a_year = _mean_at_month(prior, endpoint, measure, 12.0)
        turn = f"{after_a_year:.2g} {measure.unit} a year after {prior.clock}"
    title = heading(
        f"{capital(measure.label)} of untreated patients: {turn}",
        "Line: typical patient. Dark band: 95 % for an average study; light band: for a new one.\n"
        "Circles: published arms, larger with more patients."
        + (" Orange: treated patients, not part of this curve." if any_treated else ""),
    )
    chart = alt.layer(*layers).properties(width=_WIDE, height=_HIGH, title=title)
    transformed = measure.model_unit != measure.unit
    caption = (
        "An arm that enrolled over a window stands at the window's middle."
        + f" Model scale {measure.model_unit}: a published mean of a skewed quantity lies a little"
        " above the typical patient." * transformed
    )
    return Figure(f"history-{endpoint}", caption, chart)


def published_points(evidence: Evidence, endpoint: str) -> tuple[Point, ...]:
    """Return the locations that the fit uses, at their arm's middle time since diagnosis."""
    arms = {(arm.study, arm.arm): arm for arm in evidence.arms}
    points = []
    for entry in evidence.reported:
        if not _is_location(entry, endpoint):
            continue
        arm = arms[entry.study, entry.arm]
        entered = 0.0 if entry.clock == "diagnosis" else arm.months_since_diagnosis.mean
        measure = ENDPOINTS[endpoint]
        value = measure.from_model(entry.value) if entry.on_model_scale else entry.value
        treated = arm.treated or arm.design == "single-arm"
        # Everybody at entry is still untreated.
        after = treated and entry.months[0] > 0
        points.append(Point(entered + entry.months[0], value, entry.n, after))
    return tuple(points)


def _is_location(entry: ReportedNumber, endpoint: str) -> bool:
    return (
        entry.endpoint == endpoint
        and not entry.unused
        and entry.statistic in LOCATIONS
        and len(entry.months) == 1
        and not entry.versus
    )


def _months(prior: PriorDraws) -> Floats:
    return np.linspace(0.0, float(prior.knots_months[-1]), _POINTS)


def _course(prior: PriorDraws, endpoint: str, *, new_study: bool) -> Floats:
    """Mean (draw, month) of untreated patients, model scale."""
    e = prior.endpoints.index(endpoint)
    course = prior.history[:, e] @ knot_weights(_months(prior), prior.knots_months).T
    if new_study:
        level = normals((len(course), 1), 0, "truth", 0)
        course = course + prior.level_sd[:, e, None] * level
        if prior.diagnosis_sd.size:
            first = normals((len(course), 1), 0, "truth", 0, 1)
            left = deviation_left(PRIORS[endpoint].first_month, _months(prior))
            course = course + prior.diagnosis_sd[:, e, None] * first * left
    return np.asarray(course)


def _in_endpoint_unit(course: Floats, measure: Endpoint) -> Floats:
    return np.asarray(np.vectorize(measure.from_model)(course), dtype=np.float64)


def _band(prior: PriorDraws, endpoint: str, opacity: float, *, new_study: bool) -> Chart:
    measure = ENDPOINTS[endpoint]
    low, _, high = _in_endpoint_unit(
        np.quantile(_course(prior, endpoint, new_study=new_study), _LIMITS, axis=0), measure
    )
    rows = [
        {"month": float(m), "low": float(a), "high": float(b)}
        for m, a, b in zip(_months(prior), low, high, strict=True)
    ]
    return alt.Chart(data(rows)).mark_area(color=EVIDENCE, opacity=opacity).encode(
        x=_time(prior.clock), y=_value("low", endpoint), y2="high:Q"
    )  # fmt: skip


def _median_line(prior: PriorDraws, endpoint: str) -> Chart:
    middle = _in_endpoint_unit(
        np.quantile(_course(prior, endpoint, new_study=False), 0.5, axis=0), ENDPOINTS[endpoint]
    )
    rows = [
        {"month": float(m), "low": float(v)} for m, v in zip(_months(prior), middle, strict=True)
    ]
    return alt.Chart(data(rows)).mark_line(color=EVIDENCE, strokeWidth=2).encode(
        x=_time(prior.clock), y=_value("low", endpoint)
    )  # fmt: skip


def _dots(points: tuple[Point, ...], clock: str, *, treated: bool) -> Chart:
    rows = [
        {"month": p.month, "low": p.value, "patients": max(p.patients, 1)}
        for p in points
        if p.treated == treated
    ]
    colour = TREATED if treated else INK
    return alt.Chart(data(rows)).mark_point(
        filled=True, color=colour, opacity=0.8, stroke="white", strokeWidth=0.8
    ).encode(
        x=_time(clock),
        y=alt.Y("low:Q"),
        size=alt.Size("patients:Q", scale=alt.Scale(type="sqrt", domain=[1, 1000],
                                                    range=[30, 420]), legend=None),
    )  # fmt: skip


def _time(clock: str) -> alt.X:
    return alt.X(
        "month:Q",
        title=f"months since {clock}",
        axis=alt.Axis(values=[0, 3, 6, 12, 18, 24, 36]),
        scale=alt.Scale(nice=False),
    )


def _value(field: str, endpoint: str) -> alt.Y:
    measure = ENDPOINTS[endpoint]
    return alt.Y(
        f"{field}:Q", title=f"{capital(measure.label)}, {measure.unit}", scale=alt.Scale(zero=False)
    )


def _lowest_mean(prior: PriorDraws, endpoint: str, measure: Endpoint) -> tuple[float, float]:
    mean = prior.history[:, prior.endpoints.index(endpoint)].mean(axis=0)
    knot = int(mean.argmin())
    return float(prior.knots_months[knot]), measure.from_model(float(mean[knot]))


def _mean_at_month(prior: PriorDraws, endpoint: str, measure: Endpoint, month: float) -> float:
    mean = prior.history[:, prior.endpoints.index(endpoint)].mean(axis=0)
    return measure.from_model(float(np.interp(month, prior.knots_months, mean)))
