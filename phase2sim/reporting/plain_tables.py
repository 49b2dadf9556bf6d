"""Tables without lines, and numbers with three significant digits."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table

from phase2sim.core.io.views import plus_minus
from phase2sim.core.measured import Measured

_SIGNIFICANT = 3
_BETWEEN = 2  # characters between columns


@dataclass(frozen=True, slots=True)
class WideTable:
    """A table whose columns continue below if a line is too short for all of them.

    The first ``labels`` columns say what a row is, and begin every part.
    """

    labels: int
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield as many parts as the width of the console requires."""
        for number, part in enumerate(self._parts(options.max_width)):
            if number:
                yield ""
            shown = [*range(self.labels), *part]
            table = plain_table((), [self.columns[k] for k in shown])
            for column in table.columns:
                column.no_wrap = True
            for row in self.rows:
                table.add_row(*(row[k] for k in shown))
            yield table

    def _parts(self, width: int) -> Iterator[list[int]]:
        """Yield groups of number columns that fit beside the labels, at least one column each."""
        widths = [
            _BETWEEN + max(len(line) for cell in column for line in cell.split("\n"))
            for column in zip(self.columns, *self.rows, strict=True)
        ]
        room = width + _BETWEEN - sum(widths[: self.labels])
        part: list[int] = []
        for k in range(self.labels, len(self.columns)):
            if part and sum(widths[column] for column in (*part, k)) > room:
                yield part
                part = []
            part.append(k)
        yield part


def plain_table(words: Sequence[str], numbers: Sequence[str]) -> Table:
    """Return an empty table with left-aligned word columns and right-aligned number columns."""
    table = Table(box=None, pad_edge=False, padding=(0, _BETWEEN, 0, 0))
    for name in words:
        table.add_column(name)
    for name in numbers:
        table.add_column(name, justify="right")
    return table


def table_of_moves(moved: str, *columns: str) -> Table:
    """Return an empty table of what moves a result, in words, and of numbers."""
    table = plain_table((), ())
    table.expand = True  # the words give way to the numbers
    table.add_column(moved, no_wrap=True, overflow="ellipsis", ratio=1)
    for name in columns:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def number(value: float) -> str:
    """Format with three significant digits: ``7.41``, ``0.152``, ``857``."""
    if not math.isfinite(value):
        return "-"
    if value == round(value) and abs(value) < 10**_SIGNIFICANT:
        return f"{value:.0f}"
    size = abs(value)
    digits = _SIGNIFICANT - 1 - math.floor(math.log10(size)) if size > 0 else 0
    return f"{value:.{max(digits, 0)}f}"


def measured_cell(measured: Measured) -> str:
    """Format a measured number: ``0.802 +- 0.004``, with what failed trials leave open."""
    text = plus_minus(measured.estimate, measured.mcse)
    if not measured.failed:
        return text
    bounds = f": {measured.low:.3f} to {measured.high:.3f}" if math.isfinite(measured.high) else ""
    return f"{text} ({measured.failed:,} failed{bounds})"
