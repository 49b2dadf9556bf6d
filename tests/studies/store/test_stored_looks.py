"""Trials with interim looks in a store: every look is kept, and other rules judge them again."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from support.commands import phase2sim, printed
from support.looks import sequential, with_looks
from support.small_sweeps import swept
from support.small_trials import Table, assembled, scenario

from phase2sim.core.errors import BadInput, BadScenario
from phase2sim.operating.simulation import simulate
from phase2sim.scenario.as_toml import toml_text
from phase2sim.studies.store.batches import decode_batch, encode_batch
from phase2sim.studies.store.results_folder import open_store
from phase2sim.studies.sweeps.rescore import rescore
from phase2sim.trial.batch_results import BatchResults, concatenate_batches, cut
from phase2sim.trial.engine import simulate_batch

TRIALS = 120
RULE: Table = {
    "efficacy": {"kind": "obrien_fleming_spending"},
    "futility": {"kind": "z", "at_least": [0.2]},
}
POCOCK = "{ efficacy = { kind = 'pocock_spending' }, futility = { kind = 'p', at_most = [0.4] } }"


def table(**changes: object) -> Table:
    return with_looks(
        trials=TRIALS,
        design=sequential(months_to_decide=1.0, analyse_overrun=True),
        recruitment={"kind": "poisson", "per_month": 6.0},
        missing={"dropout": {"mechanism": "mcar", "share": 0.2, "by_month": 12}},
        stopping=RULE,
        **changes,
    )


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keep a sweep over two rules: one study, two cells."""
    folder = tmp_path_factory.mktemp("looks")
    (folder / "base.toml").write_text(toml_text(scenario(table())), encoding="utf-8")
    sweep = folder / "sweep.toml"
    sweep.write_text(
        'base = "base.toml"\n[axes.limit]\nkey = "stopping.futility.at_least"\n'
        "values = [[0.2], [0.6]]\n",
        encoding="utf-8",
    )
    swept(sweep, folder / "out")
    return folder / "out"


def shown(table: Table) -> dict[Any, float]:
    result = simulate(scenario(table))
    return {
        (row.name, row.analysis, row.truth, row.look): row.measured.estimate
        for row in result.characteristics
    }


def stored(rows: list[dict[str, Any]]) -> dict[Any, float]:
    return {
        (row["name"], row["analysis"], row["truth"], row.get("look")): row["estimate"]
        for row in rows
    }


def test_rules_share_their_trials(out: Path) -> None:
    assert len(list((out / "trials").iterdir())) == 1
    assert len(list((out / "decisions").iterdir())) == 2


def test_what_a_store_says_is_what_a_run_says(out: Path) -> None:
    rows = printed("results", out)
    for limit in ([0.2], [0.6]):
        rule = RULE | {"futility": {"kind": "z", "at_least": limit}}
        rows_of_limit = [row for row in rows if row["limit"] == str(limit)]

        assert stored(rows_of_limit) == pytest.approx(shown(table() | {"stopping": rule}))


def test_another_rule_on_stored_trials_is_a_run_with_that_rule(out: Path) -> None:
    rows = rescore(out, None, ["test"], stopping=POCOCK)

    rule = {
        "efficacy": {"kind": "pocock_spending"},
        "futility": {"kind": "p", "at_most": [0.4]},
    }
    assert stored(rows) == pytest.approx(shown(table() | {"stopping": rule}))


def test_score_refuses_rules_that_do_not_fit(out: Path) -> None:
    with pytest.raises(BadScenario, match=r"--stopping: .*stopping.efficacy.kind is 'pocok'"):
        rescore(out, None, ["test"], stopping="{ efficacy = { kind = 'pocok' } }")
    with pytest.raises(BadInput, match="--decision, --stopping, or both"):
        rescore(out, None, ["test"])

    refused = phase2sim("score", out, "--stopping", "pocock")

    assert refused.exit_code == 2
    assert "--stopping pocock: is no table" in refused.stderr


def test_every_look_is_a_row_and_comes_back_bit_for_bit(out: Path) -> None:
    (folder,) = (out / "trials").iterdir()
    (file,) = folder.iterdir()
    rows = pq.read_table(file, partitioning=None)
    parts = assembled(table())
    source = parts.sources[0]
    simulated = simulate_batch(parts.study, source, 0, TRIALS)

    answers = open_store(out).batch_results(folder.name.removeprefix("study="))[source.label]

    assert rows.num_rows == 2 * 3 * TRIALS  # truths, looks and the final analysis
    assert len(answers.looks) == 3
    for look, again in zip(simulated.looks, answers.looks, strict=True):
        assert np.array_equal(look.months, again.months)
        assert np.array_equal(look.enrolled, again.enrolled)
        assert np.array_equal(look.due, again.due)
        assert np.array_equal(look.missing, again.missing)
        assert np.array_equal(look.overrun_p, again.overrun_p, equal_nan=True)
        assert np.array_equal(look.estimates[0].p, again.estimates[0].p, equal_nan=True)


def test_stretches_are_cut_and_joined_look_by_look(out: Path) -> None:
    (folder,) = (out / "trials").iterdir()
    results = open_store(out).batch_results(folder.name.removeprefix("study="))["null"]

    together = concatenate_batches([cut(results, 0, 50), cut(results, 50, TRIALS)])

    assert same(together, results)
    assert same(decode_batch(encode_batch({"null": together}, ["c_peptide"]))["null"], results)


def same(first: BatchResults, second: BatchResults) -> bool:
    pairs = zip(first.looks, second.looks, strict=True)
    return all(
        np.array_equal(a.estimates[0].effect, b.estimates[0].effect, equal_nan=True)
        and np.array_equal(a.months, b.months)
        and np.array_equal(a.missing, b.missing)
        for a, b in pairs
    )
