"""Small reports for tests: a sweep of a moment, gathered from a folder of the test's own."""

from pathlib import Path

from support.small_sweeps import BASE
from support.small_trials import Table

from phase2sim.core.backends import backend
from phase2sim.scenario.scenario_file import load_scenario, scenario_from
from phase2sim.studies.dossier.dossier import Dossier, ReportOptions, gather, simulate_report

TRIALS = 200
SIZES_AND_NULLS = {"explorer": False, "moves": False, "examples": False, "replicas": False}


def small_dossier(folder: Path) -> Dossier:
    """Gather one endpoint at two visits, 200 trials."""
    path = folder / "base.toml"
    path.write_text(BASE, encoding="utf-8")
    wish = ReportOptions(trials=TRIALS)
    with backend() as here:
        keys = simulate_report(load_scenario(path), folder / "out", wish, here, ["test"])
    return gather(folder / "out", "test", wish, keys)


def dossier_of_table(table: Table, folder: Path, trials: int) -> Dossier:
    """Gather the sizes and the partial nulls of a scenario, and no more."""
    wish = ReportOptions(trials=trials, **SIZES_AND_NULLS)
    scenario = scenario_from(table, folder / "scenario.toml")
    with backend() as here:
        keys = simulate_report(scenario, folder / "out", wish, here, ["test"])
    return gather(folder / "out", "test", wish, keys)
