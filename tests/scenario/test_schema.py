"""The JSON schemas of files accept what the program reads, and little else."""

import json
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from support.damage import EDITS, SOUND

from phase2sim.scenario.assembly.registry import KEYS, TABLES
from phase2sim.scenario.schema import SCHEMAS, evidence_schema, scenario_schema, sweep_schema

ROOT = Path(__file__).parents[2]
SHIPPED = sorted((ROOT / "scenarios").glob("*.toml"))
SWEEPS = sorted((ROOT / "scenarios" / "sweeps").glob("*.toml"))
EVIDENCE = sorted((ROOT / "priors").glob("*.toml"))
DAMAGED = [
    ("seed = 7", "seed = -1"),
    ("seed = 7", 'seed = "7"'),
    ("seed = 7", "sead = 7"),
    ("trials = 2000", "trials = 0"),
    ("patients = 120", "pateints = 120"),
    ("patients = 120", 'patients = "120"'),
    ('kind = "fixed"', 'kind = "adaptive"'),
    ('method = "ancova"', 'method = "anova"'),
    ('shape = "onset"', 'shape = "sudden"'),
    ("half_time_months = 1.5", 'half_time_months = "1.5"'),
    ("effect = -0.5", 'effect = "-0.5"'),
    ("effect = -0.5", "effect = { percent = -100 }"),
    ('mechanism = "mar"', 'mechanism = "mnar"'),
    ("one_sided_alpha = 0.025", ""),
    ("share = 0.4", "share = 1.4"),
    ("[missing]", "[misssing]"),
    ("sd = 0.3", "sd = -0.3"),
]


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return scenario_schema()


def accepts(schema: dict[str, Any], text: str) -> bool:
    return bool(Draft202012Validator(schema).is_valid(tomllib.loads(text)))


def test_it_is_a_schema_of_draft_2020_12(schema: dict[str, Any]) -> None:
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_scenario_is_accepted(schema: dict[str, Any], path: Path) -> None:
    errors = list(Draft202012Validator(schema).iter_errors(tomllib.loads(path.read_text("utf-8"))))

    assert errors == []


def test_small_complete_scenario_is_accepted(schema: dict[str, Any]) -> None:
    assert accepts(schema, SOUND)


@pytest.mark.parametrize("path", [*SWEEPS, *EVIDENCE], ids=lambda path: path.stem)
def test_shipped_sweep_and_evidence_are_accepted(path: Path) -> None:
    schema = sweep_schema() if path in SWEEPS else evidence_schema()
    Draft202012Validator.check_schema(schema)
    table = tomllib.loads(path.read_text("utf-8"))

    assert list(Draft202012Validator(schema).iter_errors(table)) == []
    assert not Draft202012Validator(schema).is_valid({**table, "sead": 7})


@pytest.mark.parametrize(("old", "new"), DAMAGED)
def test_damaged_scenario_is_not_accepted(schema: dict[str, Any], old: str, new: str) -> None:
    assert old in SOUND
    assert not accepts(schema, SOUND.replace(old, new, 1))


def test_most_damage_that_the_program_refuses_fails_the_schema_too(schema: dict[str, Any]) -> None:
    # What needs two keys together, or a part's own check, only the program can see.
    files = [SOUND.replace(old, new, 1) for old, new, key in EDITS if key != "TOML"]

    refused = sum(not accepts(schema, text) for text in files)

    assert refused > len(files) / 2


@pytest.mark.parametrize("kind", [kind for kind in KEYS if kind != "intercurrent"])
def test_every_part_is_an_option_with_its_keys(schema: dict[str, Any], kind: str) -> None:
    text = str(schema)

    for name, part in TABLES[kind].items():
        assert f"'{KEYS[kind]}': {{'const': '{name}'}}" in text
        for field in fields(part):
            assert field.name == "ratio" or f"'{field.name}'" in text


def test_every_intercurrent_event_is_a_table_with_its_keys(schema: dict[str, Any]) -> None:
    found = schema["properties"]["intercurrent"]["properties"]

    assert set(found) == set(TABLES["intercurrent"])
    for name, part in TABLES["intercurrent"].items():
        keys = {field.name for field in fields(part)} | {"strategy"}
        keys |= {"unit"} if "limit" in keys else set()
        assert set(found[name]["properties"]) == keys


def test_every_key_is_explained(schema: dict[str, Any]) -> None:
    for table in (schema, sweep_schema(), evidence_schema()):
        for place, about in explained(table):
            # A table may say itself what it is.
            its = table["$defs"][about["$ref"].rpartition("/")[2]] if "$ref" in about else about
            assert about.get("description") or its.get("description"), place


def explained(schema: Any, place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:  # noqa: ANN401 - JSON
    """Every key below a schema with what is said of it, but names of parts."""
    if isinstance(schema, dict):
        for key, about in schema.get("properties", {}).items():
            if "const" not in about:
                yield f"{place}.{key}", about
        for key, inner in schema.items():
            yield from explained(inner, f"{place}.{key}")
    elif isinstance(schema, list):
        for number, inner in enumerate(schema):
            yield from explained(inner, f"{place}[{number}]")


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_description_ends_where_the_sections_of_a_docstring_begin(name: str) -> None:
    assert "\\n---" not in json.dumps(SCHEMAS[name]())
