"""Figures of influence: how far each number moves an effect or an assurance."""

from collections.abc import Iterator, Mapping, Sequence

import altair as alt

from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.prior.reweighting import Change
from phase2sim.reporting.figures.drawing import EVIDENCE, INK, TREATED, Figure, data, heading, scale
from phase2sim.reporting.screens.influence import entry_title, measured
from phase2sim.studies.influence import Influence, LeftOut

_SHOWN = 12
_TWO_ERRORS = 2.0


def influence_figures(found: Influence) -> Iterator[Figure]:
    """One tornado an effect, then one an assurance."""
    for endpoint in (name for name in ENDPOINTS if name in found.effect_mean):
        of, month = ENDPOINTS[endpoint], found.prior.effects[endpoint].month
        moves = [
            (one, one.effect_mean[endpoint])
            for one in measured(found)
            if endpoint in one.effect_mean
        ]
        title = f"Effect on {of.label} at month {month:g}: {found.effect_mean[endpoint].value:+.2f}"
        axis = f"the effect moves by, {of.model_unit}"
        yield _tornado(f"influence-{endpoint}", title, axis, moves, of.benefit_sign)
    for name, share in found.assurance.items():
        moves = [(one, one.assurance[name]) for one in measured(found) if name in one.assurance]
        title = f"Assurance of {name}: {share.value:.2f} with every number"
        yield _tornado(f"assurance-{name}", title, "the assurance moves by", moves, 1)


def _tornado(
    name: str,
    title: str,
    axis: str,
    moves: Sequence[tuple[LeftOut, Change]],
    benefit_sign: int,
) -> Figure:
    largest = sorted(moves, key=lambda pair: -abs(pair[1].by))[:_SHOWN]
    rows = [_row(place, one, moved, benefit_sign) for place, (one, moved) in enumerate(largest)]
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


def _row(place: int, one: LeftOut, moved: Change, benefit_sign: int) -> Mapping[str, object]:
    return {
        "row": f"{place:02d}",
        "label": entry_title(one),
        "by": moved.by,
        "low": moved.by - _TWO_ERRORS * moved.by_mcse,
        "high": moved.by + _TWO_ERRORS * moved.by_mcse,
        "colour": EVIDENCE if moved.by * benefit_sign > 0 else TREATED,
    }
