"""Simulation, power and assurance for the phase 2 trial that follows a phase 1."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from phase2sim.core.measured import Measured as Measured
    from phase2sim.operating.simulation import Result as Result
    from phase2sim.operating.simulation import simulate as simulate
    from phase2sim.prior.draws import PriorDraws as PriorDraws
    from phase2sim.prior.fitting import fit as fit
    from phase2sim.reporting.report.api import report as report
    from phase2sim.scenario.scenario_file import Scenario as Scenario
    from phase2sim.scenario.scenario_file import load_scenario as load_scenario
    from phase2sim.studies.api import compare as compare
    from phase2sim.studies.api import results as results
    from phase2sim.studies.api import size as size
    from phase2sim.studies.api import sweep as sweep
    from phase2sim.studies.compare import ScenarioComparison as ScenarioComparison
    from phase2sim.studies.sizing.size_result import SizeResult as SizeResult
    from phase2sim.studies.sweeps.result_rows import Rows as Rows
    from phase2sim.studies.sweeps.sweep import SweepResult as SweepResult

# Public name -> where it is; loaded on first use, so that `phase2sim --help` stays quick.
_PUBLIC = {
    "ScenarioComparison": "phase2sim.studies.compare",
    "Measured": "phase2sim.core.measured",
    "PriorDraws": "phase2sim.prior.draws",
    "Result": "phase2sim.operating.simulation",
    "Rows": "phase2sim.studies.sweeps.result_rows",
    "Scenario": "phase2sim.scenario.scenario_file",
    "SizeResult": "phase2sim.studies.sizing.size_result",
    "SweepResult": "phase2sim.studies.sweeps.sweep",
    "compare": "phase2sim.studies.api",
    "fit": "phase2sim.prior.fitting",
    "load_scenario": "phase2sim.scenario.scenario_file",
    "report": "phase2sim.reporting.report.api",
    "results": "phase2sim.studies.api",
    "simulate": "phase2sim.operating.simulation",
    "size": "phase2sim.studies.api",
    "sweep": "phase2sim.studies.api",
}


def __getattr__(name: str) -> object:
    """Load a public name when it is first asked for."""
    if name not in _PUBLIC:
        raise AttributeError(f"module 'phase2sim' has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    """Public names."""
    return sorted(_PUBLIC)
