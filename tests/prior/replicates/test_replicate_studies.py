"""Simulated reports of several arms, treatments and events; and evidence made of them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from support.reports import (
    KNOTS,
    MEAN,
    SD,
    arm,
    assert_mean,
    entry,
    evidence,
    replicas,
    through,
    truth,
)

from phase2sim.evidence.load import load_evidence
from phase2sim.evidence.reported import (
    RANDOMISED,
    SINGLE_ARM,
    ClassEffect,
    EffectAssumption,
    Evidence,
    Normal,
    ReportedNumber,
)
from phase2sim.prior.draws import PriorDraws
from phase2sim.prior.replicates.parameters import Parameters, parameters_of
from phase2sim.prior.replicates.replicate import quantities, with_values

ROOT = Path(__file__).parents[3]
SHIPPED = [ROOT / "priors" / f"{name}.toml" for name in ("gxipc1", "t1d-natural-history")]
KEPT = 0.6  # correlation of a patient's visits in ``truth``
ONSET = {"half_time_months": 1.5}


def alike(**changes: object) -> Parameters:
    """Patients who hardly differ, so that a mean is the population's."""
    return truth(sd=np.full((4, KNOTS.size), 1e-9), **changes)


def treated(design: str, *reported: ReportedNumber, study: str = "A") -> Evidence:
    assumed = EffectAssumption("hba1c", 6.0, "onset", ONSET, 0.5, 0.3, "made up")
    of_class = ClassEffect("hba1c", 12.0, "linear", {"full_at_months": 24.0}, 0.5, 0.2, "made up")
    arms = (arm(), arm("cells", study, design=design, treated=True))
    return evidence(*reported, arms=arms, effects={"hba1c": assumed}, classes={"hba1c": of_class})


def test_arms_of_a_study_share_its_level_and_slope() -> None:
    two = evidence(entry("mean", 3.0), entry("mean", 12.0, arm="other"), arms=(arm(), arm("other")))

    numbers = replicas(two, alike(level_sd=np.full(4, 0.3), slope_sd=np.full(4, 0.05)))

    first, second = (numbers - MEAN["hba1c"]).T
    assert_mean(first**2, 0.3**2 + (0.05 * 3) ** 2)
    assert_mean(first * second, 0.3**2 + 0.05**2 * 3 * 12)


def test_studies_differ_independently() -> None:
    two = evidence(entry("mean"), entry("mean", study="B"), arms=(arm(), arm(study="B")))

    first, second = (replicas(two, alike(level_sd=np.full(4, 0.3))) - MEAN["hba1c"]).T

    assert_mean(first * second, 0.0)


def test_a_single_arm_shows_its_bias_and_the_effect_by_then() -> None:
    visits = (entry("mean", month, arm="cells") for month in (0.0, 3.0, 6.0))
    true = alike(effect=np.array([-0.5, 0, 0, 0]), bias=np.array([0.2, 0, 0, 0]))

    numbers = replicas(treated(SINGLE_ARM, *visits), true, 1)[0]

    by_month_3 = (1 - 0.5**2) / (1 - 0.5**4)  # half of the rest every 1.5 months
    expected = MEAN["hba1c"] + np.array([0.0, 0.2 - 0.5 * by_month_3, 0.2 - 0.5])
    np.testing.assert_allclose(numbers, expected, rtol=1e-7)


def test_a_randomised_arm_has_a_fresh_effect_of_its_class_and_no_bias() -> None:
    visits = (entry("mean", 6.0, arm=name) for name in ("control", "cells"))
    true = alike(bias=np.full(4, 5.0), class_mean=np.full(4, -0.4), class_sd=np.full(4, 0.2))

    control, cells = replicas(treated(RANDOMISED, *visits), true).T

    effect = cells - control
    assert_mean(effect, -0.4 / 2)  # month 6 of a linear effect stated at month 12
    assert_mean((effect + 0.2) ** 2, (0.2 / 2) ** 2)


