"""Tables without lines, and numbers to the digits that can be read."""

import math
from collections.abc import Sequence

from rich.table import Table

_SIGNIFICANT = 3


def plain_table(words: Sequence[str], numbers: Sequence[str]) -> Table:
    """Return an empty table: columns of words to the left, of numbers to the right."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in words:
        table.add_column(name)
    for name in numbers:
        table.add_column(name, justify="right")
    return table


def number(value: float) -> str:
    """Three significant digits, whole numbers as such: ``7.41``, ``0.152``, ``857``."""
    if not math.isfinite(value):
        return "-"
    if value == round(value) and abs(value) < 10**_SIGNIFICANT:
        return f"{value:.0f}"
    size = abs(value)
    digits = _SIGNIFICANT - 1 - math.floor(math.log10(size)) if size > 0 else 0
    return f"{value:.{max(digits, 0)}f}"
