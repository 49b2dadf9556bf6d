"""Trials that are watched for harm in a store: what it says of them is what a run says."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from support.commands import printed
from support.looks import sequential, with_looks
from support.small_sweeps import swept
from support.small_trials import Table, assembled, one_endpoint, scenario

from phase2sim.core.backends import backend
from phase2sim.operating.simulation import simulate
from phase2sim.reporting.report.full_report import full_report
from phase2sim.reporting.report.lint import check_document
from phase2sim.scenario.as_toml import toml_text
from phase2sim.scenario.scenario_file import scenario_from
from phase2sim.studies.compare import compare_scenarios
from phase2sim.studies.dossier.dossier import ReportOptions, gather, simulate_report
from phase2sim.studies.store.batches import LOOKS_SCHEMA, SCHEMA, decode_batch, encode_batch
from phase2sim.studies.store.harm_columns import HARM_FIELDS
from phase2sim.studies.store.results_folder import open_store
from phase2sim.studies.sweeps.rescore import rescore
from phase2sim.trial.batch_results import concatenate_batches, cut
from phase2sim.trial.engine import simulate_batch
from phase2sim.trial.safety.monitoring import HarmMonitoring

TRIALS = 120
HARM: Table = {
    "kind": "posterior",
    "event": "adverse_events",
    "by_month": 12,
    "looks": [5, 10, 15, 20],
    "limit": 0.2,
    "certainty": 0.8,
    "prior": [0.2, 0.8],
}
RISK = {"adverse_events": {"per_month": 0.02, "rate_ratio": 1.5}}
LOST = {"dropout": {"mechanism": "mcar", "share": 0.2, "by_month": 12}}
POCOCK = "{ efficacy = { kind = 'pocock_spending' }, futility = { kind = 'p', at_most = [0.4] } }"


def fixed(**changes: object) -> Table:
    return one_endpoint(
        trials=TRIALS,
        events=RISK,
        safety=HARM,
        missing=LOST,
        recruitment={"kind": "poisson", "per_month": 1.5},
        **changes,
    )


def looked_at(**changes: object) -> Table:
    table = with_looks(
        trials=TRIALS,
        design=sequential(months_to_decide=1.0),
        recruitment={"kind": "poisson", "per_month": 4.0},
        missing=LOST,
        events=RISK,
        safety=HARM | {"looks": [10, 20, 38]},
        stopping={"efficacy": {"kind": "obrien_fleming_spending"}},
    )
    return table | changes


def stored_sweep(folder: Path, table: Table, axes: str) -> Path:
    """Sweep a scenario over some axes; return the folder of results."""
    (folder / "base.toml").write_text(toml_text(scenario(table)), encoding="utf-8")
    (folder / "sweep.toml").write_text(f'base = "base.toml"\n{axes}', encoding="utf-8")
    swept(folder / "sweep.toml", folder / "out")
    return folder / "out"


@pytest.fixture(scope="module")
def of_fixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keep a sweep over two sizes, drawn in one pass, and two rules."""
    axes = (
        '[axes.size]\nkey = "design.patients"\nvalues = [30, 40]\n'
        '[axes.certainty]\nkey = "safety.certainty"\nvalues = [0.6, 0.8]\n'
    )
    return stored_sweep(tmp_path_factory.mktemp("fixed"), fixed(), axes)


