"""A sweep: the numbers of a run, whatever the workers, the order and the interruptions."""

import math
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.agreement import assert_agrees
from support.small_sweeps import BASE, SWEEP, estimate, files_of, swept, trials_of, write_sweep

from phase2sim.core.backends import backend
from phase2sim.core.errors import BadInput
from phase2sim.core.measured import Measured
from phase2sim.operating.simulation import simulate
from phase2sim.scenario.scenario_file import load_scenario
from phase2sim.scenario.sweep_file import load_sweep
from phase2sim.studies.store.manifest import read_manifest
from phase2sim.studies.store.results_folder import Store, open_store
from phase2sim.studies.sweeps.cells import Priors, cells_of
from phase2sim.studies.sweeps.rescore import rescore
from phase2sim.studies.sweeps.results import Results, matching_rows
from phase2sim.studies.sweeps.sweep import SweepOptions, prepare_sweep
from phase2sim.studies.sweeps.trial_targets import Budget, Round

NUMBERS = ("estimate", "mcse", "requested", "used", "failed", "low", "high")


def rows_of(out: Path) -> list[dict[str, Any]]:
    store = open_store(out)
    return Results(store, read_manifest(store)).rows()


def assert_as_run(row: dict[str, Any], measured: Measured) -> None:
    for name in NUMBERS:
        value, expected = row[name], getattr(measured, name)
        assert (value is None and math.isnan(expected)) or value == pytest.approx(expected), name


def test_a_cell_says_what_a_run_of_its_scenario_says(tmp_path: Path) -> None:
    result = swept(write_sweep(tmp_path), tmp_path / "out")

    for patients in (12, 30):
        settings = (f"design.patients={patients}", "truth.target.c_peptide.effect=0.2")
        run = simulate(load_scenario(tmp_path / "base.toml", settings))
        for row in run.characteristics:
            labels = {"patients": patients, "effect": 0.2, "truth": row.truth}
            stored = estimate(result, row.name, **labels)
            assert_as_run(stored, row.measured)
            if row.closed_form and row.closed_form.is_exact:
                assert stored["exact"] == pytest.approx(row.closed_form.value)
                assert stored["gap_in_se"] == pytest.approx(row.gap)


@pytest.mark.parametrize("workers", [2, 4])
def test_workers_do_not_show(tmp_path: Path, workers: int) -> None:
    sweep = write_sweep(tmp_path)
    options = SweepOptions(trials=6_000)
    swept(sweep, tmp_path / "alone", options)

    with backend(workers) as pool:
        swept(sweep, tmp_path / "together", options, pool)

    assert files_of(tmp_path / "alone") == files_of(tmp_path / "together")
    assert rows_of(tmp_path / "alone") == rows_of(tmp_path / "together")


def test_running_again_simulates_nothing(tmp_path: Path) -> None:
    sweep = write_sweep(tmp_path)
    first = swept(sweep, tmp_path / "out")

    again = swept(sweep, tmp_path / "out")

    assert again.trials_done == 0
    assert again.rows == first.rows


def test_more_trials_and_more_cells_are_added(tmp_path: Path) -> None:
    out = tmp_path / "out"
    swept(write_sweep(tmp_path), out, SweepOptions(trials=100))
    files_before = files_of(out)

    more = swept(write_sweep(tmp_path), out, SweepOptions(trials=3_000))
    wider = SWEEP.replace("[12, 20, 30]", "[12, 16, 20, 30]")
    wide = swept(write_sweep(tmp_path, wider), out, SweepOptions(trials=3_000))

    assert files_before.items() <= files_of(out).items()
    assert (more.trials_done, wide.trials_done) == (6 * 2_900, 2 * 3_000)
    at_once = swept(write_sweep(tmp_path, wider), tmp_path / "at once", SweepOptions(trials=3_000))
    assert trials_of(out) == trials_of(tmp_path / "at once")
    assert sorted(map(repr, wide.rows)) == sorted(map(repr, at_once.rows))


def test_a_cell_does_not_depend_on_the_others(tmp_path: Path) -> None:
    few = SWEEP.replace("[12, 20, 30]", "[20]").replace("[0.1, 0.2]", "[0.2]")
    swept(write_sweep(tmp_path), tmp_path / "many", SweepOptions(trials=2_600))

    swept(write_sweep(tmp_path, few), tmp_path / "one", SweepOptions(trials=2_600))

    assert files_of(tmp_path / "one").items() <= files_of(tmp_path / "many").items()


