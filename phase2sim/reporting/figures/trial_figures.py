"""Figures of simulated trials: curves over the size, surfaces, tornado, patients, decisions."""

from collections.abc import Mapping, Sequence

import altair as alt

from phase2sim.core.endpoints import MEASURES
from phase2sim.core.io.data_frames import Row
from phase2sim.reporting.figures.drawing import (
    EVIDENCE,
    FAINT,
    INK,
    MUTED,
    TREATED,
    Figure,
    data,
    heading,
)
from phase2sim.reporting.words import capital
from phase2sim.studies.dossier.dossier import Sensitivity
from phase2sim.studies.dossier.example_trials import Example, Patient

_WIDE, _HIGH = 440, 240
_BAND = 1.96
_DARK = 0.9  # of a share, whose colour white reads better on than black: 4.5 to 1 there
_COLOURS = [EVIDENCE, TREATED, "#4338ca", "#a16207", "#be185d", INK]


def size_curves(rows: Sequence[Row], planned: int, name: str, title: str) -> Figure:
    """Return the share of go over the number of patients, one line per ``verdict``, with bands."""
    points = [
        {
            "patients": row["patients"],
            "share": row["estimate"],
            "low": max(row["estimate"] - _BAND * row["mcse"], 0.0),
            "high": min(row["estimate"] + _BAND * row["mcse"], 1.0),
            "verdict": row["verdict"],
        }
        for row in rows
        if row["estimate"] is not None
    ]
    verdicts = list(dict.fromkeys(str(point["verdict"]) for point in points))
    x = alt.X("patients:Q", title="patients in all arms", scale=alt.Scale(zero=False, nice=False))
    y = alt.Y("share:Q", title="share of trials that go", scale=alt.Scale(domain=[0, 1]))
    colour = alt.Color(
        "verdict:N", title=None, sort=verdicts, scale=alt.Scale(domain=verdicts, range=_COLOURS),
        legend=alt.Legend(orient="top"),
    )  # fmt: skip
    base = alt.Chart(data(points)).encode(x=x, color=colour)
    planned_line = alt.Chart(data([{"patients": planned, "share": 1.0}]))
    layers = (
        planned_line.mark_rule(color=FAINT, strokeDash=[3, 3]).encode(x=x),
        base.mark_area(opacity=0.22).encode(y=alt.Y("low:Q", title=""), y2="high:Q"),
        base.mark_line(strokeWidth=2).encode(y=y),
        base.mark_point(filled=True, size=34, opacity=1).encode(y=y),
    )
    title_lines = heading(title, "Band: 95 % Monte Carlo interval. Dashed: the planned size.")
    chart = alt.layer(*layers).properties(width=_WIDE, height=_HIGH, title=title_lines)
    return Figure(name, "Each point is a stored cell; all sizes have the same patients.", chart)


def surface(rows: Sequence[Row], across: str, title: str) -> Figure:
    """Return a heatmap of the share of go over the number of patients and one other axis."""
    cells = [
        {
            "patients": row["patients"], "other": row[across], "share": row["estimate"],
            "shown": f"{row['estimate']:.2f}", "dark": row["estimate"] > _DARK,
        }
        for row in rows
    ]  # fmt: skip
    x = alt.X("patients:O", title="patients in all arms", axis=alt.Axis(labelAngle=0))
    y = alt.Y("other:O", title=f"{across}, times the hoped-for one", sort="descending")
    base = alt.Chart(data(cells)).encode(x=x, y=y)
    fill = alt.Color(
        "share:Q", title="share", scale=alt.Scale(domain=[0, 1], range=["#f0fdfa", "#0f766e"])
    )
    layers = (
        base.mark_rect().encode(color=fill),
        base.mark_text(fontSize=11).encode(
            text="shown:N",
            color=alt.condition("datum.dark", alt.value("white"), alt.value("black")),
        ),
    )
    largest = max((row["mcse"] for row in rows), default=0.0)
    title_lines = heading(title, f"Monte Carlo standard error at most {largest:.3f} in every cell.")
    chart = alt.layer(*layers).properties(
        width={"step": 62}, height={"step": 34}, title=title_lines
    )
    return Figure(f"surface-{across}", "Dark: most trials go. Pale: few do.", chart)


def tornado(sensitivities: Sequence[Sensitivity], name: str, title: str) -> Figure:
    """Return the changes in the share of go with one assumption changed, the largest first."""
    ordered = sorted(sensitivities, key=lambda sensitivity: -abs(sensitivity.change.estimate))
    rows = [
        {
            "place": f"{position:03d}",
            "label": sensitivity_label(sensitivity),
            "change": sensitivity.change.estimate,
            "zero": 0.0,
            "low": sensitivity.change.estimate - _BAND * sensitivity.change.mcse,
            "high": sensitivity.change.estimate + _BAND * sensitivity.change.mcse,
            "colour": EVIDENCE if sensitivity.change.estimate > 0 else TREATED,
        }
        for position, sensitivity in enumerate(ordered)
    ]
    x = alt.X("change:Q", title="change of the share of trials that go")
    y = alt.Y("place:N", axis=None)
    base = alt.Chart(data(rows)).encode(y=y)
    layers = (
        base.mark_bar(height=11, opacity=0.75).encode(
            x=x, x2="zero:Q", color=alt.Color("colour:N", scale=None)
        ),
        base.mark_rule(color=INK).encode(x=alt.X("low:Q"), x2="high:Q"),
        base.mark_text(align="right", fontSize=11, color=INK).encode(
            text="label:N", x=alt.value(-8)
        ),
    )
    title_lines = heading(
        title,
        "Bar: change against the plan, on the same patients.\nLine: 95 % Monte Carlo interval.",
    )
    chart = alt.layer(*layers).properties(width=250, height={"step": 19}, title=title_lines)
    return Figure(name, "One thing is moved at a time; all else stays as planned.", chart)