@pytest.fixture(scope="module")
def of_looks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keep a sweep over two rules of stopping for efficacy."""
    axes = (
        '[axes.efficacy]\nkey = "stopping.efficacy.kind"\n'
        'values = ["obrien_fleming_spending", "pocock_spending"]\n'
    )
    return stored_sweep(tmp_path_factory.mktemp("looks"), looked_at(), axes)


def shown(table: Table) -> dict[Any, float]:
    result = simulate(scenario(table))
    return {(r.name, r.truth, r.look): r.measured.estimate for r in result.characteristics}


def stored(rows: list[dict[str, Any]], **labels: object) -> dict[Any, float]:
    rows_of_labels = [
        row for row in rows if all(row[axis] == label for axis, label in labels.items())
    ]
    return {(row["name"], row["truth"], row.get("look")): row["estimate"] for row in rows_of_labels}


def test_a_store_of_fixed_trials_says_what_a_run_says(of_fixed: Path) -> None:
    rows = printed("results", of_fixed)
    for size in (30, 40):
        design = one_endpoint()["design"] | {"patients": size}
        run = shown(fixed(design=design) | {"safety": HARM | {"certainty": 0.6}})
        without_time = {key: value for key, value in run.items() if key[0] != "duration"}

        stored_rows = stored(rows, size=size, certainty=0.6)

        assert stored_rows == pytest.approx(without_time)
        assert 0 < stored_rows["stopped_for_harm", "target", None] < 1
        assert stored_rows["enrolled", "target", None] < size


def test_a_store_of_looks_says_what_a_run_says(of_looks: Path) -> None:
    rows = printed("results", of_looks)
    for kind in ("obrien_fleming_spending", "pocock_spending"):
        run = shown(looked_at(stopping={"efficacy": {"kind": kind}}))

        assert stored(rows, efficacy=kind) == pytest.approx(run)
        assert run["harm_before", "target", 1] > 0
    assert len(list((of_looks / "trials").iterdir())) == 1  # its rules share their trials


def test_another_rule_on_stored_trials_keeps_the_stops_for_harm(of_looks: Path) -> None:
    rule = {"efficacy": {"kind": "pocock_spending"}, "futility": {"kind": "p", "at_most": [0.4]}}

    rows = rescore(of_looks, None, ["test"], stopping=POCOCK)

    assert stored(rows) == pytest.approx(shown(looked_at(stopping=rule)))


def test_another_decision_on_stored_trials_keeps_the_stops_for_harm(of_fixed: Path) -> None:
    stricter = {"kind": "significance", "one_sided_alpha": 0.001}

    rows = rescore(of_fixed, "{ kind = 'significance', one_sided_alpha = 0.001 }", ["test"])

    run = shown(fixed(decision=stricter))
    stored_rows = stored(rows, size=40, certainty=0.8)
    assert stored_rows["power", "target", None] == run["power", "target", None]
    assert (
        stored_rows["stopped_for_harm", "target", None] == run["stopped_for_harm", "target", None]
    )


def test_stops_for_harm_come_back_bit_for_bit(of_looks: Path) -> None:
    parts = assembled(looked_at())
    source = parts.sources[0]
    (folder,) = (of_looks / "trials").iterdir()

    answers = open_store(of_looks).batch_results(folder.name.removeprefix("study="))[source.label]
    again = concatenate_batches([cut(answers, 0, 50), cut(answers, 50, TRIALS)])
    twice = decode_batch(encode_batch({source.label: again}, ["c_peptide"]))[source.label]

    simulated = simulate_batch(parts.study, source, 0, TRIALS).watched
    for monitoring in (answers.watched, again.watched, twice.watched):
        assert_same(monitoring, simulated)


def assert_same(first: HarmMonitoring | None, second: HarmMonitoring | None) -> None:
    assert first is not None
    assert second is not None
    for name in ("look", "months", "enrolled", "due", "judged"):
        assert np.array_equal(getattr(first, name), getattr(second, name))


def test_only_trials_that_are_watched_have_columns_of_it(
    of_fixed: Path, of_looks: Path, tmp_path: Path
) -> None:
    more = [name for name, _ in HARM_FIELDS]
    axes = '[axes.size]\nkey = "design.patients"\nvalues = [40]\n'
    unwatched = stored_sweep(tmp_path, fixed() | {"safety": None, "events": {}}, axes)

    assert columns_of(of_fixed) == [*SCHEMA.names, *more]
    assert columns_of(of_looks) == [*LOOKS_SCHEMA.names, *more]
    assert columns_of(unwatched) == SCHEMA.names


def columns_of(out: Path) -> list[str]:
    file = next((out / "trials").rglob("*.parquet"))
    names: list[str] = pq.read_schema(file).names
    return names


def test_scenarios_are_compared_with_their_stops_for_harm() -> None:
    scenarios = [scenario(looked_at()), scenario(looked_at(safety=None))]

    comparison = compare_scenarios(scenarios, trials=TRIALS)

    (apart,) = (difference for difference in comparison.differences if difference.truth == "target")
    assert (
        comparison.entries[0].go["target"].estimate == shown(looked_at())["power", "target", None]
    )
    assert apart.only_first == ()  # without the rule nothing is lost
    assert apart.measured.estimate > 0


def test_a_report_shows_a_trial_that_was_stopped_for_harm(tmp_path: Path) -> None:
    wish = ReportOptions(trials=TRIALS, explorer=False, moves=False, replicas=False)
    planned = scenario_from(looked_at(), tmp_path / "scenario.toml")
    with backend() as pool:
        main = simulate_report(planned, tmp_path / "out", wish, pool, ["test"])
    dossier = gather(tmp_path / "out", "test", wish, main)

    document = full_report(dossier)
    check_document(document)

    (harmed,) = (example for example in dossier.examples if example.name == "Stopped for harm")
    assert harmed.same_as_stored
    assert harmed.result.harm is not None
    text = str(document.sections)
    assert f"--trial {harmed.trial} " in text
    assert "Stopped for harm before" in text
    assert "safety, look 2" in text
    assert "safety, final analysis" in text
    assert {row["patients"] for row in dossier.rows} == {60, 80, 100, 120, 160}
