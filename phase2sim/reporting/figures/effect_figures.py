"""Figures of effects: before and after the evidence, and under several sets of it."""

from collections.abc import Sequence

import altair as alt
import numpy as np
from scipy.stats import gaussian_kde, norm

from phase2sim.core.arrays import Floats
from phase2sim.core.endpoints import ENDPOINTS, Endpoint
from phase2sim.prior.check import FaceValue, Learned, PriorCheck, face_values
from phase2sim.prior.comparison import ComparisonRow
from phase2sim.reporting.figures.drawing import (
    EVIDENCE,
    FAINT,
    INK,
    MUTED,
    TREATED,
    Chart,
    Figure,
    capital,
    data,
    heading,
    scale,
)
from phase2sim.reporting.screens.evidence_comparison import in_common, set_label

_POINTS = 201
_WIDE, _HIGH = 460, 220
_LIMITS = (0.025, 0.975)
_AT_FACE_VALUE = (
    "At face value: a reported mean or median of treated patients minus what untreated patients of"
    " an average study would have had, brought to the effect's month by its shape. The green curve"
    " weighs it with its sampling error, the scatter of studies, and the stated bias."
)


def effect_figure(check: PriorCheck, endpoint: str) -> Figure:
    """Density of one effect before and after the evidence, the reported numbers marked."""
    of, month = ENDPOINTS[endpoint], check.prior.effects[endpoint].month
    draws = check.prior.effect[:, check.prior.endpoints.index(endpoint)]
    marks = [one for one in face_values(check.evidence, check.prior) if one.endpoint == endpoint]
    low, high = np.quantile(draws, _LIMITS)
    orange = "\nOrange: what treated patients showed, at face value" if marks else ""
    title = heading(
        f"{capital(of.label)}: effect {draws.mean():+.2f}, 95 % between {low:+.2f} and {high:+.2f}",
        f"Grey: before the evidence. Green: after it. {_better(of)} is better.{orange}",
    )
    learned = next(one for one in check.learned if _is_effect(one, endpoint))
    axis = f"effect at month {month:g}, {of.model_unit}: treated minus untreated"
    layers = _effect_layers(draws, learned, marks, axis)
    chart = alt.layer(*layers).properties(width=_WIDE, height=_HIGH, title=title)
    return Figure(f"effect-{endpoint}", _AT_FACE_VALUE if marks else "Dashed: no effect.", chart)


def comparison_figure(row: ComparisonRow) -> Figure:
    """Effect on one endpoint under each set of evidence."""
    of = ENDPOINTS[row.endpoint]
    rows = [
        {
            "evidence": set_label(row, side),
            "mean": side.effect.mean,
            "lower": side.effect.lower,
            "upper": side.effect.upper,
            "benefit": f"benefit {100 * side.effect.benefit.estimate:.0f} %"
            if side.effect.benefit
            else "",
        }
        for side in row.sides
        if side.effect
    ]
    limits = [0.0, *(float(str(one[key])) for one in rows for key in ("lower", "upper"))]
    room = 0.08 * (max(limits) - min(limits))
    across = scale(min(limits) - room, max(limits) + room)
    title = f"effect at month {row.month:g}, {of.model_unit}"
    x = alt.X("mean:Q", scale=across, title=title)
    line = alt.X("lower:Q", scale=across, title=title)
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
    shared = ", ".join(in_common(row))
    above = heading(
        f"{capital(of.label)}: the effect under each set of evidence",
        f"Dot: mean. Line: 95 % interval. {_better(of)} is better."
        + (f" Every set holds {shared}." if shared else ""),
    )
    chart = alt.layer(*layers).properties(width=_WIDE, height={"step": 34}, title=above)
    return Figure(f"compare-{row.endpoint}", "Right: chance of a benefit.", chart)


def _better(of: Endpoint) -> str:
    return "Lower" if of.lower_is_better else "Higher"


def _is_effect(one: Learned, endpoint: str) -> bool:
    return one.endpoint == endpoint and one.what == "treatment effect"


def _effect_layers(
    draws: Floats, learned: Learned, marks: Sequence[FaceValue], axis: str
) -> list[Chart]:
    reach = _reach(draws, learned, marks)
    at = np.linspace(*reach, _POINTS)
    before = norm(learned.before_mean, learned.before_sd).pdf(at)
    after = gaussian_kde(draws)(at)
    top = float(max(before.max(), after.max()))
    x = alt.X("effect:Q", scale=scale(*reach), title=axis, axis=alt.Axis(tickCount=7))
    y = alt.Y("density:Q", axis=None, scale=scale(0, 1.3 * top))
    none = alt.Chart(data([{"effect": 0.0, "density": 0.0, "top": 1.02 * top}]))
    return [
        _density(at, before, x, y, FAINT),
        _density(at, after, x, y, EVIDENCE),
        none.mark_rule(color=INK, strokeDash=[3, 3]).encode(x=x, y=y, y2="top:Q"),
        *(_marks(marks, x, y, top) if marks else []),
    ]


def _reach(draws: Floats, learned: Learned, marks: Sequence[FaceValue]) -> tuple[float, float]:
    three = 3 * learned.before_sd
    values = [learned.before_mean - three, learned.before_mean + three, *(m.effect for m in marks)]
    return min(*values, float(draws.min())), max(*values, float(draws.max()))


def _density(at: Floats, density: Floats, x: alt.X, y: alt.Y, colour: str) -> Chart:
    rows = [
        {"effect": float(one), "density": float(high)}
        for one, high in zip(at, density, strict=True)
    ]
    line = {"color": colour, "strokeWidth": 1.5}
    return alt.Chart(data(rows)).mark_area(color=colour, opacity=0.45, line=line).encode(x=x, y=y)


def _marks(marks: Sequence[FaceValue], x: alt.X, y: alt.Y, top: float) -> list[Chart]:
    rows = [
        {"effect": one.effect, "density": (1.08 + 0.12 * (place % 2)) * top, "label": one.label}
        for place, one in enumerate(sorted(marks, key=lambda one: one.effect))
    ]
    base = alt.Chart(data(rows)).encode(x=x, y=y)
    return [
        base.mark_point(shape="triangle-down", filled=True, size=80, color=TREATED, opacity=1),
        base.mark_text(dx=9, align="left", fontSize=11, color=TREATED).encode(text="label:N"),
    ]