def test_an_arm_of_another_age_differs_by_the_slope_on_age() -> None:
    older = evidence(entry("mean"), arms=(arm(age_years=15.0),))

    numbers = replicas(older, alike(age_slope=np.array([0.1, 0, 0, 0])), 1)

    assert numbers[0, 0] == pytest.approx(MEAN["hba1c"] + 0.3)


def test_all_visits_of_an_arm_of_unknown_age_differ_by_one_age() -> None:
    young = arm(age_years=Normal(9.0, 2.0))
    visits = evidence(entry("mean", 3.0), entry("mean", 6.0), arms=(young,))
    true = alike(age_slope=np.array([0.1, 0, 0, 0]))

    early, late = (replicas(visits, true) - MEAN["hba1c"]).T

    np.testing.assert_allclose(early, late, atol=1e-6)
    assert_mean(early, 0.1 * (9.0 - 12.0))
    assert_mean((early + 0.3) ** 2, (0.1 * 2.0) ** 2)


def test_a_study_that_was_fitted_keeps_the_age_of_the_draw() -> None:
    young = evidence(entry("mean"), arms=(arm(age_years=Normal(9.0, 2.0)),))
    true = alike(age_slope=np.array([0.1, 0, 0, 0]), study_age={"A": 1.5})

    numbers = replicas(young, true, 2)

    assert numbers[:, 0] == pytest.approx(MEAN["hba1c"] + 0.1 * (9.0 + 1.5 * 2.0 - 12.0))


def test_a_reported_standard_error_is_the_error_of_the_mean() -> None:
    visits = evidence(entry("mean", 3.0, se=0.2), entry("mean", 6.0))

    adjusted, plain = (replicas(visits, truth()) - MEAN["hba1c"]).T

    assert_mean(adjusted, 0.0)
    assert_mean(adjusted**2, 0.2**2)
    assert_mean(adjusted * plain, KEPT * 0.2 * SD["hba1c"] / np.sqrt(10))


@pytest.mark.parametrize(("statistic", "months"), [("change", 1.0), ("slope", 12.0)])
def test_a_reported_standard_error_is_the_error_of_a_change(statistic: str, months: float) -> None:
    history = truth().history + 0.1 * KNOTS
    change = evidence(entry(statistic, (0.0, 12.0), se=0.05, n=0))

    numbers = replicas(change, truth(history=history))[:, 0]

    assert_mean(numbers, 1.2 / months)
    assert_mean((numbers - 1.2 / months) ** 2, 0.05**2)


def test_a_change_with_an_sd_is_that_of_the_patients() -> None:
    change, sd = replicas(evidence(entry("change", (0.0, 6.0), sd=1.0)), truth()).T

    variance = 2 * SD["hba1c"] ** 2 * (1 - KEPT)
    assert_mean(change**2, variance / 10)
    assert_mean(sd**2, variance)


def test_an_elicited_change_adds_its_sd_to_the_patients_own() -> None:
    elicited = entry("change", (0.0, 6.0), np.nan, elicited=Normal(0.0, 0.5))

    numbers = replicas(evidence(elicited), truth())[:, 0]

    assert_mean(numbers**2, 2 * SD["hba1c"] ** 2 * (1 - KEPT) / 10 + 0.5**2)


def test_an_elicited_correlation_is_about_the_truth() -> None:
    between = np.eye(4)
    between[0, 1] = between[1, 0] = -0.5
    both = evidence(
        entry("correlation", (0.0, 6.0), np.nan, n=0, elicited=Normal(0.6, 0.1)),
        entry("correlation", 6.0, with_endpoint="c_peptide", elicited=Normal(-0.5, 0.2)),
    )

    numbers = replicas(both, truth(endpoint_correlation=between))

    assert_mean(numbers, [KEPT, -0.5])
    assert_mean((numbers - [KEPT, -0.5]) ** 2, [0.1**2, 0.2**2])


