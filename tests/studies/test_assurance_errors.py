"""One error of assurance, from trials and draws, in every command that prints it."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console, RenderableType
from support.kept_prior import DRAWS, PRIORS, keep
from support.small_sweeps import estimate, swept, write_sweep

from phase2sim.core.backends import backend
from phase2sim.core.measured import Measured
from phase2sim.operating.simulation import Result, simulate
from phase2sim.reporting.screens.explained import explanation_screen
from phase2sim.reporting.screens.run import explain_result
from phase2sim.reporting.screens.sweep import sweep_screen
from phase2sim.scenario.scenario_file import load_scenario
from phase2sim.scenario.sweep_file import load_sweep
from phase2sim.studies.compare import compare_scenarios
from phase2sim.studies.sizing.size import find_size
from phase2sim.studies.sizing.size_result import Search, sentences
from phase2sim.studies.sweeps.sweep import SweepOptions
from phase2sim.studies.sweeps.trial_targets import _trials_ratio

BASE = f"""
title = "HbA1c at month 6"
seed = 20261129
trials = 1500
evidence = ["{PRIORS}/gxipc1.toml", "{PRIORS}/t1d-natural-history.toml"]
[design]
kind = "fixed"
arms = ["control", "active"]
patients = 120
visits_months = [0, 6]
[population]
months_since_diagnosis = [0, 12]
[truth.target]
hba1c = {{ effect = -0.5, unit = "%", month = 6, shape = "linear" }}
[truth.prior]
robust_weight = 0.8
[[analysis]]
endpoint = "hba1c"
month = 6
method = "ancova"
[decision]
kind = "significance"
one_sided_alpha = 0.025
"""
SIZES = """
base = "base.toml"
truths = ["target", "null", "prior", "sceptical", "expected"]
reference = { patients = 120 }
[axes]
patients = { key = "design.patients", values = [60, 120] }
"""


@pytest.fixture
def sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PHASE2SIM_CACHE", str(tmp_path / "cache"))
    keep(tmp_path / "cache")
    return write_sweep(tmp_path, SIZES, BASE)


def run_of(sweep: Path, *settings: str, trials: int | None = None) -> Result:
    return simulate(load_scenario(sweep.with_name("base.toml"), settings), trials=trials)


def test_a_sweep_prints_the_errors_of_a_run(sweep: Path, tmp_path: Path) -> None:
    result = swept(sweep, tmp_path / "out")

    run = run_of(sweep)
    draws = 0
    for row in run.characteristics:
        stored = estimate(result, row.name, patients=120, truth=row.truth)
        assert stored["estimate"] == pytest.approx(row.measured.estimate)
        assert stored["mcse"] == pytest.approx(row.measured.mcse)
        assert stored["draws_mcse"] == pytest.approx(row.measured.draws_mcse)
        assert (row.measured.draws_mcse == 0.0) or row.truth not in {"target", "null"}
        draws += row.measured.draws_mcse > 0.0
    assert draws > 3


def test_trials_alone_do_not_make_assurance_look_exact(sweep: Path) -> None:
    """An error of p (1 - p) / trials alone would fall to a third."""
    few, many = (run_of(sweep, trials=n).assurance["hba1c"] for n in (1_000, 9_000))

    assert many.trials_mcse == pytest.approx(few.trials_mcse / 3.0, rel=0.1)
    assert many.draws_mcse > 2.0 * many.trials_mcse
    assert many.mcse > 0.5 * few.mcse


def test_a_comparison_has_the_paired_error_of_a_sweep(sweep: Path, tmp_path: Path) -> None:
    base = sweep.with_name("base.toml")
    scenarios = [load_scenario(base), load_scenario(base, ["design.patients=60"])]

    comparison = compare_scenarios(scenarios)

    stored = swept(sweep, tmp_path / "out")
    row = estimate(stored, "assurance", patients=60, truth="prior")
    (compared,) = (d.measured for d in comparison.differences if d.truth == "prior")
    assert compared.estimate == pytest.approx(row["difference"])
    # One divides by the number of trials, the other by one less.
    assert compared.mcse == pytest.approx(row["difference_mcse"], rel=1e-3)
    entries = [entry.go["prior"] for entry in comparison.entries]
    assert 0.0 < compared.draws_mcse < min(share.draws_mcse for share in entries)
    (power,) = (d.measured for d in comparison.differences if d.truth == "target")
    assert power.draws_mcse == 0.0


def test_a_size_says_what_other_draws_would_change(sweep: Path) -> None:
    goal = Search(criterion="assurance", target=0.3, tolerance=0.1, most=20_000, largest=600)
    with backend() as pool:
        sized = find_size(load_scenario(sweep.with_name("base.toml")), goal, pool)

    assert sized.answer is not None
    assert sized.ceiling is not None
    share = sized.answer.share
    assert share.draws_mcse > share.trials_mcse
    assert sized.ceiling.draws_mcse > 10.0 * sized.ceiling.trials_mcse
    words = " ".join(sentences(sized))
    assert f"would differ by about {share.draws_mcse:.4f}" in words
    assert "given the draws of the prior" in words


def test_a_size_has_the_share_and_the_errors_of_a_run_of_that_size(sweep: Path) -> None:
    goal = Search(criterion="assurance", target=0.3, tolerance=0.1, most=2_000, largest=600)
    with backend() as pool:
        sized = find_size(load_scenario(sweep.with_name("base.toml")), goal, pool)

    assert sized.search_result is not None
    point = max(sized.search_result.curve, key=lambda p: p.share.used)
    run = run_of(sweep, f"design.patients={point.value:.0f}", trials=point.share.used)
    assurance = run.assurance["hba1c"]
    errors = np.hypot(point.share.mcse, assurance.mcse)
    assert abs(point.share.estimate - assurance.estimate) < 4 * errors
    # Each holds a part estimated from 50 draws: an SD of 50 values has a relative error of 0.1.
    relative = np.sqrt(2.0 / (2.0 * (DRAWS - 1)))
    assert point.share.mcse == pytest.approx(assurance.mcse, rel=4 * relative)
    assert point.share.draws_mcse > 0


def test_a_sweep_stops_where_only_more_draws_would_help(sweep: Path, tmp_path: Path) -> None:
    result = swept(sweep, tmp_path / "out", SweepOptions(mcse=0.012))

    assert len(result.short_of_draws) == len(result.imprecise) == 2
    rows = [row for row in result.rows if row["name"] in {"power", "assurance", "type_i_error"}]
    fixed = [row for row in rows if row["truth"] in {"target", "null"}]
    assert all(row["mcse"] <= 0.012 for row in fixed)
    assert max(row["draws_mcse"] for row in rows) > 0.012
    assert max(row["trials"] for row in rows) < 20_000
    assert "too few draws" in _text(sweep_screen(result, load_sweep(sweep)))


@pytest.mark.parametrize(
    ("trials_mcse", "draws_mcse", "ratio"),
    [
        (0.02, 0.0, 4.0),
        (0.02, 0.03, 4.0),  # the draws are judged once the trials are precise enough
        (0.008, 0.006, 1.0),  # 0.8^2 + 0.6^2 = 1
        (0.008, 0.008, 0.64 / 0.36),
        (0.008, 0.010, None),
    ],
)
def test_trials_that_are_needed_leave_room_for_the_draws(
    trials_mcse: float, draws_mcse: float, ratio: float | None
) -> None:
    mcse = float(np.hypot(trials_mcse, draws_mcse))
    share = Measured(0.5, mcse, 100, 100, 0, draws_mcse=draws_mcse)

    assert _trials_ratio(share, 0.01) == pytest.approx(ratio)


def test_a_run_says_when_more_trials_hardly_help(sweep: Path) -> None:
    result = run_of(sweep, trials=9_000)

    limit = f"does not fall below {result.assurance['hba1c'].draws_mcse:.4f} (hba1c)"
    assert f"{limit}: the {DRAWS} draws of the prior" in " ".join(explain_result(result))
    assert f"{DRAWS} draws that represent the fitted prior" in _text(explanation_screen(result))
    without = replace(result, characteristics=tuple(
        row for row in result.characteristics if row.truth == "target"
    ))  # fmt: skip
    assert "draws of the prior" not in " ".join(explain_result(without))


def _text(screen: RenderableType) -> str:
    console = Console(width=400, record=True, file=io.StringIO())
    console.print(screen)
    return console.export_text()
