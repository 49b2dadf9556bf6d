"""Interim looks of a run: stops, dropped arms, patients and duration, one column per truth."""

from collections.abc import Iterator

from rich.table import Table

from phase2sim.operating.characteristics import Characteristic
from phase2sim.operating.simulation import Result
from phase2sim.reporting.plain_tables import measured_cell

_TRUTHS = {
    "target": "at the target",
    "null": "no effect",
    "prior": "mixture prior",
    "sceptical": "sceptical part",
}
_STOPS = {"stop_efficacy": "stops for efficacy", "stop_futility": "stops for futility"}
_BEFORE = "stopped for harm before"
_TAKES = {
    "enrolled": "patients enrolled",
    "overrun": "of them not all data at the end",
    "duration": "months to the end",
}

_OF_ARMS = {
    "dropped": "dropped at look",
    "selected": "a go, and the best",
    "enrolled_in_arm": "patients enrolled",
    "enrolled_in_control": "patients enrolled",
}


def looks_table(result: Result) -> Table | None:
    """Return the shares of trials that stop at each look, and means; None without looks."""
    rows = {(row.name, row.look, row.truth): row for row in result.characteristics}
    looks = sorted({look for name, look, _ in rows if look is not None and name == "failed_look"})
    if not looks:
        return None
    truths = [name for name in _TRUTHS if any(truth == name for _, _, truth in rows)]
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for name in ("looks", "", *(_TRUTHS[truth] for truth in truths)):
        table.add_column(name)
    for look in looks:
        shown = {"harm_before": _BEFORE} if result.scenario.safety else {}
        shown |= _possible_stops(result)
        if any(rows["failed_look", look, truth].measured.estimate for truth in truths):
            shown["failed_look"] = "analysis failed, went on"
        if any(name == "overrun_reversed" and look_of_row == look for name, look_of_row, _ in rows):
            shown["overrun_reversed"] = "of those for efficacy, taken back"
        for number, (name, label) in enumerate(shown.items()):
            cells = [_cell(rows.get((name, look, truth))) for truth in truths]
            table.add_row("" if number else f"look {look}", label, *cells)
    for name, look_of_row, label in _final_rows(result, len(looks) + 1):
        table.add_row(
            "end" if look_of_row else "",
            label,
            *(_cell(rows.get((name, look_of_row, t))) for t in truths),
        )
    for number, (name, label) in enumerate(_TAKES.items()):
        cells = [_cell(rows.get((name, None, truth))) for truth in truths]
        table.add_row("" if number else "means", label, *cells)
    return table


def _final_rows(result: Result, look: int) -> Iterator[tuple[str, int | None, str]]:
    """Yield the ends after the last look with a safety rule: name, look and label."""
    if result.scenario.safety:
        yield "harm_before", look, _BEFORE
        yield "final_analysis", None, "final analysis"


def arms_table(result: Result) -> Table | None:
    """Return the outcome and enrolment of each arm; None if no arm can be dropped."""
    rows = {
        (row.analysis, row.name, row.look, row.truth): row
        for row in result.characteristics
        if row.name in _OF_ARMS
    }
    truths = [name for name in _TRUTHS if any(truth == name for *_, truth in rows)]
    if not rows:
        return None
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for name in ("arms", "", *(_TRUTHS[truth] for truth in truths)):
        table.add_column(name)
    before = None
    for analysis, name, look in dict.fromkeys(key[:3] for key in rows):
        cells = [_cell(rows.get((analysis, name, look, truth))) for truth in truths]
        label = _OF_ARMS[name] if look is None else f"{_OF_ARMS[name]} {look}"
        arm = analysis or "control"
        table.add_row("" if arm == before else arm, label, *cells)
        before = arm
    return table


def _possible_stops(result: Result) -> dict[str, str]:
    """Return the kinds of stop that the scenario's rule allows."""
    rule = result.scenario.stopping
    has = {
        "stop_efficacy": rule is not None and rule.efficacy.get("kind") != "none",
        "stop_futility": rule is not None and rule.futility is not None,
    }
    return {name: label for name, label in _STOPS.items() if has[name]}


def _cell(row: Characteristic | None) -> str:
    """Return a number, with its closed form if there is one: ``0.253 +- 0.010 (about 0.254)``."""
    if row is None:
        return "-"
    theory = "" if row.closed_form is None else f" (about {row.closed_form.value:.3f})"
    return measured_cell(row.measured) + theory
