"""The threshold with a wanted type I error, where theory knows it."""

from pathlib import Path

import pytest
from support.agreement import assert_agrees
from support.commands import phase2sim, printed
from support.small_sweeps import BASE
from support.small_trials import Table, one_endpoint, scenario, two_endpoints

from phase2sim.core.backends import backend
from phase2sim.core.errors import BadInput
from phase2sim.studies.calibrate import Calibration, calibrate

TRIALS = 4_000


def calibrated(table: Table, verdict: str | None = None, wanted: float = 0.025) -> Calibration:
    with backend() as pool:
        return calibrate(scenario(table), wanted, pool, trials=TRIALS, verdict=verdict)


def posterior(**options: object) -> Table:
    return {"kind": "posterior", "probability": 0.9, **options}


@pytest.mark.parametrize("wanted", [0.025, 0.1])
def test_a_flat_posterior_needs_one_minus_the_error(wanted: float) -> None:
    calibration = calibrated(one_endpoint(decision=posterior()), wanted=wanted)

    assert calibration.binds
    assert_agrees(calibration.threshold, 1 - wanted, calibration.mcse)
    assert_agrees(calibration.nulls[0].error, wanted, 2**0.5 * calibration.nulls[0].error.mcse)
    assert_agrees(calibration.as_stated.error, 0.1)


def test_a_margin_is_its_own_null() -> None:
    analysis = {"endpoint": "c_peptide", "month": 12, "method": "t_test", "null_effect": -0.1}
    calibration = calibrated(one_endpoint(analysis=[analysis]))

    assert calibration.key == "one_sided_alpha"
    assert_agrees(calibration.threshold, 0.025, calibration.mcse)


@pytest.mark.parametrize("kind", ["co_primary", "holm", "fixed_sequence"])
def test_the_worst_null_of_two_endpoints_has_an_effect_on_one(kind: str) -> None:
    calibration = calibrated(two_endpoints(decision={"kind": kind, "one_sided_alpha": 0.05}))

    # Each of these tests a lone null at its full level; the strictest of three estimates is
    # below it by chance.
    assert_agrees(calibration.threshold, 0.025, calibration.mcse)
    assert {null.true for null in calibration.nulls} == {
        ("hba1c",),
        ("c_peptide",),
        ("hba1c", "c_peptide"),
    }
    assert_agrees(calibration.as_stated.error, 0.05)


def test_a_rule_that_keeps_the_error_anyhow_needs_no_threshold() -> None:
    rule = {
        "kind": "dual_criterion",
        "lower_reference": {"c_peptide": 0.0},
        "target": {"c_peptide": 0.9},
        "lower_reference_confidence": 0.95,
    }
    calibration = calibrated(one_endpoint(decision=rule))

    assert not calibration.binds
    assert calibration.nulls[0].error.estimate == 0.0


def test_a_verdict_must_be_one_of_the_rule_s() -> None:
    table = two_endpoints(decision={"kind": "significance", "one_sided_alpha": 0.025})

    with pytest.raises(BadInput, match="Say --verdict with one of hba1c, c_peptide"):
        calibrated(table)


def test_the_command_prints_a_decision_to_use(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text(BASE)

    values = printed("calibrate", tmp_path / "base.toml", "--trials", "1000")
    screen = phase2sim("calibrate", tmp_path / "base.toml", "--trials", "1000").output

    assert values["decision"] == {"kind": "significance", "one_sided_alpha": values["threshold"]}
    assert values["mcse"] > 0
    assert values["nulls"][0]["used"] == 1000
    assert f"one_sided_alpha = {values['threshold']:g}" in screen
