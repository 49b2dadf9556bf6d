"""Checks of a report: unresolved placeholders and simulated numbers without their error."""

import math
import re
from collections.abc import Iterator

from phase2sim.core.errors import Phase2simError
from phase2sim.reporting.report.document import Document, Number, Section, Words, texts
from phase2sim.scenario.scenario_file import Scenario

# A pair of tags is text that somebody typed; a name in angle brackets alone is to be replaced.
_BRACES = (
    r"\{[^{}]*\}|<(?P<tag>[A-Za-z_ ]+)>(?!.*</(?P=tag))"
    r"|\[\s*(?:insert|number|value|name)[^\]]*\]"
)
_PLACEHOLDERS = (
    (re.compile(_BRACES, re.IGNORECASE), "is not filled in"),
    (
        re.compile(r"\b(?:TO-?DO|TBD|FIX-?ME|X{3,}|lorem ipsum)\b", re.IGNORECASE),
        "is a note to oneself",
    ),
    (re.compile(r"\bx\.x+\b", re.IGNORECASE), "is not filled in"),
    (re.compile(r"(?<![\w-])(?:nan|None|inf|NaN)(?![\w-])"), "is no value"),
    (re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]"), "is no character of a text"),
)
_BARE = re.compile(r"(?<![\w.])[+-]?\d+\.\d+(?!\w|\.\d)|\b\d+(?:\.\d+)? ?%")


class Unfit(Phase2simError):
    """A report with a fault, such as a simulated number without its standard error."""


def faults(document: Document) -> Iterator[str]:
    """Yield every fault of a report: section, text and reason."""
    yield from _placeholders("title", (document.title, document.about))
    for section in document.sections:
        yield from _placeholders(section.title, (section.title,))
        for block in section.blocks:
            for words in texts(block):
                yield from _placeholders(section.title, words)
                yield from _numbers_without_error(section, words)


def check_document(document: Document) -> None:
    """Raise ``Unfit`` with all faults of a report, if it has any."""
    problems = list(faults(document))
    if problems:
        raise Unfit(
            "the report is refused, nothing is written:\n  " + "\n  ".join(problems)
            + "\nThis is a fault of the program or of a text in the files; correct the text."
        )  # fmt: skip


def check_texts(scenario: Scenario) -> None:
    """Raise ``Unfit`` for a text of a scenario that no report may hold, before it is simulated."""
    texts_of: list[tuple[str, object]] = [("title", scenario.title)]
    texts_of += [("design.arms", arm) for arm in scenario.design.get("arms", ())]
    names = [("analysis.name", part.get("name", "")) for part in scenario.analysis]
    problems = [
        problem for key, text in (*texts_of, *names) for problem in _placeholders(key, (str(text),))
    ]
    problems += [
        f"{key}: {number!r} would stand in results as if it were one, in {_shorten(str(text))!r}"
        for key, text in names
        for number in _BARE.findall(str(text))
    ]
    if problems:
        raise Unfit(
            f"{scenario.path}: no report can hold these texts, so nothing is simulated:\n  "
            + "\n  ".join(problems)
            + "\nCorrect them."
        )


def _placeholders(section: str, words: Words) -> Iterator[str]:
    text = "".join(map(str, words))
    for pattern, wrong in _PLACEHOLDERS:
        for placeholder in pattern.finditer(text):
            yield f"{section}: {placeholder[0]!r} {wrong}, in {_shorten(text)!r}"


def _numbers_without_error(section: Section, words: Words) -> Iterator[str]:
    """Yield simulated numbers without error, and numbers without source if required."""
    for piece in words:
        match piece:
            case Number(kind="simulated", mcse=mcse) if mcse is None or math.isnan(mcse):
                yield f"{section.title}: {piece.text!r} is simulated and has no standard error"
            case Number(kind="simulated", text=text) if "±" not in text:
                yield f"{section.title}: {text!r} does not show its standard error"
            case str() if section.simulated:
                for number in _BARE.findall(piece):
                    yield (
                        f"{section.title}: {number!r} stands without a standard error and without"
                        f" where it is from, in {_shorten(piece)!r}"
                    )


def _shorten(text: str) -> str:
    return text if len(text) < 80 else f"{text[:77]}..."  # noqa: PLR2004 - one line
