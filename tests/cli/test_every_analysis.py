"""Every registered analysis through the commands: simulated, replayed, and read back from a CSV."""

from pathlib import Path

import pytest
from support.commands import phase2sim, printed

from phase2sim.analyses import ANALYSES

SCENARIO = """
title = "One analysis of C-peptide"
seed = 20
trials = 100

[design]
kind = "fixed"
arms = ["control", "treated"]
patients = 60
visits_months = [0, 6, 12]
randomisation = { method = "stratified_blocks", over = ["age"] }

[outcome.c_peptide]
control_mean = [0.5, 0.45, 0.4]
sd = 0.25
correlation = 0.6

[truth.target]
c_peptide = { effect = 0.1, month = 12, shape = "linear" }

[population]
age_years = [6, 18]
age_strata = [12]

[missing]
dropout = { mechanism = "mcar", share = 0.1, by_month = 12 }

[[analysis]]
endpoint = "c_peptide"
month = 12
METHOD

[decision]
kind = "significance"
one_sided_alpha = 0.025
"""
RULE = "responder = { at_least = 0.4 }"
KEYS = {
    "bayes_normal": "control_prior = { weights = [1.0], means = [0.4], sds = [0.05],"
    " robust_weight = 0.2, robust_sd = 0.5 }",
    "cmh": RULE,
    "fisher": RULE,
    "logistic_standardised": RULE,
    "miettinen_nurminen": RULE,
    "miettinen_nurminen_stratified": RULE,
    "tobit": "lloq = 0.1",
}
# Simulated patients have no counts: test_counts_of_files.
KNOWN = {"model", "difference in response rates"}  # scales on which patients have a true effect

every_analysis = pytest.mark.parametrize(
    "name", [name for name, part in ANALYSES.items() if part.reads != "count"]
)


def scenario_of(folder: Path, method: str, keys: str = "") -> Path:
    path = folder / "scenario.toml"
    path.write_text(SCENARIO.replace("METHOD", f'method = "{method}"\n{keys}'), encoding="utf-8")
    return path


@every_analysis
def test_a_replayed_trial_read_back_gives_the_same_answer(tmp_path: Path, name: str) -> None:
    scenario, out = scenario_of(tmp_path, name, KEYS.get(name, "")), tmp_path / "patients.csv"

    replayed = printed("replay", scenario, "--trial", 3, "--out", out)
    analysed = printed("analyse", scenario, out)

    ours, theirs = analysed["findings"][0], replayed["findings"][0]
    assert ours["failed"] == ""
    assert analysed["decision"] == replayed["decision"]
    assert ours["scale"] == theirs["scale"]
    for key in ("effect", "se", "t", "p_one_sided", "p_two_sided", "lower", "upper"):
        assert ours[key] == pytest.approx(theirs[key], rel=1e-6), key
    assert ours["details"] == pytest.approx(theirs["details"], rel=1e-6)
    assert "Decision" in phase2sim("analyse", scenario, out).stdout


@every_analysis
def test_it_runs_and_claims_a_bias_only_where_the_truth_is_known(tmp_path: Path, name: str) -> None:
    scenario = scenario_of(tmp_path, name, KEYS.get(name, ""))

    rows = printed("run", scenario, "--trials", 40)["operating_characteristics"]

    names = {row["name"] for row in rows}
    assert {"power", "type_i_error", "missing"} <= names
    assert ({"bias", "coverage"} <= names) == (ANALYSES[name].scale in KNOWN)
    assert all(row["estimate"] is not None for row in rows)


def test_a_trial_in_which_all_respond_is_no_go_and_no_failure(tmp_path: Path) -> None:
    scenario = scenario_of(tmp_path, "fisher", "responder = { at_least = 0.0 }")
    settings = ("outcome.c_peptide.sd=0.001", "outcome.c_peptide.control_mean=1.0")
    seen = "missing.dropout.share=0.0"
    always = [text for setting in (*settings, seen) for text in ("--set", setting)]

    result = printed("run", scenario, "--trials", 20, *always)

    power = next(row for row in result["operating_characteristics"] if row["name"] == "power")
    assert (power["estimate"], power["failed"], power["used"]) == (0.0, 0, 20)
    assert result["failures"] == {}


def test_a_mistyped_key_of_a_rule_is_named(tmp_path: Path) -> None:
    rule = scenario_of(tmp_path, "fisher", "responder = { at_least = 0.4, belo = 1.0 }")
    errors = phase2sim("run", rule).stderr

    assert "analysis[1].responder" in errors
    assert "belo" in errors


@pytest.mark.parametrize(
    ("method", "missing"), [("van_elteren", "age_strata"), ("cmh", "age_strata")]
)
def test_an_analysis_within_strata_needs_them(tmp_path: Path, method: str, missing: str) -> None:
    scenario = scenario_of(tmp_path, method, KEYS.get(method, ""))

    errors = phase2sim("run", scenario, "--set", "population.age_strata=[]").stderr

    assert f"population.{missing} is missing" in errors


def test_a_key_of_other_methods_names_them(tmp_path: Path) -> None:
    errors = phase2sim("run", scenario_of(tmp_path, "ancova", RULE)).stderr

    assert "analysis[1].responder is not a key of method = 'ancova'" in errors
    for name in ("cmh", "fisher", "logistic_standardised", "miettinen_nurminen"):
        assert repr(name) in errors
