"""The page of 200 cells is small enough to be sent by e-mail: measured, not reckoned."""

from pathlib import Path

import pytest
from support.small_sweeps import swept, write_sweep
from support.small_trials import design, two_endpoints

import phase2sim
from phase2sim.scenario.as_toml import toml_text
from phase2sim.scenario.scenario_file import scenario_from
from phase2sim.studies.dossier.embedded_record import read_record
from phase2sim.studies.sweeps.sweep import SweepOptions

LARGEST, CELLS = 5_000_000, 200
SWEEP = """
base = "base.toml"
truths = ["target"]
reference = { patients = 240, effect = -0.8, dropout = 0.1 }  # the planned trial, drawn
[axes]
patients = { key = "design.patients", from = 60, to = 240, step = 20 }
effect = { key = "truth.target.hba1c.effect", values = [-0.2, -0.4, -0.6, -0.8, -1.0] }
dropout = { key = "missing.dropout.share", values = [0.0, 0.1, 0.2, 0.3] }
"""


@pytest.mark.calibration
def test_a_page_of_200_cells_of_two_endpoints_and_1000_trials_is_below_5_mb(
    tmp_path: Path,
) -> None:
    table = two_endpoints(
        design=design(240, [0, 3, 6, 9, 12]),
        outcome={
            "hba1c": {"control_mean": 8.0, "sd": 1.3, "correlation": 0.5},
            "c_peptide": {"control_mean": 0.5, "sd": 0.3, "correlation": 0.5},
        },
        missing={"dropout": {"mechanism": "mcar", "share": 0.1, "by_month": 12}},
    )
    base = toml_text(scenario_from(table, tmp_path / "base.toml"))
    swept(write_sweep(tmp_path, SWEEP, base), tmp_path / "out", SweepOptions(trials=1000))

    page = phase2sim.report(tmp_path / "out", tmp_path / "page.html")

    assert len(read_record(page)["cells"]) == CELLS
    assert page.stat().st_size < LARGEST
