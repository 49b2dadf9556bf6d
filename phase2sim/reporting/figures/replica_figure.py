"""Figure of the reported table: every number inside or outside its predictive interval."""

import altair as alt
import numpy as np

from phase2sim.prior.check import PriorCheck, Replica
from phase2sim.reporting.figures.drawing import (
    ALARM,
    EVIDENCE,
    FAINT,
    INK,
    Chart,
    Figure,
    data,
    heading,
    scale,
)
from phase2sim.reporting.plain_tables import number
from phase2sim.reporting.screens.prior_check import months_text, what_was_reported

_REACH = scale(-1.6, 1.6)  # half intervals around the median
_FURTHEST = 1.5  # a dot farther out stands here
_WIDE, _STEP = 300, 15


def replica_figure(check: PriorCheck) -> Figure:
    """Every reported number inside or outside its 95 % predictive interval."""
    layers = _layers([_row(place, one) for place, one in enumerate(check.replicas)])
    title = heading(
        f"{check.flags} of {len(check.replicas)} reported numbers flagged as rare under the model",
        "Bar: 95 % of what a study of the same design with new patients would report.\n"
        f"Dot: what was reported. Chance alone would flag {check.flags_by_chance:.1f} at most.",
    )
    caption = (
        "To the right: the reported number and its predictive interval, in the number's own unit."
        " Each bar is scaled to its own interval; a dot outside it is red where the two-sided"
        " tail probability is below 0.05."
    )
    return Figure("replica", caption, alt.layer(*layers).properties(title=title))


def _row(place: int, one: Replica) -> dict[str, object]:
    entry = one.entry
    half = one.upper - one.median if one.reported >= one.median else one.median - one.lower
    if half <= 0:  # counts may leave nothing of an interval on one side
        half = max(one.upper - one.lower, abs(one.reported - one.median), 1e-9)
    out = float(np.clip((one.reported - one.median) / half, -_FURTHEST, _FURTHEST))
    what = what_was_reported(entry, one.what)
    return {
        "row": f"{place:03d}",
        "label": f"{entry.study}, {entry.arm}, month {months_text(entry)}: {what}",
        "out": out,
        "shown": f"{number(one.reported)}   ({number(one.lower)} to {number(one.upper)})",
        "low": -1.0,
        "high": 1.0,
        "colour": ALARM if one.flagged else EVIDENCE,
    }


def _layers(rows: list[dict[str, object]]) -> list[Chart]:
    y = alt.Y("row:N", axis=None)
    base = alt.Chart(data(rows)).properties(width=_WIDE, height={"step": _STEP})
    return [
        base.mark_bar(color=FAINT, opacity=0.6, height=5).encode(
            x=alt.X("low:Q", scale=_REACH, axis=None), x2="high:Q", y=y
        ),
        base.mark_point(filled=True, size=46, opacity=1).encode(
            x=alt.X("out:Q", scale=_REACH, axis=None),
            y=y,
            color=alt.Color("colour:N", scale=None),
        ),
        base.mark_text(fontSize=11, color=INK, align="right").encode(
            y=y, text="label:N", x=alt.value(-8)
        ),
        base.mark_text(fontSize=11, color=INK, align="left").encode(
            y=y, text="shown:N", x=alt.value(_WIDE + 12)
        ),
    ]
