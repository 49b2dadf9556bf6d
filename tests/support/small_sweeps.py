"""Sweeps for tests, small enough to run in a moment, and what their stores hold."""

import hashlib
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from phase2sim.core.backends import Backend, backend
from phase2sim.scenario.sweep_file import load_sweep
from phase2sim.studies.sweeps.sweep import SweepOptions, SweepResult, prepare_sweep, run_sweep

BASE = """
title = "One endpoint at two visits"
seed = 20261
trials = 300
[design]
kind = "fixed"
arms = ["placebo", "active"]
patients = 20
visits_months = [0, 12]
[outcome.c_peptide]
control_mean = 0.5
sd = 0.3
correlation = 0.7
[truth.target]
c_peptide = { effect = 0.2, month = 12, shape = "linear" }
[missing]
dropout = { mechanism = "mcar", share = 0.1, by_month = 12 }
[[analysis]]
endpoint = "c_peptide"
month = 12
method = "ancova"
[decision]
kind = "significance"
one_sided_alpha = 0.025
"""
SWEEP = """
base = "base.toml"
[axes]
patients = { key = "design.patients", values = [12, 20, 30] }
effect = { key = "truth.target.c_peptide.effect", values = [0.1, 0.2] }
"""


def write_sweep(folder: Path, sweep: str = SWEEP, base: str = BASE) -> Path:
    """Write a sweep and its base; return the sweep's path."""
    (folder / "base.toml").write_text(base, encoding="utf-8")
    path = folder / "sweep.toml"
    path.write_text(sweep, encoding="utf-8")
    return path


def swept(
    path: Path, out: Path, asked: SweepOptions | None = None, at: Backend | None = None
) -> SweepResult:
    """Run a sweep in this process, or on a backend."""
    ready = prepare_sweep(load_sweep(path), out, asked or SweepOptions(), 1, lambda _line: None)
    if at is not None:
        return run_sweep(ready, out, at, ["test"], lambda _status: None)
    with backend() as here:
        return run_sweep(ready, out, here, ["test"], lambda _status: None)


def trials_of(out: Path) -> dict[str, list[dict[str, Any]]]:
    """Every stored row by study, in order of truth, analysis and trial."""
    found = {}
    for folder in sorted((out / "trials").iterdir()):
        files = sorted(folder.glob("*.parquet"))
        rows = [row for file in files for row in pq.read_table(file, partitioning=None).to_pylist()]
        found[folder.name] = sorted(rows, key=lambda r: (r["truth"], r["analysis"], r["trial"]))
    return found


def files_of(out: Path) -> dict[str, str]:
    """Hash of every stored file of trials, by its place in the store."""
    return {
        str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((out / "trials").rglob("*.parquet"))
    }


def estimate(found: SweepResult, name: str, **labels: object) -> dict[str, Any]:
    """The one row of a characteristic at a place on the axes."""
    (row,) = (
        row
        for row in found.rows
        if row["name"] == name and all(row[axis] == label for axis, label in labels.items())
    )
    return dict(row)
