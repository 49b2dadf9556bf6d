"""Explanations of the numbers of a run."""

from math import sqrt

from rich.console import Group, RenderableType
from rich.text import Text

from phase2sim.operating.simulation import Result
from phase2sim.reporting.plain_tables import measured_cell
from phase2sim.reporting.words import characteristic, characteristic_meaning, truth

_ERROR = (
    "+- is one Monte Carlo standard error: with other random numbers the estimate would move by"
    " about that much. Four times as many trials halve it. It says nothing of how sure anybody is"
    " of the treatment."
)
_DRAWS = (
    "Assurance is that of the {draws:,} draws by which the fitted prior is known, and its +- is"
    " given them. Other draws, as another machine may have, move that of {analysis} by"
    " {bound:.3f} or less (one standard error of independent draws), which more trials do not"
    " lessen."
)
_CLOSED = (
    "The closed form is the same number by theory, where there is a theory; 'about' where the"
    " theory leaves something out that the simulation has."
)


def explanation_screen(result: Result) -> RenderableType:
    """Return one line per kind of number, with a value of this run, and notes on its error."""
    lines: list[RenderableType] = [Text(), Text("What the numbers mean", style="bold")]
    explained_rows: set[tuple[str, str]] = set()
    for row in result.characteristics:
        if (row.name, row.truth) in explained_rows:
            continue
        explained_rows.add((row.name, row.truth))
        name = Text(f"  {characteristic(row.name)}", style="bold")
        about = characteristic_meaning(row.name) or "as the analysis reports it"
        analysis = f" for {row.analysis}" if row.analysis else ""
        name.append(
            f": {about}; here, {truth(row.truth)}: {measured_cell(row.measured)}{analysis},"
            f" {row.measured.used:,} trials used, {row.measured.failed:,} failed.",
            style="not bold",
        )
        lines.append(name)
    notes = [_ERROR, *_draws_note(result), _CLOSED]
    return Group(*lines, *(Text(f"  {note}") for note in notes))


def _draws_note(result: Result) -> list[str]:
    """Return how far the first assurance depends on the finite number of prior draws."""
    draws = (result.prior or {}).get("draws")
    if not isinstance(draws, int) or not result.assurance:
        return []
    analysis, share = next(iter(result.assurance.items()))
    if not share.used:
        return []
    # A trial's verdict varies between draws by no more than it varies at all.
    bound = share.mcse * sqrt(share.used / draws)
    return [_DRAWS.format(draws=draws, analysis=analysis, bound=bound)]