def test_a_difference_between_arms_has_the_error_it_was_reported_with() -> None:
    visits = treated(
        SINGLE_ARM,
        entry("change", 6.0, se=0.1, arm="cells", versus="control"),
        entry("mean", 6.0, arm="cells", versus="control", sd=1.0),
    )

    reported, seen, sd = replicas(visits, truth(effect=np.full(4, -0.5))).T

    assert_mean(reported, -0.5)
    assert_mean((reported + 0.5) ** 2, 0.1**2)
    assert_mean(seen, -0.5)
    assert_mean((seen + 0.5) ** 2, 2 * SD["hba1c"] ** 2 / 10)
    assert_mean(sd**2, SD["hba1c"] ** 2)


def test_a_percent_change_is_that_of_the_two_medians() -> None:
    history = truth().history.copy()
    history[2] = through(1.0, 0.8, 0.8, 0.8, 0.8, 0.8)  # roots: from 1.00 to 0.64 U/kg/day
    change = evidence(entry("percent_change", (0.0, 3.0), endpoint="insulin"))

    assert replicas(change, alike(history=history), 1)[0, 0] == pytest.approx(-36.0)


def test_a_percent_change_with_a_standard_error_has_that_error() -> None:
    history = truth().history.copy()
    history[3] = through(*np.log([10.0, 6.0, 6.0, 6.0, 6.0, 6.0]))
    change = entry("percent_change", (0.0, 3.0), -40.0, endpoint="glucose", se=6.0, n=0)

    log_ratio = np.log1p(replicas(evidence(change), truth(history=history))[:, 0] / 100.0)

    assert_mean(log_ratio, np.log(0.6))
    assert_mean((log_ratio - np.log(0.6)) ** 2, (6.0 / 60.0) ** 2)


def test_doses_over_an_assumed_weight_are_off_by_the_same_factor() -> None:
    visits = evidence(
        entry("median", 0.0, endpoint="insulin", by_weight=True),
        entry("median", 6.0, endpoint="insulin", by_weight=True),
        arms=(arm(weight_kg=Normal(40.0, 8.0)),),
    )
    dose = MEAN["insulin"] ** 2

    first, second = replicas(visits, alike()).T

    assert_mean(first, dose)
    assert_mean((first - dose) ** 2, (0.2 * dose) ** 2)
    np.testing.assert_allclose(first, second, rtol=1e-6)


def events(statistic: str, months: tuple[float, float] = (0.0, 6.0)) -> ReportedNumber:
    return entry(statistic, months, endpoint="adverse_events")


@pytest.mark.parametrize("dispersion", [0.0, 0.8])
def test_events_are_negative_binomial(dispersion: float) -> None:
    both = evidence(events("events"), events("count"), events("rate"))
    mean = 0.1 * 6
    of_none = np.exp(-mean)
    if dispersion:
        of_none = stats.nbinom.pmf(0, 1 / dispersion, 1 / (1 + dispersion * mean))

    total, patients, rate = replicas(both, truth(event_dispersion=np.full(2, dispersion))).T

    assert_mean(total, 10 * mean)
    assert_mean((total - 10 * mean) ** 2, 10 * (mean + dispersion * mean**2))
    assert_mean(patients, 10 * (1 - of_none))
    np.testing.assert_allclose(rate, total / 60)
    assert np.all(patients <= total)


def test_studies_differ_in_their_rates_of_events() -> None:
    rate = entry("rate", (0.0, 12.0), 0.2, endpoint="adverse_events", se=0.02, n=0)

    numbers = replicas(evidence(rate), truth(event_study_sd=0.3))[:, 0]

    assert_mean(np.log(numbers), np.log(0.1))
    assert_mean((np.log(numbers) - np.log(0.1)) ** 2, 0.3**2 + (0.02 / 0.2) ** 2)


def test_treated_patients_have_their_own_rate_of_events() -> None:
    counted = entry("events", 6.0, endpoint="adverse_events", arm="cells")

    assert_mean(replicas(treated(SINGLE_ARM, counted), truth())[:, 0], 10 * 0.3 * 6)


def test_events_of_overlapping_spans_are_the_same_events() -> None:
    both = evidence(events("events", (0.0, 6.0)), events("events", (3.0, 6.0)))

    whole, later = replicas(both, truth(event_dispersion=np.zeros(2))).T

    assert np.all(later <= whole)
    assert_mean((whole - 6) * (later - 3), 3.0)  # the variance of what is common


