"""Figures of effects: before and after the evidence, and under several sets of evidence."""

from collections.abc import Sequence

import altair as alt
import numpy as np
from scipy.stats import gaussian_kde, norm

from phase2sim.core.arrays import Floats
from phase2sim.core.endpoints import ENDPOINTS, Endpoint
from phase2sim.prior.check import FaceValue, PriorCheck, PriorUpdate, face_values
from phase2sim.prior.comparison import ComparisonRow
from phase2sim.reporting.figures.drawing import (
    EVIDENCE,
    FAINT,
    INK,
    MUTED,
    TREATED,
    Chart,
    Figure,
    data,
    heading,
    scale,
)
from phase2sim.reporting.screens.evidence_comparison import set_label, shared_evidence
from phase2sim.reporting.words import capital

_POINTS = 201
_WIDE, _HIGH = 460, 220
_LIMITS = (0.025, 0.975)
_AT_FACE_VALUE = (
    "At face value: a reported mean or median of treated patients minus what untreated patients of"
    " an average study would have had, brought to the effect's month by its shape. The green curve"
    " weighs it with its sampling error, the scatter of studies, and the stated bias."
)


def effect_figure(check: PriorCheck, endpoint: str) -> Figure:
    """Return the density of an effect before and after the evidence, with the reported numbers."""
    measure, month = ENDPOINTS[endpoint], check.prior.effects[endpoint].month
    draws = check.prior.effect[:, check.prior.endpoints.index(endpoint)]
    marks = [mark for mark in face_values(check.evidence, check.prior) if mark.endpoint == endpoint]
    low, high = np.quantile(draws, _LIMITS)
    orange = "\nOrange: what treated patients showed, at face value" if marks else ""
    title = heading(
        f"{capital(measure.label)}: effect {draws.mean():+.2f}, 95 % between {low:+.2f} and"
        f" {high:+.2f}",
        f"Grey: before the evidence. Green: after it. {_direction_of_benefit(measure)} is"
        f" better.{orange}",
    )
    learned = next(entry for entry in check.learned if _is_effect(entry, endpoint))
    axis = f"effect at month {month:g}, {measure.model_unit}: treated minus untreated"
    layers = _effect_layers(draws, learned, marks, axis)
    chart = alt.layer(*layers).properties(width=_WIDE, height=_HIGH, title=title)
    return Figure(f"effect-{endpoint}", _AT_FACE_VALUE if marks else "Dashed: no effect.", chart)


def comparison_figure(row: ComparisonRow) -> Figure:
    """Return the effect on one endpoint under each set of evidence."""
    measure = ENDPOINTS[row.endpoint]
    rows = [
        {
            "evidence": set_label(row, side),
            "mean": side.effect.mean, "lower": side.effect.lower, "upper": side.effect.upper,
            "benefit": f"benefit {100 * side.effect.benefit.estimate:.0f} %"
            if side.effect.benefit
            else "",
        }
        for side in row.sides
        if side.effect
    ]  # fmt: skip
    effects = [side.effect for side in row.sides if side.effect]
    limits = [0.0, *(limit for effect in effects for limit in (effect.lower, effect.upper))]
    room = 0.08 * (max(limits) - min(limits))
    x_scale = scale(min(limits) - room, max(limits) + room)
    title = f"effect at month {row.month:g}, {measure.model_unit}"
    x = alt.X("mean:Q", scale=x_scale, title=title)
    line = alt.X("lower:Q", scale=x_scale, title=title)
    y = alt.Y("evidence:N", sort=None, title=None, axis=alt.Axis(ticks=False, domain=False))
    base = alt.Chart(data(rows)).encode(y=y)
    layers = (
        alt.Chart(data([{"mean": 0.0}])).mark_rule(color=FAINT).encode(x=x),
        base.mark_rule(color=EVIDENCE, strokeWidth=2).encode(x=line, x2="upper:Q"),
        base.mark_point(filled=True, size=70, color=EVIDENCE, opacity=1).encode(x=x),
        base.mark_text(align="left", color=MUTED, fontSize=11).encode(
            text="benefit:N", x=alt.value(_WIDE + 10)
        ),
    )
    shared = ", ".join(shared_evidence(row))
    title_lines = heading(
        f"{capital(measure.label)}: the effect under each set of evidence",
        f"Dot: mean. Line: 95 % interval. {_direction_of_benefit(measure)} is better."
        + (f" Every set holds {shared}." if shared else ""),
    )
    chart = alt.layer(*layers).properties(width=_WIDE, height={"step": 34}, title=title_lines)
    return Figure(f"compare-{row.endpoint}", "Right: chance of a benefit.", chart)


def _direction_of_benefit(measure: Endpoint) -> str:
    return "Lower" if measure.lower_is_better else "Higher"


def _is_effect(learned: PriorUpdate, endpoint: str) -> bool:
    return learned.endpoint == endpoint and learned.what == "treatment effect"


def _effect_layers(
    draws: Floats, learned: PriorUpdate, marks: Sequence[FaceValue], axis: str
) -> list[Chart]:
    reach = _reach(draws, learned, marks)
    effects = np.linspace(*reach, _POINTS)
    before = norm(learned.before_mean, learned.before_sd).pdf(effects)
    after = gaussian_kde(draws)(effects)
    top = float(max(before.max(), after.max()))
    x = alt.X("effect:Q", scale=scale(*reach), title=axis, axis=alt.Axis(tickCount=7))
    y = alt.Y("density:Q", axis=None, scale=scale(0, 1.3 * top))
    no_effect = alt.Chart(data([{"effect": 0.0, "density": 0.0, "top": 1.02 * top}]))
    return [
        _density(effects, before, x, y, FAINT),
        _density(effects, after, x, y, EVIDENCE),
        no_effect.mark_rule(color=INK, strokeDash=[3, 3]).encode(x=x, y=y, y2="top:Q"),
        *(_marks(marks, x, y, top) if marks else []),
    ]


def _reach(draws: Floats, learned: PriorUpdate, marks: Sequence[FaceValue]) -> tuple[float, float]:
    three_sds = 3 * learned.before_sd
    values = [
        learned.before_mean - three_sds,
        learned.before_mean + three_sds,
        *(m.effect for m in marks),
    ]
    return min(*values, float(draws.min())), max(*values, float(draws.max()))


def _density(effects: Floats, density: Floats, x: alt.X, y: alt.Y, colour: str) -> Chart:
    rows = [
        {"effect": float(effect), "density": float(height)}
        for effect, height in zip(effects, density, strict=True)
    ]
    line = {"color": colour, "strokeWidth": 1.5}
    return alt.Chart(data(rows)).mark_area(color=colour, opacity=0.45, line=line).encode(x=x, y=y)


def _marks(marks: Sequence[FaceValue], x: alt.X, y: alt.Y, top: float) -> list[Chart]:
    rows = [
        {
            "effect": mark.effect,
            "density": (1.08 + 0.12 * (position % 2)) * top,
            "label": mark.label,
        }
        for position, mark in enumerate(sorted(marks, key=lambda mark: mark.effect))
    ]
    base = alt.Chart(data(rows)).encode(x=x, y=y)
    return [
        base.mark_point(shape="triangle-down", filled=True, size=80, color=TREATED, opacity=1),
        base.mark_text(dx=9, align="left", fontSize=11, color=TREATED).encode(text="label:N"),
    ]
