"""Data files: patients of a replayed trial, whose cells, columns and rows are damaged."""

import csv
import io
import tempfile
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from fuzz.case import Case, Dice, Table
from fuzz.damaged_bytes import damaged_bytes
from fuzz.judge import run
from fuzz.scenarios import FILE, files_of
from fuzz.sound import AGED, COUNTS, FIXED, LOOKS, ONE

DATA = "patients.csv"
TRIALS: tuple[Table, ...] = (FIXED, ONE, AGED, COUNTS, LOOKS)
CELLS = (
    "", " ", "NA", "NaN", "nan", "-", ".", "999", "-999", "-1.5", "0", "1", "2", "1e308",
    "1e-320", "inf", "-inf",
    "53", "550", "1_0", "7,5", "7.5 %", "<0.05", "=1+1", "control", "drug", "Control", "0x10",
    "\uff11\uff12", "ä", "\0", "a\nb",
    '"', "6.1", "3.0", "hba1c", "c_peptide", "glucose", "1.0", "true", "x" * 500, "2026-11-23",
    "1e400", "00", "+1",
)  # fmt: skip
ENDPOINT = "c_peptide"
COLUMNS = ("visit", "months", "site", "unit", "ID", " y", "", "arm", "y", "comment", "value", "Ä")

type Rows = list[list[str]]


@cache
def patients(trial: int) -> tuple[tuple[str, ...], ...]:
    """Rows of a simulated trial's file, its heading first."""
    table = TRIALS[trial]
    arguments = ("replay", FILE, "--trial", "1", "--out", DATA)
    with tempfile.TemporaryDirectory() as folder:
        result = run(Case("", arguments, files_of(table)), Path(folder))
        assert result.exit_code == 0, result.output
        text = (Path(folder) / DATA).read_text(encoding="utf-8")
    return tuple(map(tuple, csv.reader(io.StringIO(text))))


def data_case(dice: Dice) -> Case:
    """The patients with one to three changes, or a damaged file of them."""
    trial = dice.randrange(len(TRIALS))
    rows = [list(row) for row in patients(trial)]
    if dice.random() < 0.2:
        content, said = damaged_bytes(csv_text(rows).encode(), dice)
    else:
        kept = ("id", "arm", "endpoint", "visit", "y", "stratum", "age", "base", "time")
        if dice.random() < 0.5:
            rows = _columns(rows, kept)
        changes = [_changed(rows, dice) for _ in range(dice.choice((1, 1, 2, 3)))]
        said = ", ".join(changes)
        content = csv_text(rows, dice.choice((",", ",", ",", ",", ",", ",", ";", "\t"))).encode()
    arguments = (
        "analyse",
        FILE,
        DATA,
        *dice.choice(((), ("--json",), ("--json",), ("--endpoint", ENDPOINT))),
    )
    if dice.random() < 0.1:
        arguments = (*arguments, "--predict", "--completions", "100")
    return Case(
        said, arguments, {**files_of(TRIALS[trial]), DATA: content}, (DATA,), ("--endpoint",)
    )


def _columns(rows: Rows, names: tuple[str, ...]) -> Rows:
    places = [number for number, name in enumerate(rows[0]) if name in names]
    return [[row[place] for place in places] for row in rows]


def csv_text(rows: Iterable[Sequence[str]], delimiter: str = ",") -> str:
    """The rows as a file."""
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return out.getvalue()


def _changed(rows: Rows, dice: Dice) -> str:
    """Change the rows in one way, and say which."""
    if len(rows) < 2 or not rows[0]:
        return "nothing"
    at = (dice.randrange(1, len(rows)), dice.randrange(len(rows[0])))
    return dice.choice(_WAYS)(rows, at, dice)


def _cell(rows: Rows, at: tuple[int, int], dice: Dice) -> str:
    (line, column), cell = at, dice.choice(CELLS)
    rows[line][column : column + 1] = [cell]
    return f"line {line + 1}: {rows[0][column]} is {cell[:20]!r}"


def _column(rows: Rows, at: tuple[int, int], dice: Dice) -> str:
    column, cell = at[1], dice.choice(CELLS)
    for row in rows[1:]:
        row[column : column + 1] = [cell]
    return f"{rows[0][column]} is {cell[:20]!r} everywhere"


def _column_lost(rows: Rows, at: tuple[int, int], dice: Dice) -> str:
    del dice
    name = rows[0][at[1]]
    rows[:] = [row[: at[1]] + row[at[1] + 1 :] for row in rows]
    return f"column {name} lost"


def _column_renamed(rows: Rows, at: tuple[int, int], dice: Dice) -> str:
    name, rows[0][at[1]] = rows[0][at[1]], dice.choice(COLUMNS)
    return f"column {name} is called {rows[0][at[1]]!r}"


def _column_more(rows: Rows, at: tuple[int, int], dice: Dice) -> str:
    name, cell = rows[0][at[1]], dice.choice(CELLS)
    rows[:] = [[*rows[0], name], *([*row, cell] for row in rows[1:])]
    return f"column {name} twice"


def _ragged(rows: Rows, at: tuple[int, int], dice: Dice) -> str:
    line, column = at
    rows[line] = dice.choice((rows[line][:column], [*rows[line], dice.choice(CELLS)]))
    return f"line {line + 1} is ragged"


def _row_again(rows: Rows, at: tuple[int, int], dice: Dice) -> str:
    rows.insert(at[0], list(dice.choice(rows)))
    return f"line {at[0] + 1} is another's again"


def _rest_lost(rows: Rows, at: tuple[int, int], dice: Dice) -> str:
    del dice, rows[at[0] :]
    return f"lost from line {at[0] + 1} on"


def _scaled(rows: Rows, at: tuple[int, int], dice: Dice) -> str:
    column, factor = at[1], dice.choice((10.929, 1000, 0.1, -1, 1e300))
    for row in rows[1:]:
        row[column : column + 1] = [_times("".join(row[column : column + 1]), factor)]
    return f"{rows[0][column]} times {factor}"


def _times(text: str, factor: float) -> str:
    try:
        return repr(float(text) * factor)
    except ValueError:
        return text


_WAYS = (
    *(_cell, _cell, _cell, _cell, _column, _column_lost, _column_renamed, _column_more),
    *(_ragged, _row_again, _rest_lost, _scaled),
)
