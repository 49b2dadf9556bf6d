"""Every disease of the gallery: its files are read, its trial is simulated, its fit is made."""

from pathlib import Path

import pytest
from support.commands import phase2sim

from phase2sim import load_scenario, simulate
from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.evidence.load import load_evidence

GALLERY = Path(__file__).parents[2] / "scenarios" / "gallery"
DISEASES = sorted(path.parent for path in GALLERY.glob("*/trial.toml"))
NAMES = [path.name for path in DISEASES]


@pytest.mark.parametrize("disease", DISEASES, ids=NAMES)
def test_every_number_has_a_source_and_is_read_or_says_why_not(disease: Path) -> None:
    evidence = load_evidence([disease / "evidence.toml"])

    assert all(number.source for number in evidence.reported)
    assert sum(not number.unused for number in evidence.reported) >= 8
    assert any(arm.treated for arm in evidence.arms)
    assert sum(not arm.treated for arm in evidence.arms) >= 2
    assert evidence.clock == "entry"


@pytest.mark.parametrize("disease", DISEASES, ids=NAMES)
def test_its_trial_is_simulated(disease: Path) -> None:
    """Without its evidence, whose fit takes a minute: with untreated patients of our own."""
    trial = load_scenario(disease / "trial.toml")
    (name,) = trial.truth.target
    low, high = ENDPOINTS[name].plausible
    outcome = {name: {"control_mean": (low + high) / 2, "sd": (high - low) / 8, "correlation": 0.5}}
    truth = trial.truth.model_dump(mode="json", exclude_none=True) | {"prior": None}

    plain = trial.changed({"evidence": [], "outcome": outcome, "truth": truth, "trials": 200})
    result = simulate(plain)

    assert 0.1 < result.power[name].estimate <= 1.0
    assert result.power[name].failed == 0


@pytest.mark.calibration
@pytest.mark.parametrize("disease", DISEASES, ids=NAMES)
def test_its_fit_passes_the_gate_and_every_command_answers(
    disease: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PHASE2SIM_CACHE", str(tmp_path / "cache"))
    evidence, trial = disease / "evidence.toml", disease / "trial.toml"
    small = ("--trials", 400)
    for command in (
        ("fit", evidence),
        ("prior", "check", evidence),
        ("run", trial, *small),
        ("size", trial, "--power", 0.8, "--tolerance", 0.1),
        ("report", trial, *small, "--out", "report.html"),
        ("protocol", trial, *small),
    ):
        result = phase2sim(*command)
        assert result.exit_code == 0, result.stderr
