"""The reference in docs/ is what the schemas and the commands say, and leaves nothing out."""

import re
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import pytest

from phase2sim.cli import COMMANDS, main
from phase2sim.scenario.assembly.registry import KEYS, TABLES
from phase2sim.scenario.schema import SCHEMAS

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


def page(name: str) -> str:
    return (REFERENCE / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def writer() -> ModuleType:
    spec = spec_from_file_location("write_reference", REFERENCE / "write.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def keys_of(schema: Any) -> Iterator[str]:  # noqa: ANN401 - JSON
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        for inner in schema.values():
            yield from keys_of(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from keys_of(inner)


def test_committed_pages_are_what_the_program_says(writer: ModuleType) -> None:
    written = writer.pages()

    assert {path.name for path in REFERENCE.glob("*.md")} == set(written)
    for name, text in written.items():
        assert page(name) == text, f"{name}: run `uv run python docs/reference/write.py`"


@pytest.mark.parametrize("kind", SCHEMAS)
def test_every_key_of_a_file_is_there_and_explained(kind: str) -> None:
    text = page(f"{kind}.md")
    rows = [row.split(" | ") for row in re.findall(r"^\| `.*", text, re.MULTILINE)]

    keys = set(keys_of(SCHEMAS[kind]())) - set(TABLES["intercurrent"]) - set(KEYS.values())
    assert keys
    assert keys - {row[0].strip("| `") for row in rows} == set()
    assert [row[0] for row in rows if row[-1].strip(" |") == ""] == []


@pytest.mark.parametrize("kind", TABLES)
def test_every_registered_part_is_there(kind: str) -> None:
    text = page("parts.md")

    for name in TABLES[kind]:
        assert f"`{name}`" in text
        assert kind not in KEYS or f": {name}\n" in page("scenario.md")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_there_with_what_it_does(name: str) -> None:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    below = [command, *(command.commands.values() if isinstance(command, click.Group) else ())]

    section = page("commands.md").partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    for option in [one for its in below for one in its.params if isinstance(one, click.Option)]:
        row = re.search(rf"^\| `{option.opts[-1]}` \|.*\| ([^|]*) \|$", section, re.MULTILINE)
        assert row is not None, option.opts
        assert row[1].strip(), f"{option.opts}: no help"
