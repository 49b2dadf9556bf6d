"""The picture of docs/methods/forecasts.md: reported control arms in their forecasts."""

from collections.abc import Sequence

import altair as alt
from scores import PLAIN, PROGRAM, Score

from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.reporting.figures.drawing import (
    EVIDENCE,
    FAINT,
    INK,
    TREATED,
    Figure,
    data,
    heading,
)

WIDE, STEP = 420, 11
LOWEST_LEVEL = 3.0  # % HbA1c; below it a number is a change, which is not drawn
COLOURS = {PROGRAM: EVIDENCE, PLAIN: TREATED}


def draw_intervals(scores: Sequence[Score]) -> str:
    """SVG: a line per number, its 50 and 90 % intervals as bars, the reported number as a dot."""
    panels = [_panel(scores, endpoint) for endpoint in ("c_peptide", "hba1c")]
    title = heading(
        "Control arms in the forecasts made of earlier evidence",
        "Dot: reported. Bars: 50 and 90 % intervals of the program (green) and of a plain MAP prior"
        " (orange).",
    )
    return Figure("forecasts", "", alt.vconcat(*panels).properties(title=title)).svg()


def _panel(scores: Sequence[Score], endpoint: str) -> alt.LayerChart:
    is_hba1c = endpoint == "hba1c"
    chosen = [s for s in scores if s.endpoint == endpoint]
    rows = [_row(s) for s in chosen if not is_hba1c or s.observed > LOWEST_LEVEL]
    order = list(dict.fromkeys(row["label"] for row in rows))
    base = alt.Chart(data(rows))
    y = alt.Y("label:N", sort=order, title=None, axis=alt.Axis(ticks=False, domain=False))
    side = alt.YOffset("source:N", sort=[PROGRAM, PLAIN])
    unit = ENDPOINTS[endpoint].model_unit
    what = "levels" if is_hba1c else "levels (above 0) and changes (below)"
    title = f"{ENDPOINTS[endpoint].label}, {unit}: {what}"
    colour = alt.Color(
        "source:N",
        scale=alt.Scale(domain=list(COLOURS), range=list(COLOURS.values())),
        legend=None,
    )

    def bar(low: str, high: str, width: float) -> alt.Chart:
        x = alt.X(f"{low}:Q", title=title, scale=alt.Scale(zero=False))
        return base.mark_rule(strokeWidth=width).encode(
            x=x, x2=f"{high}:Q", y=y, yOffset=side, color=colour
        )

    zero = alt.Chart(data([{"at": 0.0}])).mark_rule(color=FAINT).encode(x="at:Q")
    dots = base.mark_point(filled=True, size=34, color=INK, opacity=1).encode(
        x="observed:Q", y=y, yOffset=side
    )
    layers = [bar("low_90", "high_90", 1.5), bar("low_50", "high_50", 5), dots]
    layers = layers if is_hba1c else [zero, *layers]
    return alt.layer(*layers).properties(width=WIDE, height={"step": STEP})


def _row(score: Score) -> dict[str, object]:
    (low_50, high_50), (low_90, high_90) = score.within_50, score.within_90
    return {
        "label": f"{score.trial}, month {score.month:g}",
        "source": score.source,
        "observed": score.observed,
        "low_50": low_50, "high_50": high_50, "low_90": low_90, "high_90": high_90,
    }  # fmt: skip