def sensitivity_label(sensitivity: Sensitivity) -> str:
    """Return ``dropout 0.2``, ``effect, times 0.5``, or the name of the changed assumption."""
    if sensitivity.axis == "assumption":
        return str(sensitivity.value)
    if sensitivity.axis == "effect" and isinstance(sensitivity.value, int | float):
        return f"effect, times {sensitivity.value:g}"
    value = f"{sensitivity.value:g}" if isinstance(sensitivity.value, float) else sensitivity.value
    return f"{sensitivity.axis} {value}"


def spaghetti(example: Example, endpoint: str, number: int) -> Figure:
    """Return the course of every patient of a simulated trial, with the means of the arms."""
    patients = example.courses[endpoint]
    measure = MEASURES[endpoint]
    points = [
        {"patient": patient.number, "arm": patient.arm, "month": month, "value": value}
        for patient in patients
        for month, value in zip(patient.months, patient.values, strict=True)
        if value is not None
    ]
    arms = list(
        dict.fromkeys(
            patient.arm for patient in sorted(patients, key=lambda patient: patient.number)
        )
    )
    arms = sorted(arms, key=lambda arm: arm not in {"control", "placebo"})
    colours = [MUTED, TREATED, *_COLOURS[2:]]
    colour = alt.Color(
        "arm:N", title=None, scale=alt.Scale(domain=arms, range=colours),
        legend=alt.Legend(orient="top"),
    )  # fmt: skip
    x = alt.X("month:Q", title="months since randomisation")
    y = alt.Y("value:Q", title=f"{measure.label}, {measure.unit}", scale=alt.Scale(zero=False))
    means = [{"arm": arm, "month": month, "value": value} for arm, month, value in _means(patients)]
    layers = (
        alt.Chart(data(points)).mark_line(opacity=0.25, strokeWidth=0.8).encode(
            x=x, y=y, color=colour, detail="patient:N"
        ),
        alt.Chart(data(means)).mark_line(strokeWidth=3).encode(x=x, y=y, color=colour),
        alt.Chart(data(means)).mark_point(filled=True, size=40, opacity=1).encode(
            x=x, y=y, color=colour
        ),
    )  # fmt: skip
    title_lines = heading(
        f"{capital(measure.label)}, trial {example.trial}",
        "Thin: one patient. Thick: mean of those seen. A line that ends: a patient who is lost.",
    )
    chart = alt.layer(*layers).properties(width=_WIDE, height=_HIGH, title=title_lines)
    return Figure(f"example-{number}-{endpoint}", f"{example.name}: {example.rule}.", chart)


def _means(patients: Sequence[Patient]) -> list[tuple[str, float, float]]:
    values_by_visit: dict[tuple[str, float], list[float]] = {}
    for patient in patients:
        for month, value in zip(patient.months, patient.values, strict=True):
            if value is not None:
                values_by_visit.setdefault((patient.arm, month), []).append(value)
    return [
        (arm, month, sum(values) / len(values)) for (arm, month), values in values_by_visit.items()
    ]


def decision_flow(shares: Sequence[Mapping[str, object]]) -> Figure:
    """Return the share of trials that end in each decision, under each truth."""
    order = list(dict.fromkeys(str(row["truth"]) for row in shares))
    ends = list(dict.fromkeys(str(row["decision"]) for row in shares))
    colours = {"go": EVIDENCE, "consider": "#a16207", "stop": FAINT, "undecided": "#4338ca"}
    spare = iter(_COLOURS[2:])
    chosen = [colours.get(end) or next(spare) for end in ends]
    x = alt.X("share:Q", stack="zero", title="share of trials", scale=alt.Scale(domain=[0, 1]))
    y = alt.Y("truth:N", sort=order, title=None, axis=alt.Axis(ticks=False, domain=False))
    fill = alt.Color(
        "decision:N", title=None, sort=ends, scale=alt.Scale(domain=ends, range=chosen),
        legend=alt.Legend(orient="top"),
    )  # fmt: skip
    chart = alt.Chart(data(list(shares))).mark_bar(height=20).encode(
        x=x, y=y, color=fill, order=alt.Order("place:Q")
    )  # fmt: skip
    title_lines = heading("What the trial decides, by what is true", "Read a bar from the left.")
    bars = chart.properties(width=300, height={"step": 34}, title=title_lines)
    return Figure("decisions", "Shares of the main verdict; their errors are in the table.", bars)
