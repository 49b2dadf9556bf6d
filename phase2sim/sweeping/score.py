"""Another decision rule on trials that are stored: nothing is simulated."""

import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from phase2sim.analysed import check_decision
from phase2sim.assemble import assemble
from phase2sim.characteristics import ClosedForm, closed_forms
from phase2sim.errors import BadScenario
from phase2sim.parts import build
from phase2sim.scenario import read_value
from phase2sim.store.folder import Store, reading, writing
from phase2sim.store.manifest import Manifest, read_manifest, write_manifest
from phase2sim.sweeping.cells import Cell, cell_key
from phase2sim.sweeping.results import Results, cell_of, entry_of, keep_measured

_OPTION = Path("--decision")


def score(folder: Path, decision: str, command: Sequence[str]) -> list[dict[str, Any]]:
    """Rows of every study of a store under another decision rule, which the store then keeps.

    ``decision`` is the scenario's table as TOML, built and asked as a run would. Raises
    ``BadInput`` for what is no decision, or no folder of results.
    """
    reading(folder)
    table = read_value(decision)
    if not isinstance(table, dict):
        raise BadScenario(
            f"--decision {decision}: is no table. Write it as in a scenario, such as"
            " --decision \"{ kind = 'significance', one_sided_alpha = 0.025 }\"."
        )
    rule = build("decisions", table, "decision", _OPTION)
    with writing(folder) as store:
        manifest = read_manifest(store)
        for key, entry in manifest.cells.items():  # all, before any of them is kept
            check_decision(rule, cell_of(key, entry).built.hypotheses, _OPTION)
        asked = _noted(store, manifest, table, command)
        results = Results(store, manifest)
        rows = keep_measured(store, results, lambda key: _closed_form(results.cell(key)))
    return [row for row in rows if row["cell"] in asked]


def _noted(
    store: Store, manifest: Manifest, decision: dict[str, Any], command: Sequence[str]
) -> set[str]:
    """Add a cell with the decision for each study to the manifest; return their keys."""
    scored: dict[str, str] = {}  # study -> its cell with the decision
    before: dict[str, str] = {}
    for key, entry in manifest.cells.items():
        before.setdefault(entry["study"], key)
    for study, key in before.items():
        cell = cell_of(key, manifest.cells[key])
        scenario = cell.scenario.changed({"decision": decision})
        scored[study] = cell_key(study, scenario)
        built = replace(cell.built, scenario=scenario)
        entry = entry_of(replace(cell, built=built), manifest.cells[key]["requested"], None)
        manifest.cells.setdefault(scored[study], entry)
    for study, key in before.items():
        other = manifest.cells[key]["compared_with"]
        if other:
            beside = scored[manifest.cells[other]["study"]]
            manifest.cells[scored[study]]["compared_with"] = beside
    manifest.add_run(shlex.join(command), {"decision": decision})
    write_manifest(store, manifest)
    return set(scored.values())


def _closed_form(cell: Cell) -> ClosedForm | None:
    """Closed forms of a scenario that says itself how patients do; others need their prior."""
    if cell.prior:
        return None
    return closed_forms(assemble(cell.built, None))
