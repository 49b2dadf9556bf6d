"""phase2sim boundaries: the bounds of a design with looks."""

from pathlib import Path

import click

from phase2sim.cli.screen import say, show, show_json
from phase2sim.operating.simulation import prepare_scenario
from phase2sim.reporting.screens.boundaries import bounds_json, bounds_screen
from phase2sim.scenario.scenario_file import load_scenario


@click.command()
@click.argument("scenario", type=click.Path(path_type=Path))
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY.PATH=VALUE",
    help="Change one key, such as stopping.efficacy.kind=pocock. Repeatable.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(scenario: Path, settings: tuple[str, ...], as_json: bool) -> None:
    """Print the boundaries of SCENARIO, a file with interim looks, on every scale.

    With the errors spent, the inflation factor, and where trials stop by theory: without an effect,
    with half of the target's, and with the target's. `phase2sim run` simulates the same. Of several
    arms that may be dropped: also what becomes of each, and the least favourable effects.

    \b
    Examples:
      phase2sim boundaries scenarios/gxipc1-futility.toml
      phase2sim boundaries scenarios/gxipc1-futility.toml --json
      phase2sim boundaries scenarios/doses-dropped.toml
    """
    ready = prepare_scenario(load_scenario(scenario, settings), say)
    if as_json:
        show_json(bounds_json(ready))
    else:
        show(bounds_screen(ready))
