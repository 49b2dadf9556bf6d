"""Draws of what care does: kept, added to the mean under stated care, moved as a knob."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.agreement import assert_agrees
from support.kept_prior import draws_for, shipped_evidence

from phase2sim.evidence.reported import CareCovariate, CareEffect, Evidence, Normal
from phase2sim.prior.draws import PriorDraws
from phase2sim.prior.knobs import moves_of
from phase2sim.prior.models.importance import importance_weights
from phase2sim.prior.prior_density import log_prior_density
from phase2sim.prior.reweighting import reweight_mean
from phase2sim.prior.storage import digest, load, save

PRIOR, SEEN, ERROR = Normal(-0.3, 0.25), -0.6, 0.3
SENSOR = CareCovariate("sensor_share", 0.0, (CareEffect("hba1c", PRIOR),), "made up")
KEY = "care.sensor_share.effect.hba1c"


def evidence() -> Evidence:
    return replace(shipped_evidence(), care={"sensor_share": SENSOR})


def draws(effect: np.ndarray) -> PriorDraws:
    prior = draws_for(evidence())
    sizes = np.zeros((len(prior.history), 1, len(prior.endpoints)))
    sizes[:, 0, 0] = effect[: len(sizes)]
    return replace(prior, care_covariates=("sensor_share",), care_effect=sizes)


def posterior(prior: Normal) -> tuple[float, float]:
    """Mean and SD of a normal prior after one observation with a normal error."""
    precision = prior.sd**-2 + ERROR**-2
    return (prior.mean * prior.sd**-2 + SEEN * ERROR**-2) / precision, precision**-0.5


def test_draws_of_care_survive_a_round_trip(tmp_path: Path) -> None:
    prior = draws(np.linspace(-1.0, 0.0, 50))
    save(prior, tmp_path / "prior.npz")

    kept = load(tmp_path / "prior.npz")

    assert kept.care_covariates == ("sensor_share",)
    np.testing.assert_array_equal(kept.care_effect, prior.care_effect)
    assert digest(kept) == digest(prior)
    assert digest(kept) != digest(replace(prior, care_effect=prior.care_effect + 0.1))


def test_the_mean_under_care_moves_from_diagnosis_to_month_3() -> None:
    effect = np.linspace(-1.0, 0.0, 50)
    prior = draws(effect)

    moved = prior.under_care({"sensor_share": 0.8}).history - prior.history

    np.testing.assert_allclose(moved[:, 0, 0], 0.0)
    np.testing.assert_allclose(moved[:, 0, 1:], np.tile(0.8 * effect[:, None], 5), atol=1e-12)
    assert not moved[:, 1:].any()
    assert prior.under_care({}) is prior
    with pytest.raises(KeyError):
        prior.under_care({"pump_share": 0.8})


@pytest.mark.parametrize(
    ("change", "moved"),
    [
        ("mean halved", Normal(-0.15, 0.25)),
        ("mean doubled", Normal(-0.6, 0.25)),
        ("mean at 0", Normal(0.0, 0.25)),
        ("SD halved", Normal(-0.3, 0.125)),
    ],
)
def test_a_moved_prior_of_care_gives_the_conjugate_posterior(change: str, moved: Normal) -> None:
    of = evidence()
    (move,) = (m for m in moves_of(of, 0.8) if (m.knob, m.change) == (KEY, change))
    assert not move.in_likelihood
    assert move.evidence.digest != of.digest
    effect = np.random.default_rng(3).normal(*posterior(PRIOR), 8000)
    few = draws(effect)
    names = ("history", "effect", "sd", "level_sd", "slope_sd", "patient_share", "decay")
    many = {
        name: np.tile(getattr(few, name)[:1], (8000, *np.ones(getattr(few, name).ndim - 1, int)))
        for name in names
    }
    sizes = np.zeros((8000, 1, len(few.endpoints)))
    sizes[:, 0, 0] = effect
    prior = replace(few, care_effect=sizes, **many)

    before, after = log_prior_density(of, prior), log_prior_density(move.evidence, prior)
    assert before is not None
    assert after is not None
    weights, _ = importance_weights((after - before)[:, None])
    mean, sd = reweight_mean(effect, weights[:, 0])

    assert_agrees(mean.value, posterior(moved)[0], mean.mcse)
    assert_agrees(sd.value, posterior(moved)[1], sd.mcse)
