"""Simulated patients against the truth that they are drawn from, and against one another."""

from dataclasses import replace

import numpy as np
import pytest
from support.agreement import assert_agrees
from support.small_trials import Table, assembled, design, one_endpoint, two_endpoints

from phase2sim.core.arrays import Floats
from phase2sim.core.contracts import Plan, Trials, Truth
from phase2sim.core.entry_times import EntryTime
from phase2sim.trial.engine import draw_trials
from phase2sim.trial.patients.entrants import enrol
from phase2sim.trial.patients.outcomes import draw
from phase2sim.trial.patients.recruitment import AllAtOnce

PATIENTS = 100_000  # a trial; two trials
MONTHS = np.array([0.0, 3.0, 6.0, 12.0])
MEANS = np.array([[8.0, 7.4, 7.2, 7.6], [0.55, 0.5, 0.45, 0.4]])
SDS = np.array([[1.4, 1.1, 1.2, 1.3], [0.25, 0.26, 0.28, 0.3]])
BETWEEN_VISITS = 0.4 + 0.6 * 0.9 ** np.abs(MONTHS[:, None] - MONTHS)
BETWEEN_ENDPOINTS = np.array([[1.0, -0.35], [-0.35, 1.0]])


def _patients(table: Table, trials: int = 2, first: int = 0) -> Trials:
    ready = assembled(table)
    return draw_trials(ready.study, ready.sources[0].truth(first, trials), first, trials)


def _many(**changes: object) -> Table:
    return two_endpoints(design=design(PATIENTS, [0, 3, 6, 12]), **changes)


def _flat(trials: Trials, arm: int) -> Floats:
    """Values (endpoint, visit, patient) of one arm over all trials."""
    return np.concatenate(
        [value[..., who == arm] for value, who in zip(trials.value, trials.arm, strict=True)],
        axis=-1,
    )


def _correlations_agree(value: Floats, exact: Floats) -> None:
    """Compare all correlations of (row, patient) on Fisher's z scale."""
    above = np.triu_indices(len(exact), 1)
    found = np.corrcoef(value)[above]
    assert_agrees(np.arctanh(found), np.arctanh(exact[above]), 1 / np.sqrt(value.shape[1] - 3))


def test_control_patients_have_the_stated_means_sds_and_correlations() -> None:
    value = _flat(_patients(_many()), arm=0)

    n = value.shape[-1]
    assert n == PATIENTS
    assert_agrees(value.mean(axis=-1), MEANS, SDS / np.sqrt(n))
    assert_agrees(value.std(axis=-1, ddof=1), SDS, SDS / np.sqrt(2 * n - 2))
    _correlations_agree(value.reshape(8, n), np.kron(BETWEEN_ENDPOINTS, BETWEEN_VISITS))


def test_treated_patients_differ_by_the_effect_and_in_nothing_else() -> None:
    value = _flat(_patients(_many()), arm=1)

    n = value.shape[-1]
    linear = np.array([[-0.8], [0.2]]) * MONTHS / 12
    assert_agrees(value.mean(axis=-1), MEANS + linear, SDS / np.sqrt(n))
    assert_agrees(value.std(axis=-1, ddof=1), SDS, SDS / np.sqrt(2 * n - 2))
    _correlations_agree(value.reshape(8, n), np.kron(BETWEEN_ENDPOINTS, BETWEEN_VISITS))


def test_each_endpoint_keeps_its_own_correlation_between_visits() -> None:
    unstructured = [
        [1.0, 0.8, 0.3, 0.5],
        [0.8, 1.0, 0.6, 0.4],
        [0.3, 0.6, 1.0, 0.7],
        [0.5, 0.4, 0.7, 1.0],
    ]
    outcome = {
        "hba1c": {"control_mean": 7.0, "sd": 1.0, "correlation": unstructured},
        "c_peptide": {"control_mean": 0.5, "sd": 0.3, "correlation": 0.2},
    }

    value = _flat(_patients(_many(outcome=outcome)), arm=0)

    _correlations_agree(value[0], np.array(unstructured))
    _correlations_agree(value[1], np.full((4, 4), 0.2) + 0.8 * np.eye(4))
    _correlations_agree(value[:, 0], BETWEEN_ENDPOINTS)  # at baseline nothing dilutes it


