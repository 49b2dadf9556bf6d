"""Coverage of the analyses' own intervals when treatment does something, by simulation."""

import numpy as np
import pytest
from scipy import stats
from support.agreement import assert_agrees, se_of_share

from phase2sim.analyses.imputation.conditional_mean_imputation import ConditionalMeanImputation
from phase2sim.analyses.imputation.multiple_imputation import MultipleImputation
from phase2sim.analyses.means.anhecova import Anhecova
from phase2sim.analyses.means.bayes_normal import BayesNormal
from phase2sim.analyses.ranks.rank_sum_exact import critical_pairs
from phase2sim.analyses.ranks.van_elteren import VanElteren
from phase2sim.analyses.ranks.wilcoxon import Wilcoxon
from phase2sim.analyses.responders.cmh import Cmh
from phase2sim.analyses.responders.logistic_standardised import LogisticStandardised
from phase2sim.analyses.responders.miettinen_nurminen import MiettinenNurminen
from phase2sim.analyses.responders.responders import Responder
from phase2sim.core.analysis import Analysis
from phase2sim.core.arrays import Floats
from phase2sim.core.contracts import Reading
from phase2sim.theory.mixtures import AnalysisMixture

pytestmark = pytest.mark.calibration
TRIALS = 10_000
NORMAL = stats.norm.ppf(0.975)


