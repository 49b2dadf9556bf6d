"""Dropout by visit at stated rates, single missed visits, and what each may depend on."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm
from support.agreement import assert_agrees, se_of_share
from support.small_trials import Table, assembled, design, one_endpoint, two_endpoints

from phase2sim.core.contracts import Trials
from phase2sim.core.errors import BadScenario
from phase2sim.scenario.assembly.assemble import AssembledScenario
from phase2sim.trial.engine import draw_trials

PATIENTS = 100_000
LOST = [0.05, 0.12, 0.25]
LOGISTIC = {"mechanism": "logistic", "lost": LOST, "endpoint": "hba1c", "odds_ratio_per_sd": 2.0}
MNAR = LOGISTIC | {"mechanism": "mnar"}
GAPS = {"mechanism": "mcar", "share": 0.15}
NULL = 1


def _ready(patients: int = PATIENTS, **missing: object) -> AssembledScenario:
    table = two_endpoints(design=design(patients, [0, 3, 6, 12]), missing=missing)
    return assembled(table)


def _drawn(ready: AssembledScenario, source: int = NULL) -> Trials:
    return draw_trials(ready.study, ready.sources[source].truth(0, 1), 0, 1)


@pytest.mark.parametrize("dropout", [LOGISTIC, MNAR], ids=lambda part: part["mechanism"])
@pytest.mark.parametrize("odds_ratio", [0.5, 1.0, 4.0])
def test_target_rates_by_visit_are_met(dropout: Table, odds_ratio: float) -> None:
    seen = _drawn(_ready(dropout=dropout | {"odds_ratio_per_sd": odds_ratio})).seen

    # The intercepts come from chances on a pilot of as many patients, not from its losses.
    lost = 1 - seen[0, 0].mean(axis=1)
    assert lost[0] == 0
    assert_agrees(lost[1:], LOST, np.sqrt(2) * se_of_share(LOST, PATIENTS))


def test_target_rates_are_met_beside_gaps_and_events() -> None:
    table = two_endpoints(
        design=design(PATIENTS, [0, 3, 6, 12]),
        missing={"dropout": LOGISTIC, "gaps": GAPS},
        intercurrent={"rescue": {"endpoint": "hba1c", "limit": 8.5, "effect": {"hba1c": -1.0}}},
    )
    ready = assembled(table)
    complete = _drawn(ready)

    staying = ready.study.dropout.observe(
        replace(complete, seen=ready.study.gaps.observe(complete, ready.study.plan)),
        ready.study.plan,
    )

    lost = 1 - staying[0, 0].mean(axis=1)
    assert_agrees(lost[1:], LOST, np.sqrt(2) * se_of_share(LOST, PATIENTS))
    # A visit is seen by those who stay and do not miss it, each by itself.
    assert_agrees(
        complete.seen[0, 0, 1:].mean(axis=1) / staying[0, 0, 1:].mean(axis=1),
        0.85,
        se_of_share(0.85, int(0.7 * PATIENTS)),
    )


def test_the_odds_are_multiplied_as_stated_for_an_sd_and_for_treatment() -> None:
    dropout = LOGISTIC | {"odds_ratio_treated": 3.0, "lost": [0.2, 0.2, 0.2]}
    trials = _drawn(_ready(dropout=dropout))

    worse = (trials.value[0, 0, 0] - 8.0) / 1.4
    lost, treated = ~trials.seen[0, 0, 1], trials.arm[0] == 1
    groups = {
        (middle, arm): lost[(np.abs(worse - middle) < 0.1) & (treated == arm)]
        for middle in (0.0, 1.0)
        for arm in (False, True)
    }
    odds = {key: np.log(g.mean() / (1 - g.mean())) for key, g in groups.items()}
    error = {key: 1 / np.sqrt(g.size * g.mean() * (1 - g.mean())) for key, g in groups.items()}
    for one, other, exact in (((1.0, False), (0.0, False), 2.0), ((0.0, True), (0.0, False), 3.0)):
        se = np.hypot(error[one], error[other])
        assert_agrees(odds[one] - odds[other], np.log(exact), se)


@pytest.mark.parametrize("gaps", [None, GAPS], ids=["no gaps", "gaps"])
@pytest.mark.parametrize("changed", [1, 2, 3])
def test_missing_at_random_depends_on_nothing_unseen(changed: int, gaps: Table | None) -> None:
    ready = _ready(2000, dropout=LOGISTIC, gaps=gaps or {"mechanism": "none"})
    study = ready.study
    trials = _drawn(ready)
    hidden = ~trials.seen
    hidden[:, :, :changed] = False
    other = np.where(hidden, 99.0, trials.value)  # what nobody saw might have been anything
    again = replace(trials, value=other, seen=np.ones_like(trials.seen), has_gaps=False)

    if study.gaps is not None:
        again = replace(again, seen=study.gaps.observe(again, study.plan), has_gaps=True)
    seen = study.dropout.observe(again, study.plan) & again.seen

    assert np.array_equal(seen, trials.seen)


def test_mnar_depends_on_the_value_that_is_not_seen() -> None:
    trials = _drawn(_ready(dropout=MNAR))

    value, lost = trials.value[0, 0, 1], ~trials.seen[0, 0, 1]
    slopes = np.polyfit(trials.value[0, 0, 0], value, 1)
    given_baseline = value - np.polyval(slopes, trials.value[0, 0, 0])
    gap = given_baseline[lost].mean() - given_baseline[~lost].mean()
    assert gap > 4 * given_baseline.std() / np.sqrt(lost.sum())


def test_missing_at_random_does_not_given_what_was_seen() -> None:
    trials = _drawn(_ready(dropout=LOGISTIC))

    value, lost = trials.value[0, 0, 1], ~trials.seen[0, 0, 1]
    slopes = np.polyfit(trials.value[0, 0, 0], value, 1)
    given_baseline = value - np.polyval(slopes, trials.value[0, 0, 0])
    gap = given_baseline[lost].mean() - given_baseline[~lost].mean()
    assert_agrees(gap, 0.0, given_baseline.std() * np.sqrt(1 / lost.sum() + 1 / (~lost).sum()))


@pytest.mark.parametrize(
    "gaps", [GAPS, {"mechanism": "mar", "share": 0.15, "endpoint": "hba1c"}], ids=["mcar", "mar"]
)
def test_single_visits_are_missed_at_the_stated_rate_and_patients_come_again(gaps: Table) -> None:
    seen = _drawn(_ready(gaps=gaps)).seen[0]

    assert seen[:, 0].all()
    assert np.array_equal(seen[0], seen[1])
    assert_agrees(1 - seen[0, 1:].mean(axis=1), 0.15, np.sqrt(2) * se_of_share(0.15, PATIENTS))
    assert (~seen[0, 1] & seen[0, 2]).mean() > 0.1


def test_gaps_at_random_go_with_the_baseline_as_stated() -> None:
    gaps = {"mechanism": "mar", "share": 0.15, "endpoint": "hba1c", "odds_ratio_per_sd": 2.0}
    trials = _drawn(_ready(gaps=gaps))

    worse, missed = (trials.value[0, 0, 0] - 8.0) / 1.4, ~trials.seen[0, 0, 3]
    shares = np.array([missed[np.abs(worse - middle) < 0.1].mean() for middle in (0.0, 1.0)])
    sizes = [(np.abs(worse - middle) < 0.1).sum() for middle in (0.0, 1.0)]
    odds = np.log(shares / (1 - shares))
    se = np.sqrt(sum(1 / (n * p * (1 - p)) for n, p in zip(sizes, shares, strict=True)))
    assert_agrees(odds[1] - odds[0], np.log(2.0), se)


@pytest.mark.parametrize("ratio", [0.5, 3.0])
@pytest.mark.parametrize("mechanism", ["mcar", "mar"])
def test_treated_patients_have_their_own_hazard(mechanism: str, ratio: float) -> None:
    dropout = {
        "mechanism": mechanism,
        "share": 0.2,
        "by_month": 12,
        "hazard_ratio_treated": ratio,
    }
    if mechanism == "mar":
        dropout |= {"endpoint": "hba1c", "hazard_ratio_per_sd": 1.0}
    trials = _drawn(_ready(dropout=dropout))

    lost = [1 - trials.seen[0, 0, -1, trials.arm[0] == arm].mean() for arm in (0, 1)]
    exact = np.array([0.2, 1 - 0.8**ratio])
    assert_agrees(lost, exact, np.sqrt(2) * se_of_share(exact, PATIENTS // 2))


@pytest.mark.parametrize(
    "missing",
    [{"dropout": LOGISTIC}, {"dropout": MNAR}, {"gaps": GAPS}, {"dropout": MNAR, "gaps": GAPS}],
    ids=str,
)
def test_changing_what_is_missing_leaves_every_outcome_unchanged(missing: Table) -> None:
    complete, lossy = _drawn(_ready(500)), _drawn(_ready(500, **missing))

    assert np.array_equal(complete.value, lossy.value)
    assert np.array_equal(complete.arm, lossy.arm)
    assert complete.seen.all()
    assert not lossy.seen.all()


def test_a_shift_after_loss_moves_nothing_that_is_seen() -> None:
    plain = _drawn(_ready(5000, dropout=LOGISTIC))
    shifted = _drawn(_ready(5000, dropout=LOGISTIC, delta={"hba1c": 0.4}))

    assert np.array_equal(plain.seen, shifted.seen)
    moved = shifted.value - plain.value
    assert np.allclose(moved[:, 0], 0.4 * ~plain.seen[:, 0])
    assert (moved[:, 1] == 0).all()


@pytest.mark.parametrize(
    ("dropout", "part"),
    [
        (LOGISTIC | {"lost": [0.1, 0.2]}, r"missing.dropout.lost has 2 numbers; give 3"),
        (LOGISTIC | {"lost": [0.3, 0.2, 0.4]}, "do not fall"),
        (LOGISTIC | {"odds_ratio_per_sd": 0.0}, "odds_ratio_per_sd is 0"),
        (LOGISTIC | {"endpoint": "weight"}, "endpoint is 'weight'"),
    ],
)
def test_impossible_rates_are_refused_by_name(dropout: Table, part: str) -> None:
    with pytest.raises(BadScenario, match=part):
        _ready(40, dropout=dropout)


def test_values_below_the_assays_limit_are_as_many_as_the_truth_says() -> None:
    ready = assembled(one_endpoint(design=design(PATIENTS, [0, 12])))

    value = _drawn(ready).value[0, 0]

    # ln(x + 1) ~ N(0.5, 0.3): below 0.05 nmol/L with probability Phi((ln 1.05 - 0.5) / 0.3).
    exact = norm.cdf((np.log(1.05) - 0.5) / 0.3)
    below = (np.expm1(value) < 0.05).mean(axis=1)
    assert_agrees(below, exact, se_of_share(exact, PATIENTS))
