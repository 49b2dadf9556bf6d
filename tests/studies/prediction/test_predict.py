"""What a trial under way is likely to come to: against normal theory, and exact for responders."""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from scipy.special import beta as beta_function
from support.agreement import assert_agrees, se_of_share
from support.commands import phase2sim, printed
from support.small_sweeps import BASE

from phase2sim.core.arrays import Floats
from phase2sim.studies.prediction.beta_binomial import (
    conditional_probability,
    posterior_success,
    predictive_probability,
)
from phase2sim.studies.prediction.completion import OngoingTrial, TooFewToPredict, complete_trial
from phase2sim.theory.group_sequential.conditional_power import predictive_power

COMPLETIONS = 2_000


def under_way(value: Floats, pending: np.ndarray, planned: tuple[int, int]) -> OngoingTrial:
    patients = value.shape[1]
    arm = (np.arange(patients) % 2).astype(np.int8)
    baseline = np.random.default_rng(2).normal(size=patients)
    return OngoingTrial(arm, baseline, value, pending, planned)


def significant(value: Floats, arm: np.ndarray) -> np.ndarray:
    """One-sided t test at 2.5 % of the last visit of every completion."""
    last = value[:, -1]
    test = stats.ttest_ind(last[:, arm == 1], last[:, arm == 0], axis=1, alternative="greater",
                           nan_policy="omit")  # fmt: skip
    return np.asarray(test.pvalue <= 0.025)


