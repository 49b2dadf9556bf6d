"""Headings of a data file: columns that are missing, and columns that go by another name."""

from collections.abc import Mapping
from dataclasses import replace

from phase2sim.analyses.real_data.data_plan import DataPlan
from phase2sim.core.io.csv_files import CsvLine, CsvTable
from phase2sim.core.io.refusals import Refusals

# Columns of the file that `replay` writes.
REPLAYED_COLUMNS = (
    "id", "arm", "stratum", "age", "months_since_diagnosis", "endpoint", "base", "visit", "months",
    "y", "complete", "trial", "time", "site", "enrolled_months",
)  # fmt: skip
_REQUIRED = ("id", "arm", "y")
_OTHER_NAMES: Mapping[str, tuple[str, ...]] = {  # in CDISC and other files
    "id": ("usubjid", "subjid", "patient", "subject"),
    "arm": ("trt01p", "trtp", "armcd", "treatment", "therapy"),
    "y": ("aval", "outcome"),
    "endpoint": ("paramcd", "param"),
    "visit": ("avisitn", "visitnum", "visitn"),
}


def known_columns(table: CsvTable, plan: DataPlan, refusals: Refusals) -> CsvTable:
    """The table with every column under its own name; what is missing is refused.

    A column under another name is refused, too, and read under its own, so that all else that is
    wrong is said at once.
    """
    renamed: dict[str, str] = {}
    for column, names in _OTHER_NAMES.items():
        if table.has(column) or (column == "visit" and table.has("months")):
            continue
        other = next((h for h in table.headings if h.casefold() in names), None)
        if other is not None:
            renamed[column] = other.casefold()
            refusals.of_file(f"column {column!r} is missing; {other} looks like it. Rename it.")
        elif column in _REQUIRED:
            refusals.of_file(
                f"column {column!r} is missing; the file has"
                f" {', '.join(filter(None, table.headings))}. Add it."
            )
    if len(plan.endpoints) > 1 and not table.has("endpoint") and "endpoint" not in renamed:
        refusals.of_file(
            f"column 'endpoint' is missing, and the scenario analyses"
            f" {' and '.join(plan.endpoints)}. Add the column, or choose with --endpoint."
        )
    if not renamed:
        return table
    lines = tuple(
        CsvLine(line.number, dict(line.cells) | {c: line.cells[h] for c, h in renamed.items()})
        for line in table.lines
    )
    return replace(table, headings=table.headings + tuple(renamed), lines=lines)


def is_replayed(table: CsvTable) -> bool:
    """Whether `replay` wrote the file: its simulated values may leave the plausible range."""
    return table.headings == REPLAYED_COLUMNS
