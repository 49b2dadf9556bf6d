"""CSV files: their rows as text, or one plain refusal."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from phase2sim.core.errors import BadInput

MISSING_CODES = {"", "NA", "NaN", "nan", "."}

type CsvRow = Mapping[str, str]


def read_rows(path: Path, required: Sequence[str], refusal: type[BadInput]) -> tuple[CsvRow, ...]:
    """Rows of a CSV file with a heading, the first row being line 2.

    Raises ``refusal`` naming the file and what is wrong: unreadable, empty, a column missing.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = tuple(csv.DictReader(file, strict=True))
    except UnicodeDecodeError as error:
        raise refusal(
            f"{path}: byte {error.start} is not UTF-8 text. Save the file as UTF-8."
        ) from None
    except csv.Error as error:
        raise refusal(f"{path}: is not CSV: {error}.") from None
    except OSError as error:
        raise refusal(f"{path}: cannot be read: {(error.strerror or '').lower()}.") from None
    if not rows:
        raise refusal(f"{path}: holds no rows. It needs a heading and a row a patient and visit.")
    for column in required:
        if column not in rows[0]:
            raise refusal(
                f"{path}: column {column!r} is missing; the file has"
                f" {', '.join(map(str, rows[0]))}. Add it."
            )
    return rows
