"""TOML files: read, or refused with one plain message."""

import math
import tomllib
from pathlib import Path

from phase2sim.core.errors import BadInput
from phase2sim.core.io.plain_files import read_text
from phase2sim.core.io.validation import Table, leaves, show_value

_LARGEST_NUMBER = 1e15


def read_toml(path: Path, refusal: type[BadInput]) -> Table:
    """Return the tables of a TOML file; raises ``refusal`` naming the file and what is wrong."""
    text = read_text(path, refusal)
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise refusal(
            f"{path}: is not TOML: its values are nested too deep. Correct that."
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise refusal(
            f"{path}: is not TOML: {str(error).rstrip('.')}. Correct that place."
        ) from None
    except ValueError as error:  # a number of thousands of digits
        raise refusal(f"{path}: holds a number that cannot be read: {error}.") from None


def check_numbers(table: object, path: Path, refusal: type[BadInput]) -> None:
    """Refuse numbers that are not finite, or too large to mean anything, anywhere in a table."""
    for key_path, value in leaves(table, ""):
        match value:
            case float() if not math.isfinite(value):
                raise refusal(
                    f"{path}: {key_path} is {value}; it must be a finite number. Correct it."
                )
            case (int() | float()) as number if abs(number) > _LARGEST_NUMBER:
                raise refusal(
                    f"{path}: {key_path} is {show_value(value)}; no key takes numbers beyond 1e15."
                    " Correct it."
                )