def test_new_numbers_take_the_place_of_the_reported_ones() -> None:
    reported = evidence(
        entry("mean", sd=1.0),
        entry("statement", value=np.nan),
        entry("median", unused="says the same"),
        entry("quartiles", bounds=(7.0, 9.0)),
        entry("count", threshold=7.5, beyond="below"),
        entry("change", (0.0, 6.0), np.nan, elicited=Normal(0.0, 0.5)),
    )
    values = np.array([8.1, 1.2, 7.2, 9.3, 3.0, 0.4])

    new = with_values(reported, values)

    assert [quantity.value for quantity in quantities(new)] == list(values)
    assert [quantity.what for quantity in quantities(new)] == [
        "mean",
        "SD",
        "lower quartile",
        "upper quartile",
        "count",
        "change",
    ]
    assert new.reported[1:3] == reported.reported[1:3]
    assert new.digest != reported.digest


def test_a_replica_never_contradicts_itself() -> None:
    reported = evidence(
        entry("median"),
        entry("quartiles", bounds=(7.0, 9.0)),
        entry("range", bounds=(6.0, 10.0)),
        entry("count", threshold=7.5, beyond="below"),
    )

    median, lower, upper, smallest, largest, below = replicas(reported, truth(), 500).T

    assert np.all((smallest < lower) & (lower < median) & (median < upper) & (upper < largest))
    assert np.all(np.where(median > 7.5, below <= 5, below >= 5))
    assert np.all((below > 0) == (smallest < 7.5))


def prior(draws: int = 3) -> PriorDraws:
    true = truth()
    names = ("history", "sd", "level_sd", "slope_sd", "patient_share", "decay")
    return PriorDraws(
        endpoints=true.endpoints,
        knots_months=KNOTS,
        endpoint_correlation=np.tile(np.eye(4), (draws, 1, 1)),
        effect=np.full((draws, 4), np.nan),
        effects={},
        provenance={},
        **{name: np.array([(i + 1) * getattr(true, name) for i in range(draws)]) for name in names},
    )


def test_parameters_are_one_draw_and_what_is_not_assumed_is_zero() -> None:
    numbers = parameters_of(prior(), 2)

    np.testing.assert_allclose(numbers.history, 3 * truth().history)
    assert not numbers.bias.any()
    assert not numbers.class_sd.any()
    assert numbers.event_outcomes == ()


def test_every_number_of_the_shipped_evidence_is_replicated() -> None:
    shipped = load_evidence(SHIPPED)
    effect = np.zeros(4)

    numbers = replicas(shipped, truth(effect=effect, level_sd=np.full(4, 0.1)), 20)

    asked = quantities(shipped)
    assert numbers.shape == (20, len(asked))
    assert np.isfinite(numbers).all()
    again = [quantity.value for quantity in quantities(with_values(shipped, numbers[0]))]
    np.testing.assert_array_equal(again, numbers[0])


def test_the_same_generator_gives_the_same_report() -> None:
    shipped = load_evidence(SHIPPED[:1])

    first, second = (replicas(shipped, truth(), 2) for _ in range(2))

    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first[0], first[1])


def test_a_ratio_between_arms_is_that_of_the_medians_with_its_error_on_the_log() -> None:
    both = (
        entry("mean", arm="control", endpoint="insulin"),
        entry("ratio", 6.0, 1.5, arm="cells", versus="control", endpoint="insulin", se=0.1, n=0),
    )
    true = alike(class_mean=np.array([0, 0, 0.2, 0]))

    trial = treated(RANDOMISED, *both)
    classes = {"insulin": replace(trial.classes["hba1c"], endpoint="insulin")}
    logs = np.log(replicas(replace(trial, classes=classes), true)[:, 1])

    root = MEAN["insulin"]
    expected = 2 * np.log((root + 0.1) / root)  # half of a linear effect stated at month 12
    assert_mean(logs, expected)
    assert_mean((logs - expected) ** 2, 0.1**2)
