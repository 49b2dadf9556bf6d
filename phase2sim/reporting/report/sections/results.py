"""Sections 6 and 7: operating characteristics, the explorer, sensitivity."""

from collections.abc import Iterator, Sequence

from phase2sim.core.io.data_frames import Row
from phase2sim.reporting.figures.trial_figures import (
    sensitivity_label,
    size_curves,
    surface,
    tornado,
)
from phase2sim.reporting.report.document import (
    Block,
    FigureBlock,
    Grid,
    Heading,
    Prose,
    Section,
    Words,
)
from phase2sim.reporting.report.explorer import explorer_data
from phase2sim.reporting.report.numbers import measured_number, row_number, stated_number
from phase2sim.reporting.report.sections.false_go import worst_null_blocks
from phase2sim.reporting.words import characteristic, characteristic_meaning, truth, verdict_label
from phase2sim.studies.dossier.dossier import Dossier, Sensitivity
from phase2sim.studies.dossier.report_cells import NOT_AT_RANDOM

_CURVES = (("power", "target"), ("assurance", "prior"), ("assurance", "sceptical"))
_FEWEST = 2  # points of a curve
_READING = (
    "Every number is of the planned size. 'Low' and 'high' count every failed trial against, and"
    " for, the number."
)


def results_section(dossier: Dossier) -> Section:
    """Return all results of the planned trial, the curves over the size, and the explorer."""
    names = list(dict.fromkeys(row["name"] for row in dossier.of_main))
    blocks: list[Block] = [Prose((_READING,))]
    for name in names:
        rows = [row for row in dossier.of_main if row["name"] == name]
        blocks.append(Heading(characteristic(name)))
        blocks.append(
            _table(
                dossier,
                rows,
                f"{characteristic(name)}: {characteristic_meaning(name) or 'as stored'}",
            )
        )
        if name == "type_i_error":
            blocks += worst_null_blocks(dossier)
    blocks += _figures(dossier)
    play = explorer_data(dossier)
    if play is not None:
        blocks.append(Heading("Explore: other rules on the stored trials"))
        blocks.append(Prose(_explorer_words(play.data["cells"])))
        blocks.append(play)
    return Section("Operating characteristics", tuple(blocks), simulated=True)


def _table(dossier: Dossier, rows: Sequence[Row], caption: str) -> Grid:
    cells: list[tuple[Words, ...]] = []
    for row in rows:
        theory = row["exact"] if row["exact"] is not None else row["approximate"]
        qualifier = "" if row["exact"] is not None else "about "
        failed = f"{row['failed']:,}"
        if row["failed"] and row["low"] is not None and row["high"] is not None:
            failed += f" (low {row['low']:.3f}, high {row['high']:.3f})"
        cells.append((
            (truth(row["truth"]),),
            (_subject(dossier, row),),
            (row_number(row),),
            ("-",) if theory is None else (stated_number(f"{qualifier}{theory:.3f}", "derived"),),
            (f"{row['requested']:,}",),
            (f"{row['used']:,}",),
            (stated_number(failed, "derived"),),
        ))  # fmt: skip
    columns = (
        "What is true",
        "Looked at",
        "Estimate ± MC error",
        "Closed form",
        "Asked",
        "Used",
        "Failed",
    )
    return Grid(columns, tuple(cells), caption, 5)


def _subject(dossier: Dossier, row: Row) -> str:
    """Return the subject of a row: ``C-peptide (nmol/L), month 12, look 1``."""
    subject = verdict_label(dossier.background, row["analysis"]) if row["analysis"] else "the trial"
    if not row.get("look"):
        return subject
    final = row["look"] > len(dossier.main.built.study.looks)
    return f"{subject}, final analysis" if final else f"{subject}, look {row['look']}"


def _figures(dossier: Dossier) -> Iterator[Block]:
    planned = dossier.main.built.design.patients
    for name, truth_name in _CURVES:
        rows = dossier.sized(name, truth_name)
        if len({row["patients"] for row in rows}) >= _FEWEST:
            title = f"{characteristic(name)} over the number of patients: {truth(truth_name)}"
            shown = [
                {**row, "verdict": verdict_label(dossier.background, row["analysis"])}
                for row in rows
            ]
            figure = size_curves(shown, planned, f"curve-{name}-{truth_name}", title)
            yield FigureBlock(figure, f"{title}; the table has the planned size")
            yield _size_table(dossier, rows, title)
    surface_rows = _surface_rows(dossier)
    if surface_rows:
        title = (
            f"Power over size and effect: {verdict_label(dossier.background, dossier.main_verdict)}"
        )
        yield FigureBlock(
            surface(surface_rows, "effect", title),
            f"{title}, a heatmap; the explorer has its numbers",
        )