def test_another_decision_scores_stored_trials_as_a_run_would(tmp_path: Path) -> None:
    out = tmp_path / "out"
    swept(write_sweep(tmp_path), out)
    files_before = files_of(out)

    rows = rescore(out, "{ kind = 'significance', one_sided_alpha = 0.1 }", ["test"])

    assert files_of(out) == files_before
    settings = ("design.patients=30", "truth.target.c_peptide.effect=0.1")
    run = simulate(
        load_scenario(tmp_path / "base.toml", (*settings, "decision.one_sided_alpha=0.1"))
    )
    (row,) = (
        row for row in rows
        if (row["patients"], row["effect"], row["name"]) == (30, 0.1, "power")
    )  # fmt: skip
    assert_as_run(row, run.power["c_peptide"])
    assert {row["decision"] for row in rows_of(out)} == {
        "significance, one_sided_alpha = 0.025",
        "significance, one_sided_alpha = 0.1",
    }


def test_a_decision_axis_shares_its_trials(tmp_path: Path) -> None:
    axes = 'alpha = { key = "decision.one_sided_alpha", values = [0.025, 0.1] }'
    sweep = write_sweep(tmp_path, f'base = "base.toml"\n[axes]\n{axes}\n')

    result = swept(sweep, tmp_path / "out")

    assert result.trials_done == 300
    low, high = (estimate(result, "power", alpha=alpha)["estimate"] for alpha in (0.025, 0.1))
    assert low < high


def test_precision_is_reached_cell_by_cell_and_no_further(tmp_path: Path) -> None:
    sweep = write_sweep(tmp_path)

    result = swept(sweep, tmp_path / "out", SweepOptions(mcse=0.006))

    power = [row for row in result.rows if row["name"] == "power"]
    assert all(row["mcse"] <= 0.006 for row in power)
    needed = [row["estimate"] * (1 - row["estimate"]) / 0.006**2 for row in power]
    assert all(
        row["trials"] <= max(1.25 * trials + 2_500, 2_500)
        for row, trials in zip(power, needed, strict=True)
    )
    assert len({row["trials"] for row in power}) > 1
    assert swept(sweep, tmp_path / "out", SweepOptions(mcse=0.006)).trials_done == 0


def test_too_few_trials_for_the_precision_are_said(tmp_path: Path) -> None:
    result = swept(write_sweep(tmp_path), tmp_path / "out", SweepOptions(mcse=0.002, trials=500))

    assert {row["trials"] for row in result.rows} == {500}
    assert len(result.imprecise) == 6


REFERRED = "reference = { effect = 0.1 }\n"


def test_differences_are_of_the_same_patients(tmp_path: Path) -> None:
    sweep = write_sweep(tmp_path, REFERRED + SWEEP)
    result = swept(sweep, tmp_path / "out", SweepOptions(trials=2_000))

    stored = trials_of(tmp_path / "out")
    row = estimate(result, "power", patients=20, effect=0.2)
    reference = estimate(result, "power", patients=20, effect=0.1)
    go = [
        np.array([trial["p"] <= 0.025 for trial in stored[f"study={either['study']}"]
                  if trial["truth"] == "target"])
        for either in (row, reference)
    ]  # fmt: skip
    apart = go[0].astype(float) - go[1]
    assert row["difference"] == pytest.approx(apart.mean())
    assert row["difference_mcse"] == pytest.approx(apart.std(ddof=1) / math.sqrt(2_000))
    unpaired = math.hypot(row["mcse"], reference["mcse"])
    assert row["difference_mcse"] < 0.8 * unpaired
    assert reference["difference"] is None


def test_precision_of_the_difference_takes_the_reference_along(tmp_path: Path) -> None:
    sweep = write_sweep(tmp_path, REFERRED + SWEEP)

    result = swept(sweep, tmp_path / "out", SweepOptions(mcse=0.006, quantity="difference"))

    compared = [r for r in result.rows if r["name"] == "power" and r["difference"] is not None]
    assert len(compared) == 3
    assert all(row["difference_mcse"] <= 0.006 for row in compared)
    with pytest.raises(BadInput, match="reference is missing"):
        swept(
            write_sweep(tmp_path),
            tmp_path / "other",
            SweepOptions(mcse=0.006, quantity="difference"),
        )


