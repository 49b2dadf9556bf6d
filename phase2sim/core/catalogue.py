"""Definitions by name: those that ship, and those that the files of this process add."""

from collections.abc import Iterator, Mapping

from phase2sim.core.errors import BadValue


class Catalogue[T](Mapping[str, T]):
    """Definitions by name; a name means one thing in a process.

    Those that ship come first and in their order, then the others by name: the order does not
    depend on which file was read first.

    Parameters
    ----------
    shipped : mapping of str to T
        What ships.

    Examples
    --------
    >>> labels = Catalogue({"hypoglycaemia": "hypoglycaemic episodes"})
    >>> labels.add("falls", "falls", "trial.toml")
    >>> list(labels), labels["falls"]
    (['hypoglycaemia', 'falls'], 'falls')
    """

    def __init__(self, shipped: Mapping[str, T]) -> None:
        self._shipped = dict(shipped)
        self._added: dict[str, T] = {}
        self._origin: dict[str, str] = {}

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
