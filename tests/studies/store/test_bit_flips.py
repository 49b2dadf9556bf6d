"""One bit of any file of a store flipped: the same numbers, or a plain refusal, never others."""

import json
from collections import Counter
from pathlib import Path

import pytest
from support.flipped_bits import with_flipped_bits
from support.small_sweeps import swept, write_sweep

from phase2sim.studies.store.results_folder import DamagedFile, Store
from phase2sim.studies.sweeps.stored_results import read_results
from phase2sim.studies.sweeps.sweep import SweepOptions

SWEEP = """
base = "base.toml"
reference = { effect = 0.2 }
[axes]
effect = { key = "truth.target.c_peptide.effect", values = [0.1, 0.2] }
"""
DERIVED = ("manifest.json", "characteristics.parquet", "decisions/*/verdicts.parquet")
PLAIN, LONG = 25, 4_000


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("flips")
    swept(write_sweep(folder, SWEEP), folder / "out", SweepOptions(trials=100))
    return folder / "out"


def rows_in(out: Path, lines: list[str]) -> str:
    return json.dumps(read_results(out, lines.append).rows)


def outcomes(out: Path, path: Path, flips: int) -> Counter[str]:
    """How each flip of a derived file ended; it is mended on disk each time."""
    whole = rows_in(out, [])
    counted: Counter[str] = Counter()
    for _ in with_flipped_bits(path, flips):
        lines: list[str] = []
        same = rows_in(out, lines) == whole
        counted["same" if same else "other numbers"] += 1
        counted["said"] += bool(lines)
        counted["mended"] += not _lines_now(out)
    return counted


def _lines_now(out: Path) -> list[str]:
    lines: list[str] = []
    read_results(out, lines.append)
    return lines


def damaged_trials(out: Path, flips: int) -> Counter[str]:
    """How often a file of trials with a flipped bit was refused."""
    path = min(out.glob("trials/*/*.parquet"))
    study = path.parent.name.removeprefix("study=")
    counted: Counter[str] = Counter()
    for _ in with_flipped_bits(path, flips):
        try:
            Store(out).batch_results(study)
            counted["read"] += 1
        except DamagedFile:
            counted["refused"] += 1
    return counted


@pytest.mark.parametrize("name", DERIVED)
def test_a_flipped_bit_of_a_derived_file_changes_nothing(out: Path, name: str) -> None:
    counted = outcomes(out, min(out.glob(name)), PLAIN)

    assert counted == {"same": PLAIN, "said": PLAIN, "mended": PLAIN}


def test_a_flipped_bit_of_a_file_of_trials_is_refused(out: Path) -> None:
    assert damaged_trials(out, 10 * PLAIN) == {"refused": 10 * PLAIN}


@pytest.mark.calibration
@pytest.mark.parametrize("name", DERIVED)
def test_no_flipped_bit_of_a_derived_file_changes_anything(out: Path, name: str) -> None:
    counted = outcomes(out, min(out.glob(name)), LONG)

    assert counted == {"same": LONG, "said": LONG, "mended": LONG}


@pytest.mark.calibration
def test_no_flipped_bit_of_a_file_of_trials_is_read(out: Path) -> None:
    assert damaged_trials(out, LONG) == {"refused": LONG}
