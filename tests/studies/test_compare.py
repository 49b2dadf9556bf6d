"""Scenarios on the same patients: paired differences, discordant trials, and their replay."""

import json
from pathlib import Path

import numpy as np
import pytest
from support.agreement import assert_agrees
from support.commands import phase2sim
from support.small_trials import Table, design, one_endpoint, scenario, two_endpoints

from phase2sim.core.contracts import GO
from phase2sim.core.errors import BadInput
from phase2sim.operating.simulation import prepare_scenario
from phase2sim.studies.compare import ScenarioComparison, compare_scenarios
from phase2sim.trial.engine import simulate_batch

TRIALS = 1000


def _patients(number: int, **changes: object) -> Table:
    return one_endpoint(design=design(number, [0, 12]), trials=TRIALS, **changes)


def _compared(*tables: Table) -> ScenarioComparison:
    return compare_scenarios([scenario(table) for table in tables])


def test_a_scenario_against_itself_differs_in_nothing() -> None:
    comparison = _compared(_patients(60), _patients(60))

    for difference in comparison.differences:
        assert difference.measured.estimate == 0
        assert difference.only_here == difference.only_first == ()
        assert difference.measured.mcse > 0  # no number is without its error


def test_a_difference_is_that_of_the_two_and_surer_than_they_are() -> None:
    comparison = _compared(_patients(60), _patients(80))

    (power,) = (difference for difference in comparison.differences if difference.truth == "target")
    first, second = (entry.go["target"] for entry in comparison.entries)
    assert power.measured.estimate == pytest.approx(second.estimate - first.estimate)
    assert power.measured.mcse < np.hypot(first.mcse, second.mcse)


def test_trials_to_consider_are_told_from_goes_and_stops() -> None:
    rule = {
        "kind": "dual_criterion",
        "lower_reference": {"c_peptide": 0.0},
        "target": {"c_peptide": 0.2},
        "lower_reference_confidence": 0.975,
    }
    plain, dual = _compared(_patients(60), _patients(60, decision=rule)).entries

    # Of the trials that are significant some reach the target value and go, the others do not.
    assert plain.consider == {}
    share = dual.go["target"].estimate + dual.consider["target"].estimate
    assert dual.go["target"].estimate < plain.go["target"].estimate <= share + 1e-12
    assert dual.consider["target"].estimate > 0.1


def test_the_paired_error_is_the_spread_over_seeds() -> None:
    # The first 60 patients are those of the smaller trial, so the two go together.
    gaps, errors = [], []
    for seed in range(40):
        small, large = (scenario(_patients(n, seed=seed) | {"trials": 200}) for n in (40, 60))
        (power,) = (d for d in compare_scenarios([small, large]).differences if d.truth == "target")
        gaps.append(power.measured.estimate)
        errors.append(power.measured.mcse)

    sd = np.std(gaps, ddof=1)
    assert_agrees(sd, np.sqrt(np.mean(np.square(errors))), sd / np.sqrt(2 * 39))


def test_discordant_trials_are_those_in_which_only_one_went() -> None:
    first, second = _patients(60), _patients(60, missing={
        "dropout": {"mechanism": "mcar", "share": 0.3, "by_month": 12}})  # fmt: skip
    comparison = _compared(first, second)

    (power,) = (difference for difference in comparison.differences if difference.truth == "target")
    for trials, winner in ((power.only_here, 1), (power.only_first, 0)):
        assert trials
        for trial in trials:
            verdicts = [
                simulate_batch(ready.study, ready.sources[0], trial, 1).verdict[0, 0] == GO
                for ready in (
                    prepare_scenario(scenario(t), print).assembled for t in (first, second)
                )
            ]
            assert verdicts == [not winner, bool(winner)]


def test_all_run_with_the_seed_and_trials_of_the_first() -> None:
    comparison = _compared(_patients(60, seed=3), _patients(60, seed=4) | {"trials": 7})

    assert (comparison.seed, comparison.trials) == (3, TRIALS)
    assert comparison.differences[0].measured.estimate == 0


def test_different_primary_endpoints_share_their_patients() -> None:
    def primary(endpoint: str) -> Table:
        table = two_endpoints(trials=50)
        outcome = {
            name: outcome | {"control_mean": outcome["control_mean"][0], "sd": outcome["sd"][0]}
            for name, outcome in table["outcome"].items()
        }
        return table | {
            "outcome": outcome,
            "truth": {"target": {endpoint: table["truth"]["target"][endpoint]}},
            "analysis": [a for a in table["analysis"] if a["endpoint"] == endpoint],
            "decision": {"kind": "significance", "one_sided_alpha": 0.025},
            "shared": {"endpoints": list(outcome)},
        }

    comparison = _compared(primary("hba1c"), primary("c_peptide"))

    assert all(entry.shares_patients for entry in comparison.entries)
    assert [entry.verdict for entry in comparison.entries] == ["hba1c", "c_peptide"]


def test_one_scenario_is_not_compared() -> None:
    with pytest.raises(BadInput, match="two scenario files"):
        _compared(_patients(60))


SHIPPED = Path(__file__).parents[2] / "scenarios" / "meld-atg.toml"


def test_the_command_prints_differences_and_what_replays_a_trial(tmp_path: Path) -> None:
    smaller = tmp_path / "smaller.toml"
    text = SHIPPED.read_text(encoding="utf-8").replace("[31, 33]", "[1, 1]")
    smaller.write_text(text.replace("patients = 64", "patients = 40"), encoding="utf-8")

    shown = phase2sim("compare", str(SHIPPED), str(smaller), "--trials", "300")
    plain = json.loads(
        phase2sim("compare", str(SHIPPED), str(smaller), "--trials", "300", "--json").stdout
    )

    assert shown.exit_code == 0
    assert "B - A" in shown.stdout
    (power,) = (d for d in plain["differences"] if d["truth"] == "target")
    assert power["estimate"] < -4 * power["mcse"]
    token = power["only_first"][0]
    for scenario_name, verdict in (("here", "stop"), ("first", "go")):
        command = token[scenario_name].split()[1:]
        replayed = json.loads(phase2sim(*command, "--json").stdout)
        assert replayed["decision"] == {"c_peptide": verdict}


def test_one_file_alone_ends_with_exit_code_2() -> None:
    assert phase2sim("compare", str(SHIPPED)).exit_code == 2
