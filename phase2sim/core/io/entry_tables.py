"""The key ``months_since_diagnosis`` of files: a window, or a distribution."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from phase2sim.core.entry_times import EntryTime, entry_of_mean, entry_of_moments
from phase2sim.core.io.validation import LIST, TABLE, Month, branch

type Window = Annotated[tuple[Month, Month], Field(strict=False)]  # TOML has arrays, not tuples


class EntryTable(BaseModel):
    """Mean and SD of the months from diagnosis to entry, and the window they lie in.

    Parameters
    ----------
    mean, sd : float, optional
        Months since diagnosis.
    within : tuple of (float, float), optional
        Window; 4 SDs about the mean if left out.
    """

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)

    mean: Month | None = Field(default=None, description="Months since diagnosis.")
    sd: Annotated[float, Field(gt=0, le=1200)] | None = Field(
        default=None,
        description="Between patients; left out, the spread is the one nearest to even.",
    )
    within: Window | None = Field(
        default=None, description="Earliest and latest month; 4 SDs about the mean if left out."
    )

    @property
    def is_learned(self) -> bool:
        """Whether a fit is to learn the spread: never in a scenario."""
        return False


class LearnedEntryTable(EntryTable):
    """Mean and SD of the months from diagnosis to entry; or a window whose spread is learned.

    Parameters
    ----------
    mean, sd, within : optional
        As of ``EntryTable``.
    learned : bool
        Whether the fit learns how entry is spread over ``within``.
    """

    learned: bool = Field(
        default=False,
        description="Whether the fit learns, from what the arm reports, how entry is spread over "
        "the window.",
    )

    @property
    def is_learned(self) -> bool:
        """Whether the fit is to learn the spread."""
        return self.learned


type Entry = Annotated[
    Annotated[Window, Tag(LIST)] | Annotated[EntryTable, Tag(TABLE)], Discriminator(branch)
]
type ReportedEntry = Annotated[
    Annotated[Window, Tag(LIST)] | Annotated[LearnedEntryTable, Tag(TABLE)], Discriminator(branch)
]


def entry_time(given: tuple[float, float] | EntryTable) -> EntryTime:
    """Build the distribution; raises ``ValueError`` that says what is wrong and what to do."""
    match given:
        case (low, high):
            if low > high:
                raise ValueError(f"is [{low:g}, {high:g}]; the earliest comes first. Swap them.")
            return EntryTime(low, high)
        case table:
            return _entry_of_table(table)


def message_after_key(error: ValueError) -> str:
    """The message of ``entry_time`` as it follows the key."""
    text = str(error)
    return text if text.startswith("is ") else f"is a table in which {text}"


def _entry_of_table(given: EntryTable) -> EntryTime:
    window = given.within
    if window is not None and not window[0] < window[1]:
        raise ValueError(f"within is {list(window)}; the earliest month comes first. Correct it.")
    if given.is_learned:
        if window is None or given.mean is not None or given.sd is not None:
            raise ValueError("learned = true goes with within alone. Give it, and no mean or sd.")
        return EntryTime(*window, learned=True)
    if given.mean is None:
        raise ValueError("mean is missing. Give it, or write a window such as [0, 3].")
    if given.sd is None and window is None:
        raise ValueError("sd is missing. Give it, or within = [earliest, latest].")
    try:
        if given.sd is None and window is not None:
            return entry_of_mean(given.mean, window)
        return entry_of_moments(given.mean, given.sd or 0.0, window)
    except ValueError as error:
        raise ValueError(f"{error}. Correct one of them.") from None
