"""The mean of patients' averages over months goes with their other visits."""

import numpy as np
import pytest
from support.agreement import assert_agrees
from support.reports import arm, assert_mean, entry, evidence, replicas, truth

from phase2sim.evidence.reported import Evidence

TIMES = 2000
VISITS = 49  # over which a patient's average is taken


def report(window: tuple[float, float] = (0.0, 0.0)) -> Evidence:
    return evidence(
        entry("mean", 0.0, sd=1.0),
        entry("mean", (3.0, 12.0), se=0.2),
        arms=(arm(months_since_diagnosis=window),),
    )


def test_an_average_has_the_reported_error_about_the_curve() -> None:
    average = replicas(report(), truth(), TIMES)[:, 2]

    assert_mean(average, 8.0)
    assert_agrees(average.std(), 0.2, 0.2 / np.sqrt(2 * TIMES))


@pytest.mark.parametrize("window", [(0.0, 0.0), (0.0, 6.0)])
def test_an_average_is_as_correlated_with_a_visit_as_its_patients_are(
    window: tuple[float, float],
) -> None:
    first, _, average = replicas(report(window), truth(), TIMES).T

    # Each patient keeps 0.6 of the variance; the rest is independent between visits.
    exact = 0.6 / np.sqrt(0.6 + 0.4 / VISITS)
    found = np.corrcoef(first, average)[0, 1]
    assert_agrees(found, exact, (1 - exact**2) / np.sqrt(TIMES))
