"""Mixtures of normals against R, RBesT and theory."""

import re

import numpy as np
import pytest
from scipy import stats
from support.readings import rows_of

from phase2sim.core.errors import BadInput
from phase2sim.theory.mixtures import (
    NormalMixture,
    elir_patients,
    fit_mixture,
    moment_patients,
    normal_mixture,
)
from phase2sim.theory.mixtures.two_arms import (
    TwoArmRule,
    assurance,
    assurance_with_effect_above,
    critical_estimate,
)

type Row = dict[str, str]

ROWS = rows_of("norm_mix.csv")
SHORT = rows_of("mixture_posteriors.csv")
# Two criteria bind in turn: its R rows integrate over the kink with a rule too coarse for 1e-8.
KINKED = "NM020"
QUANTILES = {"post_q025": 0.025, "post_q50": 0.5, "post_q975": 0.975}


def numbers(text: str, separator: str = ";") -> list[float]:
    return [float(part) for part in text.split(separator)]


def mixture_of(row: Row, prefix: str = "prior") -> NormalMixture:
    columns = (row[f"{prefix}_{name}"] for name in ("w", "mean", "sd"))
    plain = normal_mixture(*map(numbers, columns))
    if prefix == "prior" and row["robust_weight"]:
        robust = (float(row[f"robust_{name}"]) for name in ("weight", "mean", "sd"))
        return plain.robustified(*robust)
    return plain


def posterior_value(row: Row) -> float:
    prior, quantity = mixture_of(row), row["quantity"]
    seen, se, sigma = (float(row[key]) for key in ("obs_mean", "obs_se", "sigma"))
    posterior = prior.posterior(seen, se)
    if found := re.fullmatch(r"post_(weight|mean|sd)_(\d)", quantity):
        return float(getattr(posterior, f"{found[1]}s")[int(found[2]) - 1])
    if quantity in QUANTILES:
        return float(posterior.quantile(QUANTILES[quantity]))
    return {
        "post_mix_mean": lambda: float(posterior.mean()),
        "post_mix_sd": lambda: float(posterior.sd()),
        "prior_mix_mean": lambda: float(prior.mean()),
        "prior_mix_sd": lambda: float(prior.sd()),
        "marginal_density_at_obs": lambda: float(prior.predictive(se).density(seen)),
        "post_prob_gt_prior_mean": lambda: float(posterior.above(prior.mean())),
        "prior_ess_moment": lambda: moment_patients(prior, sigma),
        "post_ess_moment": lambda: moment_patients(posterior, sigma),
        "prior_ess_elir": lambda: elir_patients(prior, sigma),
        "post_ess_elir": lambda: elir_patients(posterior, sigma),
    }[quantity]()


def rule_of(row: Row) -> TwoArmRule:
    sigma = float(row["sigma"])
    return TwoArmRule(
        treated=mixture_of(row, "treat_prior"),
        control=mixture_of(row),
        treated_se=sigma / float(row["n_treat"]) ** 0.5,
        control_se=sigma / float(row["n_control"]) ** 0.5,
        criteria=tuple(
            zip(numbers(row["criterion_cut"]), numbers(row["criterion_prob"]), strict=True)
        ),
    )


def decision_value(row: Row) -> float:
    rule, quantity = rule_of(row), row["quantity"]
    if found := re.fullmatch(r"boundary_ybar_treat_at_ybar_control_(.+)", quantity):
        return float(rule.boundary(float(found[1])))
    if found := re.fullmatch(r"post_prob_criterion(\d)_at_ybar_(.+)_(.+)", quantity):
        return float(rule.probabilities(float(found[2]), float(found[3]))[int(found[1]) - 1])
    assert quantity.startswith("prob_success_truth_")
    treated, control = numbers(quantity.removeprefix("prob_success_truth_"), "_")
    return rule.chance_of_success(treated, control)


