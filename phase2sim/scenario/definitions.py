"""Endpoints and responses that a scenario defines, or that the evidence it names defines."""

from collections.abc import Iterator
from pathlib import Path

from phase2sim.core.endpoint_definitions import FILE_OF_ENDPOINTS, define, own_definitions
from phase2sim.core.errors import BadEvidence, BadScenario
from phase2sim.core.io.toml_files import read_toml
from phase2sim.core.io.validation import Table
from phase2sim.evidence.load import find_evidence


def with_definitions(table: Table, path: Path) -> Table:
    """Define the endpoints of a scenario's tables, and return tables that hold all of them.

    They hold those of the evidence too, so that a stored scenario means the same without its files.
    Raises ``BadScenario``.
    """
    definitions = own_definitions(table, path, BadScenario)
    for evidence in _evidence_files(table, path):
        of_evidence = own_definitions(read_toml(evidence, BadEvidence), evidence, BadEvidence)
        define(of_evidence, evidence, BadEvidence)
        for key, tables in of_evidence.items():
            definitions[key] = tables | definitions.get(key, {})
    define(definitions, path, BadScenario)
    complete = {key: value for key, value in table.items() if key != FILE_OF_ENDPOINTS}
    return complete | {key: tables for key, tables in definitions.items() if tables}


def _evidence_files(table: Table, path: Path) -> Iterator[Path]:
    """Yield the evidence files that are there; others are refused where they are read."""
    match table.get("evidence", []):
        case [*names]:
            files = [_evidence_file(str(name), path) for name in names]
            yield from (file for file in files if file is not None)
        case _:
            return


def _evidence_file(name: str, path: Path) -> Path | None:
    try:
        file = find_evidence(name, path)
    except BadEvidence:
        return None
    return file if file.is_file() else None
