"""Draw the pictures of the README anew: `uv run python docs/images/draw.py`."""

import sys
from pathlib import Path

from rich.console import Console

from phase2sim.reporting.run import run_screen
from phase2sim.scenario import load_scenario
from phase2sim.simulation import simulate

HERE = Path(__file__).parent


def main() -> None:
    """Run the shipped scenario and save its first screen."""
    result = simulate(load_scenario("scenarios/gxipc1-phase2.toml"), report=sys.stderr.write)
    console = Console(record=True, width=118, highlight=False, quiet=False)
    console.print(run_screen(result))
    title = "phase2sim run scenarios/gxipc1-phase2.toml"
    console.save_svg(str(HERE / "first-screen.svg"), title=title)


main()
