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
from phase2sim.studies.dossier.dossier import ReportOptions, gather, simulate_for
from phase2sim.studies.store.batches import LOOKS_SCHEMA, SCHEMA, decoded, encoded
from phase2sim.studies.store.folder import open_store
from phase2sim.studies.store.harm_columns import HARM_FIELDS
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
OTHER = "{ efficacy = { kind = 'pocock_spending' }, futility = { kind = 'p', at_most = [0.4] } }"


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


def kept(folder: Path, table: Table, axes: str) -> Path:
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
    return kept(tmp_path_factory.mktemp("fixed"), fixed(), axes)


@pytest.fixture(scope="module")
def of_looks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keep a sweep over two rules of stopping for efficacy."""
    axes = (
        '[axes.efficacy]\nkey = "stopping.efficacy.kind"\n'
        'values = ["obrien_fleming_spending", "pocock_spending"]\n'
    )
    return kept(tmp_path_factory.mktemp("looks"), looked_at(), axes)


def shown(table: Table) -> dict[Any, float]:
    found = simulate(scenario(table))
    return {(r.name, r.truth, r.look): r.measured.estimate for r in found.characteristics}


def stored(rows: list[dict[str, Any]], **labels: object) -> dict[Any, float]:
    here = [row for row in rows if all(row[axis] == at for axis, at in labels.items())]
    return {(row["name"], row["truth"], row.get("look")): row["estimate"] for row in here}


def test_a_store_of_fixed_trials_says_what_a_run_says(of_fixed: Path) -> None:
    rows = printed("results", of_fixed)
    for size in (30, 40):
        design = one_endpoint()["design"] | {"patients": size}
        alone = shown(fixed(design=design) | {"safety": HARM | {"certainty": 0.6}})
        without_time = {key: one for key, one in alone.items() if key[0] != "duration"}

        found = stored(rows, size=size, certainty=0.6)

        assert found == pytest.approx(without_time)
        assert 0 < found["stopped_for_harm", "target", None] < 1
        assert found["enrolled", "target", None] < size


def test_a_store_of_looks_says_what_a_run_says(of_looks: Path) -> None:
    rows = printed("results", of_looks)
    for kind in ("obrien_fleming_spending", "pocock_spending"):
        alone = shown(looked_at(stopping={"efficacy": {"kind": kind}}))

        assert stored(rows, efficacy=kind) == pytest.approx(alone)
        assert alone["harm_before", "target", 1] > 0
    assert len(list((of_looks / "trials").iterdir())) == 1  # its rules share their trials


def test_another_rule_on_stored_trials_keeps_the_stops_for_harm(of_looks: Path) -> None:
    rule = {"efficacy": {"kind": "pocock_spending"}, "futility": {"kind": "p", "at_most": [0.4]}}

    rows = rescore(of_looks, None, ["test"], stopping=OTHER)

    assert stored(rows) == pytest.approx(shown(looked_at(stopping=rule)))


def test_another_decision_on_stored_trials_keeps_the_stops_for_harm(of_fixed: Path) -> None:
    stricter = {"kind": "significance", "one_sided_alpha": 0.001}

    rows = rescore(of_fixed, "{ kind = 'significance', one_sided_alpha = 0.001 }", ["test"])

    alone = shown(fixed(decision=stricter))
    found = stored(rows, size=40, certainty=0.8)
    assert found["power", "target", None] == alone["power", "target", None]
    assert found["stopped_for_harm", "target", None] == alone["stopped_for_harm", "target", None]


def test_stops_for_harm_come_back_bit_for_bit(of_looks: Path) -> None:
    made = assembled(looked_at())
    source = made.sources[0]
    (folder,) = (of_looks / "trials").iterdir()

    answers = open_store(of_looks).answers(folder.name.removeprefix("study="))[source.label]
    again = concatenate_batches([cut(answers, 0, 50), cut(answers, 50, TRIALS)])
    twice = decoded(encoded({source.label: again}, ["c_peptide"]))[source.label]

    simulated = simulate_batch(made.study, source, 0, TRIALS).watched
    for read in (answers.watched, again.watched, twice.watched):
        assert_same(read, simulated)


def assert_same(one: HarmMonitoring | None, other: HarmMonitoring | None) -> None:
    assert one is not None
    assert other is not None
    for name in ("look", "months", "enrolled", "due", "judged"):
        assert np.array_equal(getattr(one, name), getattr(other, name))


def test_only_trials_that_are_watched_have_columns_of_it(
    of_fixed: Path, of_looks: Path, tmp_path: Path
) -> None:
    more = [name for name, _ in HARM_FIELDS]
    axes = '[axes.size]\nkey = "design.patients"\nvalues = [40]\n'
    without = kept(tmp_path, fixed() | {"safety": None}, axes)

    assert columns_of(of_fixed) == [*SCHEMA.names, *more]
    assert columns_of(of_looks) == [*LOOKS_SCHEMA.names, *more]
    assert columns_of(without) == SCHEMA.names


def columns_of(out: Path) -> list[str]:
    file = next((out / "trials").rglob("*.parquet"))
    names: list[str] = pq.read_schema(file).names
    return names


def test_scenarios_are_compared_with_their_stops_for_harm() -> None:
    both = [scenario(looked_at()), scenario(looked_at(safety=None))]

    found = compare_scenarios(both, trials=TRIALS)

    (apart,) = (one for one in found.differences if one.truth == "target")
    assert found.entries[0].go["target"].estimate == shown(looked_at())["power", "target", None]
    assert apart.only_first == ()  # without the rule nothing is lost
    assert apart.measured.estimate > 0


def test_a_report_shows_a_trial_that_was_stopped_for_harm(tmp_path: Path) -> None:
    wish = ReportOptions(trials=TRIALS, explorer=False, moves=False, replicas=False)
    planned = scenario_from(looked_at(), tmp_path / "scenario.toml")
    with backend() as here:
        main = simulate_for(planned, tmp_path / "out", wish, here, ["test"])
    dossier = gather(tmp_path / "out", "test", wish, main)

    document = full_report(dossier)
    check_document(document)

    (harmed,) = (one for one in dossier.examples if one.name == "Stopped for harm")
    assert harmed.same_as_stored
    assert harmed.examined.harm is not None
    text = str(document.sections)
    assert f"--trial {harmed.trial} " in text
    assert "Stopped for harm before" in text
    assert "safety, look 2" in text
    assert "safety, final analysis" in text
    assert {row["patients"] for row in dossier.rows} == {60, 80, 100, 120, 160}
