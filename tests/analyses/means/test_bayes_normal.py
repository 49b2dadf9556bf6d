"""Posteriors with mixture priors: against R, by integration, and what borrowing means."""

from typing import Any

import numpy as np
import pytest
from scipy import stats
from support.readings import random_reading, rows_of
from support.small_trials import assembled, one_endpoint

from phase2sim.analyses.means.bayes_normal import BayesNormal
from phase2sim.analyses.means.borrowing import with_control
from phase2sim.analyses.means.student_t import TTest
from phase2sim.core.contracts import Reading
from phase2sim.theory.mixtures import AnalysisMixture, normal_mixture
from phase2sim.trial.engine import simulate_batch

ROWS = [row for row in rows_of("norm_mix.csv") if row["task"] == "posterior_ess"]
COMPARED = {
    "post_mix_mean": lambda result: result.effect[0],
    "post_mix_sd": lambda result: result.se[0],
    "post_q025": lambda result: result.test.lower[0],
    "post_q975": lambda result: result.test.upper[0],
}
NARROW = AnalysisMixture((1.0,), (0.1,), (0.05,))


def arms(treated: float, control: float, sd: float, patients: int = 10) -> Reading:
    """Make one trial whose arms have these means and this pooled SD, to rounding."""
    spread = np.tile([-1.0, 1.0], patients // 2) * sd * np.sqrt((patients - 1) / patients)
    value = np.concatenate([treated + spread, control + spread])
    arm = np.repeat(np.array([1, 0], np.int8), patients)
    none = np.zeros((1, 2 * patients))
    return Reading(arm[None], none, value[None, None], (12.0,), none, none.astype(np.int64))


def prior_of(row: dict[str, str], scale: float) -> AnalysisMixture:
    """Published prior, shrunk by ``scale`` to effects that an endpoint may have."""
    lists = (row[f"prior_{name}"].split(";") for name in ("w", "mean", "sd"))
    weights, means, sds = ([float(part) for part in parts] for parts in lists)
    robust: dict[str, Any] = {}
    if row["robust_weight"]:
        robust = {
            "robust_weight": float(row["robust_weight"]),
            "robust_mean": float(row["robust_mean"]) / scale,
            "robust_sd": float(row["robust_sd"]) / scale,
        }
    return AnalysisMixture(
        tuple(weights), tuple(m / scale for m in means), tuple(s / scale for s in sds), **robust
    )


@pytest.mark.parametrize(
    "row",
    [row for row in ROWS if row["quantity"] in COMPARED and row["tool"] == "R 4.2.2"],
    ids=lambda row: f"{row['case_id']}-{row['quantity']}",
)
def test_posterior_of_the_effect_is_that_of_r(row: dict[str, str]) -> None:
    scale = 10.0 * max(1.0, *(abs(float(m)) for m in row["prior_mean"].split(";")))
    seen, se = float(row["obs_mean"]) / scale, float(row["obs_se"]) / scale
    reading = arms(0.3 + seen, 0.3, se * np.sqrt(10 / 2))

    result = BayesNormal("c_peptide", 12.0, prior_of(row, scale)).estimate(reading)

    assert scale * COMPARED[row["quantity"]](result) == pytest.approx(
        float(row["value"]), rel=1e-8, abs=1e-10
    )


@pytest.mark.parametrize("with_effect_prior", [False, True])
def test_posterior_given_a_control_prior_is_that_of_integration(*, with_effect_prior: bool) -> None:
    control = normal_mixture([0.7, 0.3], [0.4, 0.9], [0.15, 0.4])
    effect = normal_mixture([0.6, 0.4], [0.1, 0.5], [0.2, 0.6]) if with_effect_prior else None
    (y1, e1), (y0, e0) = (0.9, 0.12), (0.55, 0.1)

    posterior = with_control(
        control.posterior(np.array([y0]), np.array([e0])), effect, np.array([y1]), np.array([e1])
    )

    # The joint density on a grid of control mean and effect.
    mean = np.linspace(-1.0, 2.0, 2001)[:, None]
    delta = np.linspace(-2.5, 3.0, 2201)
    joint = control.density(mean[:, 0])[:, None] * stats.norm.pdf(y0, mean, e0)
    joint = joint * stats.norm.pdf(y1, mean + delta, e1)
    joint = joint if effect is None else joint * effect.density(delta)
    marginal = joint.sum(axis=0) / joint.sum()
    expected = float(marginal @ delta)
    assert posterior.mean()[0] == pytest.approx(expected, rel=1e-8)
    assert posterior.sd()[0] == pytest.approx(np.sqrt(marginal @ (delta - expected) ** 2), rel=1e-8)


def test_a_control_prior_worth_twenty_patients_lends_twenty() -> None:
    sd = 0.3
    prior = AnalysisMixture((1.0,), (0.5,), (sd / np.sqrt(20),))

    details = BayesNormal("c_peptide", 12.0, control_prior=prior).estimate(arms(0.7, 0.6, sd))

    found = {name: float(value[0]) for name, value in details.details.items()}
    assert found["control_borrowed_patients"] == pytest.approx(20, rel=1e-9)
    assert found["control_prior_weight"] == found["control_posterior_weight"] == 1.0


def test_controls_unlike_the_prior_are_left_alone() -> None:
    prior = AnalysisMixture((1.0,), (0.5,), (0.05,), robust_weight=0.2, robust_sd=1.0)
    part = BayesNormal("c_peptide", 12.0, control_prior=prior)

    alike, unlike = (part.estimate(arms(x + 0.2, x, 0.2)) for x in (0.52, 1.2))

    assert alike.details["control_posterior_weight"][0] > 0.8
    assert unlike.details["control_posterior_weight"][0] < 1e-6
    assert unlike.effect[0] == pytest.approx(0.2, abs=0.01)


def test_a_flat_prior_leaves_the_z_test() -> None:
    reading = random_reading(seed=51, trials=20, patients=40, missing=0.1)
    flat = AnalysisMixture((1.0,), (0.0,), (1e5,))

    for options in ({"effect_prior": flat}, {"control_prior": AnalysisMixture((1,), (5,), (1e5,))}):
        posterior = BayesNormal("hba1c", 12.0, **options).estimate(reading)
        test = TTest("hba1c", 12.0).estimate(reading)
        np.testing.assert_allclose(posterior.effect, test.effect, atol=1e-7)
        np.testing.assert_allclose(posterior.p, stats.norm.cdf(test.effect / test.se), rtol=1e-6)


@pytest.mark.parametrize(
    ("endpoint", "treated", "favoured"), [("c_peptide", 0.9, True), ("hba1c", 0.9, False)]
)
def test_p_is_the_chance_of_no_benefit(endpoint: str, treated: float, *, favoured: bool) -> None:
    prior = AnalysisMixture((1.0,), (0.0,), (1.0,))
    at = {"c_peptide": 0.0, "hba1c": 7.0}[endpoint]

    result = BayesNormal(endpoint, 12.0, prior).estimate(arms(at + treated, at + 0.3, 0.2))

    assert bool(result.p[0] < 0.025) is favoured
    assert bool(result.p[0] > 0.975) is not favoured


def test_a_scenario_may_borrow() -> None:
    prior = {"weights": [1.0], "means": [0.4], "sds": [0.1], "robust_weight": 0.2, "robust_sd": 1.0}
    table = {"endpoint": "c_peptide", "month": 12, "method": "bayes_normal"}
    built = assembled(one_endpoint(analysis=[table | {"control_prior": prior}]))

    outcomes = simulate_batch(built.study, built.sources[0], 0, 50)

    assert not outcomes.estimates[0].failed.any()


@pytest.mark.parametrize(
    ("build", "part"),
    [
        (lambda: BayesNormal("hba1c", 12.0), "effect_prior and control_prior are missing"),
        (
            lambda: BayesNormal("c_peptide", 12.0, control_prior=NARROW, covariates=("age",)),
            "control_prior is of the plain mean",
        ),
        (lambda: BayesNormal("hba1c", 12.0, control_prior=NARROW), "control_prior.means holds 0.1"),
        (
            lambda: BayesNormal("hba1c", 12.0, AnalysisMixture((1.0,), (8.0,), (1.0,))),
            "effect_prior.means holds 8",
        ),
        (lambda: AnalysisMixture((0.5,), (0.0,), (1.0,)), "weights sum to 0.5"),
        (lambda: AnalysisMixture((1.0,), (0.0,), (-1.0,)), "sds holds -1"),
        (lambda: AnalysisMixture((1.0,), (0.0,), (1.0,), 0.2), "robust_sd is missing"),
        (lambda: AnalysisMixture((1.0,), (0.0,), (1.0,), robust_sd=1.0), "robust_weight is 0"),
        (lambda: AnalysisMixture((1.0,), (0.0,), (1.0,), 1.0, 0.0, 1.0), "robust_weight is 1"),
    ],
)
def test_an_option_that_does_not_fit_is_named(build: object, part: str) -> None:
    with pytest.raises(ValueError, match=part):
        build()
