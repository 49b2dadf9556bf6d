"""Shared style of the figures: colours, fonts and axes."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

INK, MUTED, FAINT = "#1f2933", "#52606d", "#cbd2d9"
EVIDENCE, TREATED, ALARM = "#0f766e", "#c2410c", "#b91c1c"
FONT = "Helvetica, Arial, sans-serif"

type _Rows = Sequence[Mapping[str, object]]
type Chart = Any  # Altair's chart types have no common public base with what is used here


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: ``name`` names its file, ``caption`` explains how to read it."""

    name: str
    caption: str
    chart: Chart

    def svg(self) -> str:
        """Return the figure as SVG without network access."""
        written = io.StringIO()
        styled_chart(self.chart).save(written, format="svg")
        return written.getvalue()


def data(rows: _Rows) -> alt.InlineData:
    """Return rows as Altair inline data."""
    return alt.InlineData(values=[dict(row) for row in rows])


def heading(title: str, subtitle: str = "") -> alt.TitleParams:
    """Return a title with the finding, and a subtitle that explains how to read the figure."""
    lines = subtitle.split("\n") if subtitle else []
    return alt.TitleParams(title, subtitle=lines, anchor="start", frame="bounds", offset=12)


def scale(low: float, high: float) -> alt.Scale:
    """Return an axis scale from exactly ``low`` to ``high``."""
    return alt.Scale(domain=[low, high], nice=False, zero=False)


def styled_chart(chart: Chart) -> Chart:
    """Return the chart in the project's fonts and colours."""
    return (
        chart.configure(font=FONT, background="white", padding=12)
        .configure_view(stroke=None)
        .configure_title(
            fontSize=14, fontWeight=600, color=INK, subtitleFontSize=11.5, subtitleColor=MUTED,
            subtitlePadding=5, subtitleLineHeight=15,
        )
        .configure_axis(
            grid=False, domainColor=FAINT, tickColor=FAINT, labelColor=INK, titleColor=MUTED,
            titleFontWeight="normal", labelFontSize=11, titleFontSize=11, titlePadding=8,
            labelLimit=420,
        )
        .configure_legend(
            labelFontSize=11, titleFontSize=11, titleFontWeight="normal", symbolOpacity=1
        )
        .configure_concat(spacing=36)
    )  # fmt: skip
