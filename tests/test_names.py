"""Rules about names: each says what it stands for, and stands for one thing."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "phase2sim").rglob("*.py"))
MOST_TYPE_CHECKS = 85  # isinstance in the package: a part's method serves better
OBLIQUE = {"one", "found", "said", "made", "own", "place", "here", "there"}
SHARED_BY_DESIGN = {"command"}  # each module of `cli` has one
KEYS_OF_FILES = {("phase2sim/evidence/tables.py", "place")}  # a field is a key of the file


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def values_named(path: Path) -> Iterator[tuple[str, int]]:
    """Variables, parameters and definitions of a file, each with its line."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name, node.lineno


def module_level_names(path: Path) -> Iterator[str]:
    for node in tree(path).body:
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.TypeAlias(name=ast.Name(id=name)) | ast.AnnAssign(target=ast.Name(id=name)):
                yield name
            case ast.Assign(targets=targets):
                yield from (n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name))


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_a_name_is_a_noun_or_a_verb_with_its_object(path: Path) -> None:
    oblique = {(name, line) for name, line in values_named(path) if name.strip("_") in OBLIQUE}

    assert {name for name, _ in oblique if (name_of(path), name) not in KEYS_OF_FILES} == set()


def test_a_public_name_means_one_thing() -> None:
    homes: dict[str, list[str]] = defaultdict(list)
    for path in SOURCES:
        for name in set(module_level_names(path)):
            homes[name].append(name_of(path))

    shared = {name: where for name, where in homes.items() if len(where) > 1}

    assert {n: w for n, w in shared.items() if n[0] != "_" and n not in SHARED_BY_DESIGN} == {}


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_a_part_is_asked_nothing_in_secret(path: Path) -> None:
    """What a part can do is declared on its base: it is not probed for an attribute by name."""
    probes = [
        f"line {node.lineno}: {ast.unparse(node)}"
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in {"getattr", "hasattr"}
        and any(isinstance(argument, ast.Constant) for argument in node.args[1:2])
    ]

    assert probes == []


def test_parts_answer_by_methods_more_often_than_by_their_class() -> None:
    calls = [
        node
        for path in SOURCES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "isinstance"
    ]

    assert len(calls) <= MOST_TYPE_CHECKS


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_nothing_is_asserted_that_a_type_could_say(path: Path) -> None:
    assert not [node for node in ast.walk(tree(path)) if isinstance(node, ast.Assert)]
