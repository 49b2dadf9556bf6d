"""A search for a number of patients, or an effect, in words and as plain values."""

from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from phase2sim.core.measured import Measured
from phase2sim.reporting.plain_tables import plain_table
from phase2sim.studies.sizing.search import SearchPoint
from phase2sim.studies.sizing.size_result import SizeResult, sentences


def size_json(sized: SizeResult) -> dict[str, Any]:
    """Plain values of a search: what `phase2sim size --json` prints."""
    wanted, found = sized.search, sized.found
    arms = sized.scenario.design.get("allocation", (1, 1))
    return {
        "scenario": str(sized.scenario.path),
        "verdict": sized.verdict,
        "of": wanted.of,
        "target": wanted.target,
        "confidence": wanted.confidence,
        "tolerance": wanted.tolerance,
        "reached": sized.answer is not None,
        "settled": found is not None and found.settled,
        "patients": None if sized.by_effect else sized.patients,
        "allocation": list(arms),
        "effect": sized.effect,
        "answer": _point(sized.answer),
        "enrolled": _measured(sized.enrolled),
        "below": _point(found.below if found else None),
        "trials": found.trials if found else 0,
        "ceiling": _measured(sized.ceiling),
        "closed_form": sized.closed_form,
        "closed_form_is_exact": None if sized.closed_form is None else not sized.closed_form_why,
        "curve": [_point(point) for point in found.curve] if found else [],
    }


def size_screen(sized: SizeResult) -> RenderableType:
    """Return the answer in a sentence, theory beside it, and the curve around it."""
    parts: list[RenderableType] = [Text(sized.scenario.title, style="bold"), Text()]
    parts += [Text(line) for line in sentences(sized)]
    view = sized.view()
    if view.rows:
        table = plain_table((), view.columns)
        for row in view.rows:
            table.add_row(*row)
        parts += [Text(), table]
    return Group(*parts, Text("+- is Monte Carlo error.", style="dim"))


def _point(point: SearchPoint | None) -> dict[str, Any] | None:
    return None if point is None else {"value": point.value, **point.row()}


def _measured(measured: Measured | None) -> dict[str, Any] | None:
    if measured is None:
        return None
    return {"estimate": measured.estimate, "mcse": measured.mcse, "used": measured.used}
