"""Figures of the influence of each reported number on an effect or an assurance."""

from collections.abc import Iterator, Mapping, Sequence

import altair as alt

from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.prior.reweighting import Change
from phase2sim.reporting.figures.drawing import EVIDENCE, INK, TREATED, Figure, data, heading, scale
from phase2sim.reporting.screens.influence import endpoint_entries, entry_title
from phase2sim.studies.influence import Influence, LeaveOneOut

_SHOWN = 12
_TWO_ERRORS = 2.0


def influence_figures(influence: Influence) -> Iterator[Figure]:
    """Yield one tornado plot per effect, then one per assurance."""
    for endpoint in (name for name in ENDPOINTS if name in influence.effect_mean):
        measure, month = ENDPOINTS[endpoint], influence.prior.effects[endpoint].month
        moves = [
            (left_out, left_out.effect_mean[endpoint])
            for left_out in endpoint_entries(influence)
            if endpoint in left_out.effect_mean
        ]
        mean = influence.effect_mean[endpoint].value
        title = f"Effect on {measure.label} at month {month:g}: {mean:+.2f}"
        axis = f"the effect moves by, {measure.model_unit}"
        yield _tornado(f"influence-{endpoint}", title, axis, moves, measure.benefit_sign)
    for name, share in influence.assurance.items():
        moves = [
            (left_out, left_out.assurance[name])
            for left_out in endpoint_entries(influence)
            if name in left_out.assurance
        ]
        title = f"Assurance of {name}: {share.value:.2f} with every number"
        yield _tornado(f"assurance-{name}", title, "the assurance moves by", moves, 1)


def _tornado(
    name: str,
    title: str,
    axis: str,
    moves: Sequence[tuple[LeaveOneOut, Change]],
    benefit_sign: int,
) -> Figure:
    largest = sorted(moves, key=lambda pair: -abs(pair[1].difference))[:_SHOWN]
    rows = [
        _row(position, left_out, change, benefit_sign)
        for position, (left_out, change) in enumerate(largest)
    ]
    reach = max(abs(float(str(row[key]))) for row in rows for key in ("low", "high", "by")) * 1.05
    y = alt.Y("row:N", axis=None)
    x = alt.X("by:Q", scale=scale(-reach, reach), title=axis)
    base = alt.Chart(data(rows)).encode(y=y)
    zero = alt.Chart(data([{"by": 0.0}])).mark_rule(color=INK).encode(x=x)
    bars = base.mark_bar(height=11, opacity=0.85).encode(
        x=x, color=alt.Color("colour:N", scale=None)
    )
    error = base.mark_rule(color=INK, strokeWidth=1).encode(
        x=alt.X("low:Q", scale=scale(-reach, reach), title=axis), x2="high:Q"
    )
    label = base.mark_text(align="right", fontSize=11, color=INK).encode(
        text="label:N", x=alt.value(-8)
    )
    chart = alt.layer(bars, error, zero, label).properties(
        width=300,
        height={"step": 19},
        title=heading(
            title,
            "Each bar: how far it moves when that number is left out.\n"
            "Green: towards benefit. Orange: away from it. Line: two Monte Carlo standard errors.",
        ),
    )
    caption = f"The {len(rows)} numbers with the largest moves of {len(moves)}."
    return Figure(name, caption, chart)


def _row(
    position: int, left_out: LeaveOneOut, change: Change, benefit_sign: int
) -> Mapping[str, object]:
    return {
        "row": f"{position:02d}",
        "label": entry_title(left_out),
        "by": change.difference,
        "low": change.difference - _TWO_ERRORS * change.difference_mcse,
        "high": change.difference + _TWO_ERRORS * change.difference_mcse,
        "colour": EVIDENCE if change.difference * benefit_sign > 0 else TREATED,
    }
