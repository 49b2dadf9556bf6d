"""Simulation, power and assurance for the phase 2 trial that follows a phase 1."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from phase2sim.contest import Contest as Contest
    from phase2sim.contracts import Measured as Measured
    from phase2sim.knowledge import PriorDraws as PriorDraws
    from phase2sim.prior import fit as fit
    from phase2sim.public import compare as compare
    from phase2sim.public import report as report
    from phase2sim.public import results as results
    from phase2sim.public import size as size
    from phase2sim.public import sweep as sweep
    from phase2sim.scenario import Scenario as Scenario
    from phase2sim.scenario import load_scenario as load_scenario
    from phase2sim.simulation import Result as Result
    from phase2sim.simulation import simulate as simulate
    from phase2sim.sizing.sized import Sized as Sized
    from phase2sim.sweeping.rows import Rows as Rows
    from phase2sim.sweeping.sweep import Swept as Swept

# Public name -> where it is; loaded on first use, so that `phase2sim --help` stays quick.
_PUBLIC = {
    "Contest": "phase2sim.contest",
    "Measured": "phase2sim.contracts",
    "PriorDraws": "phase2sim.knowledge",
    "Result": "phase2sim.simulation",
    "Rows": "phase2sim.sweeping.rows",
    "Scenario": "phase2sim.scenario",
    "Sized": "phase2sim.sizing.sized",
    "Swept": "phase2sim.sweeping.sweep",
    "compare": "phase2sim.public",
    "fit": "phase2sim.prior",
    "load_scenario": "phase2sim.scenario",
    "report": "phase2sim.public",
    "results": "phase2sim.public",
    "simulate": "phase2sim.simulation",
    "size": "phase2sim.public",
    "sweep": "phase2sim.public",
}


def __getattr__(name: str) -> object:
    """Load a public name when it is first asked for."""
    if name not in _PUBLIC:
        raise AttributeError(f"module 'phase2sim' has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    """Public names."""
    return sorted(_PUBLIC)
