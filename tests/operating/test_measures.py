"""Operating characteristics against numbers worked out by hand."""

import numpy as np
import pytest
from scipy import stats
from support.agreement import assert_agrees

from phase2sim.core.contracts import GO, STOP, TOO_FEW, UNDECIDED, Estimates
from phase2sim.core.measured import proportion
from phase2sim.operating.measures import TrialSums, bias, coverage, mean_missing, share_of_go, tally


def _estimates(effect: list[float], se: list[float], df: float = 30.0) -> Estimates:
    failed = np.isnan(effect)
    return Estimates(
        effect=np.array(effect),
        se=np.array(se),
        df=np.where(failed, np.nan, df),
        p=np.where(failed, np.nan, 0.5),
        reason=np.where(failed, TOO_FEW, 0).astype(np.int8),
    )


def _tally(effect: list[float], se: list[float], truth: float, df: float = 30.0) -> TrialSums:
    trials = len(effect)
    verdict = np.where(np.isnan(effect), UNDECIDED, STOP).astype(np.int8)[:, None]
    share = np.linspace(0.0, 0.3, trials)[None]
    estimates = (_estimates(effect, se, df),)
    return tally(estimates, np.full((1, trials), truth), share, verdict)


NAN = float("nan")


def test_a_proportion_has_the_binomial_standard_error() -> None:
    measured = proportion(30, 120, 120)

    assert measured.estimate == 0.25
    assert measured.mcse == pytest.approx(np.sqrt(0.25 * 0.75 / 120))
    assert (measured.requested, measured.used, measured.failed) == (120, 120, 0)
    assert (measured.low, measured.high) == (0.25, 0.25)


@pytest.mark.parametrize(("successes", "estimate"), [(0, 0.0), (50, 1.0)])
def test_a_proportion_of_0_or_1_keeps_a_standard_error(successes: int, estimate: float) -> None:
    measured = proportion(successes, 50, 50)

    spread = 0.5 / 51  # half an event in one trial more, from either end
    assert measured.estimate == estimate
    assert measured.mcse == pytest.approx(np.sqrt(spread * (1 - spread) / 50))


def test_failed_trials_are_left_out_and_bound_the_proportion() -> None:
    measured = proportion(30, 80, 100, requested=120)

    assert measured.estimate == 30 / 80
    assert measured.mcse == pytest.approx(np.sqrt(0.375 * 0.625 / 80))
    assert (measured.requested, measured.used, measured.failed) == (120, 80, 20)
    assert (measured.low, measured.high) == (0.30, 0.50)


def test_a_proportion_of_no_trials_is_unknown_and_not_zero() -> None:
    measured = proportion(0, 0, 40)

    assert np.isnan([measured.estimate, measured.mcse]).all()
    assert (measured.low, measured.high) == (0.0, 1.0)
    assert measured.failed == 40


def test_a_decision_counts_go_among_all_trials_and_bounds_what_failures_leave() -> None:
    verdict = np.array([[GO, GO], [STOP, GO], [UNDECIDED, STOP], [GO, UNDECIDED]], dtype=np.int8)
    estimates = (_estimates([0.1, 0.2, NAN, 0.3], [1.0, 1.0, NAN, 1.0]),)

    sums = tally(estimates, np.zeros((1, 4)), np.zeros((1, 4)), verdict)

    first, second = share_of_go(sums, 0, requested=4), share_of_go(sums, 1, requested=4)
    assert (first.estimate, first.used, first.failed) == (0.5, 4, 1)
    assert (first.low, first.high) == (0.5, 0.75)
    assert (second.estimate, second.used) == (0.5, 4)


def test_bias_is_the_mean_error_with_its_standard_error() -> None:
    sums = _tally([0.5, 0.1, 0.3, 0.7], [1.0] * 4, truth=0.2)

    measured = bias(sums, 0, requested=4)

    # Errors 0.3, -0.1, 0.1, 0.5: mean 0.2, squared deviations 0.01 + 0.09 + 0.01 + 0.09 over 3.
    assert measured.estimate == pytest.approx(0.2)
    assert measured.mcse == pytest.approx(np.sqrt(0.20 / 3 / 4))


def test_bias_leaves_out_the_trials_that_failed() -> None:
    sums = _tally([0.5, NAN, 0.3, NAN], [1.0, NAN, 1.0, NAN], truth=0.2)

    measured = bias(sums, 0, requested=4)

    assert measured.estimate == pytest.approx(0.2)
    assert (measured.used, measured.failed) == (2, 2)


def test_coverage_counts_the_intervals_that_hold_the_truth() -> None:
    half = stats.t.ppf(0.975, 30)  # of an interval with standard error 1
    inside, outside = 0.2 + half - 1e-6, 0.2 + half + 1e-6

    sums = _tally([inside, outside, 0.2, 0.4 - outside, NAN], [1.0] * 4 + [NAN], truth=0.2)

    measured = coverage(sums, 0, requested=5)
    assert (measured.estimate, measured.used, measured.failed) == (2 / 4, 4, 1)
    assert (measured.low, measured.high) == (2 / 5, 3 / 5)


@pytest.mark.parametrize("df", [1.0, 2.0, 10.0, 1e6])
def test_an_interval_is_as_wide_as_its_degrees_of_freedom_say(df: float) -> None:
    half = stats.t.ppf(0.975, df)

    sums = _tally([half * 0.9999, half * 1.0001], [1.0, 1.0], truth=0.0, df=df)

    assert coverage(sums, 0, requested=2).estimate == 0.5


def test_coverage_of_t_intervals_around_normal_means_is_nominal() -> None:
    x = np.random.default_rng(1).normal(0.7, 2.0, (40_000, 5))
    effect, se = x.mean(axis=1).tolist(), (x.std(axis=1, ddof=1) / np.sqrt(5)).tolist()

    assert_agrees(coverage(_tally(effect, se, 0.7, df=4.0), 0, 40_000), exact=0.95)


def test_missing_is_the_mean_share_not_seen() -> None:
    sums = _tally([0.1, 0.2, NAN, 0.4], [1.0, 1.0, NAN, 1.0], truth=0.0)

    measured = mean_missing(sums, 0, requested=4)

    # Shares 0, 0.1, 0.2, 0.3; a failed analysis has missing values too.
    assert measured.estimate == pytest.approx(0.15)
    assert measured.mcse == pytest.approx(np.sqrt(0.05 / 3 / 4))
    assert (measured.used, measured.failed) == (4, 0)


def test_adding_tallies_joins_their_trials() -> None:
    effect, se = [0.5, NAN, 0.3, 0.9, -0.4], [0.1, NAN, 0.5, 0.2, 0.3]
    share = np.array([[0.0, 0.1, 0.3, 0.2, 0.0]])
    verdict = np.array([[GO], [UNDECIDED], [STOP], [GO], [STOP]], dtype=np.int8)

    def part(trials: slice) -> TrialSums:
        estimates = (_estimates(effect[trials], se[trials]),)
        truth = np.full((1, len(effect[trials])), 0.2)
        months = np.array([30.0, 31.5, 29.0, 33.0, 32.0])
        return tally(estimates, truth, share[:, trials], verdict[trials], months=months[trials])

    total, at_once = part(slice(0, 2)) + part(slice(2, 5)), part(slice(0, 5))

    assert total.looks.stops.shape == (2, 0)  # no interim looks
    assert total.harm.stops.shape == (0,)  # no safety rule
    for name in (slot for slot in TrialSums.__slots__ if slot not in {"looks", "harm", "by_draw"}):
        assert getattr(total, name) == pytest.approx(getattr(at_once, name), rel=1e-15), name
