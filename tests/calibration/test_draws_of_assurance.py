"""Twice the draws of the shipped fit leave assurance within the error that is printed beside it.

Twenty fits with other seeds, about a quarter of an hour. The sampler runs twice as long: every
other draw would not do, because successive draws of an effect are negatively correlated, so that
the two halves differ by more than those of a sampler that was stopped. On 30 November 2026 both
endpoints moved by at most two printed errors in all seeds, by at most one in 17 of 20.
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
HALF = SAMPLER.draws // 2
OUTSIDE = 1  # of each endpoint's twenty


def assurances(evidence: Evidence, compiled: CompiledModel, seed: int) -> list[list[Measured]]:
    """Assurance of each endpoint from the first half of a fit's draws, and from all."""
    trace = compiled.sample(evidence, seed)
    posterior = trace["posterior"].to_dataset()
    divergences = int(np.asarray(trace["sample_stats"]["diverging"]).sum())
    diagnostics = diagnose(posterior, divergences)
    scenario = load_scenario(ROOT / "scenarios" / "gxipc1-phase2.toml")
    path = storage.cached_path(evidence.digest)
    found = []
    for kept, sampled in ((KEPT, HALF), (2 * KEPT, SAMPLER.draws)):
        provenance = {
            "seed": seed,
            "model_version": storage.MODEL_VERSION,
            "diagnostics": diagnostics,
        }
        draws = posterior.isel(draw=slice(sampled))
        prior = to_prior(evidence, draws, replace(SAMPLER, kept_draws=kept), provenance)
        path.unlink(missing_ok=True)
        storage.save(prior, path)
        result = simulate(scenario, trials=10_000, workers=2)
        found.append([result.assurance[name] for name in ENDPOINTS])
    return found


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
