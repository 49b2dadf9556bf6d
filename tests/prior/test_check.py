"""The check of a fitted prior: tail probabilities, what was learned, face values."""

from dataclasses import replace

import numpy as np
import pymc as pm
import pytest
from scipy import stats
from support.agreement import STANDARD_ERRORS, assert_agrees
from support.kept_prior import MEAN, draws_for, shipped_evidence

from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.prior.check import check_prior, face_values, replicate_tails
from phase2sim.prior.models import prior_moments as beforehand
from phase2sim.prior.models.densities.quadrature import KNOTS_MONTHS
from phase2sim.prior.models.joint import joint_model
from phase2sim.prior.models.unknowns.effect import assumptions

REPLICAS = 20_000


@pytest.mark.parametrize("z", [0.0, 0.5, 1.96, -2.5])
def test_tail_probability_of_a_measured_number_is_the_two_sided_p(z: float) -> None:
    again = np.random.default_rng(1).normal(size=REPLICAS)

    tail, mcse = replicate_tails(z, again)

    assert_agrees(tail, 2 * stats.norm.sf(abs(z)), mcse)
    exact = stats.norm.sf(abs(z))
    assert mcse == pytest.approx(2 * (exact * (1 - exact) / REPLICAS) ** 0.5, rel=0.3)


@pytest.mark.parametrize("count", [0, 2, 5, 9])
def test_tail_probability_of_a_count_is_the_two_sided_mid_p(count: int) -> None:
    again = np.random.default_rng(2).binomial(10, 0.4, REPLICAS).astype(float)
    law = stats.binom(10, 0.4)

    tail, mcse = replicate_tails(count, again)

    below = law.cdf(count - 1) + law.pmf(count) / 2
    assert_agrees(tail, 2 * min(below, 1 - below), mcse)


def test_a_number_beyond_all_replicas_is_not_certain_to_be_impossible() -> None:
    tail, mcse = replicate_tails(5.0, np.zeros(1000))

    assert tail == 0.0
    assert 0 < mcse < 0.002


def test_what_was_assumed_before_is_what_the_model_draws_without_evidence() -> None:
    evidence = shipped_evidence(("gxipc1", "msc-randomised", "t1d-natural-history"))
    size = 4000
    with joint_model(evidence) as model:
        names = ("history", "sd", "level_sd", "slope_sd", "effect")
        drawn = pm.draw([model[name] for name in names], draws=size, random_seed=3)
    history, sd, level, slope, effect = (np.asarray(values) for values in drawn)
    modelled = [name for name in ENDPOINTS if name in assumptions(evidence, tuple(ENDPOINTS))]

    for e, name in enumerate(modelled):
        pairs = (
            (history[:, e], beforehand.history_before(name, KNOTS_MONTHS)),
            (sd[:, e], beforehand.sd_before(name, KNOTS_MONTHS)),
            (level[:, e], beforehand.level_sd_before(name)),
            (slope[:, e], beforehand.slope_sd_before(name)),
            (
                effect[:, e],
                beforehand.effect_before(evidence, assumptions(evidence, (name,))[name]),
            ),
        )
        for draws, before in pairs:
            assert_agrees(draws.mean(axis=0), before.mean, before.sd / size**0.5)
            # The SD's own error grows with the kurtosis; a lognormal's is large.
            error = np.sqrt((stats.kurtosis(draws, axis=0) + 2) / (4 * size))
            gap = np.log(draws.std(axis=0) / before.sd)
            assert np.all(np.abs(gap) <= STANDARD_ERRORS * error + 0.05), name


def test_a_face_value_is_the_reported_number_minus_the_untreated_mean() -> None:
    evidence = shipped_evidence()

    effects = {
        (row.endpoint, row.label): row.effect for row in face_values(evidence, draws_for(evidence))
    }

    # Untreated patients of the kept draws have a mean of 8 % at every month. With an onset of half
    # time 1.5 months the effect at month 3 is 3/4 of the whole, at month 6 15/16.
    assert effects["hba1c", "month 6: median 8.27 %"] == pytest.approx(8.27 - MEAN["hba1c"])
    expected = (7.41 - MEAN["hba1c"]) * (15 / 16) / (3 / 4)
    assert effects["hba1c", "month 3: median 7.41 %"] == pytest.approx(expected)


def test_every_number_that_the_fit_reads_is_replicated() -> None:
    evidence = shipped_evidence()

    check = check_prior(evidence, draws_for(evidence))

    read = [row for row in evidence.reported if not row.unused]
    assert {(row.entry.file, row.entry.number) for row in check.replicas} == {
        (row.file, row.number) for row in read
    }
    assert check.flags == sum(row.tail < 0.05 for row in check.replicas)
    assert check.flags_by_chance == pytest.approx(0.05 * len(check.replicas))
    assert all(row.lower <= row.median <= row.upper for row in check.replicas)
    assert {prior.of for prior in check.analysis_priors} == {"effect", "control"}


def test_what_the_evidence_did_not_touch_has_a_ratio_of_one() -> None:
    evidence = shipped_evidence()
    prior = draws_for(evidence)
    position = prior.endpoints.index("hba1c")
    before = beforehand.effect_before(evidence, prior.effects["hba1c"])
    effect = prior.effect.copy()
    effect[:, position] = stats.norm.ppf((np.arange(len(effect)) + 0.5) / len(effect)) * before.sd

    check = check_prior(evidence, replace(prior, effect=effect))

    learned = next(
        row for row in check.learned if (row.endpoint, row.what) == ("hba1c", "treatment effect")
    )
    assert learned.sd_ratio == pytest.approx(1.0, abs=0.05)  # 50 quantiles of a normal
