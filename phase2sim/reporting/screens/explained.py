"""What each number of a run means, in words, with the number itself."""

from math import sqrt

from rich.console import Group, RenderableType
from rich.text import Text

from phase2sim.operating.simulation import Result
from phase2sim.reporting.measured import cell
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


def explained(result: Result) -> RenderableType:
    """Return one line a kind of number, its truth and a value of this run, then how sure it is."""
    lines: list[RenderableType] = [Text(), Text("What the numbers mean", style="bold")]
    said: set[tuple[str, str]] = set()
    for row in result.characteristics:
        if (row.name, row.truth) in said:
            continue
        said.add((row.name, row.truth))
        name = Text(f"  {characteristic(row.name)}", style="bold")
        about = characteristic_meaning(row.name) or "as the analysis reports it"
        of = f" for {row.analysis}" if row.analysis else ""
        name.append(
            f": {about}; here, {truth(row.truth)}: {cell(row.measured)}{of},"
            f" {row.measured.used:,} trials used, {row.measured.failed:,} failed.",
            style="not bold",
        )
        lines.append(name)
    said_of_all = [_ERROR, *_of_draws(result), _CLOSED]
    return Group(*lines, *(Text(f"  {one}") for one in said_of_all))


def _of_draws(result: Result) -> list[str]:
    """Say how far the assurance of the first verdict depends on which draws the prior is."""
    draws = (result.prior or {}).get("draws")
    if not isinstance(draws, int) or not result.assurance:
        return []
    analysis, share = next(iter(result.assurance.items()))
    if not share.used:
        return []
    # A trial's verdict varies between draws by no more than it varies at all.
    bound = share.mcse * sqrt(share.used / draws)
    return [_DRAWS.format(draws=draws, analysis=analysis, bound=bound)]
