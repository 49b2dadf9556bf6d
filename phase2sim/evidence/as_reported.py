"""Reported numbers as text, with the values and units of the file."""

from phase2sim.core.endpoints import ENDPOINTS, EVENTS, RESPONSES
from phase2sim.evidence.arms import weight_words
from phase2sim.evidence.reported import REMISSION
from phase2sim.evidence.tables import ReportedTable
from phase2sim.evidence.units import INDEPENDENCE
from phase2sim.evidence.values import BOUNDS, EntryContent


def reported_text(content: EntryContent) -> str:
    """Write a number as the file states it, with the elicited weight that a daily dose needs."""
    text = _number_text(content)
    weight = content.entry.arm.weight_kg
    return f"{text} / {weight_words(weight)}" if content.scale.by_weight and weight else text


def _number_text(content: EntryContent) -> str:
    table, statistic = content.table, content.statistic
    typed = getattr(table, statistic)
    if table.elicited is not None and content.elicited is not None:
        quotation = f'"{table.statement}"; ' if table.statement else ""
        distribution = f"N({content.elicited.mean:.12g}, {content.elicited.sd:.12g})"
        quantity = f"{statistic}{_with_endpoint_text(table)} ~ {distribution}"
        return f"{quotation}elicited {quantity}{_change_unit(content)}"
    if statistic == "statement":
        return f'"{typed}"'
    unit = f" {table.unit}" if table.unit else ""
    if statistic == "count":
        return f"{typed} of {table.of}{_condition_text(table, unit)}"
    if statistic in BOUNDS:
        method = f" ({table.quantile_method})" if table.quantile_method else ""
        return f"{typed[0]:.12g} to {typed[1]:.12g}{unit}{method}"
    if statistic == "correlation":
        return f"{typed:.12g}{_with_endpoint_text(table)}"
    if statistic in {"difference", "ratio"}:
        unit += f" {'from' if statistic == 'difference' else 'times'} {table.versus}"
    suffixes = {"slope": f"{unit} per month", "percent_change": " %", "events": " events"}
    return f"{typed:.12g}{_spread_text(table, statistic)}{suffixes.get(statistic, unit)}"


def _with_endpoint_text(table: ReportedTable) -> str:
    return f" with {ENDPOINTS[table.with_endpoint].label}" if table.with_endpoint else ""


def _change_unit(content: EntryContent) -> str:
    return f" {content.scale.unit}" if content.statistic == "change" else ""


def _condition_text(table: ReportedTable, unit: str) -> str:
    if table.endpoint == INDEPENDENCE:
        return " without insulin"
    if table.endpoint == REMISSION:
        return f" with {RESPONSES[REMISSION].label}"
    if table.endpoint in EVENTS:
        return " with an event"
    if table.below_baseline:
        return " below own baseline"
    for key, threshold in (("below", table.below), ("above", table.above)):
        if threshold is not None:
            return f" {key} {threshold:.12g}{unit}"
    return ""


def _spread_text(table: ReportedTable, statistic: str) -> str:
    if table.sd is not None and statistic != "sd":
        return f" (SD {table.sd:.12g})"
    if table.se is not None:
        return f" (SE {table.se:.12g})"
    if table.ci95 is not None:
        return f" (95 % CI {table.ci95[0]:.12g} to {table.ci95[1]:.12g})"
    return ""
