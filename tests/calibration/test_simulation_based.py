"""Ranks of the truth are uniform and intervals cover, for every kind of reported number."""

import pytest
from calibration.cases_of_trials import CASES
from calibration.kept import calibrated


@pytest.mark.calibration
@pytest.mark.parametrize("name", CASES)
def test_a_fit_is_calibrated(name: str) -> None:
    found = calibrated(name)

    assert found.complaints == ()
