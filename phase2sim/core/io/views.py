"""A value at the prompt: one small table, as text and, in a notebook, as HTML."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

MONTE_CARLO = "+- is Monte Carlo error, not uncertainty about the treatment."
_DIGITS = 3  # after the point, at least
_ROUNDING = 1e-7  # a standard error that is less of its estimate is not one


@dataclass(frozen=True, slots=True)
class View:
    """What is shown of a value: a title, a table, and what to know about it."""

    title: str
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    notes: tuple[str, ...] = ()
    words: int = 0  # columns from the left that hold words; the rest are numbers


class Viewed(ABC):
    """A value that shows itself: its class says what in ``view``."""

    __slots__ = ()

    @abstractmethod
    def view(self) -> View:
        """What is shown of it.

        Returns
        -------
        View
            Title, table and notes.
        """

    def __repr__(self) -> str:
        return as_text(self.view())

    def __str__(self) -> str:
        return as_text(self.view())

    def _repr_html_(self) -> str:
        return as_html(self.view())


def plus_minus(estimate: float, mcse: float) -> str:
    """``0.802 +- 0.004``: a number to the digits that its Monte Carlo standard error allows."""
    if math.isnan(estimate):
        return "none used"
    if math.isnan(mcse):  # of one trial
        return f"{estimate:.{_DIGITS}f} +- unknown"
    digits = _DIGITS
    if _ROUNDING * abs(estimate) < mcse < 1:  # below it, a mean of equal values, rounded
        digits = max(digits, math.ceil(-math.log10(mcse)))
    return f"{estimate:.{digits}f} +- {mcse:.{digits}f}"


def as_text(view: View) -> str:
    """Return the table with aligned columns, its title above it and its notes below."""
    return "\n".join([view.title, *_aligned(view), *view.notes])


def as_html(view: View) -> str:
    """Return the same as HTML, in the style of whatever shows it."""
    head = "".join(f"<th>{_html(name)}</th>" for name in view.columns if any(view.columns))
    rows = "".join(f"<tr>{_html_cells(view, row)}</tr>" for row in view.rows)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>" if rows else ""
    notes = "".join(f"<p><small>{_html(note)}</small></p>" for note in view.notes)
    return f"<div><p><strong>{_html(view.title)}</strong></p>{table}{notes}</div>"


def _html_cells(view: View, row: Sequence[str]) -> str:
    sides = ["left" if column < view.words else "right" for column in range(len(row))]
    return "".join(
        f'<td style="text-align: {side}">{_html(cell)}</td>'
        for side, cell in zip(sides, row, strict=True)
    )


def _html(text: str) -> str:
    return escape(text).replace("+-", "&plusmn;").replace("\n", "<br>")


def _aligned(view: View) -> Iterator[str]:
    heads = [name.split("\n") for name in view.columns]
    height = max((len(head) for head in heads), default=0)
    above = [[*[""] * (height - len(head)), *head] for head in heads]
    if not view.rows:
        return
    lines = [*(line for line in zip(*above, strict=True) if any(line)), *view.rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(view.columns))]
    for line in lines:
        cells = [
            cell.ljust(width) if column < view.words else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        yield ("  " + "  ".join(cells)).rstrip()
