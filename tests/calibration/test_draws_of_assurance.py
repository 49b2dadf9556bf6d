"""Twice the draws of the shipped fit leave assurance within the error that is printed beside it.

Twenty fits with other seeds, about a quarter of an hour. On 30 November 2026 HbA1c moved by at most
one printed error in 19 of 20 seeds, by at most 1.1 in all. C-peptide, whose assurance is six times
as large, did so in 12, and by at most two in 18 (2.5 and 2.6 in the others).
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from phase2sim import load_scenario, simulate
from phase2sim.core.measured import Measured
from phase2sim.evidence.load import load_evidence
from phase2sim.evidence.reported import Evidence
from phase2sim.prior import storage
from phase2sim.prior.models.diagnostics import diagnose
from phase2sim.prior.models.fit import CompiledModel, to_prior
from phase2sim.prior.models.unknowns.settings import SAMPLER

ROOT = Path(__file__).parents[2]
SHIPPED = ("gxipc1", "t1d-natural-history")
ENDPOINTS = ("hba1c", "c_peptide")
SEEDS, KEPT = 20, 2000
OUTSIDE = 1  # of each endpoint's twenty


def assurances(evidence: Evidence, compiled: CompiledModel, seed: int) -> list[list[Measured]]:
    """Assurance of each endpoint with some draws of a fit, and with twice as many."""
    trace = compiled.sample(evidence, seed)
    posterior = trace["posterior"].to_dataset()
    divergences = int(np.asarray(trace["sample_stats"]["diverging"]).sum())
    diagnostics = diagnose(posterior, divergences)
    scenario = load_scenario(ROOT / "scenarios" / "gxipc1-phase2.toml")
    path = storage.cached_path(evidence.digest)
    found = []
    for kept in (KEPT, 2 * KEPT):
        provenance = {
            "seed": seed,
            "model_version": storage.MODEL_VERSION,
            "diagnostics": diagnostics,
        }
        prior = to_prior(evidence, posterior, replace(SAMPLER, kept_draws=kept), provenance)
        path.unlink(missing_ok=True)
        storage.save(prior, path)
        result = simulate(scenario, trials=10_000, workers=2)
        found.append([result.assurance[name] for name in ENDPOINTS])
    return found


@pytest.mark.xfail(reason="C-peptide: 18 of 20; its printed error may be too small")
@pytest.mark.calibration
def test_twice_the_draws_move_assurance_within_two_printed_errors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two errors, not one: half the draws differ from all of them by 0.7 errors of the half."""
    monkeypatch.setenv("PHASE2SIM_CACHE", str(tmp_path))
    evidence = load_evidence([ROOT / "priors" / f"{name}.toml" for name in SHIPPED])
    compiled = CompiledModel.of(evidence)
    moved = []
    for seed in range(SEEDS):
        few, many = assurances(evidence, compiled, seed)
        moved.append(
            [abs(b.estimate - a.estimate) / a.mcse for a, b in zip(few, many, strict=True)]
        )
        print(seed, moved[-1], few, many)

    for of_endpoint in zip(*moved, strict=True):
        assert sum(errors > 2.0 for errors in of_endpoint) <= OUTSIDE