@pytest.mark.parametrize("correlation", [-1.0, 1.0])
def test_endpoints_may_be_perfectly_correlated(correlation: float) -> None:
    value = _flat(_patients(_many(endpoint_correlation=correlation * 0.999999)), arm=0)

    assert np.corrcoef(value[:, 2])[0, 1] == pytest.approx(correlation, abs=1e-5)


# A fall from diagnosis, a nadir, a rise; flat from month 12 on.
KNOTS, CURVE = np.array([0.0, 3.0, 6.0, 12.0]), np.array([10.0, 7.0, 6.5, 8.0])


def _with_history(spread: float) -> tuple[Plan, Truth]:
    plan = Plan(
        5, ("a", "b"), PATIENTS, ("hba1c",), (0.0, 4.0, 14.0), EntryTime(1.0, 9.0), (8.0, 18.0)
    )
    truth = Truth(
        knots_months=KNOTS,
        history=CURVE[None, None],
        shift=np.zeros((1, 1, 3)),
        effect=np.zeros((1, 2, 1, 3)),
        visit_factor=spread * np.eye(3)[None, None],
        endpoint_factor=np.ones((1, 1, 1)),
    )
    return plan, truth


def _draw(plan: Plan, truth: Truth, trials: int = 1) -> Trials:
    arrivals = AllAtOnce().arrive(plan.seed, 0, (trials, plan.patients), plan.sites)
    entrants = enrol(plan, truth, 0, arrivals)
    return draw(plan, truth, entrants, np.zeros((trials, plan.patients), np.int8))


def test_an_untreated_patient_follows_the_curve_of_their_own_time_since_diagnosis() -> None:
    patients = _draw(*_with_history(spread=0.0))

    since = patients.months_since_diagnosis[:, None] + np.array([0.0, 4.0, 14.0])[:, None]
    exact = np.interp(since, KNOTS, CURVE)  # flat beyond the last knot
    assert np.abs(patients.value[0] - exact).max() < 1e-12


def test_the_mean_at_a_visit_is_the_average_of_the_curve_over_the_enrolment_window() -> None:
    value = _draw(*_with_history(spread=0.7)).value[0, 0]

    # By hand, over d from 1 to 9, at d, d + 4 and d + 14 months, the areas of trapezoids:
    at_entry = (2 * (9 + 7) / 2 + 3 * (7 + 6.5) / 2 + 3 * (6.5 + 7.25) / 2) / 8
    at_month_4 = (1 * (7 - 1 / 3 + 6.5) / 2 + 6 * (6.5 + 8) / 2 + 1 * 8) / 8
    exact = np.array([at_entry, at_month_4, 8.0])
    assert_agrees(value.mean(axis=1), exact, value.std(axis=1) / np.sqrt(PATIENTS))


def test_enrolment_is_uniform_on_the_window() -> None:
    duration = _draw(*_with_history(spread=1.0)).months_since_diagnosis[0]

    assert duration.min() >= 1.0
    assert duration.max() < 9.0
    assert_agrees(duration.mean(), 5.0, 8 / np.sqrt(12 * PATIENTS))
    assert_agrees(((duration - 5) ** 2).mean(), 64 / 12, 64 / np.sqrt(180 * PATIENTS))


def test_age_moves_the_mean_by_its_slope_around_the_middle_of_its_range() -> None:
    plan, truth = _with_history(spread=0.0)
    aged = replace(plan, per_year_of_age={"hba1c": 0.03})

    young, old = _draw(plan, truth), _draw(aged, truth)

    moved = 0.03 * (old.age_years - 13.0)
    assert np.abs(old.value - young.value - moved[:, None, None]).max() < 1e-12


def test_what_age_explains_is_part_of_the_stated_sd() -> None:
    table = one_endpoint(
        design=design(PATIENTS, [0, 12]),
        population={"age_years": [8.0, 18.0], "per_year_of_age": {"c_peptide": 0.05}},
    )

    patients = _patients(table)

    value, age = patients.value[:, 0], patients.age_years
    shifted = value - 0.2 * (patients.arm[:, None] * np.array([0.0, 1.0])[:, None])
    flat = shifted.transpose(1, 0, 2).reshape(2, -1)
    assert_agrees(flat.std(axis=1), 0.3, 0.3 / np.sqrt(2 * flat.shape[1]))
    _correlations_agree(
        np.vstack([flat[1], age.ravel()]), np.array([[1, r := 0.05 * 10 / 12**0.5 / 0.3], [r, 1]])
    )


