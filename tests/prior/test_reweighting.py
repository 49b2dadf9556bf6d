"""Reweighted draws against closed forms: leaving out one of two normal observations."""

from dataclasses import dataclass

import numpy as np
import pytest
from support.agreement import STANDARD_ERRORS, assert_agrees

from phase2sim.prior.models.importance import leave_one_out
from phase2sim.prior.reweighting import (
    TrialOutcomes,
    mean_and_sd,
    refit_mean_change,
    reweight_mean,
    reweight_share,
)
from phase2sim.prior.reweighting import refit_share_change as refitted

DRAWS = 8000


@dataclass(frozen=True)
class Conjugate:
    """A mean with prior N(0, 1), seen twice with unit error: 0.4, and ``other``."""

    other: float

    def draws(self, seed: int, draws: int = DRAWS) -> np.ndarray:
        mean, sd = (0.4 + self.other) / 3.0, 3.0**-0.5
        return np.random.default_rng(seed).normal(mean, sd, draws)

    def log_density_of_other(self, mean: np.ndarray) -> np.ndarray:
        return -0.5 * (self.other - mean) ** 2

    without = (0.2, 0.5**0.5)  # posterior mean and SD given 0.4 alone


@pytest.mark.parametrize("other", [-0.5, 0.4, 1.5])
def test_leaving_out_an_observation_gives_the_posterior_of_the_other(other: float) -> None:
    case = Conjugate(other)
    draws = case.draws(1)

    weights, k = leave_one_out(case.log_density_of_other(draws)[:, None])
    mean, sd = reweight_mean(draws, weights[:, 0])

    assert k[0] < 0.7
    assert weights.sum() == pytest.approx(1.0)
    assert_agrees(mean.value, case.without[0], mean.mcse)
    assert_agrees(sd.value, case.without[1], sd.mcse)
    assert_agrees(mean.difference, case.without[0] - (0.4 + other) / 3, mean.difference_mcse)
    assert_agrees(sd.difference, case.without[1] - 3.0**-0.5, sd.difference_mcse)


def test_the_monte_carlo_error_is_what_repetition_shows() -> None:
    case, repeats = Conjugate(1.5), 300
    moved = []
    for seed in range(repeats):
        draws = case.draws(seed, 2000)
        weights, _ = leave_one_out(case.log_density_of_other(draws)[:, None])
        moved.append(reweight_mean(draws, weights[:, 0]))

    for which in (0, 1):
        spread = np.std([pair[which].difference for pair in moved], ddof=1)
        reported = np.mean([pair[which].difference_mcse for pair in moved])
        # An SD of 300 values has a relative standard error of 1 / sqrt(600); weights with a heavy
        # tail make their own errors 10 % too small.
        assert reported == pytest.approx(spread, rel=STANDARD_ERRORS / 600**0.5 + 0.1)


def test_the_error_knows_that_draws_follow_one_another() -> None:
    # An autoregression of 0.9: the mean of n has variance (1 + 0.9) / (1 - 0.9) / n.
    rng, size = np.random.default_rng(2), 60_000
    noise = rng.normal(0.0, (1 - 0.81) ** 0.5, size)
    draws = np.zeros(size)
    for position in range(1, size):
        draws[position] = 0.9 * draws[position - 1] + noise[position]

    mean, _ = mean_and_sd(draws)

    assert mean.mcse == pytest.approx((19 / size) ** 0.5, rel=STANDARD_ERRORS / 100**0.5)


def test_an_entry_that_tells_draws_apart_by_nothing_moves_nothing() -> None:
    draws = Conjugate(0.0).draws(3)

    weights, k = leave_one_out(np.full((DRAWS, 1), -1.3))
    mean, sd = reweight_mean(draws, weights[:, 0])

    assert k[0] == 0
    assert (mean.difference, sd.difference) == (
        pytest.approx(0.0, abs=1e-12),
        pytest.approx(0.0, abs=1e-12),
    )
    assert mean.difference_mcse == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("tail", [0.3, 0.6, 0.9])
def test_pareto_k_is_the_tail_of_the_weights(tail: float) -> None:
    # 1 / density = exp(tail x exponential) has a Pareto tail of this shape.
    log_density = -tail * np.random.default_rng(4).exponential(size=40_000)

    _, k = leave_one_out(log_density[:, None])

    largest = 3 * 40_000**0.5  # weights in the tail that is fitted
    assert_agrees(k[0], tail, (1 + tail) / largest**0.5)


def test_a_refit_is_compared_with_its_own_error() -> None:
    base, other = Conjugate(1.5).draws(5), np.random.default_rng(6).normal(0.2, 0.5**0.5, DRAWS)

    mean, sd = refit_mean_change(other, base)

    assert_agrees(mean.difference, 0.2 - 1.9 / 3, mean.difference_mcse)
    assert_agrees(sd.difference, 0.5**0.5 - 3.0**-0.5, sd.difference_mcse)
    # Two independent means of 8000.
    exact = (0.5 / DRAWS + 1 / 3 / DRAWS) ** 0.5
    assert mean.difference_mcse == pytest.approx(exact, rel=STANDARD_ERRORS / 100**0.5)


def trials(chance: np.ndarray, size: int, seed: int) -> TrialOutcomes:
    """Trials whose draw is picked evenly and that succeed with their draw's chance."""
    rng = np.random.default_rng(seed)
    draw = rng.integers(0, chance.size, size)
    return TrialOutcomes(rng.random(size) < chance[draw], draw, np.arange(size))


def test_assurance_moves_to_that_of_the_weighted_draws() -> None:
    rng = np.random.default_rng(7)
    chance = rng.uniform(size=DRAWS)
    weights = chance / chance.sum()  # of draws in proportion to their chance: mean chance 2/3

    moved = reweight_share(trials(chance, 20_000, 8), weights)

    assert_agrees(moved.value, 2 / 3, moved.mcse)
    assert_agrees(moved.difference, 2 / 3 - 1 / 2, moved.difference_mcse)


def test_even_weights_move_no_assurance() -> None:
    goes = trials(np.full(DRAWS, 0.3), 5000, 9)

    moved = reweight_share(goes, np.full(DRAWS, 1 / DRAWS))

    assert moved.difference == pytest.approx(0.0, abs=1e-12)
    assert moved.difference_mcse == pytest.approx(0.0, abs=1e-12)
    # A share of independent trials; batch means know it to 1 / sqrt(2 x 49).
    exact = (0.3 * 0.7 / 5000) ** 0.5
    assert moved.mcse == pytest.approx(exact, rel=STANDARD_ERRORS / 98**0.5)


def test_a_refit_is_paired_with_the_trials_of_the_same_number() -> None:
    base = trials(np.full(DRAWS, 0.4), 5000, 10)
    lost = np.arange(5000) % 10 > 0  # a tenth of the other run's trials failed
    other = TrialOutcomes(base.go[lost], base.draw[lost], base.trial[lost])

    moved = refitted(other, base, DRAWS)

    assert (moved.difference, moved.difference_mcse) == (0.0, 0.0)
