"""Cells of a report, chosen at random, simulated again and compared bit for bit."""

import math
import tempfile
from pathlib import Path
from typing import Any

from phase2sim.core.backends import backend
from phase2sim.core.contracts import RESULTS_VERSION
from phase2sim.core.errors import BadInput
from phase2sim.core.progress import Report
from phase2sim.core.randomness import generator
from phase2sim.scenario.scenario_file import scenario_from
from phase2sim.scenario.sweep_file import Sweep, Variation
from phase2sim.studies.dossier.embedded_record import read_record
from phase2sim.studies.dossier.fingerprints import fingerprint
from phase2sim.studies.store.folder import open_store
from phase2sim.studies.sweeps.sweep import SweepOptions, prepare_sweep, run_sweep
from phase2sim.studies.verification.findings import Check, Verified


def check_report(page: Path, share: float, seed: int, say: Report) -> Verified:
    """Simulate a share of a report's cells again, at least one; raises ``BadInput``."""
    record = read_record(page)
    if record["results_version"] != RESULTS_VERSION:
        raise BadInput(
            f"{page}: was made with results version {record['results_version']}, this is"
            f" {RESULTS_VERSION}: its numbers are not this version's. Install phase2sim"
            f" {record['versions']['phase2sim']}, or make the report again."
        )
    cells = [(key, entry) for key, entry in record["cells"].items() if entry["trials"]]
    count = max(1, math.ceil(share * len(cells)))
    picked = generator(seed, "outcome", 0).permutation(len(cells))[:count]
    checks = []
    for place in sorted(picked):
        key, entry = cells[place]
        say(f"Simulating {entry['trials']:,} trials of cell {key} again ...")
        checks.append(_again(key, entry, say))
    return Verified(f"{page}: {count} of {len(cells)} cells", tuple(checks))


def _again(key: str, entry: dict[str, Any], say: Report) -> Check:
    path = Path(entry["file"])
    scenario = scenario_from(entry["scenario"], path)
    cell = Variation(entry["labels"], scenario)
    sweep = Sweep(path, scenario.title, "", tuple(entry["truths"]), (cell,), {})
    with tempfile.TemporaryDirectory() as folder, backend(1) as at:
        out = Path(folder) / "again"
        prepared = prepare_sweep(sweep, out, SweepOptions(trials=entry["trials"]), 1, say)
        run_sweep(prepared, out, at, ["phase2sim verify"], lambda _status: None)
        (made,) = prepared.cells
        found = fingerprint(open_store(out).answers(made.study, 0, entry["trials"]))
        prior = made.prior
    where = ", ".join(f"{name} {label}" for name, label in entry["labels"].items())
    same = found == entry["fingerprint"]
    if not same and prior != entry["prior"]:
        found = f"{found}, with another fitted prior ({prior}, not {entry['prior']})"
    return Check(
        kind="reproducibility",
        name=f"cell {key}: {where}",
        expected=entry["fingerprint"],
        source="the report",
        found="the same" if same else found,
        passed=same,
    )
