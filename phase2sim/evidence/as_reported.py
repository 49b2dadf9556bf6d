"""A reported number in words: as the file has it."""

from phase2sim.core.endpoints import ENDPOINTS, EVENTS
from phase2sim.evidence.arms import weight_words
from phase2sim.evidence.tables import ReportedTable
from phase2sim.evidence.units import INDEPENDENCE
from phase2sim.evidence.values import BOUNDS, EntryContent


def reported_text(read: EntryContent) -> str:
    """Write the number as the file has it, with the elicited weight if a dose was divided by it."""
    said = _said(read)
    weight = read.entry.arm.weight_kg
    return f"{said} / {weight_words(weight)}" if read.scale.by_weight and weight else said


def _said(read: EntryContent) -> str:
    table, statistic = read.table, read.statistic
    typed = getattr(table, statistic)
    if table.elicited is not None and read.elicited is not None:
        words = f'"{table.statement}"; ' if table.statement else ""
        drawn = f"N({read.elicited.mean:.12g}, {read.elicited.sd:.12g})"
        what = f"{statistic}{_other_words(table)} ~ {drawn}"
        return f"{words}elicited {what}{_change_unit(read)}"
    if statistic == "statement":
        return f'"{typed}"'
    unit = f" {table.unit}" if table.unit else ""
    if statistic == "count":
        return f"{typed} of {table.of}{_beyond_words(table, unit)}"
    if statistic in BOUNDS:
        method = f" ({table.quantile_method})" if table.quantile_method else ""
        return f"{typed[0]:.12g} to {typed[1]:.12g}{unit}{method}"
    if statistic == "correlation":
        return f"{typed:.12g}{_other_words(table)}"
    if statistic == "difference":
        unit += f" from {table.versus}"
    after = {"slope": f"{unit} per month", "percent_change": " %", "events": " events"}
    return f"{typed:.12g}{_spread_words(table, statistic)}{after.get(statistic, unit)}"


def _other_words(table: ReportedTable) -> str:
    return f" with {ENDPOINTS[table.with_endpoint].label}" if table.with_endpoint else ""


def _change_unit(read: EntryContent) -> str:
    return f" {read.scale.unit}" if read.statistic == "change" else ""


def _beyond_words(table: ReportedTable, unit: str) -> str:
    if table.endpoint == INDEPENDENCE:
        return " without insulin"
    if table.endpoint in EVENTS:
        return " with an event"
    if table.below_baseline:
        return " below own baseline"
    for key, threshold in (("below", table.below), ("above", table.above)):
        if threshold is not None:
            return f" {key} {threshold:.12g}{unit}"
    return ""


def _spread_words(table: ReportedTable, statistic: str) -> str:
    if table.sd is not None and statistic != "sd":
        return f" (SD {table.sd:.12g})"
    if table.se is not None:
        return f" (SE {table.se:.12g})"
    if table.ci95 is not None:
        return f" (95 % CI {table.ci95[0]:.12g} to {table.ci95[1]:.12g})"
    return ""
