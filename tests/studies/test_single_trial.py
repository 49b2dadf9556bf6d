"""One simulated trial replayed: what it shows, with interim looks and without."""

import io
from dataclasses import replace

from rich.console import Console
from support.looks import with_looks
from support.small_trials import assembled, two_endpoints

from phase2sim.reporting.screens.single_trial import trial_result_screen
from phase2sim.studies.single_trial import TrialResult, replay

RULE = {
    "efficacy": {"kind": "pocock_spending"},
    "futility": {"kind": "conditional_power", "at_least": [0.2]},
}


def test_a_replayed_trial_with_looks_shows_response_rates_as_a_fixed_one_does() -> None:
    responder = {"endpoint": "c_peptide", "month": 12, "responder": {"at_least": 0.3}}
    table = with_looks(analysis=[responder | {"method": "miettinen_nurminen"}], stopping=RULE)
    fixed = {key: value for key, value in table.items() if key != "stopping"}
    fixed["design"] = {k: v for k, v in table["design"].items() if k != "looks"} | {"kind": "fixed"}
    whole, with_none = assembled(table), assembled(fixed)

    for trial in range(10):
        looked, _ = replay(whole, "target", trial)
        rates = replay(with_none, "target", trial)[0].findings[0].details
        assert len(rates) == 2
        assert looked.findings[0].details.keys() == rates.keys()
        if not looked.looks[-1].stopped_for:  # the final analysis, of the same patients
            assert looked.findings[0].details == rates


def printed(result: TrialResult) -> str:
    console = Console(markup=False, width=200, record=True, file=io.StringIO())
    console.print(trial_result_screen(result, "One trial"))
    return console.export_text()


def test_an_effect_that_nobody_knows_is_printed_as_unknown() -> None:
    table = two_endpoints()
    ranks = {"endpoint": "hba1c", "month": 12, "method": "rank_ancova"}
    ready = assembled(table | {"analysis": [ranks, table["analysis"][1]]})

    text = printed(replay(ready, "target", 0)[0])

    assert [line.split()[-1] for line in text.splitlines() if "hba1c " in line] == ["unknown"]


def test_an_analysis_that_failed_at_a_look_is_said_to_have_failed() -> None:
    result, _ = replay(assembled(with_looks(stopping=RULE)), "target", 0)
    failed = replace(result.looks[0], p_one_sided={"c_peptide": float("nan")})

    text = printed(replace(result, looks=(failed,)))

    assert "enrolled: c_peptide failed" in text


def test_a_detail_that_is_unknown_is_left_out() -> None:
    result, _ = replay(assembled(with_looks(stopping=RULE)), "target", 0)
    finding = replace(result.findings[0], details={"shape": float("nan"), "rate": 0.5})

    text = printed(replace(result, findings=(finding,)))

    assert "c_peptide: rate 0.5" in text
    assert "shape" not in text


def test_an_effect_that_cannot_be_estimated_is_printed_as_unknown() -> None:
    result, _ = replay(assembled(with_looks(stopping=RULE)), "target", 0)
    finding = replace(result.findings[0], effect=float("nan"), lower=-float("inf"))

    text = printed(replace(result, findings=(finding,)))

    assert "unknown (-inf to" in text
    assert "nan" not in text