@pytest.mark.parametrize(
    "row",
    [
        r
        for r in ROWS
        if r["case_id"] == KINKED and r["tool"] == "R 4.2.2" and "truth" in r["quantity"]
    ],
    ids=lambda r: r["quantity"],
)
def test_the_rule_of_the_row_itself_gives_its_value_where_the_boundary_has_a_kink(row: Row) -> None:
    rule, sides = rule_of(row), np.linspace(-8.0, 8.0, 7)
    treated, control = numbers(row["quantity"].removeprefix("prob_success_truth_"), "_")
    node, weight = np.polynomial.legendre.leggauss(60)
    z = (0.5 * (sides[1:] + sides[:-1])[:, None] + 8 / 6 * node).ravel()

    bound = rule.boundary(control + rule.control_se * z)

    passes = stats.norm.sf(bound, treated, rule.treated_se)
    integral = (np.tile(8 / 6 * weight, 6) * stats.norm.pdf(z) * passes).sum()
    assert integral == pytest.approx(float(row["value"]), abs=1e-11)


def assurance_value(row: Row) -> float:
    mean, sd, se = (float(row[key]) for key in ("prior_mean", "prior_sd", "obs_se"))
    prior, least = normal_mixture([1], [mean], [sd]), float(row["min_estimate"])
    critical = critical_estimate(float(row["alpha"]), se, least)
    return {
        "assurance": lambda: assurance(prior, se, critical),
        "critical_estimate": lambda: critical,
        "power_at_prior_mean": lambda: assurance(
            normal_mixture([1], [mean], [1e-12]), se, critical
        ),
        "assurance_and_effect_positive": lambda: assurance_with_effect_above(
            prior, se, critical, 0.0
        ),
        "prior_prob_effect_positive": lambda: float(prior.above(0.0)),
        "assurance_limit_infinite_n": lambda: float(prior.above(max(0.0, least))),
        "se_post_if_success_at_crit_post_mean": lambda: float(prior.posterior(critical, se).mean()),
    }[row["quantity"]]()


VALUE = {
    "posterior_ess": posterior_value,
    "two_sample_decision": decision_value,
    "assurance": assurance_value,
}


@pytest.mark.parametrize(
    "row", ROWS, ids=lambda r: f"{r['case_id']}-{r['quantity']}-{r['tool'][:5]}"
)
def test_agrees_with_r_and_rbest(row: Row) -> None:
    expected = float(row["value"])
    searched = row["task"] == "two_sample_decision" or row["quantity"].endswith("elir")
    # RBesT stops its searches and integrals early; the R rows are the truth where they differ.
    tolerance = 2e-4 if row["tool"].startswith("RBesT") and searched else 1e-8
    if row["case_id"] == KINKED and row["quantity"].startswith("prob_success"):
        tolerance = max(tolerance, 4e-6)

    ours = VALUE[row["task"]](row)

    assert ours == pytest.approx(expected, rel=tolerance, abs=tolerance)


@pytest.mark.parametrize("row", SHORT, ids=lambda r: f"{r['case']}-{r['quantity']}")
def test_agrees_with_closed_forms(row: Row) -> None:
    found = re.findall(r"[wms]=([-\d./]+)|(?:observed|se) ([-\d.]+)", row["inputs"])
    if row["case"].startswith("assur"):
        shown = re.fullmatch(
            r".*N\((.+),(.+)\^2\) known sd=(\S+) n=(\d+)/(\d+) one-sided .025 z", row["inputs"]
        )
        assert shown
        mean, prior_sd, sd, first, second = map(float, shown.groups())
        se = sd * (1 / first + 1 / second) ** 0.5
        prior = normal_mixture([1], [mean], [prior_sd])
        ours = assurance(prior, se, critical_estimate(0.025, se))
    else:
        columns = [numbers(mixed, "/") for mixed, _ in found[:3]]
        posterior = normal_mixture(*columns).posterior(float(found[3][1]), float(found[4][1]))
        *_, name, last = row["quantity"].split()
        ours = (
            float(posterior.cdf(-0.2))
            if row["quantity"].startswith("P(")
            else float(getattr(posterior, f"{name}s")[int(last) - 1])
        )

    assert ours == pytest.approx(float(row["value"]), rel=1e-8, abs=1e-8)


