"""A sample size or detectable effect: text, and values for JSON."""

from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from phase2sim.core.measured import Measured
from phase2sim.reporting.plain_tables import plain_table
from phase2sim.studies.sizing.search import SearchPoint
from phase2sim.studies.sizing.size_result import SizeResult, sentences


def size_json(result: SizeResult) -> dict[str, Any]:
    """Return the values of `phase2sim size --json`."""
    theory = result.theory
    search, crossing = result.search, result.search_result
    arms = result.scenario.design.get("allocation", (1, 1))
    return {
        "scenario": str(result.scenario.path),
        "verdict": result.verdict,
        "of": search.criterion,
        "target": search.target,
        "confidence": search.confidence,
        "tolerance": search.tolerance,
        "reached": result.answer is not None,
        "settled": crossing is not None and crossing.settled,
        "patients": None if result.by_effect else result.patients,
        "allocation": list(arms),
        "effect": result.effect,
        "answer": _point(result.answer),
        "enrolled": _measured(result.enrolled),
        "below": _point(crossing.below if crossing else None),
        "trials": crossing.trials if crossing else 0,
        "ceiling": _measured(result.ceiling),
        "closed_form": theory.step if theory else None,
        "closed_form_power": theory.power if theory else None,
        "closed_form_is_exact": result.is_exact if theory else None,
        "curve": [_point(point) for point in crossing.curve] if crossing else [],
    }


def size_screen(result: SizeResult) -> RenderableType:
    """Return the answer in a sentence, its closed form, and the curve around it."""
    parts: list[RenderableType] = [Text(result.scenario.title, style="bold"), Text()]
    parts += [Text(line) for line in sentences(result)]
    view = result.view()
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
    return {
        "estimate": measured.estimate,
        "mcse": measured.mcse,
        "draws_mcse": measured.draws_mcse,
        "used": measured.used,
    }
