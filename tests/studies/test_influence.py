"""Leaving out each reported number: what is refitted, what moves, and what is printed."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.agreement import assert_agrees
from support.commands import phase2sim
from support.kept_prior import DRAWS, draws_for, shipped_evidence

from phase2sim.core.errors import BadInput
from phase2sim.evidence.load import load_evidence
from phase2sim.evidence.reported import Evidence, ReportedNumber
from phase2sim.prior import storage as prior_files
from phase2sim.reporting.figures.pages import write_figures
from phase2sim.reporting.screens.influence import influence_json, influence_screen
from phase2sim.scenario.assembly.assemble import build_scenario
from phase2sim.scenario.assembly.parts import BuiltScenario
from phase2sim.scenario.scenario_file import load_scenario
from phase2sim.studies.influence import EntryWeights, Influence, leave_entry_out, measure_influence

ROOT = Path(__file__).parents[2]
PRIORS = ROOT / "priors"
PAGE = ROOT / "docs" / "guide" / "cli.md"
SCENARIO = ROOT / "scenarios" / "gxipc1-phase2.toml"
NAMES = {"hba1c", "c_peptide", "insulin", "glucose", "co_primary"}


def silent(line: str) -> None:
    del line


def built(trials: int = 400) -> BuiltScenario:
    return build_scenario(load_scenario(SCENARIO, (f"trials={trials}",)))


def weighted(evidence: Evidence, **k: float) -> EntryWeights:
    """Even weights; ``k`` sets the Pareto k of GXIPC1's entry of that number, as in ``k_3=0.9``."""
    entries = tuple(entry for entry in evidence.reported if not entry.unused)
    shape = np.zeros(len(entries))
    for name, value in k.items():
        shape[_index(evidence, int(name.removeprefix("k_")))] = value
    return EntryWeights(entries, np.full((DRAWS, len(entries)), 1 / DRAWS), shape)


def _index(evidence: Evidence, number: int) -> int:
    entries = [entry for entry in evidence.reported if not entry.unused]
    return next(
        index
        for index, entry in enumerate(entries)
        if entry.file.endswith("gxipc1.toml") and entry.number == number
    )


def _entry(evidence: Evidence, number: int) -> ReportedNumber:
    return [entry for entry in evidence.reported if not entry.unused][_index(evidence, number)]


