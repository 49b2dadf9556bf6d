"""Another decision or stopping rule on stored trials, without simulation."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from phase2sim.core.errors import BadInput, BadScenario
from phase2sim.core.io.validation import Table
from phase2sim.core.progress import Report
from phase2sim.scenario.assembly.analysis_set import check_decision
from phase2sim.scenario.assembly.assemble import build_scenario
from phase2sim.scenario.assembly.registry import build
from phase2sim.scenario.scenario_file import read_value
from phase2sim.studies.store.manifest import Manifest, write_manifest
from phase2sim.studies.store.results_folder import Store, open_store, writing
from phase2sim.studies.sweeps.cells import Cell, cell_key, cell_of, entry_of
from phase2sim.studies.sweeps.results import Results, write_measurements
from phase2sim.studies.sweeps.stored_results import damage_in, manifest_with_cells

_OPTION, _STOPPING = Path("--decision"), Path("--stopping")
_EXAMPLES = {
    _OPTION: "{ kind = 'significance', one_sided_alpha = 0.025 }",
    _STOPPING: "{ efficacy = { kind = 'pocock_spending' } }",
}


def rescore(
    folder: Path,
    decision: str | None,
    command: Sequence[str],
    *,
    stopping: str | None = None,
    report: Report = lambda _line: None,
) -> list[dict[str, Any]]:
    """Rows of every study of a store under other rules, which the store then keeps.

    ``decision`` and ``stopping`` are the scenario's tables as TOML, checked as in a run; None keeps
    the scenario's own. ``report`` is told of damage, which is mended. Raises ``BadInput`` for an
    invalid rule, or a folder without results.
    """
    open_store(folder)
    tables = _tables(decision, stopping)
    rule = build("decisions", tables["decision"], "decision", _OPTION) if decision else None
    with writing(folder) as store:
        manifest = manifest_with_cells(store)
        for key, entry in manifest.cells.items():  # all, before any of them is kept
            cell = cell_of(key, entry)
            if rule is not None:
                check_decision(rule, cell.built.study.hypotheses, _OPTION)
            _rescore_cell(cell, tables)
        scored = _add_cells(store, manifest, tables, command)
        results = Results(store, manifest)
        for line in damage_in(results):
            report(line)
        rows = write_measurements(store, results)
    return [row for row in rows if row["cell"] in scored]


def _tables(decision: str | None, stopping: str | None) -> dict[str, Table]:
    """The new rules, by their key in a scenario."""
    options = {"decision": (_OPTION, decision), "stopping": (_STOPPING, stopping)}
    tables = {}
    for key, (option, text) in options.items():
        if text is None:
            continue
        table = read_value(text)
        if not isinstance(table, dict):
            raise BadScenario(
                f"{option} {text}: is no table. Write it as in a scenario, such as"
                f' {option} "{_EXAMPLES[option]}".'
            )
        tables[key] = table
    if not tables:
        raise BadInput("score needs another rule: give --decision, --stopping, or both.")
    return tables


def _rescore_cell(cell: Cell, tables: Mapping[str, Table]) -> Cell:
    """The cell under other rules; raises ``BadScenario`` where they do not fit its scenario."""
    scenario = cell.scenario.changed(tables)
    try:
        built = build_scenario(scenario)
    except BadScenario as error:
        options = " and ".join(f"--{key}" for key in tables)
        raise BadScenario(f"{options}: {error}") from None
    return replace(cell, key=cell_key(cell.study, scenario), built=built)


def _add_cells(
    store: Store, manifest: Manifest, tables: Mapping[str, Table], command: Sequence[str]
) -> set[str]:
    """Add a cell with the rules for each study to the manifest; return their keys."""
    scored: dict[str, str] = {}  # study -> its cell with the rules
    first_cells: dict[str, str] = {}
    for key, entry in manifest.cells.items():
        first_cells.setdefault(entry["study"], key)
    for study, key in first_cells.items():
        cell = _rescore_cell(cell_of(key, manifest.cells[key]), tables)
        scored[study] = cell.key
        entry = entry_of(cell, manifest.cells[key]["requested"], None)
        manifest.cells.setdefault(cell.key, entry)
    for study, key in first_cells.items():
        reference = manifest.cells[key]["compared_with"]
        if reference:
            scored_reference = scored[manifest.cells[reference]["study"]]
            manifest.cells[scored[study]]["compared_with"] = scored_reference
    manifest.add_run(shlex.join(command), dict(tables))
    write_manifest(store, manifest)
    return set(scored.values())
