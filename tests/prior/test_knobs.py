"""Elicited inputs moved: reweighted draws against conjugate closed forms, and what is moved."""

from dataclasses import replace

import numpy as np
import pymc as pm
import pytest
from support.agreement import assert_agrees
from support.kept_prior import draws_for, shipped_evidence

from phase2sim.core.history_priors import PRIORS
from phase2sim.evidence.reported import ClassEffect, EffectAssumption, Evidence, Normal
from phase2sim.prior.draws import PriorDraws
from phase2sim.prior.knobs import SHARED_BY_ALL, Move, moves_of
from phase2sim.prior.models.importance import importance_weights
from phase2sim.prior.models.joint import declare
from phase2sim.prior.models.likelihood_ratio import _affected, log_likelihood_ratios
from phase2sim.prior.models.unknowns.evidence_arrays import cells
from phase2sim.prior.prior_density import log_prior_density
from phase2sim.prior.reweighting import MixturePart, TrialOutcomes, mixed_share, reweight_mean

DRAWS = 8000
SEEN, ERROR = 0.6, 0.4  # an observation of the effect, and its standard error


def assumed(endpoint: str = "hba1c", **changes: object) -> EffectAssumption:
    assumption = EffectAssumption(endpoint, 6.0, "immediate", {}, 0.5, 0.3, "made up")
    return replace(assumption, **changes)  # type: ignore[arg-type]


def evidence_of(*effects: EffectAssumption, classes: tuple[ClassEffect, ...] = ()) -> Evidence:
    return Evidence(
        names=("made up",),
        arms=(),
        reported=(),
        effects={effect.endpoint: effect for effect in effects},
        digest="",
        classes={effect.endpoint: effect for effect in classes},
    )


def draws_of(evidence: Evidence, effect: np.ndarray, **more: np.ndarray) -> PriorDraws:
    shape = effect.shape
    names = tuple(dict.fromkeys([*evidence.effects, *evidence.classes]))
    return PriorDraws(
        endpoints=names,
        knots_months=np.array([0.0, 12.0]),
        history=np.zeros((*shape, 2)),
        sd=np.ones((*shape, 2)),
        level_sd=np.zeros(shape),
        slope_sd=np.zeros(shape),
        patient_share=np.full(shape, 0.5),
        decay=np.full(shape, 0.9),
        endpoint_correlation=np.tile(np.eye(shape[1]), (shape[0], 1, 1)),
        effect=effect,
        effects=evidence.effects,
        provenance={},
        **more,
    )


def weights_of(prior: PriorDraws, evidence: Evidence, moved: Evidence) -> np.ndarray:
    before, after = log_prior_density(evidence, prior), log_prior_density(moved, prior)
    assert before is not None
    assert after is not None
    weights, k = importance_weights((after - before)[:, None])
    assert k[0] < 0.7
    return weights[:, 0]


def posterior(prior_sd: float) -> tuple[float, float]:
    """Mean and SD of an effect N(0, prior_sd), seen once with a normal error."""
    precision = prior_sd**-2 + ERROR**-2
    return SEEN * ERROR**-2 / precision, precision**-0.5


@pytest.mark.parametrize("factor", [0.5, 2.0], ids=["halved", "doubled"])
def test_a_moved_sceptical_sd_gives_the_conjugate_posterior(factor: float) -> None:
    evidence, moved = evidence_of(assumed()), evidence_of(assumed(sceptical_sd=0.5 * factor))
    effect = np.random.default_rng(1).normal(*posterior(0.5), (DRAWS, 1))

    weights = weights_of(draws_of(evidence, effect), evidence, moved)
    mean, sd = reweight_mean(effect[:, 0], weights)

    expected_mean, expected_sd = posterior(0.5 * factor)
    assert_agrees(mean.value, expected_mean, mean.mcse)
    assert_agrees(sd.value, expected_sd, sd.mcse)


def test_a_moved_bias_sd_gives_the_conjugate_posterior() -> None:
    evidence, moved = evidence_of(assumed()), evidence_of(assumed(bias_sd=0.15))

    def joint(bias_sd: float) -> tuple[np.ndarray, np.ndarray]:
        """Of effect and bias, whose sum is seen."""
        precision = np.diag([0.5**-2, bias_sd**-2]) + ERROR**-2
        covariance = np.linalg.inv(precision)
        return covariance @ np.full(2, SEEN * ERROR**-2), covariance

    both = np.random.default_rng(2).multivariate_normal(*joint(0.3), DRAWS)

    prior = draws_of(evidence, both[:, :1], bias=both[:, 1:])
    mean, _ = reweight_mean(both[:, 0], weights_of(prior, evidence, moved))

    assert_agrees(mean.value, joint(0.15)[0][0], mean.mcse)


def test_shared_benefit_gives_the_conjugate_posterior() -> None:
    def effects(shared: float) -> Evidence:
        return evidence_of(
            assumed("hba1c", shared=shared), assumed("c_peptide", sceptical_sd=0.1, shared=shared)
        )

    seen, error = np.array([-0.5, 0.02]), np.array([0.3, 0.1])

    def joint(shared: float) -> tuple[np.ndarray, np.ndarray]:
        # Less HbA1c and more C-peptide are both benefits: their effects correlate negatively.
        correlation = np.array([[1.0, -shared], [-shared, 1.0]])
        before = correlation * np.outer([0.5, 0.1], [0.5, 0.1])
        covariance = np.linalg.inv(np.linalg.inv(before) + np.diag(error**-2))
        return covariance @ (seen / error**2), covariance

    both = np.random.default_rng(3).multivariate_normal(*joint(0.0), DRAWS)

    weights = weights_of(draws_of(effects(0.0), both), effects(0.0), effects(0.6))

    for column in (0, 1):
        mean, sd = reweight_mean(both[:, column], weights)
        assert_agrees(mean.value, joint(0.6)[0][column], mean.mcse)
        assert_agrees(sd.value, joint(0.6)[1][column, column] ** 0.5, sd.mcse)


