"""What a command loads: nothing that it does not need, and never PyMC for a fit that is kept."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.kept_prior import NAMES, keep

ROOT = Path(__file__).parents[2]
HEAVY = {
    "altair",
    "vl_convert",
    "pymc",
    "pytensor",
    "nutpie",
    "arviz",
    "pandas",
    "xarray",
    "numba",
    "pyarrow",
    "scipy",
    "pydantic",
    "numpy",
}
FITTING = {"pymc", "pytensor", "nutpie", "arviz"}
TABLES = {"pandas", "xarray"}
DRAWING = {"altair", "vl_convert", "narwhals", "jinja2"}
COMMAND = """
import sys
from phase2sim.cli import main
main(sys.argv[1:], standalone_mode=False)
print("loaded:", *sorted({name.split(".")[0] for name in sys.modules}), file=sys.stderr)
"""


def loaded_by(*arguments: str, cache: Path | None = None) -> tuple[set[str], str]:
    """Top-level modules that a command leaves loaded, and what it printed."""
    environment = os.environ | ({} if cache is None else {"PHASE2SIM_CACHE": str(cache)})
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", COMMAND, *arguments],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return set(done.stderr.split("loaded:")[1].split()), done.stdout


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]], ids=str)
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    modules, printed = loaded_by(*arguments)

    assert modules & HEAVY == set()
    assert printed


def test_reading_evidence_does_not_load_what_simulates_or_fits() -> None:
    modules, _ = loaded_by("evidence", "show", "gxipc1", "--json")

    assert modules & (FITTING | {"numba"}) == set()


def test_run_on_a_kept_prior_never_loads_pymc(tmp_path: Path) -> None:
    evidence = keep(tmp_path)
    scenario = "scenarios/gxipc1-phase2.toml"

    modules, printed = loaded_by("run", scenario, "--trials", "20", "--json", cache=tmp_path)

    run = json.loads(printed)
    assert modules & (FITTING | DRAWING | TABLES) == set()
    assert run["prior"]["digest"] == evidence.digest
    assert "effect.hba1c.sceptical_sd" in {given["key"] for given in run["elicited"]}
    truths = {row["truth"] for row in run["operating_characteristics"] if row["name"] != "power"}
    assert truths == {"target", "expected", "null", "prior", "fitted", "sceptical"}


def test_a_check_without_figures_loads_neither_pymc_nor_altair(tmp_path: Path) -> None:
    keep(tmp_path)

    modules, printed = loaded_by("prior", "check", *NAMES, "--json", cache=tmp_path)

    assert json.loads(printed)["replica"]
    assert modules & (FITTING | DRAWING) == set()
