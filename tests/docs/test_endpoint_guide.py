"""The files of docs/guide/endpoints.md are what it says they are."""

import re
from pathlib import Path

import pytest
from support.commands import phase2sim

from phase2sim import load_scenario, simulate
from phase2sim.core.endpoints import DERIVED, EVENTS, RESPONSES
from phase2sim.evidence.load import load_evidence

GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "endpoints.md"
ENDPOINTS, EVIDENCE, TRIAL, OUTCOME, MORE = re.findall(
    r"```toml\n(.*?)```", GUIDE.read_text(encoding="utf-8"), flags=re.DOTALL
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "endpoints.toml").write_text(ENDPOINTS)
    (tmp_path / "copd.toml").write_text(EVIDENCE)
    (tmp_path / "trial.toml").write_text(TRIAL)
    return tmp_path


def test_the_evidence_and_the_trial_are_read(folder: Path) -> None:
    evidence = load_evidence([folder / "copd.toml"])
    trial = load_scenario(folder / "trial.toml")

    assert [number.unused for number in evidence.reported] == [""] * 5
    assert evidence.reported[2].value == pytest.approx(1.32)
    assert trial.truth.target["fev1"].effect == pytest.approx(0.1)


def test_without_evidence_the_same_trial_is_simulated(folder: Path) -> None:
    plain = TRIAL.replace('evidence = ["copd.toml"]\n', "").replace(
        "[truth.prior]\nrobust_weight = 0.8\n", ""
    )
    outcome = OUTCOME.split("\n", 1)
    (folder / "plain.toml").write_text(f"{outcome[0]}\n{plain}\n{outcome[1]}")

    result = simulate(load_scenario(folder / "plain.toml"))

    assert 0.5 < result.power["fev1"].estimate < 0.9


def test_what_follows_from_others_is_defined(folder: Path) -> None:
    (folder / "more.toml").write_text(MORE)
    with_more = TRIAL.replace(
        'evidence = ["copd.toml"]\n', 'evidence = ["copd.toml"]\nendpoints = "more.toml"\n'
    )
    (folder / "trial.toml").write_text(with_more)

    load_scenario(folder / "trial.toml")

    assert DERIVED["fev1_share"].of == ("fev1", "fvc")
    assert EVENTS["exacerbations"] == "exacerbations"
    assert RESPONSES["fev1_better"].endpoint == "fev1"


@pytest.mark.calibration
def test_the_command_of_the_guide_gives_power_and_assurance(folder: Path) -> None:
    run = phase2sim("run", folder / "trial.toml")

    assert run.exit_code == 0
    assert "assurance" in run.stdout
