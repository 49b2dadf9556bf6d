"""Definitions by name: those that ship, and those that the files of this process add."""

from collections.abc import Iterator, Mapping
from typing import Any

from phase2sim.core.errors import BadValue


class Catalogue[T](Mapping[str, T]):
    """Definitions by name; a name means one thing in a process.

    Those that ship come first and in their order, then the others by name: the order does not
    depend on which file was read first.

    Parameters
    ----------
    kind : str
        What is defined, such as ``"endpoints"``; one catalogue of each kind in a process.
    shipped : mapping of str to T
        What ships.

    Examples
    --------
    >>> labels = Catalogue("labels of an example", {"hypoglycaemia": "hypoglycaemic episodes"})
    >>> labels.add("falls", "falls", "trial.toml")
    >>> list(labels), labels["falls"]
    (['hypoglycaemia', 'falls'], 'falls')
    """

    def __init__(self, kind: str, shipped: Mapping[str, T]) -> None:
        self._shipped = dict(shipped)
        self._added: dict[str, T] = {}
        self._origin: dict[str, str] = {}
        _CATALOGUES[kind] = self

    def __getitem__(self, name: str) -> T:
        return self._shipped[name] if name in self._shipped else self._added[name]

    def __iter__(self) -> Iterator[str]:
        yield from self._shipped
        yield from sorted(self._added)

    def __len__(self) -> int:
        return len(self._shipped) + len(self._added)

    def add(self, name: str, definition: T, origin: str) -> None:
        """Add a definition that ``origin``, a file, states; the same one may be stated again.

        Raises ``BadValue`` under the name if it means something else already.
        """
        if name in self._shipped:
            raise BadValue(name, "ships with phase2sim. Give yours another name.")
        if name in self._added and self._added[name] != definition:
            raise BadValue(
                name,
                f"is defined differently in {self._origin[name]}. Give one of them another name;"
                " after a change of one file start Python anew.",
            )
        self._added[name] = definition
        self._origin.setdefault(name, origin)

    def ships(self, name: str) -> bool:
        """Whether a definition ships, and is not one of a file."""
        return name in self._shipped

    @property
    def added(self) -> Mapping[str, tuple[T, str]]:
        """Definitions of files with their origin, by name."""
        return {name: (added, self._origin[name]) for name, added in self._added.items()}


_CATALOGUES: dict[str, Catalogue[Any]] = {}

type Definitions = Mapping[str, Mapping[str, tuple[Any, str]]]  # by kind and name


def added_definitions() -> Definitions:
    """What files of this process have defined, for another process."""
    return {kind: catalogue.added for kind, catalogue in _CATALOGUES.items() if catalogue.added}


def add_definitions(definitions: Definitions) -> None:
    """Define what ``added_definitions`` of another process returned, of the kinds in use here."""
    for kind in definitions.keys() & _CATALOGUES.keys():
        added = definitions[kind]
        for name, (definition, origin) in added.items():
            _CATALOGUES[kind].add(name, definition, origin)
