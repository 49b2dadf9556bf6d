"""Every error a user can cause, each with one plain message and an exit code."""

from typing import ClassVar


class Phase2simError(Exception):
    """A message for the user: the place, the value, what is allowed, what to do."""

    exit_code: ClassVar[int] = 1


class BadInput(Phase2simError):
    """A file, a key or an option that cannot be used as it stands."""

    exit_code: ClassVar[int] = 2


class BadEvidence(BadInput):
    """An evidence file that cannot be read or contradicts itself."""


class BadScenario(BadInput):
    """A scenario file that cannot be read, or asks for parts that do not fit."""


class BadSweep(BadInput):
    """A sweep file that cannot be read, or whose axes make no cells."""


class BadData(BadInput):
    """A data file that an analysis cannot read."""


class BadValue(ValueError):
    """A value that a part refuses, with the key that it stands under.

    ``key`` is the path from the part's own table, such as ``beta`` or ``looks[2].share``;
    ``reason`` goes on from it. The message is ``key reason``, or ``key: reason`` where the reason
    is a sentence of its own (``joint`` is then ``": "``).
    """

    def __init__(self, key: str, reason: str, joint: str = " ") -> None:
        super().__init__(f"{key}{joint}{reason}")
        self.key = key
        self.reason = reason
        self.joint = joint

    def under(self, table: str) -> "BadValue":
        """Return the same refusal with its key in a table; an empty name leaves it as it is."""
        key = f"{table}.{self.key}" if table else self.key
        return BadValue(key, self.reason, self.joint)


def message_at(key_path: str, error: ValueError) -> str:
    """Return what a part refuses, at its place in a file: under the key, if the error has one."""
    match error:
        case BadValue():
            return str(error.under(key_path))
        case _:
            return f"{key_path}: {error}" if key_path else str(error)


class PriorNotTrusted(Phase2simError):
    """A fit whose diagnostics fail the gate; its draws are never used."""


class TooManyFailures(Phase2simError):
    """More analyses failed than the scenario allows, so no number is printed."""


class AnalysisFailed(Phase2simError):
    """An analysis of a real data set that could not answer; its number is missing."""


class NotWritten(Phase2simError):
    """Results that could not be kept: a full disk, or a folder without the right to write."""


class WorkersLost(Phase2simError):
    """Workers that die of the same work again and again."""
