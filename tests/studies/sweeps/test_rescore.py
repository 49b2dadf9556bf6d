"""Scoring stored trials with a rule for several analyses."""

from pathlib import Path

import pytest
from support.commands import phase2sim
from support.small_sweeps import BASE, files_of, swept, write_sweep

from phase2sim.core.errors import BadScenario
from phase2sim.operating.simulation import simulate
from phase2sim.scenario.scenario_file import load_scenario
from phase2sim.studies.store.manifest import read_manifest
from phase2sim.studies.store.results_folder import open_store
from phase2sim.studies.sweeps.rescore import rescore
from phase2sim.studies.sweeps.results import Results

SECOND = '[[analysis]]\nname = "crude"\nendpoint = "c_peptide"\nmonth = 12\nmethod = "welch"\n'
TWO = BASE.replace("[decision]", SECOND + "[decision]")
WEIGHTS = "{ kind = 'fallback', one_sided_alpha = 0.025, weights = [0.8, 0.2] }"
DUAL = (
    "{ kind = 'dual_criterion', lower_reference = { c_peptide = 0.0 },"
    " target = { c_peptide = 0.2 }, lower_reference_confidence = 0.9 }"
)
SETTINGS = ("design.patients=30", "truth.target.c_peptide.effect=0.2")


def test_a_rule_for_several_analyses_scores_stored_trials_as_a_run_would(tmp_path: Path) -> None:
    out = tmp_path / "out"
    swept(write_sweep(tmp_path, base=TWO), out)

    rows = rescore(out, WEIGHTS, ["test"])

    (tmp_path / "rule.toml").write_text(
        TWO.replace('kind = "significance"', 'kind = "fallback"\nweights = [0.8, 0.2]')
    )
    run = simulate(load_scenario(tmp_path / "rule.toml", SETTINGS))
    stored = {
        row["analysis"]: row["estimate"]
        for row in rows
        if (row["patients"], row["effect"], row["name"]) == (30, 0.2, "power")
    }
    assert stored == {name: power.estimate for name, power in run.power.items()}
    assert set(stored) == {"c_peptide_month_12", "crude", "at_least_one"}


def test_reference_values_score_stored_trials_as_a_run_would(tmp_path: Path) -> None:
    out = tmp_path / "out"
    swept(write_sweep(tmp_path), out)

    rows = rescore(out, DUAL, ["test"])

    text = BASE.partition("[decision]")[0]
    (tmp_path / "rule.toml").write_text(f"decision = {DUAL}\n{text}")
    run = simulate(load_scenario(tmp_path / "rule.toml", SETTINGS))
    ledger = {"go_at_target", "consider_at_target", "false_stop", "missed_target", "false_go"}
    stored = {
        (row["name"], row["truth"]): row["estimate"]
        for row in rows
        if (row["patients"], row["effect"]) == (30, 0.2) and row["name"] in ledger
    }
    assert stored == {
        (row.name, row.truth): row.measured.estimate
        for row in run.characteristics
        if row.name in ledger
    }
    assert {name for name, _ in stored} == ledger


def test_a_refused_rule_leaves_the_store_as_it_was(tmp_path: Path) -> None:
    out = tmp_path / "out"
    swept(write_sweep(tmp_path), out)
    files_before = files_of(out), (out / "manifest.json").read_text()

    with pytest.raises(BadScenario, match=r"decision\.weights is for 2 analyses and there are 1"):
        rescore(out, WEIGHTS, ["test"])

    assert (files_of(out), (out / "manifest.json").read_text()) == files_before
    store = open_store(out)
    assert Results(store, read_manifest(store)).rows()


def test_the_screen_of_a_rule_with_reference_values_has_its_ledger(tmp_path: Path) -> None:
    (tmp_path / "rule.toml").write_text(f"decision = {DUAL}\n{BASE.partition('[decision]')[0]}")

    screen = phase2sim("run", tmp_path / "rule.toml", "--trials", "20").output

    assert "consider" in screen
    assert "missed target" in screen


def test_the_screen_calls_the_verdict_on_all_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "rule.toml").write_text(TWO.replace('kind = "significance"', 'kind = "holm"'))

    screen = phase2sim("run", tmp_path / "rule.toml", "--trials", "20").output

    assert "at least one" in screen
    assert "co-primary" not in screen