def test_without_early_visits_it_is_the_predictive_power_of_normal_theory() -> None:
    rng = np.random.default_rng(20261125)
    enrolled, planned = 600, 1_000
    value = rng.normal(size=(1, enrolled))
    treated = np.arange(enrolled) % 2 == 1
    for arm in (treated, ~treated):  # SD 1, and a z of 1.5 between the arms
        value[0, arm] = (value[0, arm] - value[0, arm].mean()) / value[0, arm].std(ddof=1)
    value[0, treated] += 1.5 * np.sqrt(4 / enrolled)
    trial = under_way(value, np.zeros(value.shape, bool), (planned // 2, planned // 2))

    completions = complete_trial(trial, COMPLETIONS, rng)

    share = significant(completions.value, completions.arm[0]).mean()
    exact = float(predictive_power(1.5, enrolled / planned, stats.norm.ppf(0.975)))
    assert_agrees(share, exact, se_of_share(exact, COMPLETIONS))


def test_a_patient_in_follow_up_is_foretold_from_the_own_early_visits() -> None:
    rng = np.random.default_rng(3)
    early = rng.normal(size=200)
    late = 2.0 * early + 0.01 * rng.normal(size=200)
    pending = np.zeros((2, 200), bool)
    pending[1, 150:] = True
    value = np.where(pending, np.nan, np.stack([early, late]))

    completions = complete_trial(under_way(value, pending, (100, 100)), 200, rng)

    off = completions.value[:, 1, 150:] - late[150:]
    assert np.abs(off).max() < 0.06
    assert np.array_equal(completions.value[:, 1, :150], np.tile(late[:150], (200, 1)))


def test_who_is_lost_stays_lost_and_others_are_lost_as_often() -> None:
    rng = np.random.default_rng(4)
    value = rng.normal(size=(1, 400))
    value[0, :80] = np.nan  # due, and not there
    pending = np.zeros((1, 400), bool)
    pending[0, 300:] = True
    value[0, 300:] = np.nan

    completions = complete_trial(under_way(value, pending, (200, 200)), COMPLETIONS, rng)

    assert np.isnan(completions.value[:, 0, :80]).all()
    lost = np.isnan(completions.value[:, 0, 300:]).mean(axis=1)
    # A Beta(80.5, 220.5) chance for each completion.
    assert_agrees(lost.mean(), 80.5 / 301, lost.std() / np.sqrt(COMPLETIONS))


def test_too_few_patients_foretell_nothing() -> None:
    value = np.random.default_rng(5).normal(size=(1, 4))

    with pytest.raises(TooFewToPredict, match=r"^4 patients have every visit up to number 1"):
        complete_trial(
            under_way(value, np.zeros((1, 4), bool), (10, 10)), 10, np.random.default_rng(1)
        )


def test_the_posterior_of_two_rates_is_the_finite_sum() -> None:
    # Cook, Exact calculation of beta inequalities, 2005; uniform priors.
    def above(x: int, n: int, y: int, m: int) -> float:
        a, b, c, d = x + 1, n - x + 1, y + 1, m - y + 1
        return float(sum(
            beta_function(c + i, b + d) / ((b + i) * beta_function(1 + i, b) * beta_function(c, d))
            for i in range(a)
        ))  # fmt: skip

    for treated, control in ((7, 4), (12, 5), (3, 9)):
        exact = above(treated, 15, control, 12)
        for probability, expected in ((exact - 1e-8, True), (exact + 1e-8, False)):
            success = posterior_success((15, 12), (1.0, 1.0), probability)
            assert bool(success(np.array(treated), np.array(control))) == expected


def test_the_chance_of_success_is_that_of_simulated_responders() -> None:
    success = posterior_success((40, 40), (0.5, 0.5), 0.95)
    counts = ((9, 20), (5, 22))
    rng = np.random.default_rng(20261125)
    trials = 20_000
    rates = [rng.beta(0.5 + x, 0.5 + n - x, trials) for x, n in counts]
    ends = [x + rng.binomial(40 - n, rate) for (x, n), rate in zip(counts, rates, strict=True)]
    true = 0.5, 0.2
    totals = [x + rng.binomial(40 - n, p, trials) for (x, n), p in zip(counts, true, strict=True)]
    wins = success(np.arange(41)[:, None], np.arange(41)[None, :])

    predictive = predictive_probability(counts, (40, 40), success, (0.5, 0.5))
    conditional = conditional_probability(counts, (40, 40), success, true)

    for share, exact in ((wins[*ends], predictive), (wins[*totals], conditional)):
        assert_agrees(share.mean(), exact, se_of_share(exact, trials))


def test_once_everybody_is_counted_the_trial_has_succeeded_or_not() -> None:
    success = posterior_success((20, 20), (1.0, 1.0), 0.9)

    assert predictive_probability(((15, 20), (5, 20)), (20, 20), success) == pytest.approx(1.0)
    assert predictive_probability(((5, 20), (5, 20)), (20, 20), success) == pytest.approx(0.0)


def test_a_test_of_responders_is_predicted_exactly(tmp_path: Path) -> None:
    base = BASE.replace("patients = 20", "patients = 40").partition("[[analysis]]")[0]
    rule = '[[analysis]]\nendpoint = "c_peptide"\nmonth = 12\nmethod = "fisher"\nresponder = '
    base += rule + '{ at_least = 0.4 }\n[decision]\nkind = "significance"\none_sided_alpha = 0.05\n'
    (tmp_path / "base.toml").write_text(base)
    counts = {"placebo": (4, 12), "active": (9, 13)}  # responders of patients counted
    values = [
        0.5 + 0.01 * i if i < x else 0.3 - 0.01 * i for x, n in counts.values() for i in range(n)
    ]
    arms = [arm for arm, (_, n) in counts.items() for _ in range(n)]
    rows = [f"{i},{arm},{0.4 + 0.003 * (i * 7 % 11)},1,{y}"
            for i, (arm, y) in enumerate(zip(arms, values, strict=True))]  # fmt: skip
    (tmp_path / "look.csv").write_text("\n".join(["id,arm,base,visit,y", *rows]) + "\n")

    predicted = printed(
        "analyse", tmp_path / "base.toml", tmp_path / "look.csv", "--predict", "--completions", 100
    )["predicted"]

    chance = 0.0
    for treated, control in np.ndindex(8, 9):
        x, y = treated + 9, control + 4
        weight = stats.betabinom.pmf(treated, 7, 9.5, 4.5) * stats.betabinom.pmf(
            control, 8, 4.5, 8.5
        )
        p = stats.fisher_exact([[x, 20 - x], [y, 20 - y]], alternative="greater").pvalue
        chance += weight * (p <= 0.05)
    assert predicted["beta_binomial"]["c_peptide"] == pytest.approx(chance, abs=1e-10)


def test_a_look_at_a_simulated_trial_is_predicted(tmp_path: Path) -> None:
    slow = "[recruitment]\nkind = 'poisson'\nper_month = 2\n"
    base = BASE.replace("patients = 20", "patients = 60").replace("[0, 12]", "[0, 6, 12]")
    base = base.replace("correlation = 0.7", "correlation = { share = 0.6, per_month = 0.9 }")
    (tmp_path / "base.toml").write_text(base + slow)
    look = tmp_path / "look.csv"
    phase2sim("replay", tmp_path / "base.toml", "--trial", "1", "--look", "28", "--out", look)

    command = ("analyse", tmp_path / "base.toml", look, "--predict", "--completions", "300")
    values, again = printed(*command), printed(*command)
    screen = phase2sim(*command).output

    predicted = values["predicted"]
    assert values == again
    assert 0 < predicted["pending"] < predicted["enrolled"] <= predicted["planned"] == 60
    assert predicted["go"][0]["used"] == 300
    assert 0 < predicted["by_normal_theory"][0]["information_fraction"] < 1
    assert "predictive probability of a go" in screen


def test_a_trial_without_baselines_is_completed_too() -> None:
    rng = np.random.default_rng(6)
    value = rng.normal(size=(1, 60))
    arm = (np.arange(60) % 2).astype(np.int8)
    trial = OngoingTrial(arm, np.full(60, np.nan), value, np.zeros((1, 60), bool), (40, 40))

    completions = complete_trial(trial, 50, rng)

    assert completions.value.shape == (50, 1, 80)
    assert np.isfinite(completions.value).all()
