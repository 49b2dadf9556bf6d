"""Draws that stand for a fit of the shipped evidence, so that no test waits for one."""

from pathlib import Path

import numpy as np

from phase2sim import prior_files
from phase2sim.evidence import load_evidence
from phase2sim.knowledge import Evidence, PriorDraws

PRIORS = Path(__file__).parents[1] / "priors"
NAMES = ("gxipc1", "t1d-natural-history")
DRAWS = 50


def shipped_evidence() -> Evidence:
    return load_evidence([PRIORS / f"{name}.toml" for name in NAMES])


def keep(cache: Path) -> Evidence:
    """Put draws that no fit made where the fit of the shipped evidence would be kept."""
    evidence = shipped_evidence()
    name = prior_files.cached_path(evidence.digest).name
    prior_files.save(draws_for(evidence), cache / name)
    return evidence


def draws_for(evidence: Evidence) -> PriorDraws:
    knots = np.linspace(0.0, 36.0, 7)
    shape = (DRAWS, 2)
    return PriorDraws(
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
