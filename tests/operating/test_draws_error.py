"""The error from the prior's draws: a known power, and as many priors and trials as one likes."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from support.agreement import se_of_share

from phase2sim.core.arrays import Floats, Ints
from phase2sim.core.contracts import GO, STOP, Estimates
from phase2sim.core.draws_error import (
    DrawSums,
    Picks,
    paired_with_draws,
    with_draws,
    with_draws_of_trials,
)
from phase2sim.core.measured import Measured, mean_of, proportion
from phase2sim.operating.draw_sums import sum_by_draw
from phase2sim.operating.measures import (
    TrialSums,
    by_class,
    coverage,
    share_of_go,
    tally,
    true_given_go,
)

# A z test: the effect of a draw is N(MEAN, SD), its estimate has standard error 1.
MEAN, SD, CRITICAL, REFERENCE = 1.2, 0.9, 1.96, 1.5
SEEDS = 200
REACH = 4.0 * np.sqrt(2.0 / SEEDS)  # four standard errors of a variance of normals, relative


def exact_assurance(mean: float = MEAN) -> float:
    return float(stats.norm.cdf((mean - CRITICAL) / np.hypot(1.0, SD)))


def exact_variance_between_draws() -> float:
    """Two trials of one draw are both a go with a bivariate normal probability."""
    at = (MEAN - CRITICAL) / np.hypot(1.0, SD)
    shared = SD**2 / (1.0 + SD**2)
    both = stats.multivariate_normal([0.0, 0.0], [[1.0, shared], [shared, 1.0]]).cdf([at, at])
    return float(both) - exact_assurance() ** 2


def draws_of(rng: np.random.Generator, draws: int, correlation: float = 0.0) -> Floats:
    """Draws from N(MEAN, SD), first-order autoregressive."""
    noise = rng.normal(size=draws)
    for draw in range(1, draws if correlation else 0):
        fresh = np.sqrt(1.0 - correlation**2) * noise[draw]
        noise[draw] = correlation * noise[draw - 1] + fresh
    return MEAN + SD * noise


def assurance(seed: int, draws: int, trials: int, correlation: float = 0.0) -> Measured:
    rng = np.random.default_rng(seed)
    effect = draws_of(rng, draws, correlation)
    picks = Picks(rng.integers(draws, size=trials), draws)
    go = effect[picks.index] + rng.normal(size=trials) > CRITICAL
    return with_draws_of_trials(proportion(int(go.sum()), trials, trials), go, picks)


def assert_errors_are_right(measured: list[Measured], exact: float) -> None:
    """The errors agree with the variation between seeds, and with the distance from the truth."""
    estimates, errors = np.array([(m.estimate, m.mcse) for m in measured]).T
    assert estimates.var(ddof=1) / (errors**2).mean() == pytest.approx(1.0, abs=REACH)
    assert (((estimates - exact) / errors) ** 2).mean() == pytest.approx(1.0, abs=REACH)


@pytest.mark.parametrize(
    ("draws", "trials", "correlation"),
    [(2_000, 500, 0.0), (2_000, 5_000, 0.0), (2_000, 50_000, 0.0), (2_000, 5_000, 0.8)],
)
def test_the_printed_error_is_the_variation_between_seeds(
    draws: int, trials: int, correlation: float
) -> None:
    measured = [assurance(seed, draws, trials, correlation) for seed in range(SEEDS)]

    assert_errors_are_right(measured, exact_assurance())


def test_more_trials_do_not_bring_the_error_below_that_of_the_draws() -> None:
    draws = 2_000
    few, many = ([assurance(seed, draws, n) for seed in range(SEEDS)] for n in (5_000, 50_000))

    of_draws = np.sqrt(exact_variance_between_draws() / draws)
    # Overlapping batch means know a variance to sqrt(4/3 / sqrt(draws)), relative; the larger of
    # two estimates is at most half of that too large on average.
    reach = np.sqrt(4.0 / 3.0 / np.sqrt(draws)) / 2.0
    for measured in (few, many):
        found = np.mean([m.draws_mcse**2 for m in measured])
        assert -reach < found / of_draws**2 - 1.0 < 2.0 * reach
    assert min(m.mcse for m in many) > of_draws * (1.0 - 2.0 * reach)
    assert np.mean([m.trials_mcse for m in many]) == pytest.approx(
        np.sqrt(exact_assurance() * (1.0 - exact_assurance()) / 50_000), rel=0.02
    )


def test_twice_the_draws_move_assurance_by_no_more_than_the_printed_error() -> None:
    """The same sampler run for twice as long, and the same patients in every trial."""
    draws, trials, inside = 2_000, 10_000, 0
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        effect, pick, noise = (
            draws_of(rng, 2 * draws),
            rng.uniform(size=trials),
            rng.normal(size=trials),
        )
        found = []
        for kept in (effect[::2], effect):
            picks = Picks((pick * len(kept)).astype(np.int64), len(kept))
            go = kept[picks.index] + noise > CRITICAL
            share = proportion(int(go.sum()), trials, trials)
            found.append(with_draws_of_trials(share, go, picks))
        inside += abs(found[1].estimate - found[0].estimate) <= 2.0 * found[0].mcse

    assert inside / SEEDS >= 0.95 - 4.0 * se_of_share(0.95, SEEDS)


def test_a_difference_on_the_same_draws_has_the_error_of_the_difference() -> None:
    draws, trials, better = 1_000, 5_000, 0.5
    measured = []
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        effect, noise = draws_of(rng, draws), rng.normal(size=trials)
        picks = Picks(rng.integers(draws, size=trials), draws)
        small = effect[picks.index] + noise > CRITICAL
        large = effect[picks.index] + better + noise > CRITICAL
        pairs = large.astype(np.int64) - small
        mean = mean_of(int(pairs.sum()), int((pairs**2).sum()), trials, trials, trials)
        measured.append(paired_with_draws(mean, large, small, (picks, picks)))
    exact = exact_assurance(MEAN + better) - exact_assurance()

    assert_errors_are_right(measured, exact)
    other = Picks(picks.index % 500, 500)
    unpaired = paired_with_draws(mean, large, small, (picks, other))
    assert unpaired.draws_mcse > 1.5 * measured[-1].draws_mcse


def batch(effect: Floats, picks: Picks, noise: Floats, trials: slice = slice(None)) -> TrialSums:
    """Sums over the trials of a z test, whose true effects are those of their draws."""
    index = picks.index[trials]
    true_effect = effect[index][None]
    estimate = effect[index] + noise[trials]
    estimates = (
        Estimates(
            effect=estimate,
            se=np.ones(index.size),
            df=np.full(index.size, np.inf),
            p=stats.norm.sf(estimate),
            reason=np.zeros(index.size, np.int8),
        ),
    )
    verdict = np.where(estimate > CRITICAL, GO, STOP).astype(np.int8)[:, None]
    classes = np.where(true_effect > REFERENCE, 2, 0).astype(np.int8).T
    missing = np.abs(noise[trials])[None] / 10.0
    sums = tally(estimates, true_effect, missing, verdict)
    by_draw = sum_by_draw(
        replace(picks, index=index), estimates, true_effect, missing, verdict, classes=classes
    )
    return replace(sums, by_class=by_class(verdict, classes), by_draw=by_draw)


def a_run(seed: int, draws: int = 500, trials: int = 5_000) -> tuple[Floats, Picks, Floats]:
    rng = np.random.default_rng(seed)
    effect = draws_of(rng, draws)
    return effect, Picks(rng.integers(draws, size=trials), draws), rng.normal(size=trials)


def test_shares_of_goes_have_the_error_of_a_ratio() -> None:
    """The exact share is a bivariate normal probability over the assurance."""
    found = [batch(*a_run(seed)) for seed in range(SEEDS)]
    spread = np.hypot(1.0, SD)
    both = stats.multivariate_normal([0.0, 0.0], [[1.0, SD / spread], [SD / spread, 1.0]])
    exact = both.cdf([(MEAN - REFERENCE) / SD, (MEAN - CRITICAL) / spread]) / exact_assurance()

    assert_errors_are_right([true_given_go(sums, 0, 5_000) for sums in found], float(exact))
    assert_errors_are_right([share_of_go(sums, 0, 5_000) for sums in found], exact_assurance())


def test_a_number_that_all_draws_share_gets_little_error_from_them() -> None:
    """Every interval covers with probability 0.95, whatever its draw."""
    found = [coverage(batch(*a_run(seed)), 0, 5_000) for seed in range(SEEDS)]

    estimates, errors = np.array([(m.estimate, m.mcse) for m in found]).T
    ratio = (errors**2).mean() / estimates.var(ddof=1)
    assert 1.0 - REACH < ratio < 1.3 + REACH  # never below 0, so a little too large


def test_batches_add_up_to_the_same_sums() -> None:
    effect, picks, noise = a_run(1)
    at_once = batch(effect, picks, noise)

    parts = [batch(effect, picks, noise, part) for part in (slice(700), slice(700, 5_000))]
    total = parts[0] + parts[1]

    assert np.array_equal(total.by_draw.trials, at_once.by_draw.trials)
    for name, sums in at_once.by_draw.totals.items():
        if name in {"error", "missing"}:
            assert total.by_draw.totals[name] == pytest.approx(sums, rel=1e-12, abs=1e-12)
        else:
            assert np.array_equal(total.by_draw.totals[name], sums), name
    assert share_of_go(total, 0, 5_000) == share_of_go(at_once, 0, 5_000)
    assert at_once.by_draw.totals["go"].sum() == at_once.go[0]
    assert at_once.by_draw.totals["go 2"].sum() == at_once.by_class[0, 2, 0]


def test_a_fixed_truth_has_no_error_from_draws() -> None:
    share = proportion(30, 120, 120)

    assert with_draws_of_trials(share, np.arange(120) < 30, None) is share
    assert with_draws(share, np.zeros(0), np.zeros(0)) is share
    assert not (DrawSums() + DrawSums.of(None, {"go": np.ones((1, 3))})).trials.size
    assert (share.draws_mcse, share.trials_mcse) == (0.0, share.mcse)


@pytest.mark.parametrize(
    ("go", "index"),
    [([0, 0, 0, 0], [0, 1, 1, 3]), ([1, 1, 1, 1], [0, 1, 1, 3]), ([1, 0, 1, 0], [0, 1, 2, 3])],
    ids=["no go", "all go", "no two trials share a draw"],
)
def test_an_unknown_variance_between_draws_is_the_largest_possible(
    go: list[int], index: list[int]
) -> None:
    """V is at most p (1 - p), so with 4 trials of 9 draws the error is sqrt(1 + 4 / 9) as large."""
    picks = Picks(_ints(index), 9)
    share = proportion(sum(go), 4, 4)

    found = with_draws_of_trials(share, _ints(go), picks)

    assert found.mcse == pytest.approx(share.mcse * np.sqrt(1.0 + 4.0 / 9.0))
    assert found.draws_mcse == pytest.approx(share.mcse * np.sqrt(4.0 / 9.0))


def test_failed_trials_stay_no_go_and_keep_their_bounds() -> None:
    picks = Picks(_ints([0, 0, 1, 1, 2, 2]), 3)
    share = replace(proportion(3, 6, 6), failed=2, high=5 / 6)

    found = with_draws_of_trials(share, _ints([1, 1, 1, 0, 0, 0]), picks)

    assert (found.estimate, found.failed, found.low, found.high) == (0.5, 2, 0.5, 5 / 6)
    assert found.mcse == pytest.approx(np.hypot(share.mcse, found.draws_mcse))


def _ints(values: list[int]) -> Ints:
    return np.array(values, dtype=np.int64)
