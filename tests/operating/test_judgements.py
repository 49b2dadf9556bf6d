"""Three assurances of one mixture prior, and the elicited inputs behind them."""

from pathlib import Path

import pytest
from support.kept_prior import keep

from phase2sim.operating.simulation import Result, simulate
from phase2sim.reporting.screens.run import explain_result, run_json
from phase2sim.scenario.scenario_file import load_scenario
from phase2sim.studies.sweeps.cells import study_key

SCENARIO = Path(__file__).parents[2] / "scenarios" / "gxipc1-phase2.toml"
TRIALS = 400


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Runner":
    monkeypatch.setenv("PHASE2SIM_CACHE", str(tmp_path))
    keep(tmp_path)
    return Runner()


class Runner:
    def __call__(self, *settings: str) -> Result:
        return simulate(load_scenario(SCENARIO, settings), trials=TRIALS)


def shares(result: Result, truth: str) -> dict[str, float]:
    rows = result.characteristics
    return {
        r.analysis: r.measured.estimate for r in rows if (r.name, r.truth) == ("assurance", truth)
    }


def test_the_fitted_part_alone_is_the_trials_that_drew_it(run: Runner) -> None:
    mixed, alone = run(), run("truth.prior.robust_weight=1")
    measured = {r.analysis: r.measured for r in mixed.characteristics if r.truth == "fitted"}

    # The same trials draw the same patients and effects, whatever the weight.
    assert measured["hba1c"].used == pytest.approx(0.8 * TRIALS, abs=4 * (0.16 * TRIALS) ** 0.5)
    for name, share in shares(alone, "fitted").items():
        error = measured[name].mcse
        assert measured[name].estimate == pytest.approx(share, abs=4 * error)


def test_with_weight_1_the_mixture_is_its_fitted_part(run: Runner) -> None:
    result = run("truth.prior.robust_weight=1")

    assert shares(result, "fitted") == shares(result, "prior")


def test_with_weight_0_the_mixture_is_its_sceptical_part(run: Runner) -> None:
    result = run("truth.prior.robust_weight=0")

    assert shares(result, "prior") == shares(result, "sceptical")
    assert not shares(result, "fitted")
    assert "the fitted part was never drawn" in " ".join(explain_result(result))


def test_every_knob_is_an_elicited_input_with_its_reason(run: Runner) -> None:
    elicited = {given["key"]: given for given in run_json(run())["elicited"]}

    for endpoint in ("hba1c", "c_peptide", "insulin", "glucose"):
        for key in ("sceptical_sd", "bias_sd", "shared", "half_time_months"):
            assert elicited[f"effect.{endpoint}.{key}"]["reason"] not in {"", "no reason given"}
    assert elicited["effect.hba1c.sceptical_sd"]["value"] == "0.5 %"
    assert elicited["GXIPC1 phase 1: typical weight"]["value"] == "N(35, 10) kg"
    assert "Schmidli" in elicited["truth.prior.robust_weight"]["reason"]


def test_the_reason_for_the_weight_is_printed_and_moves_no_trial(run: Runner) -> None:
    stated, other = (load_scenario(SCENARIO, s) for s in ((), ("truth.prior.why=because",)))

    elicited = {given.key: given for given in run("truth.prior.why=because").elicited}

    assert elicited["truth.prior.robust_weight"].reason == "because"
    assert study_key(stated, ("prior",), "") == study_key(other, ("prior",), "")


def test_care_of_the_trial_is_printed_with_its_reason_or_as_left_out(run: Runner) -> None:
    said = ("population.care.sensor_share=0.5", "population.care_why=because")
    stated, other = (load_scenario(SCENARIO, s) for s in (said, said[:1]))

    elicited = {given.key: given for given in run(*said).elicited}
    left_out = {given.key: given for given in run("population.care={}").elicited}

    assert str(elicited["population.care.sensor_share"]).endswith("= 0.5: because")
    assert left_out["population.care.sensor_share"].value == "0"
    assert study_key(stated, ("prior",), "") == study_key(other, ("prior",), "")


def test_background_therapy_is_printed_with_its_reason(run: Runner) -> None:
    effect = '{c_peptide={effect=0.1, month=12, shape="onset"}}'
    said = (
        f'population.background={{name="teplizumab", share=0.3, effect={effect}, why="approved"}}'
    )
    other = said.replace("teplizumab", "another").replace("approved", "a guess")

    elicited = {given.key: str(given) for given in run(said).elicited}

    key = "population.background"
    assert elicited[key] == f"{key} = teplizumab in 30 % of every arm: approved"
    stated, renamed = (load_scenario(SCENARIO, (text,)) for text in (said, other))
    assert study_key(stated, ("prior",), "") == study_key(renamed, ("prior",), "")
