"""Every shipped scenario says in three lines what it asks, and runs."""

from pathlib import Path

import pytest
from support.kept_prior import keep

from phase2sim.operating.simulation import simulate
from phase2sim.scenario.scenario_file import load_scenario

LIBRARY = sorted((Path(__file__).parents[2] / "scenarios").glob("*.toml"))
OTHERS = {"gxipc1-phase2", "background-teplizumab", "meld-atg"}  # other patients
COMPARED = [path for path in LIBRARY if path.stem not in OTHERS]


@pytest.fixture(scope="module")
def fit_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    cache = tmp_path_factory.mktemp("cache")
    keep(cache)
    return cache


def test_there_are_designs_that_a_team_would_compare() -> None:
    assert len(COMPARED) >= 8


@pytest.mark.parametrize("path", COMPARED, ids=lambda path: path.stem)
def test_a_scenario_is_documented_in_three_lines(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()

    assert [line.startswith("# ") for line in lines[:4]] == [True, True, True, False]


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: path.stem)
def test_a_shipped_scenario_runs(
    path: Path, fit_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHASE2SIM_CACHE", str(fit_cache))

    result = simulate(load_scenario(path), trials=20)

    assert result.trials == 20
    assert all(0 <= power.estimate <= 1 for power in result.power.values())


def test_scenarios_that_are_compared_share_their_patients() -> None:
    seeds = {load_scenario(path).seed for path in COMPARED}
    populations = {str(load_scenario(path).population.eligible) for path in COMPARED}

    assert len(seeds) == len(populations) == 1
