"""What `phase2sim boundaries` shows: of one treated arm, or of several that may be dropped."""

from typing import Any

from rich.console import RenderableType

from phase2sim.operating.simulation import Ready
from phase2sim.reporting.screens.arm_boundaries import arm_boundaries_json, arm_boundaries_screen
from phase2sim.reporting.screens.boundaries import boundaries_json, boundaries_screen
from phase2sim.studies.arm_boundary_table import arm_boundary_table
from phase2sim.studies.boundary_table import boundary_table
from phase2sim.trial.interim.dropping_rule import Dropping


def bounds_json(ready: Ready) -> dict[str, Any]:
    """Plain values, as ``--json`` prints them; raises ``BadScenario`` without looks."""
    scenario, rule = ready.assembled.parts.scenario, ready.assembled.parts.stopping
    if isinstance(rule, Dropping):
        found = arm_boundaries_json(rule, arm_boundary_table(ready.assembled, rule))
    else:
        found = boundaries_json(ready, boundary_table(ready.assembled))
    about = {
        "file": str(scenario.path),
        "title": scenario.title,
        "digest": scenario.digest,
        "patients": scenario.design["patients"],
    }
    return {"scenario": about, **found}


def bounds_screen(ready: Ready) -> RenderableType:
    """Tables; raises ``BadScenario`` for a scenario without looks."""
    rule = ready.assembled.parts.stopping
    if isinstance(rule, Dropping):
        return arm_boundaries_screen(ready, rule, arm_boundary_table(ready.assembled, rule))
    return boundaries_screen(ready, boundary_table(ready.assembled))