def made(seed: int, patients: int, effect: Floats | float, slopes: tuple[float, float]) -> Reading:
    """Make 1:2 trials of two strata; ``slopes`` on the baseline of control and treatment."""
    rng = np.random.default_rng(seed)
    shape = (TRIALS, patients)
    arm = (rng.random(shape).argsort(axis=1) < 2 * patients // 3).astype(np.int8)
    stratum = rng.integers(0, 2, shape)
    baseline = rng.normal(8.0, 1.0, shape)
    slope = np.where(arm == 1, slopes[1], slopes[0])
    value = 8.0 + slope * (baseline - 8.0) + 0.3 * (stratum - 0.5) + effect * arm
    value += rng.normal(0.0, 1.0, shape)
    return Reading(arm, baseline, value[:, None], (12.0,), np.full(shape, 12.0), stratum)


def covered(part: Analysis, reading: Reading, truth: Floats | float) -> tuple[float, int]:
    result = part.estimate(reading)
    if result.test is not None:
        lower, upper = result.test.lower, result.test.upper
    else:
        reach = stats.t.ppf(0.975, result.df) * result.se
        lower, upper = result.effect - reach, result.effect + reach
    used = ~result.failed
    held = (lower <= truth) & (truth <= upper)
    return float(held[used].mean()), int(used.sum())


@pytest.mark.parametrize("patients", [24, 60])
def test_of_the_exact_shift_interval_is_counted(patients: int) -> None:
    treated = 2 * patients // 3
    control = patients - treated
    part, reading = Wilcoxon("hba1c", 12.0), made(1, patients, -0.5, (0.0, 0.0))

    found, used = covered(part, reading, -0.5)

    # It leaves out at each end the values of the statistic below k, which have this chance.
    k = int(critical_pairs(np.array([control]), np.array([treated]), 0.025)[0])
    u = np.arange(control * treated + 1)
    counts = np.zeros(u.size)
    counts[0] = 1.0
    for i in range(1, control + 1):
        counts[treated + i :] -= counts[: -(treated + i)].copy()
        for r in range(i):
            counts[r::i] = np.cumsum(counts[r::i])
    exact = 1 - 2 * counts[:k].sum() / counts.sum()
    assert exact >= 0.95
    assert_agrees(found, exact, se_of_share(exact, used))


@pytest.mark.parametrize(
    "part", [VanElteren("hba1c", 12.0), Wilcoxon("hba1c", 12.0, distribution="normal")], ids=repr
)
def test_of_the_shift_interval_is_nominal_in_a_large_sample(part: Analysis) -> None:
    found, used = covered(part, made(2, 240, -0.5, (0.0, 0.0)), -0.5)

    assert_agrees(found, 0.95, np.hypot(se_of_share(0.95, used), 0.0005))


def test_of_anhecova_is_nominal_when_slopes_and_arms_differ() -> None:
    found, used = covered(Anhecova("hba1c", 12.0), made(3, 240, -0.5, (0.0, 1.5)), -0.5)

    assert_agrees(found, 0.95, np.hypot(se_of_share(0.95, used), 0.0005))


@pytest.mark.parametrize("part", [MiettinenNurminen, Cmh, LogisticStandardised])
def test_of_a_difference_in_rates_is_nominal_in_a_large_sample(part: type) -> None:
    # A response is a value below 8: by stratum and baseline, averaged over both.
    shift = np.array([-0.15, 0.15])
    slope = 0.8 if part is not Cmh else 0.0
    spread = np.hypot(1.0, slope)
    treated, control = (stats.norm.cdf((-shift - effect) / spread).mean() for effect in (-0.5, 0.0))
    reading = made(4, 240, -0.5, (slope, slope))

    found, used = covered(part("hba1c", 12.0, Responder(below=8.0)), reading, treated - control)

    # Room of 0.002 for what 240 patients leave of the approximation.
    assert_agrees(found, 0.95, np.hypot(se_of_share(0.95, used), 0.0005))


def test_of_bayes_over_its_own_prior_is_nominal() -> None:
    rng = np.random.default_rng(5)
    effect = rng.normal(-0.3, 0.3, TRIALS)
    prior = AnalysisMixture((1.0,), (-0.3,), (0.3,))

    part, reading = BayesNormal("hba1c", 12.0, prior), made(6, 240, effect[:, None], (0.0, 0.0))
    found, used = covered(part, reading, effect)

    assert_agrees(found, 0.95, np.hypot(se_of_share(0.95, used), 0.0005))


def dropping(seed: int, at_random: float) -> Reading:
    """Make 1:1 trials of 240 patients, effect -0.5 at two visits, 30 % lost before the second.

    ``at_random`` is how much the log odds rise with each SD of the first visit.
    """
    rng = np.random.default_rng(seed)
    shape = (TRIALS, 240)
    arm = (rng.random(shape).argsort(axis=1) < 120).astype(np.int8)
    baseline, own = rng.normal(8.0, 1.0, shape), rng.normal(0.0, 0.7, shape)
    value = (0.5 * baseline + own - 0.5 * arm)[:, None] + rng.normal(0.0, 0.7, (TRIALS, 2, 240))
    worse = (value[:, 0] - 3.75) / 1.1
    lost = rng.random(shape) < 1.0 / (1.0 + np.exp(np.log(7 / 3) - at_random * worse))
    value[:, 1][lost] = np.nan
    return Reading(arm, baseline, value, (6.0, 12.0), baseline, np.zeros(shape, np.int64))


@pytest.mark.parametrize(
    "part",
    [
        ConditionalMeanImputation("hba1c", 12.0, variance="analytic"),
        MultipleImputation("hba1c", 12.0, imputations=20),
    ],
    ids=lambda part: type(part).__name__,
)
def test_of_imputed_trials_is_nominal_when_missing_at_random(part: Analysis) -> None:
    found, used = covered(part, dropping(7, at_random=1.0), -0.5)

    assert_agrees(found, 0.95, np.hypot(se_of_share(0.95, used), 0.0005))


def test_of_jumps_to_reference_is_nominal_by_conditional_means_and_more_by_draws() -> None:
    # 30 % of the treated fall back on control, whoever they are: the truth is 0.7 of the effect.
    reading, truth = dropping(8, at_random=0.0), -0.35
    means = ConditionalMeanImputation(
        "hba1c", 12.0, strategy="jump_to_reference", variance="analytic"
    )
    draws = MultipleImputation("hba1c", 12.0, strategy="jump_to_reference", imputations=20)

    by_means, used = covered(means, reading, truth)
    by_draws, _ = covered(draws, reading, truth)

    assert_agrees(by_means, 0.95, np.hypot(se_of_share(0.95, used), 0.0005))
    assert by_draws > 0.95 + 4 * se_of_share(0.95, used)
