"""Figure of the reported numbers and their posterior predictive intervals."""

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
from phase2sim.reporting.screens.prior_check import months_text, reported_quantity

_REACH = scale(-1.6, 1.6)  # half intervals around the median
_FURTHEST = 1.5  # a dot farther out stands here
_WIDE, _STEP = 300, 15


def replica_figure(check: PriorCheck) -> Figure:
    """Return every reported number with its 95 % predictive interval."""
    layers = _layers([_row(position, replica) for position, replica in enumerate(check.replicas)])
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


def _row(position: int, replica: Replica) -> dict[str, object]:
    entry = replica.entry
    half = (
        replica.upper - replica.median
        if replica.reported >= replica.median
        else replica.median - replica.lower
    )
    if half <= 0:  # counts may leave nothing of an interval on one side
        half = max(replica.upper - replica.lower, abs(replica.reported - replica.median), 1e-9)
    out = float(np.clip((replica.reported - replica.median) / half, -_FURTHEST, _FURTHEST))
    quantity = reported_quantity(entry, replica.what)
    return {
        "row": f"{position:03d}",
        "label": f"{entry.study}, {entry.arm}, month {months_text(entry)}: {quantity}",
        "out": out,
        "shown": f"{number(replica.reported)}   ({number(replica.lower)} to"
        f" {number(replica.upper)})",
        "low": -1.0,
        "high": 1.0,
        "colour": ALARM if replica.flagged else EVIDENCE,
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
