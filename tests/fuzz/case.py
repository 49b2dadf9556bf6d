"""One thing that a user might do: files in a folder, and a command that reads them."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

type Table = dict[str, Any]
type Dice = random.Random

LEFT_OUT = object()  # in place of a value: the key is not written


@dataclass(frozen=True, slots=True)
class Case:
    """A command line, the files that it finds, and what a refusal must name.

    A refusal names one of the ``blamed`` files and the place in it, or one of the ``typed`` words
    of the command line or files without places. ``answer`` is what the command prints if it
    accepts, where that is known.
    """

    said: str
    arguments: tuple[str, ...]
    files: Mapping[str, bytes] = field(default_factory=dict)
    blamed: tuple[str, ...] = ()
    typed: tuple[str, ...] = ()
    answer: str | None = None
    cache: str = ""  # folder of kept fits among the files, where it is not the shared one
