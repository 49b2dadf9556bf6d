"""Rules of the layout that a tool or a walk over the source can check."""

import ast
import inspect
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from phase2sim.scenario.assembly.registry import TABLES

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "phase2sim"
SOURCES = sorted(PACKAGE.rglob("*.py"))
TESTS = sorted(ROOT.glob("tests/**/*.py"))
LONGEST_FILE, LONGEST_FUNCTION = 400, 40
MOST_ENTRIES = 15
OTHER_TESTS = {"published", "calibration", "golden", "support", "docs", "fuzz", "forecasts"}
FITTING = {"pymc", "pytensor", "nutpie", "arviz"}
VAGUE = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "handler", "tools"}
# Folder of parts -> its table, and how a part is known from a value that only passes through.
FOLDERS: Mapping[str, tuple[str, str]] = {
    "trial/designs": ("designs", "visits_months"),
    "decisions": ("decisions", "decide"),
    "analyses": ("analyses", "estimate"),
    "trial/patients/missingness": ("dropouts gaps", "prepare"),
    "trial/patients/randomisation": ("randomisations", "allocate"),
    "trial/patients/recruitment": ("recruitments", "arrive"),
    "trial/patients/intercurrent": ("intercurrent", "strike"),
    "core/effect_shapes": ("shapes", "at"),
    "trial/safety": ("safety", "boundary"),
}

# Kinds of parts that a report names by their title.
NAMED_IN_REPORTS = (
    "analyses",
    "decisions",
    "designs",
    "dropouts",
    "gaps",
    "intercurrent",
    "randomisations",
    "recruitments",
    "reestimations",
    "safety",
)


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@pytest.mark.parametrize("path", SOURCES + TESTS, ids=name_of)
def test_file_is_short_enough_to_see_whole(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_functions_are_short_enough_to_see_whole(path: Path) -> None:
    long = [f.name for f in functions(path) if _lines_of_code(f) > LONGEST_FUNCTION]

    assert long == []


def _lines_of_code(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function, without decorators (a command's options) and docstring."""
    first = function.body[0]
    last = function.end_lineno or first.lineno
    is_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    docstring = (first.end_lineno or first.lineno) - first.lineno + 1 if is_docstring else 0
    return last - function.lineno + 1 - docstring


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_only_the_models_import_what_a_fit_needs(path: Path) -> None:
    if path.is_relative_to(PACKAGE / "prior" / "models"):
        return

    assert {module.split(".")[0] for module in imports(path)} & FITTING == set()


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_no_error_is_swallowed(path: Path) -> None:
    for node in ast.walk(tree(path)):
        if not isinstance(node, ast.ExceptHandler):
            continue
        caught = "" if node.type is None else ast.unparse(node.type)
        raises_again = isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None
        assert node.type is not None, f"line {node.lineno}: a bare except"
        assert raises_again or caught not in {"Exception", "BaseException"}, f"line {node.lineno}"


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_no_todo_without_an_issue(path: Path) -> None:
    for line in path.read_text(encoding="utf-8").splitlines():
        if re.search(r"\b(TODO|FIXME|XXX)\b", line):
            assert re.search(r"#\d+", line), line


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_file_is_named_for_what_it_holds(path: Path) -> None:
    assert path.stem not in VAGUE


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_part_is_in_its_table(folder: str) -> None:
    tables, method = FOLDERS[folder]
    place = PACKAGE / folder
    paths = sorted(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]
    modules = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in paths]
    defined = {
        value.__name__
        for module in modules
        for value in vars(import_module(module)).values()
        if is_dataclass(value) and isinstance(value, type) and value.__module__ == module
        if hasattr(value, method) and not inspect.isabstract(value)
    }

    assert defined == {part.__name__ for table in tables.split() for part in TABLES[table].values()}


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind, table in TABLES.items() for name in table]
)
def test_part_is_a_frozen_dataclass_that_says_what_it_is(kind: str, name: str) -> None:
    part: Any = TABLES[kind][name]
    kept = part if isinstance(part, type) else type(part)

    assert is_dataclass(kept)
    assert kept.__dataclass_params__.frozen  # type: ignore[attr-defined]  # set by dataclass
    assert (inspect.getdoc(kept) or "").partition("\n\n")[0].endswith((".", ")"))
    assert not (kept.__doc__ or "").startswith(f"{kept.__name__}(")  # made by dataclass


@pytest.mark.parametrize("kind", NAMED_IN_REPORTS)
def test_a_part_that_a_report_names_has_a_title(kind: str) -> None:
    for part in TABLES[kind].values():
        assert isinstance(part.title, str)
        assert part.title


def test_imports_point_down_the_layers() -> None:
    program = Path(sys.executable).with_name("lint-imports")

    done = subprocess.run(  # noqa: S603
        [program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout


def test_the_root_holds_rooms_and_nothing_else() -> None:
    entries = {path.name for path in PACKAGE.iterdir()} - {"__pycache__"}
    rooms = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").is_file()}

    assert entries - rooms == {"__init__.py", "__main__.py", "py.typed"}
    assert len(entries) <= MOST_ENTRIES


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("__init__.py")), ids=name_of)
def test_every_room_says_what_lives_there(path: Path) -> None:
    said = ast.get_docstring(tree(path)) or ""

    assert said.endswith(".")
    assert "\n" not in said.partition(".")[0]


def test_tests_mirror_the_package() -> None:
    rooms = {folder.relative_to(PACKAGE) for folder in PACKAGE.rglob("*") if folder.is_dir()}
    folders = {path.parent.relative_to(ROOT / "tests") for path in TESTS if path.stem != "conftest"}

    assert {f for f in folders if f.parts and f.parts[0] not in OTHER_TESTS} <= rooms


def test_only_files_of_kernels_may_have_many_positional_arguments() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    ignores = settings["tool"]["ruff"]["lint"]["per-file-ignores"]
    patterns = [key for key, rules in ignores.items() if rules == ["PLR0917"]]
    files = [
        PACKAGE.parent / f"{folder}{name}.py"
        for folder, names in (re.fullmatch(r"(.*)\{(.*)\}\.py", key).groups() for key in patterns)
        for name in names.split(",")
    ]

    assert files
    for file in files:
        assert "phase2sim.core.kernels" in set(imports(file)), name_of(file)


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_no_part_of_a_formatted_text_is_left_unformatted(path: Path) -> None:
    """A text of several lines needs its f before each of them."""
    parts = [
        part.value
        for node in ast.walk(tree(path))
        if isinstance(node, ast.JoinedStr)
        for part in node.values
        if isinstance(part, ast.Constant) and isinstance(part.value, str)
    ]

    assert [text for text in parts if re.search(r"\{[a-z_][\w.]*(\(.*\))?(:.*)?\}", text)] == []
