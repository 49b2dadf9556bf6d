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
from phase2sim.studies.dossier.embedded_record import AlteredPage, read_record
from phase2sim.studies.dossier.fingerprints import fingerprint
from phase2sim.studies.store.results_folder import open_store
from phase2sim.studies.sweeps.sweep import SweepOptions, prepare_sweep, run_sweep
from phase2sim.studies.verification.findings import Check, Verification


def check_report(page: Path, share: float, seed: int, say: Report) -> Verification:
    """Simulate a share of a report's cells again, at least one; raises ``BadInput``.

    Of a page that is not as it was written nothing is simulated: that is the finding.
    """
    try:
        record = read_record(page)
    except AlteredPage as error:
        return Verification(f"{page}: altered", (_altered(error),))
    if record["results_version"] != RESULTS_VERSION:
        raise BadInput(
            f"{page}: was made with results version {record['results_version']}, this is"
            f" {RESULTS_VERSION}: its numbers are not this version's. Install phase2sim"
            f" {record['versions']['phase2sim']}, or make the report again."
        )
    cells = [(key, entry) for key, entry in record["cells"].items() if entry["trials"]]
    count = max(1, math.ceil(share * len(cells)))
    sample = generator(seed, "outcome", 0).permutation(len(cells))[:count]
    checks = []
    for number in sorted(sample):
        key, entry = cells[number]
        say(f"Simulating {entry['trials']:,} trials of cell {key} again ...")
        checks.append(_repeat_cell(key, entry, say))
    return Verification(f"{page}: {count} of {len(cells)} cells", tuple(checks))


def _altered(error: AlteredPage) -> Check:
    return Check(
        kind="reproducibility",
        name="the page is as it was written",
        expected="the digest in the page",
        source="the report",
        observed=str(error),
        passed=False,
    )


def _repeat_cell(key: str, entry: dict[str, Any], say: Report) -> Check:
    path = Path(entry["file"])
    scenario = scenario_from(entry["scenario"], path)
    variation = Variation(entry["labels"], scenario)
    sweep = Sweep(path, scenario.title, "", tuple(entry["truths"]), (variation,), {})
    with tempfile.TemporaryDirectory() as folder, backend(1) as pool:
        out = Path(folder) / "again"
        prepared = prepare_sweep(sweep, out, SweepOptions(trials=entry["trials"]), 1, say)
        run_sweep(prepared, out, pool, ["phase2sim verify"], lambda _status: None)
        (cell,) = prepared.cells
        digest = fingerprint(open_store(out).batch_results(cell.study, 0, entry["trials"]))
        prior = cell.prior
    labels = ", ".join(f"{name} {label}" for name, label in entry["labels"].items())
    same = digest == entry["fingerprint"]
    if not same and prior != entry["prior"]:
        digest = f"{digest}, with another fitted prior ({prior}, not {entry['prior']})"
    return Check(
        kind="reproducibility",
        name=f"cell {key}: {labels}",
        expected=entry["fingerprint"],
        source="the report",
        observed="the same" if same else digest,
        passed=same,
    )
