"""A search for a number of patients, or an effect, in words and as plain values."""

from collections.abc import Iterator
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from phase2sim.contracts import Measured
from phase2sim.reporting.measured import cell
from phase2sim.reporting.plain_tables import plain_table
from phase2sim.sizing.climbing import Point
from phase2sim.sizing.size import Sized

_MOST_LINES = 16


def size_json(sized: Sized) -> dict[str, Any]:
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
        "below": _point(found.below if found else None),
        "trials": found.trials if found else 0,
        "ceiling": _measured(sized.ceiling),
        "closed_form": sized.closed_form,
        "closed_form_is_exact": None if sized.closed_form is None else not sized.closed_form_why,
        "curve": [_point(point) for point in found.curve] if found else [],
    }


def size_screen(sized: Sized) -> RenderableType:
    """Return the answer in a sentence, theory beside it, and the curve around it."""
    parts: list[RenderableType] = [Text(sized.scenario.title, style="bold"), Text()]
    parts += [Text(line) for line in _sentences(sized)]
    if sized.found:
        parts += [Text(), _curve(sized)]
    return Group(*parts, Text("+- is Monte Carlo error.", style="dim"))


def _sentences(sized: Sized) -> Iterator[str]:
    wanted, answer = sized.search, sized.answer
    what = f"{wanted.of} of {sized.verdict}"
    sure = f"{100 * wanted.confidence:g} % Monte Carlo confidence"
    if sized.found is None and sized.ceiling is not None:
        yield (
            f"No number of patients reaches {wanted.target:g}: the {what} cannot exceed"
            f" {cell(sized.ceiling)}, the chance that the effects are there at all."
        )
        return
    assert sized.found is not None  # noqa: S101 - without a ceiling it was searched
    if answer is None:
        yield (
            f"Not reached: up to {_name(sized, sized.found.curve[-1])} the {what} is not shown to"
            f" be {wanted.target:g}, after {sized.found.trials:,} trials. Raise --at-most or"
            " --trials."
        )
    else:
        yield (
            f"{_name(sized, answer)}: {what} {wanted.target:g} or more, {sure},"
            f" {sized.found.trials:,} trials looked at."
        )
    below = sized.found.below
    if answer is not None and below is not None:
        if sized.found.settled:
            yield (
                f"The step below, {_name(sized, below)}, has less than"
                f" {wanted.target + wanted.tolerance:g} (in {below.share.used:,} trials"
                f" {cell(below.share)})."
            )
        else:
            yield "Fewer may do: the trials ran out before that could be told. Raise --trials."
    if sized.closed_form is not None:
        about = f", about: {sized.closed_form_why}" if sized.closed_form_why else ""
        yield f"Closed form: {_value(sized, sized.closed_form)}{about}."
    if sized.ceiling is not None and wanted.of == "assurance":
        yield f"Assurance cannot exceed {cell(sized.ceiling)}, however many patients."


def _name(sized: Sized, point: Point) -> str:
    """``120 patients (60 and 60)``, or the effect."""
    return _value(sized, point.value)


def _value(sized: Sized, value: float) -> str:
    if sized.by_effect:
        answer = sized.answer
        if sized.effect is None or answer is None:
            return f"{value:.4g} times the target's effects"
        return f"effect {sized.effect / answer.value * value:+.3g} ({value:.4g} times the target's)"
    arms = sized.scenario.design.get("allocation", (1, 1))
    whole = int(value) // sum(arms)
    return f"{value:,.0f} patients ({' and '.join(str(whole * share) for share in arms)})"


def _curve(sized: Sized) -> RenderableType:
    """Show the steps around the answer, closest first taken."""
    assert sized.found is not None  # noqa: S101 - the caller asks
    points = list(sized.found.curve)
    if len(points) > _MOST_LINES:
        middle = sized.answer.value if sized.answer else points[-1].value
        nearest = sorted(points, key=lambda point: abs(point.value - middle))[:_MOST_LINES]
        points = sorted(nearest, key=lambda point: point.value)
    steps = "times the target" if sized.by_effect else "patients"
    table = plain_table((), (steps, sized.search.of, "at least", "at most", "trials"))
    for point in points:
        table.add_row(
            f"{point.value:g}",
            cell(point.share),
            f"{point.low:.3f}",
            f"{point.high:.3f}",
            f"{point.share.used:,}",
        )
    return table


def _point(point: Point | None) -> dict[str, Any] | None:
    if point is None:
        return None
    share = _measured(point.share) or {}
    return {"value": point.value, **share, "at_least": point.low, "at_most": point.high}


def _measured(measured: Measured | None) -> dict[str, Any] | None:
    if measured is None:
        return None
    return {"estimate": measured.estimate, "mcse": measured.mcse, "used": measured.used}
