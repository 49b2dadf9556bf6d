"""Type I error of the mixed model over four visits, against what is known of each test."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
from support.agreement import assert_agrees, se_of_share

ALPHA, TRIALS = 0.025, 100_000
PATH = Path(__file__).parents[3] / "benchmarks" / "type_i_error_mixed.py"
SPEC = spec_from_file_location("type_i_error_mixed", PATH)
assert SPEC is not None
assert SPEC.loader is not None
NULL = module_from_spec(SPEC)
SPEC.loader.exec_module(NULL)

pytestmark = pytest.mark.calibration


def share(name: str, patients: int, words: str) -> tuple[float, int]:
    cases = {name: NULL.CASES[name]}
    found = NULL.rejected(cases, TRIALS, patients, NULL.LOSSES[words])
    significant, answered = found[name]
    return significant / answered, answered


@pytest.mark.parametrize("patients", NULL.SIZES)
@pytest.mark.parametrize("name", ["satterthwaite", "kenward_roger"])
def test_with_complete_data_is_alpha(name: str, patients: int) -> None:
    # The fit is then least squares at the visit, and its t test exact.
    found, answered = share(name, patients, "complete")

    assert_agrees(found, ALPHA, se_of_share(ALPHA, answered))


@pytest.mark.parametrize("words", ["dropout", "dropout, gaps"])
@pytest.mark.parametrize("patients", NULL.SIZES)
def test_of_kenward_roger_is_alpha_with_missing_values(patients: int, words: str) -> None:
    found, answered = share("kenward_roger", patients, words)

    # Room for what the approximation leaves at 24 patients: 0.1 points.
    gap = (se_of_share(ALPHA, answered) ** 2 + 0.00025**2) ** 0.5
    assert_agrees(found, ALPHA, gap)


def test_of_satterthwaite_is_above_alpha_in_a_small_trial_with_gaps() -> None:
    # The standard error takes the covariance for known (Kenward and Roger, Biometrics 1997).
    found, answered = share("satterthwaite", 24, "dropout, gaps")

    assert found > ALPHA + 4 * se_of_share(ALPHA, answered)


def test_of_satterthwaite_is_alpha_in_a_large_trial_with_gaps() -> None:
    found, answered = share("satterthwaite", 200, "dropout, gaps")

    gap = (se_of_share(ALPHA, answered) ** 2 + 0.00025**2) ** 0.5
    assert_agrees(found, ALPHA, gap)
