"""What a command loads: nothing that it does not need, and never PyMC for a fit that is kept."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from phase2sim import prior_files
from phase2sim.contracts import Evidence, PriorDraws
from phase2sim.evidence import load_evidence

ROOT = Path(__file__).parents[1]
HEAVY = {"pymc", "pytensor", "nutpie", "arviz", "numba", "pyarrow", "scipy", "pydantic", "numpy"}
FITTING = {"pymc", "pytensor", "nutpie", "arviz"}
COMMAND = """
import sys
from phase2sim.cli import main
main(sys.argv[1:], standalone_mode=False)
print("loaded:", *sorted({name.split(".")[0] for name in sys.modules}), file=sys.stderr)
"""
DRAWS = 50


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


def test_run_without_evidence_never_loads_pymc() -> None:
    modules, printed = loaded_by("run", "scenarios/meld-atg.toml", "--trials", "20", "--json")

    assert modules & FITTING == set()
    assert json.loads(printed)["prior"] is None


def test_run_on_a_kept_prior_never_loads_pymc(tmp_path: Path) -> None:
    names = ("gxipc1", "t1d-natural-history")
    evidence = load_evidence([ROOT / "priors" / f"{name}.toml" for name in names])
    keep(evidence, tmp_path)
    scenario = "scenarios/gxipc1-phase2.toml"

    modules, printed = loaded_by("run", scenario, "--trials", "20", "--json", cache=tmp_path)

    run = json.loads(printed)
    assert modules & FITTING == set()
    assert run["prior"]["digest"] == evidence.digest
    assert run["elicited"] == ["made up for a test"]
    truths = {row["truth"] for row in run["operating_characteristics"] if row["name"] != "power"}
    assert truths == {"target", "null", "prior", "sceptical"}


def keep(evidence: Evidence, cache: Path) -> None:
    """Put draws that no fit made where the fit of this evidence would be kept."""
    knots = np.linspace(0.0, 36.0, 7)
    shape = (DRAWS, 2)
    draws = PriorDraws(
        endpoints=("hba1c", "c_peptide"),
        knots_months=knots,
        history=np.tile(np.stack([8.0 + 0 * knots, 0.5 - 0.005 * knots]), (DRAWS, 1, 1)),
        sd=np.tile([[1.2], [0.25]], (DRAWS, 1, knots.size)),
        level_sd=np.full(shape, 0.1),
        slope_sd=np.full(shape, 0.001),
        patient_share=np.full(shape, 0.5),
        decay=np.full(shape, 0.9),
        endpoint_correlation=np.tile([[1.0, -0.4], [-0.4, 1.0]], (DRAWS, 1, 1)),
        effect=np.random.default_rng(1).normal([-0.4, 0.05], [0.2, 0.05], shape),
        effects=evidence.effects,
        provenance={
            "digest": evidence.digest,
            "model_version": prior_files.MODEL_VERSION,
            "elicited": ["made up for a test"],
        },
    )
    name = prior_files.cached_path(evidence.digest).name
    prior_files.save(draws, cache / name)
