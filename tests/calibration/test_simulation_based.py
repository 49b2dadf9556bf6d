"""Ranks of the truth are uniform and intervals cover, for every kind of reported number."""

import pytest
from cases_of_trials import CASES
from simulated import judge


@pytest.mark.calibration
@pytest.mark.parametrize("name", CASES)
def test_a_fit_is_calibrated(name: str) -> None:
    found = judge(CASES[name])

    assert found.complaints == ()
