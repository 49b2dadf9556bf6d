"""Notebooks explain: they define nothing, and show what they printed when they were last run."""

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
HERE = re.compile(r"(?<![\w.:/])/(home|root|work|tmp|usr|Users|opt|mnt|var)/")
DEFINES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def name_of(path: Path) -> str:
    return path.name


def cells(path: Path, kind: str) -> list[dict[str, Any]]:
    book = json.loads(path.read_text(encoding="utf-8"))
    return [cell for cell in book["cells"] if cell["cell_type"] == kind]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name_of)
def test_it_defines_nothing(path: Path) -> None:
    for cell in cells(path, "code"):
        nodes = list(ast.walk(ast.parse("".join(cell["source"]))))

        assert not [node for node in nodes if isinstance(node, DEFINES)]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name_of)
def test_it_was_run_from_top_to_bottom_without_an_error(path: Path) -> None:
    code = cells(path, "code")

    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell["outputs"]]
    assert outputs
    assert not [output for output in outputs if output["output_type"] == "error"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name_of)
def test_it_tells_a_story_and_names_no_machine(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    words = sum(len("".join(cell["source"]).split()) for cell in cells(path, "markdown"))
    assert words > 400
    assert HERE.search(text) is None
    for target in re.findall(r"\]\(([^)\s#]+)\)", text):
        assert target.startswith("http") or (path.parent / target).exists(), target