def test_a_batch_is_updated_as_its_trials_are() -> None:
    prior = normal_mixture([0.7, 0.3], [-0.5, 0.0], [0.2, 1.0])
    seen, se = np.array([-1.0, 0.2, 30.0]), np.array([0.1, 0.3, 0.2])

    batch = prior.posterior(seen, se)

    for trial in range(3):
        alone = prior.posterior(seen[trial], se[trial])
        np.testing.assert_allclose(batch.weights[trial], alone.weights)
        np.testing.assert_allclose(batch.means[trial], alone.means)
        np.testing.assert_allclose(batch.quantile(0.1)[trial], alone.quantile(0.1))


def test_a_flat_prior_gives_the_textbook_posterior() -> None:
    posterior = normal_mixture([1], [0], [1e8]).posterior(-0.3, 0.2)

    assert posterior.quantile(0.975) == pytest.approx(-0.3 + 0.2 * stats.norm.ppf(0.975))


@pytest.mark.parametrize(
    ("weights", "means", "sds", "said"),
    [
        ([1], [0, 1], [1], "one of each"),
        ([], [], [], "one of each"),
        ([0.5, 0.4], [0, 1], [1, 1], "sum to 0.9"),
        ([1.5, -0.5], [0, 1], [1, 1], "0 or more"),
        ([1], [0], [0], "above 0"),
        ([1], [float("nan")], [1], "not finite"),
    ],
)
def test_what_is_no_mixture_is_refused(
    weights: list[float], means: list[float], sds: list[float], said: str
) -> None:
    with pytest.raises(BadInput, match=said):
        normal_mixture(weights, means, sds)


def test_normal_draws_give_one_component() -> None:
    draws = np.random.default_rng(5).normal(8.0, 0.3, 4000)

    fitted = fit_mixture(draws)

    assert fitted.weights.tolist() == [1.0]
    assert float(fitted.mean()) == pytest.approx(draws.mean())
    assert float(fitted.sd()) == pytest.approx(draws.std())


def test_a_known_mixture_is_recovered() -> None:
    rng = np.random.default_rng(6)
    draws = np.where(
        rng.random(20_000) < 0.7, rng.normal(-1, 0.3, 20_000), rng.normal(1, 0.6, 20_000)
    )

    fitted = fit_mixture(draws)

    # Standard errors of these estimates are below 0.01.
    np.testing.assert_allclose(fitted.weights, [0.7, 0.3], atol=0.04)
    np.testing.assert_allclose(fitted.means, [-1.0, 1.0], atol=0.04)
    np.testing.assert_allclose(fitted.sds, [0.3, 0.6], atol=0.04)


@pytest.mark.parametrize(
    "law",
    [stats.gumbel_r(), stats.t(4), stats.skewnorm(5), stats.laplace()],
    ids=lambda d: d.dist.name,
)
def test_skewed_and_heavy_tailed_draws_are_followed(law: stats.rv_continuous) -> None:
    draws = law.rvs(8000, random_state=7)

    fitted = fit_mixture(draws)

    # The band of a true law at 8000 draws, alpha 0.001, is 0.022.
    assert stats.kstest(draws, fitted.cdf).statistic < 0.022
    assert float(fitted.mean()) == pytest.approx(draws.mean(), abs=1e-3)


def test_a_mixture_does_not_depend_on_the_order_of_draws_nor_on_their_unit() -> None:
    draws = np.random.default_rng(8).gamma(2.0, 1.0, 3000)

    fitted, other = fit_mixture(draws), fit_mixture(100 + 10 * draws[::-1])

    np.testing.assert_allclose(other.means, 100 + 10 * fitted.means, rtol=1e-6)
    np.testing.assert_allclose(other.sds, 10 * fitted.sds, rtol=1e-6)


def test_equal_draws_give_one_narrow_normal() -> None:
    fitted = fit_mixture(np.full(50, 8.0))

    assert (fitted.weights.size, float(fitted.mean())) == (1, 8.0)
    assert float(fitted.sd()) < 1e-6
