"""Scripts that no test runs, because they take minutes or hours, still find what they import."""

import ast
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPTS = sorted(
    path
    for folder in ("benchmarks", "tests/calibration", "tests/published", "docs")
    for path in (ROOT / folder).rglob("*.py")
)


@pytest.mark.parametrize("path", SCRIPTS, ids=[str(path.relative_to(ROOT)) for path in SCRIPTS])
def test_a_script_finds_what_it_imports_of_the_package(path: Path) -> None:
    missing = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("phase2sim"):
            held = import_module(str(node.module))
            missing += [
                f"{node.module}.{name.name}" for name in node.names if not hasattr(held, name.name)
            ]
    assert not missing
