"""Counted events of simulated patients: rates, variation, ratios, ties, and time at risk."""

import numpy as np
import pytest
from scipy import stats
from support.agreement import assert_agrees
from support.small_trials import Table, assembled, design, one_endpoint, scenario

from phase2sim.core.contracts import Trials
from phase2sim.core.errors import BadScenario
from phase2sim.operating.simulation import simulate
from phase2sim.trial.engine import draw_trials, simulate_batch

PATIENTS = 50_000
COUNTED = {"endpoint": "hypoglycaemia", "month": 12, "method": "negative_binomial"}
ANCOVA = {"endpoint": "c_peptide", "month": 12, "method": "ancova"}


def _table(patients: int = PATIENTS, **events: object) -> Table:
    return one_endpoint(
        design=design(patients, [0, 6, 12]),
        events={"hypoglycaemia": {"per_month": 0.5} | events},
        analysis=[ANCOVA, COUNTED],
    )


def _drawn(table: Table, source: int = 1) -> Trials:
    ready = assembled(table)
    return draw_trials(ready.study, ready.sources[source].truth(0, 1), 0, 1)


@pytest.mark.parametrize("per_month", [4.0, 30.0, 90.0])
def test_many_events_are_counted_as_well_as_few(per_month: float) -> None:
    counts = _drawn(_table(per_month=per_month)).counts["hypoglycaemia"][0, 1]

    exact = stats.poisson(6 * per_month)
    assert_agrees(counts.mean(), exact.mean(), exact.std() / np.sqrt(PATIENTS))
    for chance in (0.01, 0.5, 0.99):
        upto = exact.cdf(exact.ppf(chance))
        found = (counts <= exact.ppf(chance)).mean()
        assert_agrees(found, upto, np.sqrt(upto * (1 - upto) / PATIENTS))


@pytest.mark.parametrize("dispersion", [0.0, 0.4, 2.5])
def test_counts_are_negative_binomial(dispersion: float) -> None:
    counts = _drawn(_table(dispersion=dispersion)).counts["hypoglycaemia"][0]

    for visit, mean in ((1, 3.0), (2, 6.0)):
        exact = (
            stats.nbinom(1 / dispersion, 1 / (1 + dispersion * mean))
            if dispersion
            else stats.poisson(mean)
        )
        assert_agrees(counts[visit].mean(), mean, exact.std() / np.sqrt(PATIENTS))
        share = np.array([(counts[visit] == k).mean() for k in range(5)])
        chance = exact.pmf(np.arange(5))
        assert_agrees(share, chance, np.sqrt(chance * (1 - chance) / PATIENTS))
    # The same patient's own rate stands behind both halves of the year.
    halves = np.corrcoef(counts[1], counts[2] - counts[1])[0, 1]
    assert_agrees(halves, 3 * dispersion / (1 + 3 * dispersion), 1.5 / np.sqrt(PATIENTS))


def test_treated_patients_have_the_stated_ratio_at_the_target_and_none_under_the_null() -> None:
    table = _table(rate_ratio=0.6)

    for source, ratio in ((0, 0.6), (1, 1.0)):
        trials = _drawn(table, source)
        counts = trials.counts["hypoglycaemia"][0, -1]
        treated = counts[trials.arm[0] == 1]
        assert_agrees(treated.mean(), 6.0 * ratio, np.sqrt(6.0 * ratio / treated.size))


def test_tighter_control_brings_more_events_as_stated() -> None:
    trials = _drawn(_table(tied_to="c_peptide", per_unit=2.0, at=np.expm1(0.5)))

    mean = 0.5 * (trials.value[0, 0, 1:] + trials.value[0, 0, :-1])  # of each interval
    expected = 0.5 * 6.0 * np.exp(2.0 * (mean - 0.5))
    counts = np.diff(trials.counts["hypoglycaemia"][0], axis=0)
    residual = (counts - expected) / np.sqrt(expected)
    assert_agrees(residual.mean(), 0.0, 1 / np.sqrt(residual.size))
    for third in np.array_split(np.argsort(mean[0]), 3):
        assert_agrees(residual[0, third].mean(), 0.0, 1 / np.sqrt(third.size))


def test_events_are_counted_while_a_patient_is_followed() -> None:
    table = _table() | {
        "missing": {"dropout": {"mechanism": "mcar", "share": 0.4, "by_month": 12}},
        "trials": 500,
        "design": design(200, [0, 6, 12]),
    }

    found = simulate(scenario(table))

    # Losses at random do not bias a rate: the ratio's truth is 0 on the log scale.
    rows = {(r.name, r.truth): r.measured for r in found.characteristics if r.month == 12
            and r.endpoint == "hypoglycaemia"}  # fmt: skip
    assert_agrees(rows["bias", "null"], 0.0)
    assert_agrees(rows["coverage", "null"], 0.95)


def test_the_true_ratio_of_tied_counts_is_that_of_the_mean_counts() -> None:
    tied = {"tied_to": "c_peptide", "per_unit": 2.0, "at": np.expm1(0.5), "rate_ratio": 0.8}
    ready = simulate(scenario(_table(200, **tied) | {"trials": 2000}))

    # The effect on C-peptide, 0.1 at month 6 and 0.2 at month 12, raises the rate in the mean over
    # two intervals by exp(2 x 0.05) and exp(2 x 0.15), whatever a patient's own level.
    (known,) = [b for b in ready.background if b.analysis == "hypoglycaemia"]
    exact = np.log(0.8 * (np.exp(0.1) + np.exp(0.3)) / 2)
    assert known.target == pytest.approx(exact, abs=0.01)


def test_counting_changes_no_value() -> None:
    plain = one_endpoint(design=design(300, [0, 6, 12]))

    assert np.array_equal(_drawn(plain).value, _drawn(_table(300, dispersion=0.5)).value)


def test_counts_of_a_trial_do_not_depend_on_its_batch() -> None:
    ready = assembled(_table(60, dispersion=0.5))
    source = ready.sources[0]

    together, alone = (
        simulate_batch(ready.study, source, first, trials) for first, trials in ((0, 20), (17, 1))
    )

    assert together.estimates[1].effect[17] == alone.estimates[1].effect[0]


@pytest.mark.parametrize(
    ("events", "part"),
    [
        ({"per_unit": 1.0}, "tied_to is missing"),
        ({"tied_to": "weight", "at": 1.0}, "tied_to is 'weight'"),
        ({"tied_to": "c_peptide"}, "at is missing"),
    ],
)
def test_events_that_do_not_fit_are_refused(events: Table, part: str) -> None:
    with pytest.raises(BadScenario, match=part):
        assembled(_table(40, **events))
