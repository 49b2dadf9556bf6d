"""Control arms of five trials, computed from the values of their patients under 18."""

from pathlib import Path
from statistics import correlation, mean, stdev

import numpy as np
import pytest

from phase2sim.core.arrays import Floats
from phase2sim.evidence.load import load_evidence
from phase2sim.evidence.reported import Evidence, ReportedNumber

PRIORS = Path(__file__).parents[2] / "priors"

# Rows of github:mjdufort/Dufort_T1D_placebos, commit 8ebb4663, as read: patients under 18.
# START, T1D_placebos_cpeptide_data_processed_merged.csv: mean of the 2-h meal test in nmol/L
# (auc2hr_nmol_l_min), glucose before it in mg/dL (glu0) and HbA1c in %, at screening (no HbA1c),
# months 6 and 12. One patient each line.
START = np.array(
    [
        [1.09261, 119, 0.79049, 101, 5.6, 0.81035, 185, 6.1],  # 002007
        [0.97011, 105, 1.08930, 169, 8.5, 0.39980, 188, 10.9],  # 002018
        [1.27906, 94, 1.11475, 99, 5, 0.94072, 147, np.nan],  # 003011
        [0.60632, 184, 0.30274, 204, 9.6, 0.10326, 86, 10.8],  # 003014
        [2.59040, 111, 2.09562, 98, 5.8, 2.05837, 90, 5.8],  # 008003
        [1.04522, 169, 0.79111, 132, 7.5, 1.19297, 123, 8.4],  # 008008
        [0.73875, 106, 0.69944, 136, 6.6, 0.75758, 121, 7],  # 010005
        [0.82732, 119, 0.73731, 101, 7, 0.32261, 143, 8.1],  # 013003
        [0.50782, 99, np.nan, np.nan, np.nan, 0.30937, 99, 9.8],  # 013005: no month 6
        [0.39028, 88, 0.16079, 80, 9.8, 0.12395, 61, 10.8],  # 013010
    ]
)
START_C_PEPTIDE = np.log1p(START[:, [0, 2, 5]]).T
START_GLUCOSE = np.log(START[:, [1, 3, 6]] / 18.016).T
START_HBA1C = START[:, [4, 7]].T

# T1D_placebos_patient_data.csv: the column baseline_hba1c.
BASELINE_HBA1C = {
    "AbATE": "8 8 7.9 6.5 7.4 7.7 8.2 6.4 6.3 6.8 7.5 8.6 8.8 8.4 11.1 6.1 7.2 6.5 10.6 6.4 7.8 7.4"
    " 7.7",
    "T1DAL": "10.3 7.5 7 7.6 7.4 8.8 8.8",
    "MMF/DZB": "8 8.5 7.4 6.5 7 9.5 9.4 6.9 12.2 9.6 8.5 11.1 6.1 10.9 6.4 9 5.2 7.1 6.7 6.4 6.5"
    " 6.4 8 7.3 6",
    "Abatacept": "6.6 7.4 9.1 6.8 6.6 7.5 6.5 7.7 5.9 6.5 7.2 6.3 6.6 7.7 6 4.9 6.5 5.6 5.8 8.2 7.8"
    " 7 6.9 6.4 6.4 8.6 7.2 6.1 5.9 5.7",
}
# All 16 placebo patients of T1DAL, in the same table: age, days from diagnosis to treatment.
T1DAL_AGES = [16, 19, 23, 13, 24, 27, 22, 28, 15, 14, 23, 32, 13, 14, 13, 16]
T1DAL_DAYS = [45, 81, 94, 86, 100, 38, 47, 53, 61, 50, 96, 86, 99, 56, 36, 77]
DAYS_PER_MONTH = 30.4375


@pytest.fixture(scope="module")
def shipped() -> Evidence:
    return load_evidence([PRIORS / "t1d-natural-history.toml"])


