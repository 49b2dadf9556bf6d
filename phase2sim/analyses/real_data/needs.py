"""Columns and visits that the analyses need, and that a file may lack."""

import math
from collections.abc import Sequence

from phase2sim.analyses.real_data.consistency import baselines
from phase2sim.analyses.real_data.data_plan import DataPlan, Need
from phase2sim.analyses.real_data.records import Record
from phase2sim.core.endpoints import EVENTS
from phase2sim.core.io.csv_files import CsvTable
from phase2sim.core.io.refusals import Refusals


def check_needs(
    table: CsvTable, records: Sequence[Record], plan: DataPlan, refusals: Refusals
) -> None:
    """Refuse a file without a column, a value or a visit that an analysis needs."""
    for endpoint in plan.endpoints:
        mine = [r for r in records if r.endpoint == endpoint]
        needs = [need for need in plan.needs if need.endpoint == endpoint]
        if not mine:
            _refuse_absent(table, records, endpoint, refusals)
            continue
        for need in needs:
            _check_months(mine, need, refusals)
            for column in need.columns:
                _check_column(table, mine, need, column, refusals)
        if endpoint in EVENTS and not table.has("time"):
            refusals.of_file(
                "column 'time' is missing, the months in which events were counted. Add it."
            )


def _refuse_absent(
    table: CsvTable, records: Sequence[Record], endpoint: str, refusals: Refusals
) -> None:
    if table.has("endpoint") and table.lines:
        available = dict.fromkeys(r.endpoint for r in records if r.endpoint)
        also = f"; the file has {', '.join(available)}" if available else ""
        refusals.of_file(f"no row has endpoint {endpoint!r}{also}. Correct the column.")


def _check_months(mine: Sequence[Record], need: Need, refusals: Refusals) -> None:
    if any(r.month is None for r in mine):
        return  # said already
    available = sorted({r.month for r in mine if r.month is not None})
    for month in need.months:
        if month not in available:
            refusals.of_file(
                f"no row of {need.endpoint} is at month {month:g}, which {need.analysis} needs; the"
                f" file has months {', '.join(f'{m:g}' for m in available)}. Add the visit, or"
                " choose another month in the scenario."
            )


def _check_column(
    table: CsvTable, mine: Sequence[Record], need: Need, column: str, refusals: Refusals
) -> None:
    at_month_0 = column == "base" and any(r.month == 0.0 for r in mine)
    if not (table.has(column.casefold()) or at_month_0):
        or_rows = ", or rows at month 0 with the baseline as y" if column == "base" else ""
        refusals.of_file(
            f"column {column!r} is missing, and {need.analysis} needs it. Add it{or_rows}."
        )
    elif _is_empty(mine, column):
        refusals.of_file(
            f"column {column!r} is empty for {need.endpoint}, and {need.analysis} needs it. Fill it"
            " in."
        )


def _is_empty(mine: Sequence[Record], column: str) -> bool:
    """Whether no patient has a baseline, or an age; levels are refused line by line."""
    if column == "base":
        return not baselines(mine) and all(r.base is not None for r in mine)
    return column == "age" and all(r.age is not None and math.isnan(r.age) for r in mine)
