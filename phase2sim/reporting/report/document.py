"""Contents of a report, before it becomes a page or a Word file."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from phase2sim.reporting.figures.drawing import Figure

# simulated: has a Monte Carlo standard error. given: in a file of the user's. reported: in a
# publication. fitted: of the posterior. derived: a closed form, or a count of what is shown.
type Kind = Literal["simulated", "given", "reported", "fitted", "derived"]


@dataclass(frozen=True, slots=True)
class Number:
    """A number of the report with its source; a simulated one with its standard error."""

    text: str
    kind: Kind
    mcse: float | None = None
    used: int | None = None
    cell: str = ""  # of the store

    def __str__(self) -> str:
        """As a reader sees it."""
        return self.text


type Piece = str | Number
type Words = tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Prose:
    """A paragraph; ``lead`` is its topic, in bold."""

    words: Words
    lead: str = ""


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading within a section."""

    text: str


@dataclass(frozen=True, slots=True)
class Grid:
    """A table; ``numbers`` says how many columns from the right hold numbers."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Words, ...], ...]
    caption: str
    numbers: int = 0
    dim: frozenset[int] = frozenset()  # rows that are listed and not used


@dataclass(frozen=True, slots=True)
class FigureBlock:
    """A figure, with a description for those who cannot see it."""

    figure: "Figure"
    description: str


@dataclass(frozen=True, slots=True)
class Listing:
    """Verbatim text of a file or a command."""

    text: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Playground:
    """The explorer: its data and its chart, for pages that can run it."""

    data: dict[str, Any]


type Block = Prose | Heading | Grid | FigureBlock | Listing | Playground


@dataclass(frozen=True, slots=True)
class Section:
    """A section; one that is ``simulated`` may not contain a number without its source."""

    title: str
    blocks: tuple[Block, ...]
    simulated: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """A report: its sections, and the record with which it can be verified."""

    title: str
    about: str
    sections: tuple[Section, ...]
    record: dict[str, Any] = field(default_factory=dict)


def texts(block: Block) -> Iterator[Words]:
    """Yield every text of a block; a listing has none, as it is verbatim."""
    match block:
        case Prose():
            yield (block.lead,)
            yield block.words
        case Grid():
            yield (block.caption,)
            yield from ((name,) for name in block.columns)
            for row in block.rows:
                yield from row
        case Heading():
            yield (block.text,)
        case FigureBlock():
            yield (block.figure.caption,)
            yield (block.description,)