def under_18(evidence: Evidence, study: str) -> dict[tuple[str, str, str], list[ReportedNumber]]:
    """Numbers of the arm from individual values, by endpoint, statistic and second endpoint."""
    found: dict[tuple[str, str, str], list[ReportedNumber]] = {}
    for number in evidence.reported:
        if (number.study, number.arm) == (study, "under 18"):
            key = (number.endpoint, number.statistic, number.with_endpoint)
            found.setdefault(key, []).append(number)
    return found


def without_gaps(*columns: Floats) -> list[list[float]]:
    """Columns of the patients who have all of them."""
    rows = np.column_stack(columns)
    return rows[~np.isnan(rows).any(axis=1)].T.tolist()


@pytest.mark.parametrize(
    ("endpoint", "values"),
    [("c_peptide", START_C_PEPTIDE), ("glucose", START_GLUCOSE), ("hba1c", START_HBA1C)],
)
def test_start_is_computed_from_its_ten_patients(
    shipped: Evidence, endpoint: str, values: Floats
) -> None:
    numbers = under_18(shipped, "START")

    visits = [without_gaps(visit)[0] for visit in values]
    means = numbers[endpoint, "mean", ""]
    assert [number.n for number in means] == [len(visit) for visit in visits]
    assert [number.value for number in means] == pytest.approx([*map(mean, visits)], abs=6e-4)
    assert [number.sd for number in means] == pytest.approx([*map(stdev, visits)], abs=6e-4)
    pairs = [without_gaps(*values[i : i + 2]) for i in range(len(values) - 1)]
    found = numbers[endpoint, "correlation", ""]
    assert [number.n for number in found] == [len(first) for first, _ in pairs]
    expected = [correlation(first, second) for first, second in pairs]
    assert [number.value for number in found] == pytest.approx(expected, abs=6e-4)
    assert all(number.status == "computed" and not number.unused for number in (*means, *found))


def test_two_endpoints_of_start_are_correlated_at_month_6(shipped: Evidence) -> None:
    numbers = under_18(shipped, "START")
    month_6 = {
        "hba1c": START_HBA1C[0],
        "c_peptide": START_C_PEPTIDE[1],
        "glucose": START_GLUCOSE[1],
    }

    crossed = [("hba1c", "c_peptide"), ("hba1c", "glucose"), ("c_peptide", "glucose")]
    for one, other in crossed:
        (found,) = numbers[one, "correlation", other]
        expected = correlation(*without_gaps(month_6[one], month_6[other]))
        assert (found.n, found.value) == (9, pytest.approx(expected, abs=6e-4))


@pytest.mark.parametrize("study", BASELINE_HBA1C)
def test_baseline_hba1c_is_computed_from_the_table_of_patients(
    shipped: Evidence, study: str
) -> None:
    values = [float(value) for value in BASELINE_HBA1C[study].split()]
    first = under_18(shipped, study)["hba1c", "mean", ""][0]

    assert first.months[0] < 1
    assert first.n == len(values)
    assert (first.value, first.sd) == pytest.approx((mean(values), stdev(values)), abs=6e-4)


def test_entry_and_age_of_t1dal_are_those_of_its_16_patients(shipped: Evidence) -> None:
    (arm,) = (one for one in shipped.arms if (one.study, one.arm) == ("T1DAL", "placebo"))
    months = [days / DAYS_PER_MONTH for days in T1DAL_DAYS]

    assert (arm.patients, arm.age_years) == (len(T1DAL_AGES), mean(T1DAL_AGES))
    entry = arm.months_since_diagnosis
    assert (entry.mean, entry.sd) == pytest.approx((mean(months), stdev(months)), abs=6e-3)


def test_patients_read_from_individual_values_are_read_once(shipped: Evidence) -> None:
    arms = {arm.study: arm.patients for arm in shipped.arms if arm.arm == "under 18"}
    others = [
        number
        for number in shipped.reported
        if number.study in arms
        and number.arm != "under 18"
        and number.endpoint in {"hba1c", "c_peptide", "glucose"}
    ]

    assert arms == {"AbATE": 24, "START": 10, "T1DAL": 8, "MMF/DZB": 25, "Abatacept": 30}
    assert {number.study for number in others} == set(arms) - {"START"}
    assert all(number.unused for number in others)
