"""Draw the pictures of the README anew: `uv run python docs/images/draw.py`."""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import altair as alt
from rich.console import Console

from phase2sim import load_scenario, simulate, size, sweep
from phase2sim.reporting.figures.drawing import (
    EVIDENCE,
    FAINT,
    MUTED,
    TREATED,
    Figure,
    data,
    heading,
)
from phase2sim.reporting.screens.run import run_screen

HERE = Path(__file__).parent
SCENARIO = "scenarios/gxipc1-phase2.toml"
SIZES = "scenarios/sweeps/gxipc1-how-many.toml"
TRIALS = 2_000  # few enough for the bands to be seen
# Analysis -> its name, and what each curve says, with the height at which it says so.
PANELS = {
    "hba1c": ("HbA1c, month 6", {
        "target": ("power: if HbA1c is 0.5 % lower", 0.60),
        "prior": ("assurance: given all the evidence", 0.115),
    }),
    "c_peptide": ("C-peptide, month 12", {
        "target": ("power: if ln(C-peptide + 1) is 0.10 higher", 0.80),
        "prior": ("assurance: given all the evidence", 0.24),
    }),
}  # fmt: skip
COLOURS = {"target": EVIDENCE, "prior": TREATED}
BAND = 1.96
WIDE, HIGH = 300, 250


def first_screen() -> None:
    """Run the shipped scenario and save its first screen."""
    result = simulate(load_scenario(SCENARIO), report=sys.stderr.write)
    console = Console(record=True, width=118, highlight=False, quiet=False)
    console.print(run_screen(result))
    console.save_svg(str(HERE / "first-screen.svg"), title=f"phase2sim run {SCENARIO}")


def power_and_assurance() -> None:
    """Power and assurance over the number of patients, a panel an endpoint."""
    with tempfile.TemporaryDirectory() as folder:
        rows = list(sweep(SIZES, folder, trials=TRIALS).rows)
    panels = [panel(endpoint, rows) for endpoint in PANELS]
    above = heading(
        "GXIPC1 phase 2: a larger trial mends power, not doubt",
        f"Bands: 95 % Monte Carlo intervals of {TRIALS:,} trials a point. Vertical: the 120"
        " patients planned.",
    )
    chart = alt.hconcat(*panels).properties(title=above)
    svg = Figure("power-and-assurance", "", chart).svg()
    (HERE / "power-and-assurance.svg").write_text(svg + "\n", encoding="utf-8")


def panel(endpoint: str, rows: list) -> alt.LayerChart:
    """One endpoint: both curves with bands, and what assurance cannot exceed."""
    title, said = PANELS[endpoint]
    ceiling = size(load_scenario(SCENARIO), assurance=0.99, verdict=endpoint).ceiling
    notes = [
        {"share": share, "patients": 400, "said": words, "truth": truth}
        for truth, (words, share) in said.items()
    ]
    most = f"assurance cannot exceed {ceiling.estimate:.3f} ± {ceiling.mcse:.3f}"
    limit = {"share": ceiling.estimate, "patients": 400, "said": most}
    ticks = alt.Axis(values=[40, 120, 200, 280, 360])
    x = alt.X(
        "patients:Q", title="patients in all arms", axis=ticks, scale=alt.Scale(domain=[40, 400])
    )
    y = alt.Y("share:Q", title="share of trials that show it", scale=alt.Scale(domain=[0, 1]))
    colour = alt.Color(
        "truth:N", legend=None,
        scale=alt.Scale(domain=list(COLOURS), range=list(COLOURS.values())),
    )  # fmt: skip
    base = alt.Chart(data(list(points_of(endpoint, rows)))).encode(x=x, color=colour)
    ceilings = alt.Chart(data([limit]))
    words = {"align": "right", "fontSize": 12}
    layers = (
        alt.Chart(data([{"patients": 120}])).mark_rule(color=FAINT).encode(x=x),
        ceilings.mark_rule(color=MUTED, strokeDash=[4, 4]).encode(y=y),
        ceilings.mark_text(dy=-8, color=MUTED, **words).encode(x=x, y=y, text="said:N"),
        base.mark_area(opacity=0.25).encode(y=alt.Y("low:Q", title=""), y2="high:Q"),
        base.mark_line(strokeWidth=2.5).encode(y=y),
        alt.Chart(data(notes)).mark_text(fontWeight="bold", **words).encode(
            x=x, y=y, text="said:N", color=colour
        ),
    )  # fmt: skip
    return alt.layer(*layers).properties(width=WIDE, height=HIGH, title=heading(title))


def points_of(endpoint: str, rows: list) -> Iterator[dict[str, object]]:
    """Shares of go of one analysis, with the ends of their bands."""
    for row in rows:
        if row["analysis"] == endpoint and row["name"] in {"power", "assurance"}:
            share, off = row["estimate"], BAND * row["mcse"]
            yield {
                "patients": row["patients"],
                "truth": row["truth"],
                "share": share,
                "low": max(share - off, 0.0),
                "high": min(share + off, 1.0),
            }


if __name__ == "__main__":
    first_screen()
    power_and_assurance()