def test_effects_that_share_everything_have_no_density() -> None:
    everything = evidence_of(assumed("hba1c", shared=1.0), assumed("c_peptide", shared=1.0))

    assert log_prior_density(everything, draws_of(everything, np.zeros((3, 2)))) is None


def test_a_moved_scale_between_trials_gives_its_half_normal() -> None:
    scale = 0.3
    class_effect = ClassEffect("hba1c", 6.0, "immediate", {}, 0.5, scale, "made up")
    evidence = evidence_of(classes=(class_effect,))
    moved = evidence_of(classes=(replace(class_effect, between_trials_sd=scale / 2),))
    rng = np.random.default_rng(4)
    mean, sd = rng.normal(0.0, 0.5, (DRAWS, 1)), np.abs(rng.normal(0.0, scale, (DRAWS, 1)))

    prior = draws_of(evidence, rng.normal(mean, sd), class_mean=mean, class_sd=sd)
    moved_sd, _ = reweight_mean(sd[:, 0], weights_of(prior, evidence, moved))

    assert_agrees(moved_sd.value, scale / 2 * (2 / np.pi) ** 0.5, moved_sd.mcse)


@pytest.fixture(scope="module")
def moves() -> tuple[Move, ...]:
    return moves_of(shipped_evidence(), 0.8)


def test_every_elicited_input_is_moved_both_ways(moves: tuple[Move, ...]) -> None:
    changes: dict[str, set[str]] = {}
    for move in moves:
        changes.setdefault(move.knob, set()).add(move.change)

    both, normal = {"halved", "doubled"}, {"SD halved", "SD doubled", "mean - 1 SD", "mean + 1 SD"}
    assert changes["truth.prior.robust_weight"] == {"at 0", "at 1"}
    assert changes[SHARED_BY_ALL] == {"at 1"}  # it is 0 as shipped
    for endpoint in ("hba1c", "c_peptide", "insulin", "glucose"):
        for key in ("sceptical_sd", "bias_sd", "half_time_months"):
            assert changes[f"effect.{endpoint}.{key}"] == both
    assert changes["GXIPC1 phase 1: typical weight"] == normal


def test_every_move_is_other_evidence_or_another_weight(moves: tuple[Move, ...]) -> None:
    stated = shipped_evidence().digest
    moved = [move for move in moves if move.robust_weight == 0.8]

    assert len({move.evidence.digest for move in moved} | {stated}) == len(moved) + 1


def test_a_heavier_patient_takes_less_insulin_per_kg(moves: tuple[Move, ...]) -> None:
    heavier = next(
        move.evidence for move in moves
        if move.knob.endswith("typical weight") and move.change == "mean + 1 SD"
    )  # fmt: skip

    def doses(evidence: Evidence) -> list[float]:
        return [entry.value for entry in evidence.reported if entry.by_weight]

    assert doses(heavier) == pytest.approx([22.5 / 45, 12.5 / 45])


def test_likelihood_ratio_of_an_elicited_correlation_is_that_of_its_normal() -> None:
    shipped = shipped_evidence()
    printed = next(e for e in shipped.reported if e.with_endpoint == "c_peptide")
    entry = replace(printed, elicited=Normal(-0.5, 0.1), n=0, why="made up")
    own = tuple(entry if e is printed else e for e in shipped.reported)
    evidence = replace(shipped, reported=own)
    moved = [
        move for move in moves_of(evidence, 0.8)
        if move.knob == f"t1d-natural-history entry {entry.number}, elicited correlation"
    ]  # fmt: skip
    layout = cells(evidence)
    with pm.Model() as model:
        declare(_affected(evidence), layout, PRIORS)
    names = [variable.name for variable in model.free_RVs]
    *drawn, pairs = pm.draw(
        [*model.free_RVs, model["endpoint_correlation"]], draws=5, random_seed=1
    )
    prior = replace(draws_for(evidence), history=np.zeros((5, 4, 7)),
                    sampled=dict(zip(names, drawn, strict=True)))  # fmt: skip
    rows, columns = np.tril_indices(4, -1)
    at = list(zip(rows.tolist(), columns.tolist(), strict=True)).index((1, 0))
    rho = pairs[:, at]  # of C-peptide and HbA1c

    def log_normal(mean: float, sd: float) -> np.ndarray:
        return np.asarray(-0.5 * ((mean - rho) / sd) ** 2 - np.log(sd))

    ratios = log_likelihood_ratios(evidence, [move.evidence for move in moved], prior)

    expected = [(-0.5, 0.05), (-0.5, 0.2), (-0.6, 0.1), (-0.4, 0.1)]
    for column, (mean, sd) in enumerate(expected):
        assert ratios[:, column] == pytest.approx(log_normal(mean, sd) - log_normal(-0.5, 0.1))


def test_a_mixture_goes_as_often_as_its_parts_together() -> None:
    rng = np.random.default_rng(5)
    trial = np.arange(2000)
    fitted, sceptical = (
        TrialOutcomes(rng.random(2000) < share, trial % 100, trial) for share in (0.1, 0.4)
    )

    def mixture(weight: float) -> list[MixturePart]:
        return [MixturePart(weight, fitted), MixturePart(1.0 - weight, sceptical)]

    change = mixed_share(mixture(0.5), mixture(0.8), 100)

    rates = fitted.go.mean(), sceptical.go.mean()
    assert change.value == pytest.approx(0.5 * rates[0] + 0.5 * rates[1])
    assert change.difference == pytest.approx(0.3 * (rates[1] - rates[0]))
