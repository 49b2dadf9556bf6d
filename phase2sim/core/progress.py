"""How far long work is: what the command line shows and the library counts."""

from collections.abc import Callable
from dataclasses import dataclass

type Progress = Callable[[int, int], None]  # done, requested
type Report = Callable[[str], None]  # a line for people


@dataclass(frozen=True, slots=True)
class Status:
    """How far a sweep is."""

    cells_done: int
    cells: int
    trials_done: int  # of this run, over all cells
    trials: int  # of this run that are known to be needed, over all cells
    failed: int  # analyses, of this run
