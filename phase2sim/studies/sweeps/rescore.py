"""Another rule of decision or of stopping on trials that are stored: nothing is simulated."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from phase2sim.core.errors import BadInput, BadScenario
from phase2sim.core.io.toml_files import Table
from phase2sim.operating.characteristics import ClosedFormOf, closed_forms
from phase2sim.scenario.assembly.analysis_set import check_decision
from phase2sim.scenario.assembly.assemble import assemble, build_scenario
from phase2sim.scenario.assembly.registry import build
from phase2sim.scenario.scenario_file import read_value
from phase2sim.studies.store.folder import Store, open_store, writing
from phase2sim.studies.store.manifest import Manifest, read_manifest, write_manifest
from phase2sim.studies.sweeps.cells import Cell, cell_key
from phase2sim.studies.sweeps.results import Results, cell_of, entry_of, keep_measured

_OPTION, _STOPPING = Path("--decision"), Path("--stopping")
_EXAMPLES = {
    _OPTION: "{ kind = 'significance', one_sided_alpha = 0.025 }",
    _STOPPING: "{ efficacy = { kind = 'pocock_spending' } }",
}


def rescore(
    folder: Path, decision: str | None, command: Sequence[str], *, stopping: str | None = None
) -> list[dict[str, Any]]:
    """Rows of every study of a store under other rules, which the store then keeps.

    ``decision`` and ``stopping`` are the scenario's tables as TOML, built and asked as a run would;
    one that is None stays that of the scenario. Raises ``BadInput`` for what is no such rule, or
    no folder of results.
    """
    open_store(folder)
    tables = _tables(decision, stopping)
    rule = build("decisions", tables["decision"], "decision", _OPTION) if decision else None
    with writing(folder) as store:
        manifest = read_manifest(store)
        for key, entry in manifest.cells.items():  # all, before any of them is kept
            cell = cell_of(key, entry)
            if rule is not None:
                check_decision(rule, cell.built.study.hypotheses, _OPTION)
            _rescored(cell, tables)
        asked = _noted(store, manifest, tables, command)
        results = Results(store, manifest)
        rows = keep_measured(store, results, lambda key: _closed_form(results.cell(key)))
    return [row for row in rows if row["cell"] in asked]


def _tables(decision: str | None, stopping: str | None) -> dict[str, Table]:
    """The rules that were given, by their key in a scenario."""
    given = {"decision": (_OPTION, decision), "stopping": (_STOPPING, stopping)}
    found = {}
    for key, (option, text) in given.items():
        if text is None:
            continue
        table = read_value(text)
        if not isinstance(table, dict):
            raise BadScenario(
                f"{option} {text}: is no table. Write it as in a scenario, such as"
                f' {option} "{_EXAMPLES[option]}".'
            )
        found[key] = table
    if not found:
        raise BadInput("score needs another rule: give --decision, --stopping, or both.")
    return found


def _rescored(cell: Cell, tables: Mapping[str, Table]) -> Cell:
    """The cell under other rules; raises ``BadScenario`` where they do not fit its scenario."""
    scenario = cell.scenario.changed(tables)
    try:
        built = build_scenario(scenario)
    except BadScenario as error:
        options = " and ".join(f"--{key}" for key in tables)
        raise BadScenario(f"{options}: {error}") from None
    return replace(cell, key=cell_key(cell.study, scenario), built=built)


def _noted(
    store: Store, manifest: Manifest, tables: Mapping[str, Table], command: Sequence[str]
) -> set[str]:
    """Add a cell with the rules for each study to the manifest; return their keys."""
    scored: dict[str, str] = {}  # study -> its cell with the rules
    before: dict[str, str] = {}
    for key, entry in manifest.cells.items():
        before.setdefault(entry["study"], key)
    for study, key in before.items():
        cell = _rescored(cell_of(key, manifest.cells[key]), tables)
        scored[study] = cell.key
        entry = entry_of(cell, manifest.cells[key]["requested"], None)
        manifest.cells.setdefault(cell.key, entry)
    for study, key in before.items():
        other = manifest.cells[key]["compared_with"]
        if other:
            beside = scored[manifest.cells[other]["study"]]
            manifest.cells[scored[study]]["compared_with"] = beside
    manifest.add_run(shlex.join(command), dict(tables))
    write_manifest(store, manifest)
    return set(scored.values())


def _closed_form(cell: Cell) -> ClosedFormOf | None:
    """Closed forms of a scenario that says itself how patients do; others need their prior."""
    if cell.prior:
        return None
    return closed_forms(assemble(cell.built, None))
