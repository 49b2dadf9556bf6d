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
from phase2sim.reporting.report.explorer import playground
from phase2sim.reporting.report.labels import verdict_label
from phase2sim.reporting.report.numbers import of_measured, of_row, stated_number
from phase2sim.reporting.report.sections.false_go import worst_null
from phase2sim.reporting.words import characteristic, characteristic_meaning, truth
from phase2sim.studies.dossier.dossier import Dossier
from phase2sim.studies.dossier.report_cells import NOT_AT_RANDOM

_CURVES = (("power", "target"), ("assurance", "prior"), ("assurance", "sceptical"))
_FEWEST = 2  # points of a curve
_READING = (
    "Every number is of the planned size. 'Low' and 'high' count every failed trial against, and"
    " for, the number."
)


def results_section(dossier: Dossier) -> Section:
    """Every row of the planned trial's results, the curves over the size, and the explorer."""
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
            blocks += worst_null(dossier)
    blocks += _figures(dossier)
    play = playground(dossier)
    if play is not None:
        blocks.append(Heading("Explore: other rules on the stored trials"))
        blocks.append(Prose(_explorer_words(play.data["cells"])))
        blocks.append(play)
    return Section("Operating characteristics", tuple(blocks), simulated=True)


def _table(dossier: Dossier, rows: Sequence[Row], caption: str) -> Grid:
    cells: list[tuple[Words, ...]] = []
    for row in rows:
        theory = row["exact"] if row["exact"] is not None else row["approximate"]
        about = "" if row["exact"] is not None else "about "
        failed = f"{row['failed']:,}"
        if row["failed"] and row["low"] is not None and row["high"] is not None:
            failed += f" (low {row['low']:.3f}, high {row['high']:.3f})"
        cells.append((
            (truth(row["truth"]),),
            (_looked_at(dossier, row),),
            (of_row(row),),
            ("-",) if theory is None else (stated_number(f"{about}{theory:.3f}", "derived"),),
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


def _looked_at(dossier: Dossier, row: Row) -> str:
    """What a row is about: ``C-peptide (nmol/L), month 12, look 1``."""
    what = verdict_label(dossier, row["analysis"]) if row["analysis"] else "the trial"
    if not row.get("look"):
        return what
    final = row["look"] > len(dossier.main.built.study.looks)
    return f"{what}, final analysis" if final else f"{what}, look {row['look']}"


def _figures(dossier: Dossier) -> Iterator[Block]:
    planned = dossier.main.built.design.patients
    for name, under in _CURVES:
        rows = dossier.sized(name, under)
        if len({row["patients"] for row in rows}) >= _FEWEST:
            title = f"{characteristic(name)} over the number of patients: {truth(under)}"
            shown = [{**row, "verdict": verdict_label(dossier, row["analysis"])} for row in rows]
            figure = size_curves(shown, planned, f"curve-{name}-{under}", title)
            yield FigureBlock(figure, f"{title}; the table has the planned size")
            yield _size_table(dossier, rows, title)
    over = _surface_rows(dossier)
    if over:
        title = f"Power over size and effect: {verdict_label(dossier, dossier.main_verdict)}"
        yield FigureBlock(
            surface(over, "effect", title), f"{title}, a heatmap; the explorer has its numbers"
        )


def _size_table(dossier: Dossier, rows: Sequence[Row], caption: str) -> Grid:
    verdicts = list(dict.fromkeys(row["analysis"] for row in rows))
    sizes = sorted({row["patients"] for row in rows})
    found = {(row["patients"], row["analysis"]): row for row in rows}
    table = tuple(
        ((f"{n}",), *((of_row(found[n, v]),) if (n, v) in found else ("-",) for v in verdicts))
        for n in sizes
    )
    labels = [verdict_label(dossier, one) for one in verdicts]
    return Grid(("Patients", *labels), table, caption, len(verdicts))


def _surface_rows(dossier: Dossier) -> list[Row]:
    if "effect" not in dossier.place:
        return []
    found: dict[tuple[object, object], Row] = {}
    for row in dossier.rows:
        same = all(
            row.get(a) == at for a, at in dossier.place.items() if a not in {"patients", "effect"}
        )
        of = (row["name"], row["truth"], row["analysis"]) == (
            "power",
            "target",
            dossier.main_verdict,
        )
        if same and of and row["estimate"] is not None:
            key = row["patients"], row["effect"]
            if key not in found or found[key]["trials"] < row["trials"]:
                found[key] = row
    return list(found.values()) if len({key[1] for key in found}) >= _FEWEST else []


def _explorer_words(cells: Sequence[Row]) -> Words:
    fewest, most = min(c["trials"] for c in cells), max(c["trials"] for c in cells)
    trials = f"{most:,}" if fewest == most else f"{fewest:,} to {most:,}"
    words = (
        f"The first {trials} trials of {len(cells)} cells are in this page. Choose, and they are"
        " decided anew. On paper and in Word the tables above stand for it."
    )
    return (words,)


def sensitivity(dossier: Dossier) -> Section:
    """What happens to the shares of go when one thing is moved."""
    title = "Sensitivity"
    moved = [one for one in dossier.moved if one.row["analysis"] == dossier.main_verdict]
    if not moved:
        none = "No cell in which one thing is moved was simulated."
        return Section(title, (Prose((none,)),), simulated=True)
    blocks: list[Block] = []
    for name, under in dict.fromkeys((one.row["name"], one.row["truth"]) for one in moved):
        of = [one for one in moved if (one.row["name"], one.row["truth"]) == (name, under)]
        shifted = [one for one in of if one.change.estimate != 0.0]
        if not shifted:
            continue
        of_what = verdict_label(dossier, dossier.main_verdict)
        heading = f"{characteristic(name)} of {of_what}, {truth(under)}"
        blocks.append(
            FigureBlock(tornado(shifted, f"tornado-{name}-{under}", heading), f"{heading}: tornado")
        )
        rows = tuple(
            (
                (stated_number(sensitivity_label(one)),),
                (of_row(one.row),),
                (of_measured(one.change, one.row["cell"], signed=True),),
            )
            for one in sorted(shifted, key=lambda one: -abs(one.change.estimate))
        )
        columns = ("Moved", characteristic(name), "Change, paired")
        blocks.append(Grid(columns, rows, f"{heading}: one thing moved at a time", 2))
        still = "; ".join(sensitivity_label(one) for one in of if one.change.estimate == 0.0)
        if still:
            blocks.append(Prose(("Without any change: ", stated_number(still), ".")))
    blocks += _not_at_random(dossier)
    return Section(title, tuple(blocks), simulated=True)


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
