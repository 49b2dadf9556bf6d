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


class PriorNotTrusted(Phase2simError):
    """A fit whose diagnostics fail the gate; its draws are never used."""


class TooManyFailures(Phase2simError):
    """More analyses failed than the scenario allows, so no number is printed."""


class NotWritten(Phase2simError):
    """Results that could not be kept: a full disk, or a folder without the right to write."""


class WorkersLost(Phase2simError):
    """Workers that die of the same work again and again."""
