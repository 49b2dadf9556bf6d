"""Few patients at the last visit, and values missing monotonely: the maximum is found where it is.

The dense model climbs from several starts with scipy, in another parametrisation and without our
derivatives. Where it finds a maximum inside, the fit must not fall back.
"""

from pathlib import Path

import numpy as np
import pytest
from support.commands import phase2sim, printed
from support.dense_model import differences
from support.dense_reml import DenseModel
from support.mmrm_readings import drawn

from phase2sim.analyses.mixed_models.mmrm import Mmrm
from phase2sim.core.contracts import NOT_CONVERGED, Reading

DATA = Path(__file__).parents[2] / "published" / "mmrm" / "few_at_the_last_visit.csv"
SCENARIO = """
title = "Few at the last visit"
seed = 1
trials = 100
[design]
kind = "fixed"
arms = ["control", "treated"]
patients = 40
visits_months = [0, 3, 6, 9, 12]
[outcome.hba1c]
control_mean = 8
sd = 1
correlation = 0.5
[truth.target]
hba1c = { effect = -0.5, month = 12, shape = "immediate" }
[population]
age_years = [6, 18]
age_strata = [12]
[decision]
kind = "significance"
one_sided_alpha = 0.025
[[analysis]]
endpoint = "hba1c"
month = 12
method = "mmrm"
covariates = ["baseline", "stratum"]
"""


def sparse(seed: int, trials: int, gaps: float) -> Reading:
    """Draw trials of 50 patients and four visits, with 7 to 10 of them at the last."""
    rng = np.random.default_rng(seed)
    arm = np.tile(np.arange(50) % 2, (trials, 1)).astype(np.int8)
    baseline, own = rng.normal(8.0, 1.0, (trials, 50)), rng.normal(0.0, 0.8, (trials, 1, 50))
    value = 0.5 * baseline[:, None] + own + rng.normal(0.0, 0.6, (trials, 4, 50))
    for trial in range(trials):
        per_arm = rng.multivariate_hypergeometric((25, 25), rng.integers(7, 11))
        for number, last in enumerate(np.maximum(per_arm, 1)):
            lost = rng.permutation(np.flatnonzero(arm[trial] == number))[last:]
            value[trial, 3, lost] = np.nan
    value[:, 1:3][rng.random((trials, 2, 50)) < gaps] = np.nan
    return Reading(
        arm,
        baseline,
        value,
        (3.0, 6.0, 9.0, 12.0),
        np.full((trials, 50), 12.0),
        np.zeros((trials, 50), np.int64),
    )


def one_of(reading: Reading, trial: int) -> Reading:
    part = slice(trial, trial + 1)
    return Reading(
        reading.arm[part],
        reading.baseline[part],
        reading.value[part],
        reading.visits_months,
        reading.age_years[part],
        reading.stratum[part],
    )


def missed(reading: Reading) -> list[int]:
    """Trials that fell back although the dense model has a maximum inside."""
    fitted = Mmrm("hba1c", 12.0).fit(reading)
    return [
        trial
        for trial in np.flatnonzero((fitted.fallback > 0) | (fitted.reason == NOT_CONVERGED))
        if DenseModel(one_of(reading, int(trial))).interior_maxima(starts=9, seed=int(trial))
    ]


def test_no_fit_falls_back_where_there_is_a_maximum() -> None:
    assert missed(sparse(1, 100, gaps=0.05)) == []


@pytest.mark.calibration
def test_no_fit_of_thousands_falls_back_where_there_is_a_maximum() -> None:
    assert missed(sparse(2, 2000, gaps=0.03)) == []


def test_our_maximum_is_the_highest_that_the_dense_model_finds() -> None:
    reading = sparse(3, 8, gaps=0.03)
    fitted = Mmrm("hba1c", 12.0, fallback=False).fit(reading)
    for trial in range(8):
        maxima = DenseModel(one_of(reading, trial)).interior_maxima(starts=4, seed=trial)
        if maxima:
            assert fitted.log_likelihood[trial] > max(maxima) - 1e-6