def keep_without(evidence: Evidence, number: int, shift: float) -> None:
    """Keep draws for the evidence without one entry: the effect on HbA1c lies ``shift`` higher."""
    evidence_without = leave_entry_out(evidence, _entry(evidence, number))
    draws = draws_for(evidence_without)
    effect = draws.effect + shift * (np.array(draws.endpoints) == "hba1c")
    prior_files.save(
        replace(draws, effect=effect), prior_files.cached_path(evidence_without.digest)
    )


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the fits that reweighting cannot stand in for: medians beside counts or quartiles."""
    monkeypatch.setenv("PHASE2SIM_CACHE", str(tmp_path / "cache"))
    evidence = shipped_evidence()
    for entry in evidence.reported:
        if entry.statistic in {"median", "quartiles"} and not entry.unused:
            evidence_without = leave_entry_out(evidence, entry)
            prior_files.save(
                draws_for(evidence_without), prior_files.cached_path(evidence_without.digest)
            )


def influence_of(
    evidence: Evidence, weights: EntryWeights, trial: BuiltScenario | None = None
) -> Influence:
    return measure_influence(evidence, draws_for(evidence), weights, trial, silent)


def test_without_an_entry_is_the_evidence_of_a_file_that_sets_it_aside(tmp_path: Path) -> None:
    evidence = shipped_evidence()
    text = (PRIORS / "gxipc1.toml").read_text(encoding="utf-8")
    marked = tmp_path / "gxipc1.toml"
    marked.write_text(text.replace("median = 7.41", 'median = 7.41\nunused = "to see"', 1))

    evidence_without = leave_entry_out(evidence, _entry(evidence, 1))

    expected = load_evidence([marked, PRIORS / "t1d-natural-history.toml"])
    assert evidence_without.digest == expected.digest != evidence.digest


def test_weights_move_the_effect_to_that_of_the_weighted_draws() -> None:
    evidence = shipped_evidence()
    prior, even = draws_for(evidence), weighted(evidence)
    e, index = prior.endpoints.index("hba1c"), _index(evidence, 3)
    lower = prior.effect[:, e] < np.median(prior.effect[:, e])
    weights = even.weights.copy()
    weights[:, index] = lower / lower.sum()

    left_out = influence_of(evidence, replace(even, weights=weights)).left_out

    change = left_out[index].effect_mean["hba1c"]
    assert change.value == pytest.approx(prior.effect[lower, e].mean())
    assert change.difference == pytest.approx(
        prior.effect[lower, e].mean() - prior.effect[:, e].mean()
    )
    unmoved = [
        entry for number, entry in enumerate(left_out) if number != index and not entry.refitted
    ]
    assert max(abs(entry.effect_mean["hba1c"].difference) for entry in unmoved) < 1e-12


def test_a_large_pareto_k_and_a_joint_reading_are_fitted_again() -> None:
    evidence = shipped_evidence()
    keep_without(evidence, 3, shift=0.25)

    left_out = influence_of(evidence, weighted(evidence, k_3=0.9)).left_out

    again = {(entry.entry.number, entry.entry.statistic) for entry in left_out if entry.refitted
             and entry.entry.file.endswith("gxipc1.toml")}  # fmt: skip
    # Entry 2 is the median of HbA1c at month 6, which a count of the same visit stands beside.
    assert again == {(2, "median"), (3, "count")}
    change = left_out[_index(evidence, 3)].effect_mean["hba1c"]
    assert change.difference == pytest.approx(0.25)
    assert change.difference_mcse > 0


def test_assurance_with_the_same_prior_does_not_move_at_all() -> None:
    evidence = shipped_evidence()

    result = influence_of(evidence, weighted(evidence), built())

    assert set(result.assurance) == {"hba1c", "c_peptide", "co_primary"}
    for entry in result.left_out:
        for change in entry.assurance.values():
            # The same patients and the same draws: refitted or not, nothing differs.
            assert change.difference == pytest.approx(0.0, abs=1e-12)


def test_a_smaller_effect_lowers_the_assurance() -> None:
    evidence = shipped_evidence()
    keep_without(evidence, 3, shift=0.6)

    result = influence_of(evidence, weighted(evidence, k_3=0.9), built(2000))

    change = result.left_out[_index(evidence, 3)].assurance["hba1c"]
    # From a mean effect of -0.4 to one of +0.2: next to no trial still shows a benefit, but for
    # the fifth of them whose effect is sceptical.
    assert change.difference < -4 * change.difference_mcse
    assert_agrees(change.difference, change.value - result.assurance["hba1c"].value, 1e-9)


def test_a_refused_fit_leaves_its_numbers_unknown(tmp_path: Path) -> None:
    # Evidence of one number: without it there is nothing to fit.
    file = tmp_path / "one.toml"
    text = (PRIORS / "gxipc1.toml").read_text(encoding="utf-8")
    head, *entries = text.split("[[reported]]")
    file.write_text(head + "[[reported]]" + entries[0] + "[effect.hba1c]" +
                   text.split("[effect.hba1c]")[1].split("[effect.c_peptide]")[0])  # fmt: skip
    evidence = load_evidence([file])
    prior = replace(draws_for(evidence), effects=evidence.effects)

    weights = EntryWeights(evidence.reported, np.full((DRAWS, 1), 1 / DRAWS), np.array([0.9]))
    result = measure_influence(evidence, prior, weights, None, silent)

    assert result.refused
    assert result.left_out[0].effect_mean == {}
    assert "treated patients only" in result.left_out[0].refused


def test_an_interrupt_keeps_what_is_known_and_says_what_is_not() -> None:
    evidence = shipped_evidence()

    def interrupt(line: str) -> None:
        if "fitting without" in line and "(2 of" in line:
            raise KeyboardInterrupt

    result = measure_influence(evidence, draws_for(evidence), weighted(evidence), None, interrupt)

    unknown = [entry for entry in result.left_out if entry.refused]
    assert result.refused
    assert {entry.refused for entry in unknown} == {"interrupted before its fit; call again"}
    # The single arm's median comes first, so it is known.
    assert not result.left_out[_index(evidence, 2)].refused
    assert any(not entry.refitted and entry.effect_mean for entry in result.left_out)


def test_numbers_of_one_file_can_be_asked_for() -> None:
    evidence = shipped_evidence()

    chosen = weighted(evidence).select_file("gxipc1", "hba1c")

    assert [entry.number for entry in chosen.entries] == [1, 2, 3, 4]
    assert chosen.weights.shape == (DRAWS, 4)
    with pytest.raises(BadInput, match="Did you mean 'gxipc1'"):
        weighted(evidence).select_file("gxipc2")


def test_every_field_is_in_the_guide() -> None:
    evidence = shipped_evidence()

    text = json.dumps(influence_json(influence_of(evidence, weighted(evidence), built())), indent=1)

    fields = set(re.findall(r'^\s*"(\w+)":', text, re.MULTILINE)) - NAMES
    assert {"pareto_k", "moved_mcse", "assurance"} <= fields
    for field in fields:
        assert f"`{field}`" in PAGE.read_text(encoding="utf-8"), field


def test_screen_and_figures_name_the_largest_move(tmp_path: Path) -> None:
    evidence = shipped_evidence()
    keep_without(evidence, 3, shift=0.25)
    result = influence_of(evidence, weighted(evidence, k_3=0.9), built())

    write_figures(result, tmp_path / "figures")

    assert influence_screen(result)
    figure = (tmp_path / "figures" / "influence-hba1c.svg").read_text(encoding="utf-8")
    assert "3 of 10 below own baseline" in figure
    assert (tmp_path / "figures" / "assurance-co_primary.svg").is_file()


def test_a_scenario_without_a_prior_is_refused_before_anything_is_fitted() -> None:
    result = phase2sim("prior", "influence", "gxipc1", "t1d-natural-history",
                       "--scenario", ROOT / "scenarios" / "meld-atg.toml")  # fmt: skip

    assert result.exit_code == 2
    assert "truth.prior is missing" in result.stderr
