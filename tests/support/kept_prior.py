"""Draws that stand for a fit of the shipped evidence, so that no test waits for one."""

from pathlib import Path

import numpy as np

from phase2sim.core.endpoints import ENDPOINTS, EVENTS
from phase2sim.evidence.load import load_evidence
from phase2sim.evidence.reported import Evidence
from phase2sim.prior import storage as prior_files
from phase2sim.prior.draws import PriorDraws

PRIORS = Path(__file__).parents[2] / "priors"
NAMES = ("gxipc1", "t1d-natural-history")
UNTREATED = ("t1d-natural-history",)
DRAWS = 50
KNOTS = np.array([0.0, 3.0, 6.0, 12.0, 24.0, 36.0])
MEAN = {"hba1c": 8.0, "c_peptide": 0.5, "insulin": 0.65, "glucose": 2.1}
SLOPE = {"hba1c": 0.0, "c_peptide": -0.005, "insulin": 0.0, "glucose": 0.0}  # a month
SD = {"hba1c": 1.2, "c_peptide": 0.25, "insulin": 0.2, "glucose": 0.35}
CARE = {"hba1c": -0.3, "c_peptide": 0.0, "insulin": 0.0, "glucose": 0.0}
EFFECT = {"hba1c": -0.4, "c_peptide": 0.05, "insulin": -0.05, "glucose": -0.1}
EFFECT_SD = {"hba1c": 0.2, "c_peptide": 0.05, "insulin": 0.05, "glucose": 0.1}


def shipped_evidence(names: tuple[str, ...] = NAMES) -> Evidence:
    return load_evidence([PRIORS / f"{name}.toml" for name in names])


def keep(cache: Path, names: tuple[str, ...] = NAMES) -> Evidence:
    """Put draws that no fit made where the fit of the shipped evidence would be kept."""
    return keep_for(cache, shipped_evidence(names))


def keep_for(cache: Path, evidence: Evidence) -> Evidence:
    """Do the same for evidence of one's own."""
    name = prior_files.cached_path(evidence.digest).name
    prior_files.save(draws_for(evidence), cache / name)
    return evidence


def draws_for(evidence: Evidence) -> PriorDraws:
    names = tuple(ENDPOINTS)
    shape = (DRAWS, len(names))
    effect = np.random.default_rng(1).normal(_all(EFFECT), _all(EFFECT_SD), shape)
    treated = [name in evidence.effects for name in names]
    correlation = np.full((len(names), len(names)), -0.4) + 1.4 * np.eye(len(names))
    correlation[1:, 1:] = np.eye(len(names) - 1)
    return PriorDraws(
        endpoints=names,
        knots_months=KNOTS,
        history=np.tile(_all(MEAN)[:, None] + _all(SLOPE)[:, None] * KNOTS, (DRAWS, 1, 1)),
        sd=np.tile(_all(SD)[:, None], (DRAWS, 1, KNOTS.size)),
        level_sd=np.full(shape, 0.1),
        slope_sd=np.full(shape, 0.001),
        patient_share=np.full(shape, 0.5),
        decay=np.full(shape, 0.9),
        endpoint_correlation=np.tile(correlation, (DRAWS, 1, 1)),
        effect=np.where(treated, effect, np.nan),
        effects=evidence.effects,
        provenance={
            "digest": evidence.digest,
            "evidence": list(evidence.names),
            "model_version": prior_files.MODEL_VERSION,
            "elicited": ["made up for a test"],
        },
        care_covariates=tuple(evidence.care),
        care_effect=np.tile(_all(CARE), (DRAWS, len(evidence.care), 1)),
        event_outcomes=tuple(EVENTS),
        event_rate=np.full((DRAWS, len(EVENTS), 2), 0.1),
        event_dispersion=np.full((DRAWS, len(EVENTS)), 0.5),
    )


def _all(values: dict[str, float]) -> np.ndarray:
    return np.array([values[name] for name in ENDPOINTS])
