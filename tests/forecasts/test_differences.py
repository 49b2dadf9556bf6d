from dataclasses import replace

import numpy as np
import pytest
from differences import (
    class_effect,
    draw_differences,
    earlier_differences,
    effect_priors,
    on_model_scale,
    patients_factor,
)
from forecast_tables import ScoredRow, dated, scored_rows
from scipy import stats

ROWS = scored_rows()
PRIORS = effect_priors()


def row_of(trial: str, endpoint: str = "c_peptide") -> ScoredRow:
    return next(
        row
        for row in ROWS
        if row.trial.startswith(trial) and row.endpoint == endpoint and row.difference
    )


def test_a_ratio_is_brought_to_the_model_scale_at_the_printed_level() -> None:
    """Abatacept: 0.378 against 0.238 nmol/L is printed as 59 % higher."""
    row = row_of("Abatacept")

    assert on_model_scale(row) == pytest.approx(np.log(1.378) - np.log(1.238), abs=1e-3)


def test_a_difference_in_nmol_is_brought_to_the_model_scale_at_the_printed_level() -> None:
    row = row_of("Low-dose ATG")

    assert on_model_scale(row) == pytest.approx(np.log(1.646) - np.log(1.406))


def test_a_difference_on_the_model_scale_stays() -> None:
    assert on_model_scale(row_of("MELD-ATG")) == 0.124


def test_the_error_of_a_difference_of_means() -> None:
    """MELD-ATG prints 0.043 to 0.205; its residual SD is derived as 0.165 in the evidence file."""
    error = 0.165 * patients_factor(row_of("MELD-ATG"))

    assert error == pytest.approx((0.205 - 0.043) / (2 * stats.norm.ppf(0.975)), rel=0.01)


def test_without_earlier_trials_the_effect_is_sceptical() -> None:
    row = replace(row_of("MELD-ATG"), months=(12.0,))
    spread = {"adjusted": np.full(10, 0.165)}

    predictive = draw_differences(row, spread, [], PRIORS["c_peptide"]).reported

    error = 0.165 * np.sqrt(1 / 31 + 1 / 33)
    assert predictive.moments() == pytest.approx((0.0, np.hypot(0.10, error)))


def test_the_chance_of_significance_has_its_closed_form() -> None:
    row = row_of("MELD-ATG")
    draws = draw_differences(row, {"adjusted": np.full(5, 0.165)}, [], PRIORS["c_peptide"])

    error = 0.165 * np.sqrt(1 / 31 + 1 / 33)
    expected = stats.norm.sf(stats.norm.ppf(0.975) * error / np.hypot(0.10, error))
    assert draws.significant(1) == pytest.approx(expected)
    assert draws.significant(-1) == pytest.approx(expected)


def test_one_large_earlier_trial_moves_the_class_towards_it() -> None:
    """With a known effect y and SD between trials tau: mean y s2 / (s2 + tau2), below y."""
    row = replace(row_of("Low-dose ATG"), n_control=10**8, n_treated=10**8)

    mean, sd = class_effect([row], PRIORS["c_peptide"]).moments()

    effect = on_model_scale(row)
    assert 0.5 * effect < mean < effect
    assert sd < 0.10


def test_earlier_differences_were_published_before() -> None:
    row = row_of("PROTECT")

    earlier = {other.trial for other in earlier_differences(row, ROWS, dated())}

    assert {"AbATE", "DEFEND-1", "Herold anti-CD3 (hOKT3g1 Ala-Ala)"} <= earlier
    assert not {"PROTECT", "BANDIT", "MELD-ATG", "DiViD Intervention"} & earlier
