"""Figures of a fitted prior: its effects, the replica of the reported table, and comparisons."""

from collections.abc import Iterator, Sequence

import altair as alt
import numpy as np
from scipy.stats import gaussian_kde, norm

from phase2sim.comparison import Row
from phase2sim.contracts import Floats
from phase2sim.endpoints import ENDPOINTS
from phase2sim.influence import Influence
from phase2sim.prior_check import FaceValue, Learned, PriorCheck, face_values
from phase2sim.report.check import months_of, what_was_reported
from phase2sim.report.drawing import (
    ALARM,
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
from phase2sim.report.history_figures import history_figures
from phase2sim.report.influence_figures import influence_figures
from phase2sim.report.plain_tables import number

_POINTS = 201
_WIDE, _HIGH = 460, 220
_LIMITS = (0.025, 0.975)
_FURTHEST = 1.5  # half intervals from the median: a dot farther out stands here


def figures_of(found: PriorCheck | Influence | Sequence[Row]) -> Iterator[Figure]:
    """Every figure of what a command found."""
    if isinstance(found, PriorCheck):
        return check_figures(found)
    if isinstance(found, Influence):
        return influence_figures(found)
    return (comparison_figure(row) for row in found if any(side.effect for side in row.sides))


def check_figures(check: PriorCheck) -> Iterator[Figure]:
    """Effects before and after the evidence, untreated courses, the replica of the table."""
    for endpoint in check.prior.effects:
        yield effect_figure(check, endpoint)
    yield from history_figures(check.evidence, check.prior)
    yield replica_figure(check)


def effect_figure(check: PriorCheck, endpoint: str) -> Figure:
    """Density of one effect before and after the evidence, the reported numbers marked."""
    of, assumed = ENDPOINTS[endpoint], check.prior.effects[endpoint]
    draws = check.prior.effect[:, check.prior.endpoints.index(endpoint)]
    learned = next(one for one in check.learned if _is_effect(one, endpoint))
    marks = [one for one in face_values(check.evidence, check.prior) if one.endpoint == endpoint]
    reach = _reach(draws, learned, marks)
    at = np.linspace(*reach, _POINTS)
    before = norm(learned.before_mean, learned.before_sd).pdf(at)
    after = gaussian_kde(draws)(at)
    top = float(max(before.max(), after.max()))
    low, high = np.quantile(draws, _LIMITS)
    better = "lower" if of.lower_is_better else "higher"
    title = heading(
        f"{capital(of.label)}: effect {draws.mean():+.2f}, 95 % between {low:+.2f} and {high:+.2f}",
        f"Grey: before the evidence. Green: after it. {better.capitalize()} is better."
        + ("\nOrange: what treated patients showed, at face value" if marks else ""),
    )
    x = alt.X(
        "effect:Q",
        scale=scale(*reach),
        title=f"effect at month {assumed.month:g}, {of.model_unit}: treated minus untreated",
        axis=alt.Axis(tickCount=7),
    )
    y = alt.Y("density:Q", axis=None, scale=scale(0, 1.3 * top))
    layers = [
        _density(at, before, x, y, FAINT),
        _density(at, after, x, y, EVIDENCE),
        alt.Chart(data([{"effect": 0.0, "density": 0.0, "top": 1.02 * top}]))
        .mark_rule(color=INK, strokeDash=[3, 3])
        .encode(x=x, y=y, y2="top:Q"),
    ]
    if marks:
        layers += _marks(marks, x, y, top)
    chart = alt.layer(*layers).properties(width=_WIDE, height=_HIGH, title=title)
    caption = (
        "At face value: a reported mean or median of treated patients minus what untreated patients"
        " of an average study would have had, brought to the effect's month by its shape. The green"
        " curve weighs it with its sampling error, the scatter of studies, and the stated bias."
        if marks
        else "Dashed: no effect."
    )
    return Figure(f"effect-{endpoint}", caption, chart)


def replica_figure(check: PriorCheck) -> Figure:
    """Every reported number inside or outside its 95 % predictive interval."""
    rows = []
    for place, one in enumerate(check.replicas):
        half = _half(one.median, one.lower, one.upper, one.reported)
        shown = f"{number(one.reported)}   ({number(one.lower)} to {number(one.upper)})"
        what = what_was_reported(one.entry, one.what)
        arm = f"{one.entry.study}, {one.entry.arm}"
        rows.append(
            {
                "row": f"{place:03d}",
                "label": f"{arm}, month {months_of(one.entry)}: {what}",
                "out": float(np.clip((one.reported - one.median) / half, -_FURTHEST, _FURTHEST)),
                "shown": shown,
                "low": -1.0,
                "high": 1.0,
                "colour": ALARM if one.flagged else EVIDENCE,
            }
        )
    y = alt.Y("row:N", axis=None)
    reach = scale(-1.6, 1.6)
    x = alt.X("out:Q", scale=reach, axis=None)
    base = alt.Chart(data(rows)).properties(width=300, height={"step": 15})
    band = base.mark_bar(color=FAINT, opacity=0.6, height=5).encode(
        x=alt.X("low:Q", scale=reach, axis=None), x2="high:Q", y=y
    )
    dots = base.mark_point(filled=True, size=46, opacity=1).encode(
        x=x, y=y, color=alt.Color("colour:N", scale=None)
    )
    text = base.mark_text(fontSize=11, color=INK).encode(y=y)
    label = text.mark_text(fontSize=11, color=INK, align="right").encode(
        text="label:N", x=alt.value(-8)
    )
    shown = text.mark_text(fontSize=11, color=INK, align="left").encode(
        text="shown:N", x=alt.value(312)
    )
    flags = f"{check.flags} of {len(check.replicas)}"
    title = heading(
        f"{flags} reported numbers are ones that the model would rarely report",
        "Bar: 95 % of what a study of the same design with new patients would report.\n"
        f"Dot: what was reported. Chance alone would flag {check.flags_by_chance:.1f} at most.",
    )
    chart = alt.layer(band, dots, label, shown).properties(title=title)
    caption = (
        "To the right: the reported number and its predictive interval, in the number's own unit."
        " Each bar is scaled to its own interval; a dot outside it is red where the two-sided"
        " tail probability is below 0.05."
    )
    return Figure("replica", caption, chart)


def comparison_figure(row: Row) -> Figure:
    """Effect on one endpoint under each set of evidence."""
    of = ENDPOINTS[row.endpoint]
    rows = [
        {
            "evidence": ", ".join(side.evidence),
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
    limits = [float(str(one[key])) for one in rows for key in ("lower", "upper")]
    reach = min([*limits, 0.0]), max([*limits, 0.0])
    room = 0.08 * (reach[1] - reach[0])
    across = scale(reach[0] - room, reach[1] + room)
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
    better = "lower" if of.lower_is_better else "higher"
    above = heading(
        f"{capital(of.label)}: the effect under each set of evidence",
        f"Dot: mean. Line: 95 % interval. {better.capitalize()} is better.",
    )
    chart = alt.layer(*layers).properties(width=_WIDE, height={"step": 34}, title=above)
    return Figure(f"compare-{row.endpoint}", "Right: chance of a benefit.", chart)


def _is_effect(one: Learned, endpoint: str) -> bool:
    return one.endpoint == endpoint and one.what == "treatment effect"


def _reach(draws: Floats, learned: Learned, marks: Sequence[FaceValue]) -> tuple[float, float]:
    three = 3 * learned.before_sd
    values = [learned.before_mean - three, learned.before_mean + three, *(m.effect for m in marks)]
    return (
        min(*values, float(draws.min())),
        max(*values, float(draws.max())),
    )


def _density(at: Floats, density: Floats, x: alt.X, y: alt.Y, colour: str) -> Chart:
    rows = [
        {"effect": float(one), "density": float(high)}
        for one, high in zip(at, density, strict=True)
    ]
    return alt.Chart(data(rows)).mark_area(
        color=colour, opacity=0.45, line={"color": colour, "strokeWidth": 1.5}
    ).encode(x=x, y=y)  # fmt: skip


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


def _half(median: float, lower: float, upper: float, reported: float) -> float:
    """Half of the interval on the side of the reported number; counts may leave none."""
    half = upper - median if reported >= median else median - lower
    return half if half > 0 else max(upper - lower, abs(reported - median), 1e-9)