@pytest.mark.parametrize("df", ["satterthwaite", "kenward_roger"])
def test_the_closed_form_is_the_dense_model_where_values_are_missing_monotonely(df: str) -> None:
    reading = drawn(seed=5, trials=1, patients=40, dropout=0.4)
    model = DenseModel(reading)
    row, column = np.tril_indices(3)
    arms = np.eye(9)[7]

    def height_and_variance(entries: np.ndarray) -> np.ndarray:
        covariance = np.zeros((3, 3))
        covariance[row, column] = covariance[column, row] = entries
        height, _, spread = model.fit(covariance)
        return np.array([height, arms @ spread @ arms])

    ours = Mmrm("hba1c", 12.0, df=df, fallback=False).fit(reading)  # type: ignore[arg-type]  # one of its names

    height, beta, spread = model.fit(ours.covariance[0])
    variance = arms @ spread @ arms
    slope, curve = differences(height_and_variance, ours.covariance[0][row, column])
    w = np.linalg.inv(-curve[..., 0])
    assert slope[:, 0] @ w @ slope[:, 0] < 1e-7  # twice what the likelihood could still gain
    assert ours.log_likelihood[0] == pytest.approx(height, abs=1e-9)
    assert ours.effect[0] == pytest.approx(arms @ beta, rel=1e-9)
    assert ours.df[0] == pytest.approx(2 * variance**2 / (slope[:, 1] @ w @ slope[:, 1]), rel=1e-4)
    added = 0.0 if df == "satterthwaite" else -float((w * curve[..., 1]).sum())
    assert ours.se[0] == pytest.approx(np.sqrt(variance + added), rel=1e-5)


@pytest.mark.parametrize(("patients", "reason"), [(6, 0), (5, NOT_CONVERGED)])
def test_a_monotone_fit_needs_one_degree_of_freedom_at_each_visit(
    patients: int, reason: int
) -> None:
    """Three coefficients and two slopes on the visits before leave none to 5 patients."""
    reading = drawn(seed=6, trials=1, patients=40, dropout=0.0)
    by_arm = [np.flatnonzero(reading.arm[0] == arm) for arm in (0, 1)]
    lost = np.concatenate([by_arm[0][3:], by_arm[1][patients - 3 :]])
    reading.value[0, 2, lost] = np.nan

    fitted = Mmrm("hba1c", 12.0, fallback=False).fit(reading)

    assert fitted.reason[0] == reason


def test_numbers_are_those_of_r_where_seven_of_fifty_come_to_the_last_visit(
    tmp_path: Path,
) -> None:
    """R mmrm 0.3.18, and dense restricted likelihood from nine starts."""
    path = tmp_path / "scenario.toml"
    path.write_text(SCENARIO, encoding="utf-8")

    found = printed("analyse", path, DATA)["findings"][0]

    assert found["fallback"] == ""
    assert found["effect"] == pytest.approx(-3.355, abs=5e-4)
    assert found["se"] == pytest.approx(1.8215, abs=5e-5)
    assert found["df"] == pytest.approx(5.35, abs=5e-3)


@pytest.mark.parametrize(
    ("last", "screen"),
    [
        (6, "its own method had no answer: month 12 has 6 patients and needs 7. "),
        (3, "too few patients with data: month 12 has 3 patients and needs 7"),
        (0, "month 12 has no patient of the"),
    ],
)
def test_the_visit_with_too_few_patients_is_named(tmp_path: Path, last: int, screen: str) -> None:
    path, data = tmp_path / "scenario.toml", tmp_path / "data.csv"
    scenario = SCENARIO.replace('["baseline", "stratum"]', '["baseline"]')
    path.write_text(scenario, encoding="utf-8")
    heading, *rows = DATA.read_text(encoding="utf-8").splitlines()
    at = heading.split(",").index("months")
    left = {"0": 1, "1": 1} if last == 0 else {"0": last // 2, "1": (last + 1) // 2}
    if last == 0:
        left["1"] = 0
    kept = []
    for row in rows:
        arm = row.split(",")[1]
        if row.split(",")[at] == "12":
            left[arm] -= 1
            if left[arm] < 0:
                continue
        kept.append(row)
    data.write_text("\n".join([heading, *kept]) + "\n", encoding="utf-8")

    result = phase2sim("analyse", path, data)

    assert screen in " ".join((result.stdout + result.stderr).split())
