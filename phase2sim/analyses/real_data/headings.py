"""Headings of a data file: columns that are missing, and columns that go by another name."""

import re
from collections.abc import Mapping
from dataclasses import replace

from phase2sim.analyses.real_data.data_plan import DataPlan
from phase2sim.core.endpoints import EVENTS
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
# Headings that say when a row was measured, under no name that could be read safely.
_WHEN = re.compile(
    r"((study|planned)[ _]?)?(visit|month|week|wk|day|time[ _]?point)s?"
    r"([ _]?(name|label|number|num|no|nr|month|week|day))?|avisit|ady"
)


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
    if "visit" not in renamed:
        _refuse_other_times(table, plan, refusals)
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


def _refuse_other_times(table: CsvTable, plan: DataPlan, refusals: Refusals) -> None:
    """Refuse a column that says when, if none does under a name that is read."""
    if table.has("visit") or table.has("months"):
        return
    with_counts = any(endpoint in EVENTS for endpoint in plan.endpoints)
    for heading in table.headings:
        if _WHEN.fullmatch(heading.casefold()) or (
            heading.casefold() == "time" and not with_counts
        ):
            refusals.of_file(
                f"column {heading!r} seems to say when, and is not read. Give the planned month in"
                " a column 'months'; or, if every row is of the last visit, remove the column."
            )
            return
