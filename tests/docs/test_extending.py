"""The list of files that an addition touches is the list of those that a real one is in."""

import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

from phase2sim.analyses import ANALYSES

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "extending.md"
READ = ("phase2sim", "tests", "docs", "benchmarks", "scenarios", "priors", "notebooks")
KINDS = {".py", ".md", ".csv", ".toml", ".ipynb", ".yml"}
DECISIONS = ROOT / "docs" / "decisions"
ABOUT = {PAGE, Path(__file__)}  # they speak of the example itself
EXAMPLES = (("An analysis", "qr_ancova", "means"), ("A decision", "gatekeeping", ""))
ANY = re.compile(r"<\w+>|\*")


def section(heading: str) -> str:
    return PAGE.read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def rows(text: str) -> Iterator[tuple[str, bool]]:
    """Each file of a table, and whether every addition of the kind touches it."""
    for cell, what in re.findall(r"^\| (`.*?) \| (.*) \|$", text, re.MULTILINE):
        for file in re.findall(r"`([^`]+)`", cell):
            yield file, not what.startswith("only if")


def files_with(name: str) -> set[str]:
    """Files of the project that hold a name, but those that tell of changes and choices."""
    paths = [ROOT / "mkdocs.yml", ROOT / "README.md"]
    paths += [path for folder in READ for path in (ROOT / folder).rglob("*")]
    return {
        str(path.relative_to(ROOT))
        for path in paths
        if path.suffix in KINDS and path not in ABOUT and DECISIONS not in path.parents
        if re.search(rf"\b{name}\b", path.read_text(encoding="utf-8"))
    }


@pytest.mark.parametrize(("heading", "name", "room"), EXAMPLES)
def test_a_real_part_is_in_the_files_that_the_page_lists(
    heading: str, name: str, room: str
) -> None:
    listed = {
        file.replace("<name>", name).replace("<room>", room): always
        for file, always in rows(section(heading))
    }

    files = files_with(name)
    assert {file for file, always in listed.items() if always} - files == set()
    assert [f for f in sorted(files) if not any(fnmatch(f, pattern) for pattern in listed)] == []


def test_every_file_of_the_page_exists() -> None:
    for file, _ in rows(PAGE.read_text(encoding="utf-8")):
        if not ANY.search(file):
            assert (ROOT / file).is_file(), file


@pytest.mark.parametrize("name", ANALYSES)
def test_every_analysis_is_in_the_files_that_are_for_all(name: str) -> None:
    files = [file for file, always in rows(section("An analysis")) if always]

    for file in files:
        if file.startswith(("docs/", "mkdocs", "phase2sim/analyses/__init__")):
            text = (ROOT / file.replace("<name>", name)).read_text(encoding="utf-8")
            assert re.search(rf"\b{name}\b", text), file


def test_no_table_of_the_page_is_cut_in_two() -> None:
    assert re.findall(r"\|\n\n\|", PAGE.read_text(encoding="utf-8")) == []