def _size_table(dossier: Dossier, rows: Sequence[Row], caption: str) -> Grid:
    verdicts = list(dict.fromkeys(row["analysis"] for row in rows))
    sizes = sorted({row["patients"] for row in rows})
    row_of = {(row["patients"], row["analysis"]): row for row in rows}
    table = tuple(
        (
            (f"{n}",),
            *((row_number(row_of[n, v]),) if (n, v) in row_of else ("-",) for v in verdicts),
        )
        for n in sizes
    )
    labels = [verdict_label(dossier.background, verdict) for verdict in verdicts]
    return Grid(("Patients", *labels), table, caption, len(verdicts))


def _surface_rows(dossier: Dossier) -> list[Row]:
    if "effect" not in dossier.labels:
        return []
    row_of: dict[tuple[object, object], Row] = {}
    for row in dossier.rows:
        is_planned = all(
            row.get(a) == planned
            for a, planned in dossier.labels.items()
            if a not in {"patients", "effect"}
        )
        is_power = (row["name"], row["truth"], row["analysis"]) == (
            "power",
            "target",
            dossier.main_verdict,
        )
        if is_planned and is_power and row["estimate"] is not None:
            key = row["patients"], row["effect"]
            if key not in row_of or row_of[key]["trials"] < row["trials"]:
                row_of[key] = row
    return list(row_of.values()) if len({key[1] for key in row_of}) >= _FEWEST else []


def _explorer_words(cells: Sequence[Row]) -> Words:
    fewest, most = min(c["trials"] for c in cells), max(c["trials"] for c in cells)
    trials = f"{most:,}" if fewest == most else f"{fewest:,} to {most:,}"
    words = (
        f"The first {trials} trials of {len(cells)} cells are in this page. Choose, and they are"
        " decided anew. On paper and in Word the tables above stand for it."
    )
    return (words,)


def sensitivity_section(dossier: Dossier) -> Section:
    """Return the changes in the shares of go with one assumption changed."""
    title = "Sensitivity"
    by_share: dict[tuple[str, str], list[Sensitivity]] = {}
    for sensitivity in dossier.sensitivities:
        row = sensitivity.row
        if row["analysis"] == dossier.main_verdict:
            by_share.setdefault((row["name"], row["truth"]), []).append(sensitivity)
    if not by_share:
        no_cell = "No cell in which one thing is moved was simulated."
        return Section(title, (Prose((no_cell,)),), simulated=True)
    blocks: list[Block] = []
    for (name, truth_name), sensitivities in by_share.items():
        blocks += _changes(dossier, name, truth_name, sensitivities)
    blocks += _not_at_random(dossier)
    return Section(title, tuple(blocks), simulated=True)


def _changes(
    dossier: Dossier, name: str, truth_name: str, sensitivities: Sequence[Sensitivity]
) -> Iterator[Block]:
    """Yield the tornado and the table of one share of go; nothing if it never changes."""
    changed = [s for s in sensitivities if s.change.estimate != 0.0]
    if not changed:
        return
    verdict = verdict_label(dossier.background, dossier.main_verdict)
    heading = f"{characteristic(name)} of {verdict}, {truth(truth_name)}"
    figure = tornado(changed, f"tornado-{name}-{truth_name}", heading)
    yield FigureBlock(figure, f"{heading}: tornado")
    ordered = sorted(changed, key=lambda sensitivity: -abs(sensitivity.change.estimate))
    rows = tuple(
        (
            (stated_number(sensitivity_label(sensitivity)),),
            (row_number(sensitivity.row),),
            (measured_number(sensitivity.change, sensitivity.row["cell"], signed=True),),
        )
        for sensitivity in ordered
    )
    columns = ("Moved", characteristic(name), "Change, paired")
    yield Grid(columns, rows, f"{heading}: one thing moved at a time", 2)
    unchanged = [s for s in sensitivities if s.change.estimate == 0.0]
    if unchanged:
        labels = "; ".join(map(sensitivity_label, unchanged))
        yield Prose(("Without any change: ", stated_number(labels), "."))


def _not_at_random(dossier: Dossier) -> Iterator[Block]:
    rows = [
        row for row in dossier.rows
        if row.get("assumption") == NOT_AT_RANDOM and row["name"] in {"bias", "coverage"}
    ]  # fmt: skip
    if rows:
        yield Heading("Departure from missing at random")
        words = (
            "As many patients are lost, but for the value that nobody sees: the odds double for"
            " every SD by which it is worse. Bias and coverage then are:"
        )
        yield Prose((words,))
        yield _table(dossier, rows, "Bias and coverage if patients are lost not at random")
