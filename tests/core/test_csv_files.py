"""Cells that a spreadsheet would run stay text, numbers stay numbers, and both can be read back."""

import csv
import io
from pathlib import Path

import pytest

from phase2sim.core.errors import BadInput
from phase2sim.core.io.csv_files import read_csv, spreadsheet_text
from phase2sim.core.io.refusals import Refusals
from phase2sim.studies.store.parquet_tables import csv_of

FORMULAS = ["=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1"]


@pytest.mark.parametrize("text", FORMULAS)
def test_text_that_looks_like_a_formula_is_quoted_and_read_back(text: str, tmp_path: Path) -> None:
    written = csv_of([{"analysis": text, "estimate": -0.5, text: 1}]).decode()

    heading, cells = csv.reader(io.StringIO(written, newline=""))
    assert cells == [f"'{text}", "-0.5", "1"]
    assert heading[2] == f"'{text}"
    path = tmp_path / "a.csv"
    path.write_text(written, encoding="utf-8", newline="")
    table = read_csv(path, BadInput, Refusals(path, BadInput))
    assert table.lines[0].text("analysis") == text


@pytest.mark.parametrize("value", [-1.5, -3, None, "power", "a=b", "", "'quoted'"])
def test_everything_else_stays_as_it_is(value: object) -> None:
    assert spreadsheet_text(value) == value
