"""CSV files: their lines as text, and numbers written in it."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from phase2sim.core.errors import BadInput
from phase2sim.core.io.plain_files import read_bytes_of
from phase2sim.core.io.refusals import Refusals, shown

MISSING_CODES = frozenset({"", "NA", "NaN", "nan", "."})

# float() also reads 1_0, digits of other scripts, inf and nan; a cell holds none of them.
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_OTHER_FORMATS: Mapping[bytes, str] = {
    b"\xff\xfe": "is UTF-16 text. Save it as UTF-8 CSV.",
    b"\xfe\xff": "is UTF-16 text. Save it as UTF-8 CSV.",
    b"PK\x03\x04": "is a workbook or an archive. Save the sheet as CSV.",
    b"\xd0\xcf\x11\xe0": "is a workbook. Save the sheet as CSV.",
    b"HEADER RECORD": "is a SAS transport file. Export it as CSV.",
    b"PAR1": "is a Parquet file. Export it as CSV.",
    b"\x1f\x8b": "is compressed. Unpack it first.",
}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet takes for the start of one
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}


@dataclass(frozen=True, slots=True)
class CsvLine:
    """One line of a CSV file: its number, from 1, and its cells by heading."""

    number: int
    cells: Mapping[str, str]

    def text(self, column: str) -> str:
        """Cell of a column, empty if the file has no such column."""
        return self.cells.get(column, "")


@dataclass(frozen=True, slots=True)
class CsvTable:
    """Headings as written, and the lines below them; cells are known by headings in lower case."""

    path: Path
    headings: tuple[str, ...]
    lines: tuple[CsvLine, ...]

    def has(self, column: str) -> bool:
        """Whether the file has a column."""
        return any(heading.casefold() == column for heading in self.headings)


def read_csv(path: Path, refusal: type[BadInput], refusals: Refusals) -> CsvTable:
    """Read a CSV file with a heading; blank lines are skipped, spaces around cells removed.

    Adds doubled headings and lines with too few or too many cells to ``refusals``, and leaves such
    lines out. Raises ``refusal`` for a file that holds no table of comma-separated text.
    """
    rows = list(_rows(path, refusal))
    if len(rows) <= 1:
        raise refusal(f"{path}: holds no rows. It needs a heading and a row per patient and visit.")
    (first, headings), *body = rows
    comment = headings[0].startswith("#") and len(headings) != len(body[0][1])
    if comment or re.fullmatch(r"sep=.?", headings[0], re.IGNORECASE):
        raise refusal(
            f"{path}, line {first}: is {shown(','.join(headings))}; the first line holds the"
            " headings. Remove what stands above them."
        )
    for separator, name in _SEPARATORS.items():
        if sum(heading.count(separator) for heading in headings) >= len(headings):
            raise refusal(
                f"{path}, line {first}: columns are separated by {name}. Save the file with commas"
                " between columns and points in numbers."
            )
    keys = [heading.casefold() for heading in headings]
    for key, count in Counter(keys).items():
        if key and count > 1:
            refusals.of_line(
                first, "the heading", shown(key), f"{count} columns have it. Keep or rename one."
            )
    lines = []
    for number, cells in body:
        if len(cells) == len(keys):
            lines.append(CsvLine(number, dict(zip(keys, cells, strict=True))))
        else:
            refusals.of_line(
                number,
                "",
                "",
                f"{len(cells)} fields under {len(keys)} headings. Correct the commas; a number has"
                " a decimal point, and text with a comma stands in quotes.",
            )
    return CsvTable(path, tuple(headings), tuple(lines))


def require_columns(table: CsvTable, needed: Mapping[str, str], refusals: Refusals) -> None:
    """Refuse a file without the columns ``needed``, each with the reason; "" needs none."""
    for column, reason in needed.items():
        if not table.has(column):
            why = f", which {reason}" if reason else ""
            refusals.of_file(
                f"column {column!r} is missing{why}; the file has"
                f" {', '.join(filter(None, table.headings))}. Add it."
            )


def number_in(text: str) -> float | None:
    """The finite number that a cell holds, written with ASCII digits and a point; else None."""
    if not _NUMBER.fullmatch(text):
        return None
    value = float(text)
    return value if abs(value) < float("inf") else None


def number_rule(text: str) -> str:
    """What to write in place of a cell that holds no number."""
    if re.fullmatch(r"[+-]?\d+,\d+", text, re.ASCII):
        return "a number has a decimal point. Replace the comma."
    if text[:1] == ">":
        return "it must be a number. Write the limit as the value, or leave the cell empty."
    if text[:1] == "<":
        return (
            "it must be a number. For a value below the limit of quantification write a number just"
            " below it, and set lloq in the scenario."
        )
    return "it must be a number written with the digits 0 to 9, or empty where it is missing."


def spreadsheet_text(value: object) -> object:
    """Return text that no spreadsheet takes for a formula, by an apostrophe before it.

    What is not text, such as a negative number, stays as it is. ``read_csv`` undoes it.
    """
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value


def _as_written(cell: str) -> str:
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith(_FORMULA) else cell


def _rows(path: Path, refusal: type[BadInput]) -> Iterator[tuple[int, list[str]]]:
    """Lines that are not blank, each with its number and its cells."""
    reader = csv.reader(io.StringIO(_text(path, refusal), newline=""), strict=True)
    last = 0
    try:
        for cells in reader:
            number, last = last + 1, reader.line_num
            stripped = [_as_written(cell.strip()) for cell in cells]
            if any(stripped):
                yield number, stripped
    except csv.Error as error:
        raise refusal(f"{path}, line {last + 1}: is not CSV: {error}. Correct it.") from None


def _text(path: Path, refusal: type[BadInput]) -> str:
    content = read_bytes_of(path, refusal)
    for start, what in _OTHER_FORMATS.items():
        if content.startswith(start):
            raise refusal(f"{path}: {what}")
    if b"\x00" in content:
        raise refusal(f"{path}: holds binary data. Save it as UTF-8 CSV.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise refusal(
            f"{path}: byte {error.start} is not UTF-8 text. Save the file as UTF-8."
        ) from None