@pytest.mark.parametrize("a_trial", [2e-4, 3e-3, 0.08])
@pytest.mark.parametrize("a_measure", [0.0, 1e-6, 2e-3])
def test_the_time_budget_is_met_whatever_a_trial_costs(
    tmp_path: Path, a_trial: float, a_measure: float
) -> None:
    now = 5.0  # of a clock that only work moves
    store = Store(tmp_path)
    cells = cells_of(load_sweep(write_sweep(tmp_path)), Priors(lambda _line: None))
    wish = Budget(cells, 60.0, now, lambda trials: 0.5 + a_measure * trials, clock=lambda: now)

    trials_done, last = 0, None
    while targets := wish.targets(store, last):
        (wanted,) = set(targets.values())
        start, trials_before = now, trials_done
        while trials_done < wanted and not wish.time_is_up:
            trials_done += 1
            now += a_trial
        last = Round(now - start, trials_done - trials_before)

    assert 0.9 * 60.0 <= now - 5.0 + 0.5 + a_measure * trials_done <= 1.1 * 60.0


@pytest.mark.calibration
def test_the_time_budget_is_met(tmp_path: Path) -> None:
    sweep = write_sweep(tmp_path)
    swept(sweep, tmp_path / "warm", SweepOptions(trials=100))
    taken = []
    for attempt in range(3):  # other tests that come and go beside it spoil one, not each
        start = time.monotonic()

        result = swept(sweep, tmp_path / f"out{attempt}", SweepOptions(seconds=10.0, started=start))

        taken.append(time.monotonic() - start)
        trials = [row["trials"] for row in result.rows if row["name"] == "power"]
        assert min(trials) > 1_000
        assert result.finished
    assert 9.0 <= statistics.median(taken) <= 11.0


def test_simulated_power_agrees_with_theory(tmp_path: Path) -> None:
    result = swept(write_sweep(tmp_path), tmp_path / "out", SweepOptions(trials=10_000))

    for row in result.rows:
        if row["exact"] is not None:
            assert_agrees(row["estimate"], row["exact"], row["mcse"])


def test_too_many_failures_give_no_number(tmp_path: Path) -> None:
    base = BASE.replace("share = 0.1", "share = 0.9")
    result = swept(write_sweep(tmp_path, base=base), tmp_path / "out")

    refused = [row for row in result.rows if row["refused"]]
    assert refused
    assert all(
        row["estimate"] is None and row["failed"] > 15 for row in refused if row["name"] == "power"
    )
    assert "failures_allowed is 0.05" in result.refused[0]


def test_results_are_selected_and_survive_a_lost_table(tmp_path: Path) -> None:
    result = swept(write_sweep(tmp_path), tmp_path / "out")
    (tmp_path / "out" / "characteristics.parquet").unlink()

    rows = rows_of(tmp_path / "out")
    chosen = matching_rows(rows, "patients_per_arm >= 10 and name == 'power' and effect == 0.2")

    without_theory = {"exact", "approximate", "gap_in_se"}
    for row, swept_row in zip(rows, result.rows, strict=True):
        assert {k: row[k] for k in row.keys() - without_theory} == {
            k: swept_row[k] for k in swept_row.keys() - without_theory
        }
    assert [row["patients"] for row in chosen] == [20, 30]
    with pytest.raises(BadInput, match="names 'patient'"):
        matching_rows(rows, "patient == 3")


def test_the_cost_is_said_beforehand(tmp_path: Path) -> None:
    sweep, out = load_sweep(write_sweep(tmp_path)), tmp_path / "out"

    cost = prepare_sweep(sweep, out, SweepOptions(trials=1_000), 1, lambda _line: None).forecast
    swept(sweep.path, out, SweepOptions(trials=1_000))
    second_cost = prepare_sweep(
        sweep, out, SweepOptions(trials=1_500), 1, lambda _line: None
    ).forecast

    size = sum(path.stat().st_size for path in (out / "trials").rglob("*.parquet"))
    assert (cost.cells, cost.trials, cost.trials_left) == (6, 1_000, 6_000)
    assert cost.bytes == pytest.approx(size, rel=0.35)
    assert second_cost.trials_left == 6 * 500
