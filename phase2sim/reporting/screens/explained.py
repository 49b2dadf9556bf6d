"""Explanations of the numbers of a run."""

from rich.console import Group, RenderableType
from rich.text import Text

from phase2sim.operating.simulation import Result
from phase2sim.reporting.plain_tables import measured_cell
from phase2sim.reporting.words import characteristic, characteristic_meaning, truth

_ERROR = (
    "+- is one Monte Carlo standard error: with other random numbers the estimate would move by"
    " about that much. It does not say how certain we are of the treatment. Four times as many"
    " trials halve the error from the trials."
)
_DRAWS = (
    "Where the truth is drawn from a prior, +- holds two errors: from the trials, and from the"
    " {draws:,} draws that represent the fitted prior. For the assurance of {analysis} they are"
    " {trials_mcse:.4f} and {draws_mcse:.4f}. More trials do not reduce the second; only more draws"
    " would."
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
    """Return both errors of the first assurance."""
    draws = (result.prior or {}).get("draws")
    if not isinstance(draws, int) or not result.assurance:
        return []
    analysis, share = next(iter(result.assurance.items()))
    if not share.used:
        return []
    note = _DRAWS.format(
        draws=draws,
        analysis=analysis,
        trials_mcse=share.trials_mcse,
        draws_mcse=share.draws_mcse,
    )
    return [note]
