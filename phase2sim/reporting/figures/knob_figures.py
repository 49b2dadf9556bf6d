"""Tornado figures of elicited inputs: effect and assurance with each moved both ways."""

from collections.abc import Iterator, Mapping, Sequence

import altair as alt

from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.prior.reweighting import Change
from phase2sim.reporting.figures.drawing import EVIDENCE, INK, TREATED, Figure, data, heading, scale
from phase2sim.reporting.screens.knob_sensitivity import assurance_rows, effect_rows
from phase2sim.studies.knob_runs import MovedKnob
from phase2sim.studies.knob_sensitivity import KnobSensitivity

_TWO_ERRORS = 2.0


def knob_figures(result: KnobSensitivity) -> Iterator[Figure]:
    """Yield one tornado per assurance, the deciding verdict first, then one per effect."""
    for verdict in reversed(list(result.stated.assurance)):
        yield assurance_tornado(result, verdict)
    for name, analysed in result.analyses.items():
        measure = ENDPOINTS[analysed.endpoint]
        mean = result.stated.effect[name].mean.value
        title = f"Effect on {analysed.title}: {mean:+.2f} {measure.model_unit} as stated"
        yield _tornado(
            (f"knobs-effect-{name}", title, f"the mean effect becomes, {measure.model_unit}"),
            effect_rows(result, name),
            mean,
            measure.benefit_sign,
        )


def assurance_tornado(result: KnobSensitivity, verdict: str) -> Figure:
    """Return the tornado of the assurance of one verdict."""
    share = result.stated.assurance[verdict].value
    title = f"Assurance of {verdict}: {share:.3f} as stated"
    rows = assurance_rows(result, verdict)
    words = (f"knobs-assurance-{verdict}", title, "the assurance becomes")
    return _tornado(words, rows, share, 1)


def _tornado(
    words: tuple[str, str, str],  # name, title, axis
    moves: Sequence[tuple[MovedKnob, Change]],
    stated: float,
    benefit_sign: int,
) -> Figure:
    name, title, axis = words
    rows = [_row(position, *move, stated, benefit_sign) for position, move in enumerate(moves)]
    ends = [stated, *(float(str(row[key])) for row in rows for key in ("low", "high", "value"))]
    margin = 0.05 * (max(ends) - min(ends)) or 0.01
    x_scale = scale(min(ends) - margin, max(ends) + margin)
    base = alt.Chart(data(rows)).encode(y=alt.Y("row:N", axis=None))
    x = alt.X("value:Q", scale=x_scale, title=axis)
    line = alt.Chart(data([{"value": stated}])).mark_rule(color=INK).encode(x=x)
    layers = (
        base.mark_bar(height=11, opacity=0.85).encode(
            x=x, x2="stated:Q", color=alt.Color("colour:N", scale=None)
        ),
        base.mark_rule(color=INK, strokeWidth=1).encode(
            x=alt.X("low:Q", scale=x_scale, title=axis), x2="high:Q"
        ),
        line,
        base.mark_text(align="right", fontSize=11, color=INK).encode(
            text="label:N", x=alt.value(-8)
        ),
    )
    about = (
        "Each bar: one elicited input moved, all else as stated.\n"
        "Green: towards benefit. Orange: away from it. Line: two Monte Carlo standard errors."
    )
    chart = alt.layer(*layers).properties(
        width=300, height={"step": 19}, title=heading(title, about)
    )
    return Figure(name, f"{len(rows)} moves, the largest first.", chart)


def _row(
    position: int, row: MovedKnob, change: Change, stated: float, benefit_sign: int
) -> Mapping[str, object]:
    value = stated + change.difference
    return {
        "row": f"{position:02d}",
        "label": "" if row.move is None else row.move.title,
        "stated": stated,
        "value": value,
        "low": value - _TWO_ERRORS * change.difference_mcse,
        "high": value + _TWO_ERRORS * change.difference_mcse,
        "colour": EVIDENCE if change.difference * benefit_sign > 0 else TREATED,
    }
