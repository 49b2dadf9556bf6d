"""Elicited inputs moved in a scenario: what is exact, what needs a fit, what is printed."""

import json
from pathlib import Path

import pytest
from support.commands import phase2sim
from support.kept_prior import draws_for, keep_for, shipped_evidence

from phase2sim.reporting.figures.pages import write_figures
from phase2sim.reporting.screens.knob_sensitivity import knob_json
from phase2sim.scenario.assembly.assemble import assemble, build_scenario
from phase2sim.scenario.scenario_file import load_scenario
from phase2sim.studies.knob_runs import MIXED_ANEW, NEEDS_FIT, REFITTED, REWEIGHTED, MovedKnob
from phase2sim.studies.knob_sensitivity import KnobSensitivity, quick_sensitivity

SCENARIO = Path(__file__).parents[2] / "scenarios" / "gxipc1-phase2.toml"
TRIALS = 300


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def result(folder: Path, monkeypatch: pytest.MonkeyPatch) -> KnobSensitivity:
    monkeypatch.setenv("PHASE2SIM_CACHE", str(folder))
    evidence = shipped_evidence()
    prior = draws_for(evidence)
    assembled = assemble(build_scenario(load_scenario(SCENARIO)), prior)
    return quick_sensitivity(assembled, evidence, prior, TRIALS)


def row(result: KnobSensitivity, knob: str, change: str) -> MovedKnob:
    return next(
        r for r in result.moved if r.move and (r.move.knob, r.move.change) == (knob, change)
    )


@pytest.mark.parametrize(("change", "part"), [("at 0", "sceptical"), ("at 1", "fitted")])
def test_a_weight_at_its_end_leaves_one_part(
    result: KnobSensitivity, change: str, part: str
) -> None:
    moved = row(result, "truth.prior.robust_weight", change)

    assert moved.method == MIXED_ANEW
    for verdict, share in moved.assurance.items():
        assert share.value == pytest.approx(getattr(result.stated, part)[verdict].value)


def test_the_mixture_as_stated_is_its_parts_in_their_shares(result: KnobSensitivity) -> None:
    stated = result.stated

    for verdict, share in stated.assurance.items():
        mixed = 0.8 * stated.fitted[verdict].value + 0.2 * stated.sceptical[verdict].value
        assert share.value == pytest.approx(mixed)
        assert share.difference == 0.0


def test_a_larger_sceptical_sd_moves_the_sceptical_part_too(result: KnobSensitivity) -> None:
    moved = row(result, "effect.c_peptide.sceptical_sd", "doubled")

    assert moved.method in {REWEIGHTED, REFITTED}
    if not moved.refused:
        assert moved.sceptical["c_peptide"].value > result.stated.sceptical["c_peptide"].value


def test_what_changes_the_likelihood_needs_a_fit(result: KnobSensitivity) -> None:
    moved = row(result, "effect.hba1c.half_time_months", "halved")

    assert moved.refused == NEEDS_FIT
    assert result.refused


def test_a_kept_fit_is_read(
    result: KnobSensitivity, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHASE2SIM_CACHE", str(folder))
    move = row(result, "effect.hba1c.half_time_months", "doubled").move
    assert move is not None
    keep_for(folder, move.evidence)
    evidence = shipped_evidence()
    assembled = assemble(build_scenario(load_scenario(SCENARIO)), draws_for(evidence))

    again = quick_sensitivity(assembled, evidence, draws_for(evidence), TRIALS)

    moved = row(again, "effect.hba1c.half_time_months", "doubled")
    assert (moved.method, moved.refused) == (REFITTED, "")


def test_json_has_every_move_and_the_clinical_unit(result: KnobSensitivity) -> None:
    values = json.loads(json.dumps(knob_json(result), allow_nan=False))

    assert len(values["moved"]) == len(result.moved)
    effect = values["as_stated"]["effect"]["c_peptide"]
    assert effect["clinical"]["unit"] == "nmol/L"
    assert effect["clinical"]["mean"] > effect["value"] > 0  # exp(x) of a typical 0.5 is above 1


def test_figures_are_one_tornado_per_assurance_and_effect(
    result: KnobSensitivity, tmp_path: Path
) -> None:
    write_figures(result, tmp_path / "figures")

    names = {path.stem for path in (tmp_path / "figures").iterdir()}
    assert {f"knobs-assurance-{n}" for n in ("hba1c", "c_peptide", "co_primary")} <= names
    assert {"knobs-effect-hba1c", "knobs-effect-c_peptide"} <= names


def test_a_scenario_without_a_prior_is_refused(tmp_path: Path) -> None:
    scenario = tmp_path / "no-prior.toml"
    text = SCENARIO.read_text(encoding="utf-8")
    start, end = text.index("[truth.prior]"), text.index("[missing]")
    scenario.write_text(text[:start] + text[end:], encoding="utf-8")

    ended = phase2sim("prior", "sensitivity", str(scenario))

    assert ended.exit_code == 2
    assert "truth.prior is missing" in ended.output
