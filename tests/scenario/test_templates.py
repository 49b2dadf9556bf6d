"""Files to start from can be used as they are; a shell can complete; a run can be explained."""

import json
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.kept_prior import DRAWS, keep

from phase2sim.cli import main
from phase2sim.evidence.load import load_evidence
from phase2sim.scenario.as_toml import toml_text
from phase2sim.scenario.scenario_file import load_scenario

SCENARIOS = sorted((Path(__file__).parents[2] / "scenarios").glob("*.toml"))


def call(*arguments: str | Path) -> tuple[int, str, str]:
    done = CliRunner().invoke(main, [str(one) for one in arguments])
    return done.exit_code, done.stdout, done.stderr


def test_the_files_are_read_and_run_as_they_are(tmp_path: Path) -> None:
    code, _, said = call("init", "first", "--folder", tmp_path)

    scenario, priors = tmp_path / "scenarios" / "first.toml", tmp_path / "priors" / "first.toml"
    ran, printed, _ = call("run", scenario, "--trials", "20")
    assert code == 0
    assert str(scenario) in said
    assert len(load_evidence([priors]).reported) == 2
    assert ran == 0
    assert "first: HbA1c at month 6" in printed


def test_nothing_is_written_over(tmp_path: Path) -> None:
    call("init", "first", "--folder", tmp_path)
    file = tmp_path / "scenarios" / "first.toml"
    file.write_text("mine", encoding="utf-8")

    code, _, said = call("init", "first", "--folder", tmp_path)

    assert code == 2
    assert "is there already" in said
    assert file.read_text(encoding="utf-8") == "mine"


def test_spaces_are_allowed_and_the_next_command_can_be_pasted(tmp_path: Path) -> None:
    folder = tmp_path / "my study"

    code, _, said = call("init", "first trial", "--folder", folder)

    command = shlex.split(said.rsplit("Next: phase2sim ", 1)[1])
    assert code == 0
    assert call(*command[:2], "--trials", "20")[0] == 0


@pytest.mark.parametrize("name", ["../up", " a", "a ", "", "-x/y"])
def test_a_name_that_is_no_file_name_is_refused(tmp_path: Path, name: str) -> None:
    code, _, said = call("init", "--folder", tmp_path, "--", name)

    assert code == 2
    assert "letters, digits" in said
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_is_told_how_to_complete(shell: str) -> None:
    code, printed, _ = call("completion", shell)

    assert code == 0
    assert "_PHASE2SIM_COMPLETE" in printed
    assert f"{shell}_complete" in printed


def test_a_run_is_explained_in_words() -> None:
    file = SCENARIOS[0].with_name("meld-atg.toml")
    code, printed, _ = call("run", file, "--trials", "20", "--explain")

    assert code == 0
    assert "What the numbers mean" in printed
    assert "share of trials that go although nothing works" in " ".join(printed.split())
    assert "20 trials used, 0 failed" in " ".join(printed.split())


def test_assurance_says_what_it_owes_to_the_draws(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHASE2SIM_CACHE", str(tmp_path))
    keep(tmp_path)
    file = SCENARIOS[0].with_name("gxipc1-phase2.toml")

    said = json.loads(call("run", file, "--trials", "40", "--json")[1])
    printed = " ".join(call("run", file, "--trials", "40", "--explain")[1].split())

    (row,) = (
        row
        for row in said["operating_characteristics"]
        if (row["name"], row["truth"], row["analysis"]) == ("assurance", "prior", "hba1c")
    )
    assert said["prior"]["draws"] == DRAWS
    assert 0 < row["draws_mcse"] < row["mcse"]
    assert f"{row['draws_mcse']:.4f}" in printed


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_a_scenario_written_as_text_reads_as_the_same_scenario(path: Path, tmp_path: Path) -> None:
    scenario = load_scenario(path)
    again = tmp_path / path.name
    again.write_text(toml_text(scenario), encoding="utf-8")

    assert load_scenario(again).model_dump() == scenario.model_dump()
