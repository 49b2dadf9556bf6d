"""Decisions by true effect, for rules with a reference and a target value."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from phase2sim.core.decision import CLASSES
from phase2sim.operating.characteristics import HARM, Characteristic
from phase2sim.operating.measures import ENDS
from phase2sim.operating.simulation import Result
from phase2sim.reporting.plain_tables import measured_cell, plain_table

_TRUTHS = {
    "target": "at the target",
    "null": "no effect",
    "prior": "mixture prior",
    "sceptical": "sceptical part",
}
_CLASSES = {
    "below_reference": "not beyond the lower reference",
    "between": "between reference and target",
    "at_target": "at the target value or beyond",
}
_ERRORS = {
    "false_go": "false go",
    "false_stop": "false stop",
    "missed_target": "missed target",
    "true_given_go": "true if go",
}
_GO = {"power", "type_i_error", "assurance"}

type _Rows = dict[tuple[str, str], Characteristic]  # name and truth


def ends_screen(result: Result) -> RenderableType:
    """Return tables of go, consider and stop of the last verdict; empty for other rules."""
    last = result.characteristics[0].analysis
    for row in result.characteristics:
        if row.name in _GO:
            last = row.analysis
    rows = {
        ("go" if row.name in _GO else row.name, row.truth): row
        for row in result.characteristics
        if row.analysis == last
    }
    truths = [truth for truth in _TRUTHS if ("stop", truth) in rows]
    harm = _harm(result)
    if not truths:
        return Group(*harm)
    heading = Text(f"How trials end, by what is true: {last.replace('_', ' ')}", style="bold")
    tables = _ends(rows, truths), Text(), _errors(rows, truths)
    return Group(Text(), heading, *tables, *_legend(rows), *harm)


def _ends(rows: _Rows, truths: list[str]) -> RenderableType:
    """Return the shares of all trials by true effect."""
    ends = [end for end in ENDS if any((end, truth) in rows for truth in truths)]
    table = plain_table(("truth", "true effect"), ends)
    for truth in truths:
        present = [name for name in CLASSES if (f"go_{name}", truth) in rows]
        if len(present) > 1:
            for name in present:
                shares = [_cell(rows, f"{end}_{name}", truth) for end in ends]
                table.add_row(_TRUTHS[truth], _CLASSES[name], *shares)
        label = "any" if len(present) != 1 else _CLASSES[present[0]]
        table.add_row(_TRUTHS[truth], label, *(_cell(rows, end, truth) for end in ends))
    return table


def _errors(rows: _Rows, truths: list[str]) -> RenderableType:
    """Return the share of each error among the trials in which it is possible."""
    names = [name for name in _ERRORS if any((name, truth) in rows for truth in truths)]
    table = plain_table(("truth",), [_ERRORS[name] for name in names])
    for truth in truths:
        if any((name, truth) in rows for name in names):
            table.add_row(_TRUTHS[truth], *(_cell(rows, name, truth) for name in names))
    return table


def _harm(result: Result) -> Iterator[RenderableType]:
    """Yield the share of trials stopped for harm, and the number of treated patients."""
    rows = {(row.name, row.truth): row for row in result.characteristics if row.analysis == HARM}
    if not rows:
        return
    names = ("stopped_for_harm", "treated_patients")
    table = plain_table(("truth",), ("stopped for harm", "closed form", "treated patients judged"))
    for truth, label in _TRUTHS.items():
        if (names[0], truth) in rows:
            stopped_share, treated = (rows[name, truth] for name in names)
            exact = (
                "-"
                if stopped_share.closed_form is None
                else f"{stopped_share.closed_form.value:.4f}"
            )
            table.add_row(
                label, measured_cell(stopped_share.measured), exact, measured_cell(treated.measured)
            )
    yield Text()
    yield table
    yield Text("A trial stopped for harm counts as a stop in every verdict.", style="dim")


def _cell(rows: _Rows, name: str, truth: str) -> str:
    row = rows.get((name, truth))
    return "-" if row is None else measured_cell(row.measured)


def _legend(rows: _Rows) -> Iterator[Text]:
    words = (
        "False go: a go among trials whose true effect is not beyond the lower reference. False"
        " stop, missed target: a stop, no go, among those whose true effect is at the target value"
        " or beyond."
    )
    if any(name == "true_given_go" for name, _ in rows):
        words += " True if go: the true effect is beyond the lower reference, given a go."
    yield Text(words, style="dim")
