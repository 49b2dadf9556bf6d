"""Means over several months are averages of the curve over months and enrolment times."""

import numpy as np
import pytest
from scipy import integrate
from support.known_patients import evaluated, known
from support.reports import arm, entry, evidence, replicas, through, truth

from phase2sim.prior.models.densities.quadrature import KNOTS_MONTHS

CURVE = through(11.0, 7.2, 7.4, 7.9, 8.3, 8.5)
WINDOW = (1.0, 3.0)


def average_of_the_curve(first: float, last: float) -> float:
    """Over enrolment in the window and months since entry, on a fine grid."""
    entered = np.linspace(*WINDOW, 401)
    month = np.linspace(first, last, 4001)
    at = np.interp(entered[:, None] + month, KNOTS_MONTHS, CURVE)
    whole = integrate.trapezoid(integrate.trapezoid(at, month), entered)
    return float(whole / (WINDOW[1] - WINDOW[0]) / (last - first))


@pytest.mark.parametrize("months", [(0.0, 24.0), (6.0, 12.0), (0.5, 1.5)])
def test_mean_over_months_is_the_average_of_the_curve(months: tuple[float, float]) -> None:
    reported = evidence(
        entry("mean", months=months, value=7.2, se=0.15), arms=(arm(months_since_diagnosis=WINDOW),)
    )

    at = known(reported, mean=[CURVE]).at

    expected = average_of_the_curve(*months)
    assert evaluated(at.mean)[0] == pytest.approx(expected, abs=5e-3)


def test_mean_over_months_is_replicated_with_its_standard_error() -> None:
    months = (0.0, 24.0)
    history = truth().history.copy()
    history[0] = CURVE
    reported = evidence(
        entry("mean", months=months, value=7.2, se=0.15), arms=(arm(months_since_diagnosis=WINDOW),)
    )

    numbers = replicas(reported, truth(history=history))[:, 0]

    assert numbers.mean() == pytest.approx(
        average_of_the_curve(*months), abs=4 * 0.15 / np.sqrt(numbers.size) + 5e-3
    )
    assert numbers.std() == pytest.approx(0.15, abs=4 * 0.15 / np.sqrt(2 * numbers.size))
