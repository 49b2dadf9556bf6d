"""A fit that fails its gate: exit code 1, draws put aside, and advice."""

from pathlib import Path

import pytest
from commands import phase2sim
from kept_prior import shipped_evidence

from phase2sim.models.settings import Gate
from phase2sim.prior import refusal
from phase2sim.prior_files import DamagedPrior, load

ONE_MEAN = """
[study]
name = "One arm"
design = "control-arm"
patients = 40
months_since_diagnosis = [0, 0]
source = "made up for a test"

[[reported]]
endpoint = "hba1c"
month = 6
mean = 7.3
sd = 1.3
unit = "%"
"""
SCENARIO = """
title = "A trial on one mean"
evidence = ["one"]
seed = 1
trials = 100

[design]
kind = "fixed"
arms = ["control", "treated"]
patients = 40
visits_months = [0, 6]

[truth.target]
hba1c = { effect = -0.5, month = 6, shape = "immediate" }

[[analysis]]
endpoint = "hba1c"
month = 6
method = "ancova"

[decision]
kind = "significance"
one_sided_alpha = 0.025
"""


def test_a_failed_gate_exits_1_and_nothing_can_use_its_draws(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHASE2SIM_CACHE", str(tmp_path / "cache"))
    # No sampler has an R-hat below 1, so this gate refuses any fit.
    monkeypatch.setattr("phase2sim.models.settings.GATE", Gate(largest_rhat=0.5))
    (tmp_path / "one.toml").write_text(ONE_MEAN)
    (tmp_path / "trial.toml").write_text(SCENARIO)

    fitted = phase2sim("fit", tmp_path / "one.toml")
    shown = phase2sim("prior", "show", tmp_path / "one.toml")
    run = phase2sim("run", tmp_path / "trial.toml", "--trials", 10)

    assert fitted.exit_code == run.exit_code == 1
    assert shown.exit_code == 2
    (aside,) = (tmp_path / "cache").iterdir()
    assert aside.suffix == ".untrusted"
    assert str(aside) in fitted.stderr
    assert "What to try" in fitted.stderr
    assert "Traceback" not in fitted.stderr + run.stderr
    with pytest.raises(DamagedPrior, match="gate"):
        load(aside)


@pytest.mark.parametrize(
    ("complaint", "about", "lever"),
    [
        ("R-hat of 'decay[1]' is 1.02, above 1.01", "numbers of C-peptide that", "'draws'"),
        ("bulk ESS of 'history[0, 5]' is 300, below 400", "numbers of HbA1c that", "'draws'"),
        ("tail ESS of 'endpoint_correlation[1]' is 3, below 400", "numbers that", "'draws'"),
        ("7 divergent transitions, more than 0", "numbers that", "'target_accept'"),
    ],
)
def test_advice_names_the_endpoint_that_is_complained_of(
    complaint: str, about: str, lever: str
) -> None:
    said = refusal(shipped_evidence(), [complaint], ("hba1c", "c_peptide"), Path("aside.untrusted"))

    assert complaint in said
    assert about in said
    assert lever in said
    assert "phase2sim evidence show gxipc1 t1d-natural-history" in said
