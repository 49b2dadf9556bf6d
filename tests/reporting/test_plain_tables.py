"""A table wider than the screen goes on below, and loses no character."""

import pytest
from rich.console import Console

from phase2sim.reporting.plain_tables import WideTable

COLUMNS = ("patients", "dropout", "power\nhba1c", "power\nc_peptide", "assurance\nhba1c")
ROWS = [
    ("80", "0.1", "0.350 +- 0.005", "0.727 +- 0.004", "0.082 +- 0.003"),
    ("120", "0.2", "0.480 +- 0.005 (-0.020 +- 0.003)", "0.887 +- 0.003", "0.107 +- 0.003"),
]


def printed(width: int) -> list[str]:
    console = Console(markup=False, width=width, record=True, quiet=False)
    with console.capture() as captured:
        console.print(WideTable(2, COLUMNS, ROWS))
    return captured.get().splitlines()


@pytest.mark.parametrize(("width", "parts"), [(90, 1), (70, 2), (52, 2)])
def test_columns_without_room_go_on_below(width: int, parts: int) -> None:
    lines = printed(width)
    text = "\n".join(lines)

    assert sum(line.startswith("patients  dropout") for line in lines) == parts
    assert max(map(len, lines)) <= width
    assert all(cell in text for row in ROWS for cell in row)
    assert "…" not in text
