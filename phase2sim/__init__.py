"""Simulation, power and assurance for the phase 2 trial that follows a phase 1."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from phase2sim.core.measured import Measured
    from phase2sim.operating.simulation import Result, simulate
    from phase2sim.prior.draws import PriorDraws
    from phase2sim.prior.fitting import fit
    from phase2sim.reporting.report.api import report
    from phase2sim.scenario.scenario_file import Scenario, load_scenario
    from phase2sim.studies.api import compare, results, size, sweep
    from phase2sim.studies.compare import ScenarioComparison
    from phase2sim.studies.sizing.size_result import SizeResult
    from phase2sim.studies.sweeps.result_rows import Rows
    from phase2sim.studies.sweeps.sweep import SweepResult

__all__ = [
    "Measured",
    "PriorDraws",
    "Result",
    "Rows",
    "Scenario",
    "ScenarioComparison",
    "SizeResult",
    "SweepResult",
    "compare",
    "fit",
    "load_scenario",
    "report",
    "results",
    "simulate",
    "size",
    "sweep",
]

# Public name -> its module; imported on first use, so that `phase2sim --help` stays quick.
_MODULES = {
    "Measured": "phase2sim.core.measured",
    "PriorDraws": "phase2sim.prior.draws",
    "Result": "phase2sim.operating.simulation",
    "Rows": "phase2sim.studies.sweeps.result_rows",
    "Scenario": "phase2sim.scenario.scenario_file",
    "ScenarioComparison": "phase2sim.studies.compare",
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
    """Import the module of a public name when the name is first used."""
    if name not in _MODULES:
        raise AttributeError(f"module 'phase2sim' has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    """Return the public names."""
    return __all__
