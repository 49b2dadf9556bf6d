"""A simpler model that answers is counted, in a run, and named where one trial is looked at."""

from pathlib import Path

import pytest
from support.commands import phase2sim, printed
from support.mmrm_readings import SCENARIO

from phase2sim.core.contracts import FAILURES, FALLBACKS, NOT_CONVERGED

REASON = FAILURES[NOT_CONVERGED]


@pytest.fixture
def sparse(tmp_path: Path) -> Path:
    """Write a trial with too few values for an unstructured covariance."""
    text = SCENARIO.replace("COVARIANCE", "unstructured").replace("patients = 40", "patients = 16")
    text = text.replace("[population]\nage_years = [6, 18]\nage_strata = [12]\n", "")
    text = text.replace("averaged_from = 6\n", "").replace("fallback = false", "fallback = true")
    text = text.replace('["baseline", "age", "stratum"]', '["baseline"]')
    text = text.replace('by_visit = ["baseline", "age"]\n', "")
    text += '\n[missing]\ndropout = { mechanism = "mcar", share = 0.4, by_month = 12 }\n'
    path = tmp_path / "sparse.toml"
    path.write_text("failures_allowed = 1\n" + text, encoding="utf-8")
    return path


def test_a_run_counts_the_trials_that_fell_back(sparse: Path) -> None:
    run = printed("run", sparse, "--trials", "300")
    without = printed("run", sparse, "--trials", "300", "--set", "analysis.1.fallback=false")

    rows = run["fallbacks"]
    assert {row["truth"] for row in rows} == {"target", "null"}
    assert {row["to"] for row in rows} <= set(FALLBACKS[1:])
    assert all(row["analysis"] == "hba1c" and row["mcse"] > 0 for row in rows)
    fell_back = sum(round(row["estimate"] * row["used"]) for row in rows)
    assert fell_back > 10
    assert fell_back == without["failures"][REASON] - run["failures"].get(REASON, 0)
    assert without["fallbacks"] == []


def test_the_screen_says_so(sparse: Path) -> None:
    screen = phase2sim("run", sparse, "--trials", "300").stdout

    assert "hba1c, target: where its own method had no answer, with" in " ".join(screen.split())


def test_one_trial_names_the_model_that_answered(sparse: Path, tmp_path: Path) -> None:
    for trial in range(100):
        replayed = printed("replay", sparse, "--trial", trial)["findings"][0]
        if replayed["fallback"]:
            break
    data = tmp_path / "patients.csv"
    phase2sim("replay", sparse, "--trial", trial, "--out", data)

    found = printed("analyse", sparse, data)["findings"][0]

    assert replayed["fallback"] in FALLBACKS[1:]
    assert found["fallback"] == replayed["fallback"]
    assert found["effect"] == pytest.approx(replayed["effect"], rel=1e-6)
    assert f"{found['fallback']} answered." in phase2sim("analyse", sparse, data).stdout
