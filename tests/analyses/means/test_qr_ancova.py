"""The quantitative response of C-peptide: Bundy and Krischer's formula, and what it leads to."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from support.readings import random_reading
from support.small_trials import assembled, design, one_endpoint

from phase2sim.analyses.means.ancova import Ancova
from phase2sim.analyses.means.qr_ancova import QrAncova
from phase2sim.core.errors import BadScenario

READING = random_reading(seed=41, trials=10, patients=40, missing=0.1)


@pytest.mark.parametrize(
    ("month", "c_peptide", "baseline", "age", "expected"),
    [
        # By hand: ln 1.6 - (-0.191 + 0.812 ln 1.8 + 0.00638 x 12), and half and twice the way.
        (12.0, 0.6, 0.8, 12.0, 0.470003629 - (-0.191 + 0.812 * 0.587786665 + 0.07656)),
        (6.0, 0.6, 0.8, 12.0, 0.470003629 - (0.587786665 + 0.362842772) / 2),
        (24.0, 0.6, 0.8, 12.0, 0.470003629 - (2 * 0.362842772 - 0.587786665)),
    ],
)
def test_response_is_what_is_left_after_baseline_and_age(
    month: float, c_peptide: float, baseline: float, age: float, expected: float
) -> None:
    one = (1, 1)
    reading = replace(
        READING,
        arm=np.zeros(one, np.int8),
        value=np.full((1, 1, 1), np.log1p(c_peptide)),
        baseline=np.full(one, np.log1p(baseline)),
        age_years=np.full(one, age),
        visits_months=(month,),
    )

    response = QrAncova("c_peptide", month).response(reading)

    assert response[0, 0] == pytest.approx(expected, abs=1e-8)


def test_without_covariates_it_is_the_t_test_of_the_response() -> None:
    analysis = QrAncova("c_peptide", 12.0)
    response = analysis.response(READING)

    result = analysis.estimate(READING)

    for trial in range(10):
        arms = [response[trial][READING.arm[trial] == a] for a in (1, 0)]
        test = stats.ttest_ind(*arms, nan_policy="omit", alternative="greater")
        assert result.p[trial] == pytest.approx(test.pvalue, rel=1e-9)
        assert result.effect[trial] == pytest.approx(
            np.nanmean(arms[0]) - np.nanmean(arms[1]), rel=1e-9
        )


def test_with_baseline_and_age_it_is_ancova() -> None:
    both = ("baseline", "age")

    response = QrAncova("c_peptide", 12.0, both).estimate(READING)
    value = Ancova("c_peptide", 12.0, both).estimate(READING)

    for field in ("effect", "se", "df", "p"):
        np.testing.assert_allclose(getattr(response, field), getattr(value, field), rtol=1e-9)


def test_it_refuses_other_endpoints_and_trials_without_age() -> None:
    table = one_endpoint(
        design=design(40, [0, 12]),
        analysis=[{"endpoint": "c_peptide", "month": 12, "method": "qr_ancova"}],
    )

    with pytest.raises(BadScenario, match=r"reads 'age', but population.age_years is missing"):
        assembled(table)
    with pytest.raises(ValueError, match="endpoint is 'hba1c'"):
        QrAncova("hba1c", 12.0)