def test_a_stratum_is_how_many_cut_points_an_age_reaches() -> None:
    plan, truth = _with_history(spread=0.0)

    patients = _draw(replace(plan, age_strata=(12.0, 16.0)), truth)

    age = patients.age_years
    assert np.array_equal(patients.stratum, (age >= 12) * 1 + (age >= 16) * 1)


def test_adding_an_endpoint_leaves_those_before_it_unchanged() -> None:
    both = two_endpoints()
    outcome, target = both["outcome"], both["truth"]["target"]
    alone = two_endpoints(
        outcome={"hba1c": outcome["hba1c"]},
        truth={"target": {"hba1c": target["hba1c"]}},
        analysis=both["analysis"][:1],
    )

    assert np.array_equal(_patients(alone).value[:, 0], _patients(both).value[:, 0])


def test_adding_an_uncorrelated_endpoint_leaves_every_other_unchanged() -> None:
    both = two_endpoints(endpoint_correlation=0.0)
    outcome, target = both["outcome"], both["truth"]["target"]
    alone = two_endpoints(
        outcome={"c_peptide": outcome["c_peptide"]},
        truth={"target": {"c_peptide": target["c_peptide"]}},
        analysis=both["analysis"][1:],
    )

    assert np.array_equal(_patients(alone).value[:, 0], _patients(both).value[:, 1])


def test_adding_a_later_visit_leaves_the_earlier_ones_unchanged() -> None:
    def constant(visits: list[float]) -> Table:
        outcome = two_endpoints()["outcome"]
        outcome["hba1c"] |= {"control_mean": 7.5, "sd": 1.2}
        outcome["c_peptide"] |= {"control_mean": 0.5, "sd": 0.3}
        return two_endpoints(design=design(40, visits), outcome=outcome)

    short, long = _patients(constant([0, 3, 12])), _patients(constant([0, 3, 12, 18]))

    assert np.array_equal(short.value, long.value[:, :, :3])


def test_the_first_patients_of_a_trial_are_the_smaller_trial() -> None:
    few, many = _patients(two_endpoints()), _patients(_many())

    for part in ("arm", "months_since_diagnosis", "age_years", "stratum", "value", "seen"):
        cut = getattr(many, part)[..., :40]
        assert np.array_equal(getattr(few, part), cut, equal_nan=part not in {"arm", "seen"})


def test_a_trial_is_the_same_whatever_others_are_drawn_with_it() -> None:
    together, alone = _patients(two_endpoints(), trials=20), _patients(two_endpoints(), 1, first=17)

    assert np.array_equal(together.value[17], alone.value[0])
    assert np.array_equal(together.arm[17], alone.arm[0])


def test_trials_differ_and_so_do_seeds() -> None:
    one, other = _patients(two_endpoints()), _patients(two_endpoints(seed=1))

    assert not (one.value[0] == one.value[1]).any()
    assert not (one.value == other.value).any()


@pytest.mark.parametrize(
    "dropout",
    [
        {"mechanism": "mcar", "share": 0.3, "by_month": 12},
        {"mechanism": "mar", "share": 0.3, "by_month": 12, "endpoint": "hba1c"},
    ],
    ids=lambda dropout: dropout["mechanism"],
)
def test_changing_the_dropout_leaves_every_outcome_unchanged(dropout: Table) -> None:
    complete, lossy = (
        _patients(two_endpoints()),
        _patients(two_endpoints(missing={"dropout": dropout})),
    )

    assert complete.seen.all()
    assert not lossy.seen.all()
    assert np.array_equal(complete.value, lossy.value)
    assert np.array_equal(complete.arm, lossy.arm)


def test_changing_the_allocation_leaves_untreated_outcomes_unchanged() -> None:
    even = assembled(two_endpoints())
    tossed = assembled(two_endpoints(design=design(40, [0, 3, 6, 12], randomisation="simple")))

    one, other = (
        draw_trials(ready.study, ready.sources[1].truth(0, 5), 0, 5) for ready in (even, tossed)
    )

    assert not np.array_equal(one.arm, other.arm)
    assert np.array_equal(one.value, other.value)  # source 1 is the null
