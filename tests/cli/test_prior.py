"""The prior command: showing a kept fit, and exporting mixtures."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.commands import phase2sim, printed
from support.kept_prior import NAMES, keep

from phase2sim.core.errors import BadInput
from phase2sim.theory.mixtures.analysis_prior import mixture_json, read_mixture

PAGE = Path(__file__).parents[2] / "docs" / "guide" / "cli.md"
EFFECT = ("prior", "export", *NAMES, "--mixture", "effect", "--endpoint", "hba1c")
CONTROL = ("prior", "export", *NAMES, "--mixture", "control", "--endpoint", "hba1c")


@pytest.fixture(autouse=True)
def kept_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(tmp_path)
    monkeypatch.setenv("PHASE2SIM_CACHE", str(tmp_path))


def test_show_prints_what_fit_prints() -> None:
    assert printed("prior", "show", *NAMES) == printed("fit", *NAMES)


def test_show_fits_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHASE2SIM_CACHE", str(tmp_path / "empty"))

    result = phase2sim("prior", "show", *NAMES)

    assert result.exit_code == 2
    assert "Run: phase2sim fit" in result.stderr


def test_control_mean_of_a_new_trial_varies_between_studies() -> None:
    # The kept draws: mean 8 at all months, level SD 0.1, patients' SD 1.2; 50 draws.
    values = printed(*CONTROL, "--month", "12")

    mean = sum(w * m for w, m in zip(values["weights"], values["means"], strict=True))
    assert mean == pytest.approx(8.0, abs=4 * 0.1 / 50**0.5)
    assert values["reference_sd"] == pytest.approx(1.2)
    assert values["ess_moment_patients"] == pytest.approx((1.2 / 0.1) ** 2, rel=0.8)


def test_every_field_is_in_the_guide_and_the_file_reads_back(tmp_path: Path) -> None:
    out = tmp_path / "effect.json"

    values = printed(*EFFECT, "--out", out)

    assert mixture_json(read_mixture(out)) == values == json.loads(out.read_text())
    assert all(f"`{field}`" in PAGE.read_text(encoding="utf-8") for field in values)
    assert "patients in two equal arms" in phase2sim(*EFFECT).stdout


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--month", "0"), "--month is 0"),
        (("--month", "999"), "--month is 999"),
        (("--window", "5", "2"), "--window is 5 2"),
    ],
)
def test_what_the_draws_cannot_say_is_refused(options: tuple[str, ...], message: str) -> None:
    result = phase2sim(*CONTROL, *options)

    assert result.exit_code == 2
    assert message in result.stderr


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weights": [2.0]}, "must be 0 or more and sum to 1"),
        ({"sds": [-1.0]}, "above 0"),
        ({"means": [0.0, 1.0]}, "one of each"),
        ({"endpoint": "hba1d"}, "Did you mean 'hba1c'"),
        ({"scale": "mmol/mol"}, "scale is"),
        ({"reference_sd": 0.0}, "reference_sd is 0"),
        ({"weight": [1.0]}, "weight is not a known key"),
        ({"format": "other"}, "format is"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    mixture = {"weights": [1.0], "means": [-0.4], "sds": [0.2]}
    path = tmp_path / "damaged.json"
    path.write_text(json.dumps(printed(*EFFECT) | mixture | change))

    with pytest.raises(BadInput, match=message):
        read_mixture(path)
