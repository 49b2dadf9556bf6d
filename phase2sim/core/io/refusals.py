"""Everything that is wrong with one data file, in one message; like lines are put together."""

from pathlib import Path

from phase2sim.core.errors import BadInput

MOST_SAID = 20  # groups of lines in one message
_MOST_LISTED = 3  # lines and values of one group
_LONGEST_VALUE = 40


class Refusals:
    """Collects what is wrong with a file, and raises it at the end, at most ``MOST_SAID`` at once.

    Lines with the same column and the same rule are one refusal, with their first values.
    """

    def __init__(self, path: Path, refusal: type[BadInput]) -> None:
        self._path = path
        self._refusal = refusal
        self._of_file: list[str] = []
        self._of_lines: dict[tuple[str, str], list[tuple[int, str]]] = {}

    def of_file(self, sentence: str) -> None:
        """Add what is wrong with the file as a whole."""
        if sentence not in self._of_file:
            self._of_file.append(sentence)

    def of_line(self, line: int, column: str, value: str, allowed: str) -> None:
        """Add a wrong value: ``column is value; allowed``. Without a column it is ``allowed``."""
        self._of_lines.setdefault((column, allowed), []).append((line, value))

    def raise_all(self) -> None:
        """Raise the refusals in one message, those of the file first; nothing if there are none."""
        ordered = sorted(self._of_lines.items(), key=lambda group: group[1][0][0])
        sentences = [*self._of_file, *(_sentence(*key, cells) for key, cells in ordered)]
        if not sentences:
            return
        if len(sentences) == 1:
            joint = ": " if self._of_file else ", "
            raise self._refusal(f"{self._path}{joint}{sentences[0]}")
        more = len(sentences) - MOST_SAID
        lines = [*sentences[:MOST_SAID], *([f"and {more} more."] if more > 0 else [])]
        raise self._refusal(f"{self._path}: {len(sentences)} corrections:\n  " + "\n  ".join(lines))


def shown(text: str) -> str:
    """A cell in quotes, cut where it is long."""
    quoted = repr(text)
    return quoted if len(quoted) <= _LONGEST_VALUE else quoted[: _LONGEST_VALUE - 3] + "..."


def _sentence(column: str, allowed: str, cells: list[tuple[int, str]]) -> str:
    """``lines 3, 4 and 9: y is '74', '58' and '62'; it must be ...``."""
    lines = list(dict.fromkeys(str(line) for line, _ in cells))
    where = f"line{'s' if len(lines) > 1 else ''} {_listed(lines)}"
    if not column:
        return f"{where}: {allowed}"
    return f"{where}: {column} is {_listed(list(dict.fromkeys(v for _, v in cells)))}; {allowed}"


def _listed(words: list[str]) -> str:
    more = len(words) - _MOST_LISTED
    if more > 1:
        return f"{', '.join(words[:_MOST_LISTED])} and {more} more"
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
