"""How studies differ at diagnosis: in the fit, in simulated reports, and in the trial to come."""

import numpy as np
import pytest
from support.known_patients import evaluated, known
from support.reports import KNOTS, MEAN, arm, assert_mean, entry, evidence, replicas, truth

from phase2sim.core.history_priors import PRIORS
from phase2sim.prior.at_diagnosis import deviation_left
from phase2sim.prior.models.likelihoods.means_and_medians import covariance
from phase2sim.prior.models.unknowns.natural_history import between_walked
from phase2sim.prior.truth_sources import Control

FALL = PRIORS["hba1c"].first_month  # share of the first step of HbA1c that month 1 has taken
AT_DIAGNOSIS = 0.8


@pytest.mark.parametrize(
    ("months", "left"),
    [(0.0, 1.0), (0.5, 0.7), (1.0, 0.4), (2.0, 0.2), (3.0, 0.0), (24.0, 0.0)],
)
def test_a_deviation_at_diagnosis_fades_as_the_mean_falls(months: float, left: float) -> None:
    assert deviation_left(0.6, np.array(months)) == pytest.approx(left)


def test_the_curve_at_month_1_has_taken_its_share_of_the_first_step() -> None:
    walked = np.array([11.0, 7.0, 7.2, 7.8, 8.0, 8.4])

    curve = between_walked(0.57) @ walked

    assert curve == pytest.approx([11.0, 11.0 - 0.57 * 4.0, *walked[1:]])


def test_means_of_a_study_vary_together_by_what_is_left() -> None:
    months = (0.0, 1.0, 3.0)
    means = [entry("mean", month, 9.0, se=0.1) for month in months]
    of = known(evidence(*means, arms=(arm(),)), level_sd=[0.3], diagnosis_sd=[AT_DIAGNOSIS])

    result = evaluated(covariance(of.tables.locations, of.layout, of.at, of.history))

    left = np.array([1.0, 1.0 - FALL, 0.0])
    alone = known(evidence(*means, arms=(arm(),)), level_sd=[0.3])
    before = evaluated(covariance(alone.tables.locations, alone.layout, alone.at, alone.history))
    np.testing.assert_allclose(result - before, AT_DIAGNOSIS**2 * np.outer(left, left), atol=1e-12)


def test_the_deviation_of_an_arm_is_averaged_over_its_entry() -> None:
    arms = (arm(months_since_diagnosis=(0.0, 2.0)),)
    of = known(evidence(entry("mean", 0.0, 9.0, se=0.1), arms=arms), diagnosis_sd=[AT_DIAGNOSIS])

    (variance,) = np.diag(evaluated(covariance(of.tables.locations, of.layout, of.at, of.history)))

    from_0_to_1, from_1_to_2 = 1.0 - FALL / 2.0, (1.0 - FALL) * 0.75
    left = (from_0_to_1 + from_1_to_2) / 2.0
    assert variance == pytest.approx(0.1**2 + (AT_DIAGNOSIS * left) ** 2)


def test_reports_of_a_study_deviate_early_and_not_later() -> None:
    visits = evidence(*(entry("mean", month) for month in (0.0, 1.0, 3.0)))
    alike = truth(sd=np.full((4, KNOTS.size), 1e-9), diagnosis_sd=np.full(4, AT_DIAGNOSIS))

    first, second, third = (replicas(visits, alike) - MEAN["hba1c"]).T

    assert_mean(first**2, AT_DIAGNOSIS**2)
    np.testing.assert_allclose(second, (1.0 - FALL) * first, atol=1e-6)
    np.testing.assert_allclose(third, 0.0, atol=1e-6)


def test_the_control_arm_of_a_new_trial_has_its_own_course_at_diagnosis() -> None:
    control = Control(
        knots_months=KNOTS,
        history=np.full((1, 1, KNOTS.size), 8.0),
        mean=np.zeros((1, 1, 2)),
        sd=np.ones((1, 1, 2)),
        correlation=np.ones((1, 1, 2, 2)),
        endpoint_correlation=np.ones((1, 1, 1)),
        spread_sd=np.zeros((1, 1)),
        share=np.full((1, 1), 0.5),
        share_sd=np.zeros((1, 1)),
        left=deviation_left(FALL, KNOTS)[None],
    )

    moved = control.shifted_at_diagnosis(np.array([[0.5], [-1.0]]))

    assert moved.history[:, 0, 0] == pytest.approx([8.5, 7.0])
    assert moved.history[:, 0, 1] == pytest.approx([8.0 + 0.5 * (1 - FALL), 8.0 - (1 - FALL)])
    assert np.all(moved.history[:, :, 2:] == 8.0)
    assert control.shifted_at_diagnosis(np.zeros((2, 1))) is control
